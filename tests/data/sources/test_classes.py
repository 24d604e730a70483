"""Classes of images: every source is converted to one layout, completely or not at all."""

import functools
import gzip
import http.server
import json
import pickle
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets
from class_files import (
    BATCH,
    FILES,
    NAMES,
    digits,
    idx,
    md5_of,
    write_batches,
    write_classes,
    write_idx,
)
from PIL import Image

from aexad.config.catalogue import Dataset
from aexad.data.index import build_index
from aexad.data.layouts.class_folders import BATCHES
from aexad.data.sources.fetch import fetch
from aexad.runtime.errors import ConfigError, DataError, DownloadError

CLASSES = Dataset(title="Digits", adaptor="class_folders", categories=["0", "1"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data/digits"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """A function that serves a folder over HTTP and returns its address."""
    servers = []

    def serve(folder: Path) -> str:
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        handler = functools.partial(Quiet, directory=str(folder))
        one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=one.serve_forever, daemon=True).start()
        servers.append(one)
        return f"http://127.0.0.1:{one.server_port}/"

    yield serve
    for one in servers:
        one.shutdown()
        one.server_close()


def listed(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def check_digits(folder: Path) -> None:
    """Check that every image of the IDX files is in the folder of its label, pixel by pixel."""
    for split in NAMES:
        images, labels = digits(split)
        assert len(list((folder / split).rglob("*.png"))) == len(images)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            with Image.open(folder / split / str(label) / f"{number:05}.png") as file:
                assert file.mode == "L"
                np.testing.assert_array_equal(np.asarray(file), image)


@pytest.mark.parametrize("subfolder", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_become_class_folders(
    folder: Path, tmp_path: Path, subfolder: str, packed: bool
) -> None:
    source = tmp_path / "mine"
    write_idx(source / subfolder, packed, dot=packed)
    before = listed(source)
    marker = fetch("digits", CLASSES, folder, source)
    check_digits(folder)
    assert listed(source) == before
    origin = json.loads(marker.read_text())
    assert (origin["source"], origin["address"]) == ("converted", str(source))
    table = build_index(folder, "digits", CLASSES)
    assert table["category"].tolist() == ["0"] * 5 + ["1"] * 5
    assert set(table["defect"]) == {"good"}
    assert set(table["mask"]) == {""}
    assert table["image"].tolist()[:3] == [f"test/0/0000{i}.png" for i in (0, 2)] + [
        "train/0/00000.png"
    ]
    when = folder.stat().st_mtime_ns
    fetch("digits", CLASSES, folder, source)
    assert folder.stat().st_mtime_ns == when
    assert sorted(path.name for path in folder.parent.iterdir()) == ["digits", "digits.json"]


def test_changed_idx_files_are_converted_again(folder: Path, tmp_path: Path) -> None:
    source = write_idx(tmp_path / "mine")
    fetch("digits", CLASSES, folder, source)
    images, _ = digits("train")
    (source / FILES[0]).write_bytes(idx(255 - images))
    fetch("digits", CLASSES, folder, source)
    with Image.open(folder / "train/0/00000.png") as file:
        np.testing.assert_array_equal(np.asarray(file), 255 - images[0])


def test_an_archive_may_hold_idx_files(folder: Path, tmp_path: Path) -> None:
    write_idx(tmp_path / "set/MNIST/raw", packed=True)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "set", "set")
    fetch("digits", CLASSES, folder, tmp_path / "a.tar")
    check_digits(folder)


def test_class_folders_in_a_zip_archive_are_kept_unchanged(folder: Path, tmp_path: Path) -> None:
    source = write_classes(tmp_path / "pets", "cat", "dog", ending="jpg")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for name in listed(source):
            archive.write(source / name, f"pets/{name}")
    pets = CLASSES.model_copy(update={"categories": None})
    fetch("digits", pets, folder, tmp_path / "pets.zip")
    for name in listed(source):
        assert (folder / name).read_bytes() == (source / name).read_bytes()
    assert build_index(folder, "digits", pets)["category"].unique().tolist() == ["cat", "dog"]


def test_a_folder_of_classes_is_linked(folder: Path, tmp_path: Path) -> None:
    source = write_classes(tmp_path / "pets", "0", "1")
    fetch("digits", CLASSES, folder, source)
    assert folder.is_symlink()
    assert len(build_index(folder, "digits", CLASSES)) == 8


def test_batches_of_cifar_become_class_folders(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = write_batches(tmp_path / BATCHES, monkeypatch)
    for source in (tmp_path, batches):
        fetch("cifar", CLASSES, folder, source)
        assert listed(folder)[1:] == [
            *(f"test/airplane/0000{i}.png" for i in (1, 2)),
            *(f"test/automobile/0000{i}.png" for i in (0, 3)),
            *(f"train/airplane/0000{i}.png" for i in (0, 3)),
            *(f"train/automobile/0000{i}.png" for i in (1, 2)),
        ]
        with Image.open(folder / "train/automobile/00002.png") as file:
            pixels = np.asarray(file)
        np.testing.assert_array_equal(pixels.transpose(2, 0, 1).ravel(), BATCH[2])
        shutil.rmtree(folder)


def test_a_pickle_with_another_md5_is_never_opened(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = write_batches(tmp_path / BATCHES, monkeypatch)

    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "harmed",))

    for name in ("data_batch_1", "test_batch", "batches.meta"):
        whole = (batches / name).read_bytes()
        (batches / name).write_bytes(pickle.dumps(Harm()))
        with pytest.raises(DataError, match=r"cifar-10-batches-py: a file .* another md5") as error:
            fetch("cifar", CLASSES, folder, tmp_path)
        assert "\n" not in str(error.value)
        assert not (tmp_path / "harmed").exists()
        assert not list(folder.parent.iterdir())
        (batches / name).write_bytes(whole)


def test_torchvision_downloads_once_and_checks(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: Callable[[Path], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    served = write_idx(tmp_path / "served", packed=True)
    mnist = torchvision.datasets.MNIST
    resources = [(f"{name}.gz", md5_of(served / f"{name}.gz")) for name in FILES]
    monkeypatch.setattr(mnist, "mirrors", ["http://127.0.0.1:9/", server(served)])
    monkeypatch.setattr(mnist, "resources", resources)
    dataset = CLASSES.model_copy(update={"torchvision": "MNIST"})
    marker = fetch("digits", dataset, folder)
    check_digits(folder)
    assert json.loads(marker.read_text())["source"] == "torchvision"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["digits", "digits.json"]
    assert "Licence" in capsys.readouterr().err
    # A complete folder is not downloaded again; a new licence in the catalogue goes to the marker.
    monkeypatch.setattr(mnist, "mirrors", [])
    fetch("digits", dataset.model_copy(update={"licence": "free"}), folder)
    assert json.loads(marker.read_text())["licence"] == "free"


def test_a_download_that_fails_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Callable[[Path], str]
) -> None:
    served = write_idx(tmp_path / "served", packed=True)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [server(served)])
    cifar = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    for kind in ("MNIST", "CIFAR10"):  # another md5, and no server
        dataset = CLASSES.model_copy(update={"torchvision": kind})
        with pytest.raises(DownloadError) as error:
            fetch("digits", dataset, folder)
        message = str(error.value)
        assert message.startswith(f"data set 'digits': torchvision could not download {kind} (")
        assert message.endswith("name their folder: --config 'sources={digits: FOLDER}'")
        assert "\n" not in message
        assert not list(folder.parent.iterdir())


def test_a_source_without_classes_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine/train/0").mkdir(parents=True)
    with pytest.raises(
        ConfigError, match=r"source of data set 'digits': .*/mine: no classes in it"
    ):
        fetch("digits", CLASSES, folder, tmp_path / "mine")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(
        DownloadError, match=r"a\.zip: no folder in this archive has the form train/<class>"
    ):
        fetch("digits", CLASSES, folder, tmp_path / "a.zip")
    assert not list(folder.parent.iterdir())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (0, lambda data: b"\0\0\x09" + data[3:], "no IDX file of images: it begins with 00000903"),
        (
            0,
            lambda data: b"",
            "no IDX file of images: it begins with nothing and not with 00000803",
        ),
        (1, lambda data: idx(digits("train")[0]), "no IDX file of labels: it begins with 00000803"),
        (0, lambda data: data[:9], "truncated within its header"),
        (0, lambda data: data[:-1], "209 bytes of images, and its header announces 6 x 5 x 7"),
        (0, lambda data: data + b"\0", "211 bytes of images, and its header announces 6 x 5 x 7"),
        (2, lambda data: idx(np.zeros((0, 5, 7), np.uint8)), "0 bytes of images"),
        (3, lambda data: idx(digits("train")[1]), "4 images, but 6 labels in t10k-labels"),
    ],
)
def test_a_damaged_idx_file_gives_one_line(
    folder: Path,
    tmp_path: Path,
    packed: bool,
    name: int,
    change: Callable[[bytes], bytes],
    message: str,
) -> None:
    source = write_idx(tmp_path / "mine", packed)
    path = source / (FILES[name] + (".gz" if packed else ""))
    content = path.read_bytes()
    changed = change(gzip.decompress(content) if packed else content)
    path.write_bytes(gzip.compress(changed) if packed else changed)
    with pytest.raises(DataError) as error:
        fetch("digits", CLASSES, folder, source)
    assert message in str(error.value)
    assert "again" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(folder.parent.iterdir())


def test_damaged_and_missing_gzip_files_are_named(folder: Path, tmp_path: Path) -> None:
    source = write_idx(tmp_path / "mine", packed=True)
    path = source / f"{FILES[0]}.gz"
    whole = path.read_bytes()
    for damaged in (whole[:-20], whole[:20] + bytes(20) + whole[40:], b"no gzip"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: damaged or truncated"):
            fetch("digits", CLASSES, folder, source)
    path.unlink()
    with pytest.raises(DataError, match=r"mine: train-images-idx3-ubyte missing; all four files"):
        fetch("digits", CLASSES, folder, source)


def test_the_index_lists_deviations_from_the_layout(tmp_path: Path) -> None:
    every = CLASSES.model_copy(update={"categories": None})
    root = write_classes(tmp_path / "set", "cat", "dog")
    shutil.rmtree(root / "test/dog")
    with pytest.raises(DataError, match=r"set/test/dog: no such folder; add it, with images"):
        build_index(root, "set", every)
    with pytest.raises(DataError, match=r"train/bird: no such folder.*\n.*test/bird"):
        build_index(root, "set", every.model_copy(update={"categories": ["bird", "cat"]}))
    write_classes(root, "good", "dog")
    with pytest.raises(DataError, match="'good' is what normal images are called; rename"):
        build_index(root, "set", every)
    with pytest.raises(DataError, match="fewer than two classes"):
        build_index(root, "set", every.model_copy(update={"categories": ["cat"]}))
    (root / "test/cat/000.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"test/cat/000\.png: the file is empty"):
        build_index(root, "set", every.model_copy(update={"categories": ["cat", "dog"]}))
