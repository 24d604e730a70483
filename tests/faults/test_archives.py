"""Archives that are sound, damaged or malicious."""

import io
import stat
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aexad.data.sources import archive
from aexad.data.sources.archive import extract
from aexad.runtime.errors import DownloadError

NAME, CONTENT = "bolt/train/good/000.png", b"pixels"


def tar(path: Path, *members: tuple[str, Any, bytes], mode: Any = "w") -> Path:
    """Write a tar archive of members (name, content or link target, type)."""
    with tarfile.open(path, mode) as file:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content
                file.addfile(info)
    return path


def zipped(path: Path, name: str, content: bytes = CONTENT, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = mode << 16
        file.writestr(info, content)
    return path


@pytest.fixture
def target_folder(tmp_path: Path) -> Path:
    """An empty folder, two levels below the folder of the test."""
    folder = tmp_path / "outer/inner"
    folder.mkdir(parents=True)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["", "gz", "bz2", "xz"])
def test_tar(tmp_path: Path, target_folder: Path, kind: str) -> None:
    members: list[tuple[str, Any, bytes]] = [
        ("./bolt", "", tarfile.DIRTYPE),
        (f"./{NAME}", CONTENT, tarfile.REGTYPE),
        ("empty.txt", b"", tarfile.REGTYPE),
    ]
    extract(tar(tmp_path / "a", *members, mode=f"w:{kind}"), target_folder)
    assert files(target_folder) == {NAME: CONTENT, "empty.txt": b""}


def test_zip(tmp_path: Path, target_folder: Path) -> None:
    path = zipped(tmp_path / "a.zip", NAME, mode=stat.S_IFREG | 0o777)
    with zipfile.ZipFile(path, "a") as file:
        file.mkdir("nut")
        file.writestr("nut\\train\\good\\000.png", b"made on Windows")
    extract(path, target_folder)
    assert files(target_folder) == {NAME: CONTENT, "nut/train/good/000.png": b"made on Windows"}
    assert not (target_folder / NAME).stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE])
def test_a_link_to_another_member_becomes_a_copy(
    tmp_path: Path, target_folder: Path, kind: bytes
) -> None:
    target = NAME if kind == tarfile.LNKTYPE else "000.png"
    links = tar(
        tmp_path / "a.tar",
        (NAME, CONTENT, tarfile.REGTYPE),
        ("bolt/train/good/001.png", target, kind),
    )
    extract(links, target_folder)
    copy = target_folder / "bolt/train/good/001.png"
    assert copy.read_bytes() == CONTENT
    assert not copy.is_symlink()


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/opt/evil", "..\\evil", "C:\\evil", "c:evil", "\\evil"]
)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_names_outside_of_the_folder_are_refused(
    tmp_path: Path, target_folder: Path, kind: str, name: str
) -> None:
    if kind == "tar":
        path = tar(tmp_path / "a", (name, b"evil", tarfile.REGTYPE))
    else:
        path = zipped(tmp_path / "a", name)
    with pytest.raises(DownloadError, match="not safe") as error:
        extract(path, target_folder)
    assert str(error.value).startswith(f"{path}: ")
    assert files(tmp_path) == {"a": path.read_bytes()}
    assert not Path("/opt/evil").exists()


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "missing", "self"])
def test_links_out_of_the_archive_are_refused(
    tmp_path: Path, target_folder: Path, kind: bytes, target: str
) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(DownloadError, match=r"links? to .* not safe"):
        extract(tar(tmp_path / "a", ("self", target, kind)), target_folder)
    assert files(target_folder) == {}


def test_a_file_written_through_a_link_stays_inside(tmp_path: Path, target_folder: Path) -> None:
    """The archive holds a link to a folder outside, then a file below the link."""
    links = tar(
        tmp_path / "a",
        ("door", str(tmp_path), tarfile.SYMTYPE),
        ("door/evil", b"evil", tarfile.REGTYPE),
    )
    with pytest.raises(DownloadError, match="not safe"):
        extract(links, target_folder)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_devices_are_refused(tmp_path: Path, target_folder: Path, kind: bytes) -> None:
    with pytest.raises(DownloadError, match=r"is a special file; .* not safe"):
        extract(tar(tmp_path / "a", ("dev", "", kind)), target_folder)


def test_folders_outside_of_the_folder_are_refused(tmp_path: Path, target_folder: Path) -> None:
    with pytest.raises(DownloadError, match="not safe"):
        extract(tar(tmp_path / "a", ("../evil", "", tarfile.DIRTYPE)), target_folder)


@pytest.mark.parametrize(
    "member",
    [("é\0", b"", tarfile.REGTYPE), ("link", "é\0", tarfile.SYMTYPE)],
    ids=["name", "link"],
)
def test_null_bytes_are_refused(
    tmp_path: Path, target_folder: Path, member: tuple[str, Any, bytes]
) -> None:
    with pytest.raises(DownloadError, match=r"a: (.* not safe|damaged)"):
        extract(tar(tmp_path / "a", member), target_folder)
    assert files(target_folder) == {}


