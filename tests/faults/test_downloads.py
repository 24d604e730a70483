"""Downloads from a local server that misbehaves on request."""

import hashlib
import tarfile
import threading
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import miniature_sets
import pytest
from misbehaving_server import CONTENT, Server

from aexad.config.catalogue import Dataset, Download
from aexad.data.sources import fetch as fetching
from aexad.data.sources import http
from aexad.data.sources.http import download, sha256_of
from aexad.runtime.errors import DownloadError


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.given_up.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the pauses between trials by a list of their lengths."""
    lengths: list[float] = []
    monkeypatch.setattr(http.time, "sleep", lengths.append)
    return lengths


def origin(server: Server, content: bytes = CONTENT) -> Download:
    digest = hashlib.sha256(content).hexdigest()
    return Download(url=server.url, sha256=digest, size_gb=1e-6)


def test_a_whole_download(server: Server, tmp_path: Path) -> None:
    path = download("set", origin(server), tmp_path / "downloads")
    assert path == tmp_path / "downloads/set one.tar"
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["set one.tar"]
    assert "Range" not in server.requests[0]


def test_a_whole_file_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    download("set", origin(server), tmp_path)
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_an_interrupted_download_is_resumed(server: Server, tmp_path: Path) -> None:
    server.misdeeds = ["cut", "cut"]
    path = download("set", origin(server), tmp_path)
    assert path.read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert [request.get("Range") for request in server.requests] == [
        None,
        f"bytes={half}-",
        f"bytes={half + half // 2}-",
    ]
    assert [request.get("If-Range") for request in server.requests] == [None, '"v1"', '"v1"']


def test_a_later_call_resumes(server: Server, tmp_path: Path) -> None:
    server.misdeeds = ["cut", 404]
    with pytest.raises(DownloadError, match="404"):
        download("set", origin(server), tmp_path)
    assert (tmp_path / "set one.tar.part").stat().st_size == len(CONTENT) // 2
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == f"bytes={len(CONTENT) // 2}-"


def test_a_part_without_a_state_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set one.tar.part").write_bytes(CONTENT[:1000])
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT
    assert server.requests[0]["Range"] == "bytes=1000-"


def test_a_part_that_is_whole_is_accepted(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set one.tar.part").write_bytes(CONTENT)
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set one.tar.part").write_bytes(CONTENT + b"more")
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.misdeeds = ["cut"]
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT


def test_a_file_that_changed_on_the_server_starts_anew(server: Server, tmp_path: Path) -> None:
    server.misdeeds = ["cut", 403]
    with pytest.raises(DownloadError, match="403"):
        download("set", origin(server), tmp_path)
    server.content, server.etag = CONTENT[::-1], '"v2"'
    path = download("set", origin(server, server.content), tmp_path)
    assert path.read_bytes() == CONTENT[::-1]


def test_the_part_of_another_address_is_not_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set one.tar.part").write_bytes(b"another file")
    (tmp_path / "set one.tar.part.json").write_text('{"url": "http://other/", "validator": null}')
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT
    assert "Range" not in server.requests[0]


def test_another_range_than_the_requested_one(server: Server, tmp_path: Path) -> None:
    server.misdeeds = ["cut", "other range"]
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT


def test_temporary_errors_of_the_server(
    server: Server, tmp_path: Path, pauses: list[float]
) -> None:
    server.misdeeds = [500, 503, 429]
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT
    assert pauses == [1.0, 2.0, 4.0]


def test_permanent_errors_of_the_server(
    server: Server, tmp_path: Path, pauses: list[float]
) -> None:
    server.misdeeds = [503] * 99
    with pytest.raises(DownloadError) as error:
        download("set", origin(server), tmp_path)
    assert str(error.value) == (
        f"{server.url}: 503 Service Unavailable (6 trials); try again later (partial downloads are "
        "kept), or get the archive by other means and name it: --config 'sources={set: FILE}'"
    )
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_server_that_stalls(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.5)
    server.misdeeds = ["stall"]
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT
    assert pauses == [1.0]
    assert len(server.requests) == 2


def mirrored(server: Server, *names: str) -> Download:
    """An origin with mirrors on the same server."""
    mirrors = [server.url.replace("/files/", f"/{name}/") for name in names]
    return origin(server).model_copy(update={"mirrors": mirrors})


def requested(server: Server) -> list[str]:
    return [path.split("/")[1] for path in server.paths]


@pytest.mark.parametrize("misdeed", [404, "wrong file"])
def test_mirrors_are_tried_in_turn(server: Server, tmp_path: Path, misdeed: int | str) -> None:
    server.misdeeds = [misdeed, misdeed]
    path = download("set", mirrored(server, "one", "two", "three"), tmp_path)
    assert path.read_bytes() == CONTENT
    assert requested(server) == ["files", "one", "two"]
    assert [file.name for file in tmp_path.iterdir()] == ["set one.tar"]


def test_a_part_from_one_mirror_is_not_resumed_from_another(server: Server, tmp_path: Path) -> None:
    server.misdeeds = ["cut", 404]
    assert download("set", mirrored(server, "one"), tmp_path).read_bytes() == CONTENT
    assert requested(server) == ["files", "files", "one"]
    assert "Range" not in server.requests[-1]


def test_every_address_fails(server: Server, tmp_path: Path) -> None:
    server.misdeeds = [404, "wrong file"]
    with pytest.raises(DownloadError) as error:
        download("set", mirrored(server, "one"), tmp_path)
    first, second, *rest = str(error.value).split("; ")
    assert first == f"{server.url}: 404 Not Found"
    assert second.startswith(server.url.replace("/files/", "/one/") + ": the sha256 is ")
    assert rest[-1].endswith("name it: --config 'sources={set: FILE}'")
    assert "\n" not in str(error.value)


def test_a_damaged_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    path = download("set", origin(server), tmp_path)
    path.write_bytes(CONTENT[:-1])
    assert download("set", origin(server), tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_wrong_address_is_not_tried_again(server: Server, tmp_path: Path) -> None:
    server.misdeeds = [404]
    with pytest.raises(DownloadError, match="404 Not Found; try again later"):
        download("set", origin(server), tmp_path)
    assert len(server.requests) == 1


def test_no_server(tmp_path: Path, pauses: list[float]) -> None:
    nowhere = Download(url="http://127.0.0.1:9/a.tar", sha256="0" * 64, size_gb=1e-6)
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9/a\.tar: .*refused"):
        download("set", nowhere, tmp_path)
    assert len(pauses) == 5


def test_a_wrong_digest_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(DownloadError) as error:
        download("set", origin(server), tmp_path)
    for content in (CONTENT, CONTENT[::-1]):
        assert hashlib.sha256(content).hexdigest() in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(0, 0, 10e9))
    large = Download(url=server.url, sha256="0" * 64, size_gb=5.3)
    with pytest.raises(DownloadError, match=r"needs 10\.6 GB .* has 10\.0 GB left"):
        download("set", large, tmp_path)
    assert server.requests == []


def test_a_disk_that_is_too_small_for_the_announced_size(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a size in the catalogue, the size that the server announces is checked."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(0, 0, len(CONTENT)))
    unknown = origin(server).model_copy(update={"size_gb": None})
    with pytest.raises(DownloadError, match="for archive and files, and the disk of"):
        download("set", unknown, tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_nothing_is_extracted_before_its_digest_is_verified(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "extract", lambda *_: pytest.fail("extracted"))
    server.misdeeds = ["wrong file"]
    entry = Dataset(title="Set", adaptor="mvtec_layout", download=origin(server))
    with pytest.raises(DownloadError, match="the sha256 is"):
        fetching.fetch("set", entry, tmp_path / "data/set")
    assert list((tmp_path / "data").iterdir()) == [tmp_path / "data/downloads"]
    assert list((tmp_path / "data/downloads").iterdir()) == []


def test_the_licence_is_printed_once(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = miniature_sets.mvtec_ad(tmp_path / "tree")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        file.add(tree, "tree")
    server.content = (tmp_path / "a.tar").read_bytes()
    entry = Dataset(
        title="Set", adaptor="mvtec_layout", licence="CC0", download=origin(server, server.content)
    )
    for _ in range(2):
        fetching.fetch("set", entry, tmp_path / "data/set")
    assert capsys.readouterr().err == "set: Set. Licence: CC0.\n"
    assert len(server.requests) == 1


def test_projects_that_share_a_folder_of_data_download_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = miniature_sets.mvtec_ad(tmp_path / "tree")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        file.add(tree, "tree")
    server.content = (tmp_path / "a.tar").read_bytes()
    entry = Dataset(title="Set", adaptor="mvtec_layout", download=origin(server, server.content))

    def slow(*arguments: object) -> Path:
        threading.Event().wait(0.3)
        return download(*arguments)

    monkeypatch.setattr(fetching, "download", slow)
    folder = tmp_path / "data/set"
    with ThreadPoolExecutor(3) as threads:
        assert len({*threads.map(lambda _: fetching.fetch("set", entry, folder), range(3))}) == 1
    assert len(server.requests) == 1
    assert {path.name for path in folder.parent.iterdir()} == {"downloads", "set", "set.json"}


def test_errors_of_the_disk_are_not_retried(
    server: Server, tmp_path: Path, pauses: list[float]
) -> None:
    (tmp_path / "set one.tar.part").mkdir()
    with pytest.raises(DownloadError, match="cannot be written"):
        download("set", origin(server), tmp_path)
    assert pauses == []


def test_sha256_of(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
