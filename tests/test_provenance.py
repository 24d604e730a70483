import pytest

import aexad.provenance
from aexad.provenance import code_digest


@pytest.fixture(autouse=True)
def forget_digests():
    yield
    code_digest.cache_clear()
    aexad.provenance._imports.cache_clear()


def copy_of_library(monkeypatch, tmp_path, **edits):
    """Digests are taken of this copy, with some modules changed."""
    source_of = aexad.provenance._source

    def source(module):
        original = source_of(module)
        if module not in edits:
            return original
        path = tmp_path / f"{module}.py"
        path.write_text(original.read_text() + edits[module])
        return path

    monkeypatch.setattr(aexad.provenance, "_source", source)
    aexad.provenance._imports.cache_clear()


def digests():
    code_digest.cache_clear()
    verbs = ("data.augmentation", "training", "inference", "evaluation", "reporting.tables")
    return {verb: code_digest(f"aexad.{verb}") for verb in verbs}


def changed(monkeypatch, tmp_path, module):
    before = digests()
    copy_of_library(monkeypatch, tmp_path, **{module: "\n# edited\n"})
    after = digests()
    return {verb for verb in before if before[verb] != after[verb]}


def test_an_edit_of_a_metric_concerns_evaluation_alone(monkeypatch, tmp_path):
    assert changed(monkeypatch, tmp_path, "aexad.metrics.pro") == {"evaluation"}


def test_an_edit_of_the_heat_maps_does_not_train_again(monkeypatch, tmp_path):
    assert changed(monkeypatch, tmp_path, "aexad.heatmaps") >= {"inference"}
    assert "training" not in changed(monkeypatch, tmp_path, "aexad.heatmaps")


def test_an_edit_of_the_network_trains_again(monkeypatch, tmp_path):
    assert changed(monkeypatch, tmp_path, "aexad.models.aexad") == {"training", "inference"}


def test_messages_and_time_stamps_concern_nobody(monkeypatch, tmp_path):
    assert changed(monkeypatch, tmp_path, "aexad.errors") == set()
    copy_of_library(monkeypatch, tmp_path)
    assert digests() == digests()


def test_imports_inside_functions_count():
    assert "aexad.metrics.pro" in reachable("aexad.evaluation")


def reachable(module):
    found, waiting = set(), [module]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += aexad.provenance._imports(one)
    return found
