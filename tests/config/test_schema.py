"""Files of a folder, and the hint for an unknown name."""

from pathlib import Path

import pytest

from aexad.config.benchmark import read_benchmark
from aexad.config.builtin import catalogue_paths
from aexad.config.catalogue import read_catalogue
from aexad.config.methods import read_methods
from aexad.config.schema import nearest
from aexad.runtime.errors import ConfigError


@pytest.mark.parametrize("name", ["b.yml", "b.YAML"])
@pytest.mark.parametrize("read", [read_methods, read_catalogue])
def test_a_file_with_another_ending_is_not_left_out(tmp_path: Path, read, name) -> None:
    for each in ("a.yaml", name, "notes.md"):
        (tmp_path / each).write_text("")
    with pytest.raises(ConfigError) as error:
        read(tmp_path)
    assert str(error.value) == f"{tmp_path / name}: files of a folder end in .yaml; rename it"
    assert read(tmp_path / "a.yaml", tmp_path / name) == {}


def test_a_catalogue_with_another_ending_is_not_left_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    catalogue_paths()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/datasets.yml").write_text("")
    with pytest.raises(ConfigError, match=r"config/datasets\.yml: .* ends in \.yaml; rename it"):
        catalogue_paths()


def test_a_benchmark_with_another_ending_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("")
    with pytest.raises(ConfigError, match=r"mine\.yml: files of a folder end in \.yaml; rename"):
        read_benchmark(tmp_path, "mine")


def test_a_hint_names_a_few_of_many() -> None:
    many = [f"aexad-{number:03}" for number in range(300)]
    hint = nearest("x", many)
    assert hint.startswith("known: aexad-000, aexad-001, ")
    assert hint.endswith("aexad-019 and 280 more")
    assert nearest("x", many[:20]).endswith("aexad-019")
    assert nearest("aexad-12", many).startswith("did you mean 'aexad-")


def test_a_hint_where_there_are_no_names() -> None:
    assert nearest("x", []) == "there are none"
