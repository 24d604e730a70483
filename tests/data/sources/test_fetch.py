"""Fetch a data set completely or not at all, and never replace files of the user."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from aexad.config.catalogue import Dataset, Download
from aexad.data.index import build_index
from aexad.data.sources import fetch as module
from aexad.data.sources.fetch import STAMP, fetch, marker_path
from aexad.data.sources.textures import PIXELS_SHA256
from aexad.runtime.errors import ConfigError, DownloadError
from aexad.runtime.files import sha256_of

LOCAL = Dataset(title="Set", adaptor="mvtec_layout", licence="CC BY 4.0", citation="Somebody, 2020")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data/set"


def packed(tree: Path, path: Path, inside: str = "") -> Path:
    with tarfile.open(path, "w:gz") as file:
        for part in sorted(tree.iterdir()):
            file.add(part, f"{inside}{part.name}")
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != STAMP
    }


def read(marker: Path) -> dict[str, str | None]:
    return json.loads(marker.read_text())


def test_a_local_folder_is_linked(
    tree: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(tree)
    marker = fetch("set", LOCAL, folder, tree)
    assert folder.is_symlink()
    assert folder.resolve() == tree
    assert marker == marker_path(folder) == folder.parent / "set.json"
    assert read(marker) == {
        "name": "set",
        "source": "folder",
        "address": str(tree),
        "sha256": None,
        "licence": "CC BY 4.0",
    }
    assert content(tree) == before
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "set: Set. Licence: CC BY 4.0. Please cite: Somebody, 2020\n"


def test_a_complete_folder_is_not_changed(
    tree: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = packed(tree, tmp_path / "a.tgz")
    for source in (tree, archive):
        marker = fetch("set", LOCAL, folder, source)
        capsys.readouterr()
        before = marker.stat().st_mtime_ns, folder.lstat().st_mtime_ns
        assert fetch("set", LOCAL, folder, source) == marker
        assert (marker.stat().st_mtime_ns, folder.lstat().st_mtime_ns) == before
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize("inside", ["", "set-1.0/", "a/b/"])
def test_a_local_archive_is_extracted(
    tree: Path, folder: Path, tmp_path: Path, inside: str
) -> None:
    archive = packed(tree, tmp_path / "a.tgz", inside)
    marker = fetch("set", LOCAL, folder, archive)
    assert content(folder) == content(tree)
    assert read(marker)["sha256"] == sha256_of(archive)
    assert read(marker)["address"] == str(archive)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["set", "set.json"]
    assert len(build_index(folder, "set", LOCAL)) == 21


def test_an_archive_with_a_single_category_keeps_it(
    tree: Path, folder: Path, tmp_path: Path
) -> None:
    shutil.rmtree(tree / "nut")
    fetch("set", LOCAL, folder, packed(tree, tmp_path / "a.tgz"))
    assert content(folder) == content(tree)


def test_a_lost_marker_is_written_again(tree: Path, folder: Path, tmp_path: Path) -> None:
    """Snakemake removes the output of a rule before it runs the rule again."""
    archive = packed(tree, tmp_path / "a.tgz")
    marker = fetch("set", LOCAL, folder, archive)
    before = marker.read_bytes(), folder.stat().st_mtime_ns
    marker.unlink()
    fetch("set", LOCAL, folder, archive)
    assert (marker.read_bytes(), folder.stat().st_mtime_ns) == before


def test_another_source_replaces_a_fetched_folder(tree: Path, folder: Path, tmp_path: Path) -> None:
    archive = packed(tree, tmp_path / "a.tgz")
    shutil.rmtree(tree / "nut")
    smaller = packed(tree, tmp_path / "b.tgz")
    for source in (archive, smaller, tree, archive):
        marker = fetch("set", LOCAL, folder, source)
        assert read(marker)["address"] == str(source)
        assert folder.is_symlink() == source.is_dir()
        assert (folder / "nut").exists() == (source == archive)
    assert tree.is_dir()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["set", "set.json"]


def test_a_folder_of_the_user_is_never_replaced(tree: Path, folder: Path, tmp_path: Path) -> None:
    archive = packed(tree, tmp_path / "a.tgz")
    shutil.copytree(tree, folder)
    before = content(folder)
    with pytest.raises(ConfigError, match=r"set exists, but was not made by fetch; .*name it"):
        fetch("set", LOCAL, folder, archive)
    assert content(folder) == before


def test_a_link_is_replaced_and_its_target_stays(tree: Path, folder: Path, tmp_path: Path) -> None:
    """This also works without the marker: Snakemake removes it before it fetches again."""
    archive = packed(tree, tmp_path / "a.tgz")
    before = content(tree)
    fetch("set", LOCAL, folder, tree).unlink()
    marker = fetch("set", LOCAL, folder, archive)
    assert not folder.is_symlink()
    assert read(marker)["source"] == "archive"
    assert content(folder) == content(tree) == before


def test_a_folder_of_the_user_can_be_used_in_place(tree: Path, folder: Path) -> None:
    shutil.copytree(tree, folder)
    before = content(folder)
    marker = fetch("set", LOCAL, folder, folder)
    assert not folder.is_symlink()
    assert content(folder) == before
    assert read(marker)["source"] == "folder"


def test_an_empty_folder_or_a_broken_link_is_replaced(tree: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    fetch("set", LOCAL, folder, tree)
    assert folder.resolve() == tree
    folder.unlink()
    folder.symlink_to("nowhere")
    fetch("set", LOCAL, folder, tree)
    assert folder.resolve() == tree


def test_a_refused_archive_leaves_nothing(tree: Path, folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as file:
        file.add(tree, "set")
        file.addfile(tarfile.TarInfo("../evil"))
    with pytest.raises(DownloadError, match="not safe"):
        fetch("set", LOCAL, folder, archive)
    assert list(folder.parent.iterdir()) == []


def test_a_failure_keeps_the_former_folder(tree: Path, folder: Path, tmp_path: Path) -> None:
    fetch("set", LOCAL, folder, packed(tree, tmp_path / "a.tgz"))
    before = content(folder)
    (tmp_path / "b.tgz").write_bytes(b"no archive")
    with pytest.raises(DownloadError, match="neither a tar"):
        fetch("set", LOCAL, folder, tmp_path / "b.tgz")
    assert content(folder) == before


def test_an_archive_of_another_layout(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "other/images").mkdir(parents=True)
    (tmp_path / "other/images/a.png").write_bytes(b"")
    archive = packed(tmp_path / "other", tmp_path / "a.tgz")
    with pytest.raises(DownloadError, match=r"no folder in this archive has the form <category>"):
        fetch("set", LOCAL, folder, archive)
    assert list(folder.parent.iterdir()) == []


def test_no_source(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"'set' has no download; .*'sources=\{set: PATH\}'"):
        fetch("set", LOCAL, folder)
    with pytest.raises(ConfigError, match=r"nothing: no such folder or archive; correct 'sources'"):
        fetch("set", LOCAL, folder, tmp_path / "nothing")
    assert not folder.parent.exists()


def test_the_source_of_the_catalogue(tree: Path, folder: Path) -> None:
    entry = Dataset(title="Set", adaptor="mvtec_layout", source=str(tree))
    fetch("set", entry, folder)
    assert folder.resolve() == tree


def test_the_home_folder(tree: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tree.parent))
    entry = Dataset(title="Set", adaptor="mvtec_layout", source="~/set")
    assert entry.source == str(tree)
    fetch("set", LOCAL, folder, "~/set")
    assert folder.resolve() == tree
    with pytest.raises(ConfigError, match="~nobody-of-that-name/set: no such folder or archive"):
        fetch("set", LOCAL, folder, "~nobody-of-that-name/set")


def test_a_download(
    tree: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed(tree, tmp_path / "a.tgz")
    origin = Download(url="https://example.org/a.tgz", sha256=sha256_of(archive), size_gb=1e-6)
    folders = []

    def downloaded(name: str, wanted: Download, target: Path) -> Path:
        assert (name, wanted) == ("set", origin)
        folders.append(target)
        target.mkdir()
        return Path(shutil.copy(archive, target))

    monkeypatch.setattr(module, "download", downloaded)
    entry = Dataset(title="Set", adaptor="mvtec_layout", download=origin)
    marker = fetch("set", entry, folder)
    assert folders == [folder.parent / "downloads"]
    assert list(folders[0].iterdir()) == []  # the archive is removed after extraction
    assert content(folder) == content(tree)
    assert read(marker)["address"] == origin.url
    fetch("set", entry, folder)
    fetch("set", entry, folder, archive)  # the same bytes from another source
    assert len(folders) == 1
    assert read(marker)["source"] == "archive"


def test_textures_are_drawn(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = Dataset(title="Textures", adaptor="textures", licence="CC0")
    marker = fetch("set", entry, folder)
    assert read(marker)["sha256"] == PIXELS_SHA256
    assert read(marker)["source"] == "textures"
    assert len(build_index(folder, "set", entry)) == 282
    monkeypatch.setattr(module, "draw_textures", lambda _: pytest.fail("drawn twice"))
    fetch("set", entry, folder)
    assert "differ" not in capsys.readouterr().err
    with pytest.raises(ConfigError, match="'set' is drawn;"):
        fetch("set", entry, folder, folder)


def test_textures_without_their_marker_are_drawn_again(folder: Path) -> None:
    """Snakemake removes the marker when the code that draws has changed."""
    entry = Dataset(title="Textures", adaptor="textures")
    marker = fetch("set", entry, folder)
    image = folder / "brick/train/good/000.png"
    drawn = image.read_bytes()
    image.write_bytes(b"drawn by older code")
    marker.unlink()
    fetch("set", entry, folder)
    assert image.read_bytes() == drawn


def test_other_pixels_give_a_warning(
    tree: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def drawn(target: Path) -> str:
        shutil.copytree(tree, target, dirs_exist_ok=True)
        return "0" * 64

    monkeypatch.setattr(module, "draw_textures", drawn)
    marker = fetch("set", Dataset(title="Textures", adaptor="textures"), folder)
    assert read(marker)["sha256"] == "0" * 64
    assert "the pixels differ from the reference" in capsys.readouterr().err
