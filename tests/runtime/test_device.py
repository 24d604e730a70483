"""A job's device is set up so that the same seed gives the same bytes."""

import os

import pytest
import torch

from aexad.runtime.device import use_device


@pytest.fixture
def settings_restored(monkeypatch: pytest.MonkeyPatch):
    """Undo what `use_device` sets for the whole process."""
    threads = torch.get_num_threads()
    tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    yield monkeypatch
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


def test_float32_is_exact_and_results_do_not_vary(settings_restored) -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    use_device("cpu", 1)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_workspace_that_the_user_set_is_kept(settings_restored) -> None:
    settings_restored.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    use_device("cpu", 1)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