def test_links_in_zip_archives_are_refused(tmp_path: Path, target_folder: Path) -> None:
    path = zipped(tmp_path / "a.zip", "link", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)
    with pytest.raises(DownloadError, match="link or a device"):
        extract(path, target_folder)


def test_damaged_and_other_files(tmp_path: Path, target_folder: Path) -> None:
    packed = zipped(tmp_path / "b.zip", NAME, bytes(range(256)) * 99)
    flipped = bytearray(packed.read_bytes())
    flipped[80] ^= 255
    packed.write_bytes(flipped)
    with pytest.raises(DownloadError, match=r"b\.zip: damaged"):
        extract(packed, target_folder)
    (tmp_path / "c.rar").write_bytes(b"Rar!")
    with pytest.raises(DownloadError, match="neither a tar"):
        extract(tmp_path / "c.rar", target_folder)
    (tmp_path / "d.tar").write_bytes(b"")
    with pytest.raises(DownloadError, match="the file is empty"):
        extract(tmp_path / "d.tar", target_folder)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.75])
def test_truncated_tar_archives(
    tmp_path: Path, target_folder: Path, mode: str, share: float
) -> None:
    rng = np.random.default_rng(0)
    members = [(str(index), rng.bytes(3000), tarfile.REGTYPE) for index in range(9)]
    whole = tar(tmp_path / "a", *members, mode=mode)
    content = whole.read_bytes()
    whole.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DownloadError, match=r"a: damaged|a: neither"):
        extract(whole, target_folder)


@pytest.mark.parametrize("header", [b"", b"cut", b"x" * 512])
def test_a_tar_archive_without_its_end(tmp_path: Path, target_folder: Path, header: bytes) -> None:
    """Python's tarfile reads these as whole archives."""
    whole = tar(tmp_path / "a", (NAME, CONTENT, tarfile.REGTYPE))
    whole.write_bytes(whole.read_bytes()[:1024] + header)
    with pytest.raises(DownloadError, match="a: damaged"):
        extract(whole, target_folder)


def test_encrypted_zip(tmp_path: Path, target_folder: Path) -> None:
    path = zipped(tmp_path / "a.zip", NAME)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DownloadError, match="is encrypted"):
        extract(path, target_folder)


def test_a_full_disk(tmp_path: Path, target_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10, 8, 2))
    with pytest.raises(DownloadError, match=f"{NAME} needs .* free some space"):
        extract(tar(tmp_path / "a", (NAME, CONTENT, tarfile.REGTYPE)), target_folder)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_bomb(
    tmp_path: Path, target_folder: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "HARMLESS", 10**7)
    zeros = bytes(archive.HARMLESS // 2)
    members = [(name, zeros, tarfile.REGTYPE) for name in ("a.bmp", "b.bmp", "c.bmp")]
    path = tar(tmp_path / "a", *members, mode=mode)
    assert path.stat().st_size < archive.HARMLESS / archive.MOST_EXPANDED
    with pytest.raises(DownloadError, match=r"a: expands to more than 0\.01 GB, .* not safe"):
        extract(path, target_folder)
    assert list(target_folder.iterdir()) == []


def test_a_zip_bomb(tmp_path: Path, target_folder: Path) -> None:
    path = zipped(tmp_path / "a.zip", NAME, bytes(archive.HARMLESS + 1))
    with pytest.raises(DownloadError, match=r"a\.zip: expands to more than .* not safe"):
        extract(path, target_folder)
    assert list(target_folder.iterdir()) == []


def test_a_zip_archive_with_a_wrong_size_in_its_directory(
    tmp_path: Path, target_folder: Path
) -> None:
    """The directory says 6 bytes, and the data would expand to a million."""
    path = zipped(tmp_path / "a.zip", NAME, bytes(10**6))
    content = bytearray(path.read_bytes())
    header = content.index(b"PK\x01\x02")
    content[header + 24 : header + 28] = (6).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DownloadError, match=r"a\.zip: damaged \(Bad CRC-32"):
        extract(path, target_folder)
    assert list(target_folder.iterdir()) == []


def test_photographs_that_compress_well_are_extracted(
    tmp_path: Path, target_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "HARMLESS", 10)
    rng = np.random.default_rng(0)
    pixels = np.repeat(rng.integers(0, 256, 20_000, np.uint8), 10).tobytes()
    extract(tar(tmp_path / "a", (NAME, pixels, tarfile.REGTYPE), mode="w:gz"), target_folder)
    assert files(target_folder) == {NAME: pixels}


@pytest.mark.parametrize("last", ["../evil", "/opt/evil"])
def test_one_unsafe_member_at_the_end_leaves_no_files(
    tmp_path: Path, target_folder: Path, last: str
) -> None:
    members = [(f"bolt/{index}.png", CONTENT, tarfile.REGTYPE) for index in range(5)]
    path = tar(tmp_path / "a", *members, (last, b"evil", tarfile.REGTYPE))
    with pytest.raises(DownloadError, match="not safe"):
        extract(path, target_folder)
    assert list(target_folder.iterdir()) == []
    assert files(tmp_path) == {"a": path.read_bytes()}
