"""Archives of runs: the same tables elsewhere, and nothing that does not fit."""

import hashlib
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fake_results import METHODS, make_tree

from aexad.archive.imported import command_differences, imported_runs
from aexad.archive.importing import import_archive
from aexad.archive.manifest import MANIFEST, MEASURED, RECORDS, read_manifest, read_record
from aexad.archive.writing import write_archive
from aexad.config.methods import Command, ExternalMaps, read_methods
from aexad.config.own_code import own_digest
from aexad.report.collect import write_collection
from aexad.report.inputs import find_inputs
from aexad.report.results import Results
from aexad.report.tables.write import write_tables
from aexad.runtime.errors import DataError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A benchmark with results, and its archive."""
    tree = make_tree(tmp_path_factory.mktemp("made"), seeds=(0, 1))
    path = tree.results / "demo.runs.zip"
    write_archive(path, tree.runs, [], tree.recipes, tree.results, "demo", "A trial")
    return tree, path


def rewritten(path, target, change):
    """A copy of an archive in which ``change`` edits the contents by name."""
    with zipfile.ZipFile(path) as old:
        contents = {name: old.read(name) for name in old.namelist()}
    change(contents)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in contents.items():
            new.writestr(name, content)
    return target


def tables_of(tree, results, inputs):
    folder = results / "demo"
    write_collection(inputs.runs, results, folder)
    read: Results = inputs.read_results(results, folder)
    write_tables(read, folder / "tables")
    return {path.name: path.read_text() for path in sorted((folder / "tables").glob("*.md"))}


def test_tables_of_imported_runs_are_those_of_the_runs(made, tmp_path):
    tree, path = made
    runs = import_archive(path, tmp_path, tree.recipes)
    assert sorted(runs) == sorted(tree.runs)
    imported, problems = imported_runs(tree.runs, tree.recipes, tmp_path)
    assert (imported, problems) == (tree.runs, [])
    inputs = tree.inputs()._replace(imported=imported)
    assert not inputs.pictured
    told = "All 12 runs were made elsewhere and imported from an archive."
    assert inputs.origin == told
    elsewhere = tables_of(tree, tmp_path, inputs)
    here = tables_of(tree, tree.results, tree.inputs())
    assert elsewhere.keys() == here.keys()
    for name, text in elsewhere.items():
        assert text.replace(f" {told}", "") == here[name], name
    assert sum(told in text for text in elsewhere.values()) > 3


def test_an_archive_holds_no_images_and_equal_bytes(made, tmp_path):
    tree, path = made
    again = tmp_path / "again.zip"
    write_archive(again, tree.runs, [], tree.recipes, tree.results, "demo", "A trial")
    assert again.read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert {name.rsplit("/")[-1] for name in archive.namelist()} == {
            *("manifest.json", "split.csv", "metrics.json", "per_image.csv", "counts.npz"),
            *("provenance.json", "training.csv", "inference.json"),
        }
        text = b"".join(archive.read(name) for name in archive.namelist())
        compressed = {
            each.filename for each in archive.infolist() if each.compress_type == zipfile.ZIP_LZMA
        }
    assert compressed == {f"{run.folder}/counts.npz" for run in tree.runs}
    assert str(tree.results).encode() not in text


def test_an_imported_archive_is_archived_again_with_the_same_bytes(made, tmp_path):
    tree, path = made
    import_archive(path, tmp_path, tree.recipes)
    again = tmp_path / "again.zip"
    write_archive(again, tree.runs, [], tree.recipes, tmp_path, "demo", "A trial")
    assert again.read_bytes() == path.read_bytes()


def test_two_archives_merge(made, tmp_path):
    tree, path = made
    halves = [tree.runs[::2], tree.runs[1::2]]
    for number, runs in enumerate(halves):
        half = tmp_path / f"{number}.zip"
        write_archive(half, runs, [], tree.recipes, tree.results, "demo", "A trial")
        import_archive(half, tmp_path / "results", tree.recipes)
    import_archive(path, tmp_path / "results", tree.recipes)  # runs that are there stay
    assert imported_runs(tree.runs, tree.recipes, tmp_path / "results")[0] == tree.runs


def test_own_results_come_before_imported_ones(made, tmp_path):
    tree, path = made
    import_archive(path, tmp_path, tree.recipes)
    own = tree.runs[3]
    shutil.copytree(tree.results / own.folder, tmp_path / own.folder)
    assert own.folder_in(tmp_path) == tmp_path / own.folder
    imported, problems = imported_runs(tree.runs, tree.recipes, tmp_path)
    assert imported == [run for run in tree.runs if run != own]
    assert problems == []


def test_another_recipe_is_left_out(made, tmp_path, caplog):
    tree, path = made
    name = tree.runs[0].method
    recipes = tree.recipes | {name: tree.recipes[name].model_copy(update={"epochs": 7})}
    runs = import_archive(path, tmp_path, recipes)
    assert runs == sorted(run for run in tree.runs if run.method != name)
    assert "its recipe is another one here (epochs)" in caplog.text
    import_archive(path, tmp_path, tree.recipes)
    imported, problems = imported_runs(tree.runs, recipes, tmp_path)
    assert all(run.method != name for run in imported)
    assert len(problems) == 4
    assert problems[0].endswith("made with another recipe (epochs)")
    heat_map = tree.recipes[name].heat_map.model_copy(update={"filter": "none"})
    changed = {name: tree.recipes[name].model_copy(update={"heat_map": heat_map})}
    problems = imported_runs(tree.runs, tree.recipes | changed, tmp_path)[1]
    assert problems[0].endswith("made with another recipe (heat_map)")


@pytest.fixture
def of_ones_own(tmp_path, monkeypatch):
    """An archive of a method in a Python file and of a command; the recipes there and here."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("x = 1")
    Path("program.py").write_text("x = 1")
    tree = make_tree(tmp_path / "made", methods=("aexad-resnet18", "ae"))
    recipe = tree.recipes["aexad-resnet18"].model_copy(update={"model": "mine.py:Mine"})
    command = Command(command="program {split} {output}", files=["program.py"])
    methods = {"aexad-resnet18": recipe, "ae": command}
    for run in tree.runs:
        path = tree.results / run.folder / "provenance.json"
        record = json.loads(path.read_text())
        method = methods[run.method]
        if isinstance(method, Command):
            record |= {"recipe": method.model_dump(), "library": method.digest}
        else:
            own = own_digest(method.own_code["train"])
            record |= {"recipe": method.training, "library": f"0123456789abcdef {own}"}
        path.write_text(json.dumps(record))
    path = tmp_path / "own.runs.zip"
    write_archive(path, tree.runs, [], methods, tree.results, "demo", "A trial")
    return tree.runs, path, methods


def _edited(file):
    return lambda methods: Path(file).write_text("x = 2") and methods


def _with_command(**keys):
    return lambda methods: methods | {"ae": methods["ae"].model_copy(update=keys)}


@pytest.mark.parametrize(
    ("change", "method", "told"),
    [
        (_edited("program.py"), "ae", "files"),
        (_with_command(command="program {split} {output} -x"), "ae", "command"),
        (_with_command(uses_labels=False), "ae", "uses_labels"),
    ],
)
def test_another_command_is_left_out(of_ones_own, tmp_path, caplog, change, method, told):
    runs, path, methods = of_ones_own
    assert import_archive(path, tmp_path / "before", methods) == sorted(runs)
    changed = change(methods)
    rest = sorted(run for run in runs if run.method != method)
    assert import_archive(path, tmp_path / "after", changed) == rest
    assert f"its recipe is another one here ({told})" in caplog.text
    found, problems = imported_runs(runs, changed, tmp_path / "before")
    assert sorted(found) == rest
    assert all(problem.endswith(f"made with another recipe ({told})") for problem in problems)
    manifest = read_manifest(path)
    records = {each.run: read_record(path, each) for each in manifest.runs}
    differ = {run for run in runs if command_differences(records[run], changed[run.method])}
    assert differ == {run for run in runs if run.method == method}


def test_other_code_in_a_file_of_ones_own_is_told(of_ones_own, tmp_path, caplog):
    runs, path, methods = of_ones_own
    Path("mine.py").write_text("x = 2")
    assert import_archive(path, tmp_path, methods) == sorted(runs)
    told = "/aexad-resnet18 was made with other code in mine.py than is here; to make it here, "
    assert caplog.text.count(told) == sum(run.method == "aexad-resnet18" for run in runs)


def test_code_of_ones_own_that_is_not_here_is_not_compared(of_ones_own, tmp_path):
    runs, path, methods = of_ones_own
    Path("mine.py").unlink()
    Path("program.py").unlink()
    assert import_archive(path, tmp_path / "after", methods) == sorted(runs)


def test_runs_of_another_split_than_here_are_left_out(made, tmp_path, caplog):
    tree, path = made
    split = tmp_path / tree.runs[0].data_folder / "split.csv"
    split.parent.mkdir(parents=True)
    lines = (tree.results / tree.runs[0].data_folder / "split.csv").read_text().splitlines()
    split.write_text("\n".join(lines[:-1]) + "\n")
    runs = import_archive(path, tmp_path, tree.recipes)
    rest = [run for run in tree.runs if run.data_folder != tree.runs[0].data_folder]
    assert sorted(runs) == sorted(rest)
    assert f"made with another split than {split}" in caplog.text
    assert not (tmp_path / tree.runs[0].imported_folder).exists()
    # The same when the split is made after the import.
    split.unlink()
    import_archive(path, tmp_path, tree.recipes)
    split.write_text("\n".join(lines[:-1]) + "\n")
    problems = imported_runs(tree.runs, tree.recipes, tmp_path)[1]
    assert problems[0].endswith("made with another split than the runs made here")


def test_other_results_of_the_same_run_are_refused(made, tmp_path):
    tree, path = made
    import_archive(path, tmp_path, tree.recipes)
    folder = tmp_path / tree.runs[0].imported_folder
    with (folder / "per_image.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match=r"imported before with another per_image\.csv"):
        import_archive(path, tmp_path, tree.recipes)


def test_an_imported_run_of_another_split_is_kept(made, tmp_path):
    """The one that is there may be another person's."""
    tree, path = made
    import_archive(path, tmp_path, tree.recipes)
    folder = tmp_path / tree.runs[0].imported_folder
    shutil.rmtree(folder)
    with (folder.parent / "split.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match=r"was made with another split than .* imports=false"):
        import_archive(path, tmp_path, tree.recipes)
    assert not folder.exists()


def test_an_imported_run_with_other_records_of_time_and_machine_is_kept(made, tmp_path):
    tree, path = made
    import_archive(path, tmp_path, tree.recipes)
    record = tmp_path / tree.runs[0].imported_folder / "inference.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"seconds": 99.0}))
    before = record.read_bytes()
    assert sorted(import_archive(path, tmp_path, tree.recipes)) == sorted(tree.runs)
    assert record.read_bytes() == before


def test_the_archives_of_this_project_agree_on_the_runs_that_they_share(tmp_path):
    methods = read_methods(ROOT / "config/methods")
    splits, values = {}, {}
    for path in sorted(ROOT.glob("docs/results/*.zip")):
        manifest = read_manifest(path)
        for folder, digest in manifest.splits.items():
            assert splits.setdefault(folder, digest) == digest, (path, folder)
        for archived in manifest.runs:
            measured = [archived.files[name] for name in MEASURED]
            assert values.setdefault(archived.run, measured) == measured, (path, archived.run)
        import_archive(path, tmp_path, methods)
    assert len(values) > 200


def test_methods_that_are_not_known_here_are_named(made, tmp_path, caplog):
    tree, path = made
    name = tree.runs[0].method
    import_archive(path, tmp_path, {key: tree.recipes[key] for key in tree.recipes if key != name})
    assert f"no recipe here has the name {name}" in caplog.text


def test_a_folder_with_other_files_is_refused_before_anything_is_written(made, tmp_path):
    tree, path = made
    other = tmp_path / tree.runs[-1].imported_folder / "notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("")
    with pytest.raises(DataError, match=r"notes\.txt: not made by aexad; move it away and import"):
        import_archive(path, tmp_path, tree.recipes)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [other]


def test_an_encrypted_archive_is_refused(made, tmp_path):
    content = bytearray(made[1].read_bytes())
    entry = content.index(b"PK\x01\x02")  # of the manifest, in the directory at the end
    content[entry + 8] |= 1
    path = tmp_path / "encrypted.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"encrypted\.zip: encrypted; unpack it, and zip it with"):
        read_manifest(path)


def break_a_file(contents):
    name = next(name for name in contents if name.endswith("per_image.csv"))
    contents[name] = contents[name].replace(b"0.", b"1.", 1)


def drop_a_file(contents):
    del contents[next(name for name in contents if name.endswith("metrics.json"))]


def climb_out(contents):
    manifest = json.loads(contents[MANIFEST])
    manifest["runs"][0]["category"] = "../../elsewhere"
    contents[MANIFEST] = json.dumps(manifest).encode()


def be_the_folder_above(contents):
    manifest = json.loads(contents[MANIFEST])
    manifest["runs"][0]["method"] = ".."
    contents[MANIFEST] = json.dumps(manifest).encode()


def replace_with_its_digest(contents, name, content):
    manifest = json.loads(contents[MANIFEST])
    run = manifest["runs"][0]
    place = "runs/{dataset}/{category}/{scenario}/seed{seed}/{method}/".format(**run) + name
    contents[place] = content
    run["files"][name] = hashlib.sha256(content).hexdigest()
    contents[MANIFEST] = json.dumps(manifest).encode()


def have_metrics_that_are_no_json(contents):
    replace_with_its_digest(contents, "metrics.json", b"none")


def have_metrics_of_another_form(contents):
    replace_with_its_digest(contents, "metrics.json", b"[]")


def have_counts_that_are_no_npz(contents):
    replace_with_its_digest(contents, "counts.npz", b"none")


def swell(contents):
    contents[MANIFEST] += b" " * 2**26


def name_another_file(contents):
    manifest = json.loads(contents[MANIFEST])
    manifest["runs"][0]["files"]["../../.bashrc"] = "0" * 64
    contents[MANIFEST] = json.dumps(manifest).encode()


def forget_a_split(contents):
    manifest = json.loads(contents[MANIFEST])
    manifest["splits"].popitem()
    contents[MANIFEST] = json.dumps(manifest).encode()


def be_of_another_version(contents):
    manifest = json.loads(contents[MANIFEST])
    contents[MANIFEST] = json.dumps(manifest | {"format": 2}).encode()


def lose_the_manifest(contents):
    del contents[MANIFEST]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (break_a_file, "has another digest than in manifest.json"),
        (drop_a_file, "damaged"),
        (climb_out, "no archive of runs, or of another version (runs.0.category"),
        (be_the_folder_above, "no archive of runs, or of another version (runs.0.method"),
        (have_metrics_that_are_no_json, "metrics.json of runs/"),
        (have_metrics_of_another_form, "cannot be read; make the archive again"),
        (have_counts_that_are_no_npz, "counts.npz of runs/"),
        (swell, "its manifest.json is larger than any real one"),
        (name_another_file, "no archive of runs, or of another version (runs.0.files"),
        (forget_a_split, "has no split of"),
        (be_of_another_version, "no archive of runs, or of another version (format"),
        (lose_the_manifest, "no archive of runs, or of another version"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_archive_leaves_nothing(made, tmp_path, change, message):
    tree, path = made
    wrong = rewritten(path, tmp_path / "wrong.zip", change)
    with pytest.raises(DataError, match=re.escape(message)):
        import_archive(wrong, tmp_path / "results", tree.recipes)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", b'{"metrics": {}}'),
        ("metrics.json", b'{"metrics": {"iou": {"n": 3, "value": "high"}}}'),
        ("provenance.json", b'"hello"'),
        ("provenance.json", b"{}"),
        ("inference.json", b"[]"),
        ("training.csv", b"\xff\xfe"),
        ("inference.json", b"{}"),
        ("per_image.csv", b"image,defect\n" + b"a" * 200_000 + b",good\n"),
    ],
)
def test_a_file_that_no_verb_can_use_is_refused(made, tmp_path, name, content):
    tree, path = made
    wrong = rewritten(
        path, tmp_path / "wrong.zip", lambda files: replace_with_its_digest(files, name, content)
    )
    with pytest.raises(DataError, match=r"cannot be read; make the archive again|damaged"):
        import_archive(wrong, tmp_path / "results", tree.recipes)
    assert not (tmp_path / "results").exists()


def test_a_per_image_table_of_other_images_is_refused(made, tmp_path):
    tree, _ = made
    results = tmp_path / "results"
    shutil.copytree(tree.results / "runs", results / "runs")
    table = results / tree.runs[0].folder / "per_image.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1]]) + "\n")
    wrong = tmp_path / "wrong.zip"
    write_archive(wrong, tree.runs, [], tree.recipes, results, "demo", "A trial")
    with pytest.raises(DataError, match="does not have the test images of its split"):
        import_archive(wrong, tmp_path / "elsewhere", tree.recipes)


def test_a_per_image_table_without_values_is_refused(made, tmp_path):
    tree, path = made

    def keep_the_images(contents):
        name = f"{tree.runs[0].folder.as_posix()}/per_image.csv"
        images = [line.split(b",")[0] for line in contents[name].splitlines()]
        replace_with_its_digest(contents, "per_image.csv", b"\n".join(images) + b"\n")

    wrong = rewritten(path, tmp_path / "wrong.zip", keep_the_images)
    with pytest.raises(DataError, match=r"per_image\.csv of .* cannot be read; make the archive"):
        import_archive(wrong, tmp_path / "results", tree.recipes)


def test_counts_of_other_images_are_refused(made, tmp_path):
    tree, path = made
    with np.load(tree.results / tree.runs[0].folder / "counts.npz") as counts:
        short = io.BytesIO()
        np.savez(short, **{name: array[1:] for name, array in counts.items()})
    wrong = rewritten(
        path,
        tmp_path / "wrong.zip",
        lambda files: replace_with_its_digest(files, "counts.npz", short.getvalue()),
    )
    with pytest.raises(DataError, match=r"counts\.npz of .* does not have the 10 test images"):
        import_archive(wrong, tmp_path / "results", tree.recipes)


@pytest.mark.parametrize("name", RECORDS)
def test_a_run_of_a_recipe_without_its_records_is_refused(made, tmp_path, name):
    tree, path = made

    def forget(contents):
        manifest = json.loads(contents[MANIFEST])
        del manifest["runs"][0]["files"][name]
        contents[MANIFEST] = json.dumps(manifest).encode()

    wrong = rewritten(path, tmp_path / "wrong.zip", forget)
    with pytest.raises(DataError, match=f"has no {name}; make the archive again"):
        import_archive(wrong, tmp_path / "results", tree.recipes)


def pack_the_folder_above(contents):
    for name in [*contents]:
        contents[f"demo.runs/{name}"] = contents.pop(name)


def have_backslashes(contents):
    for name in [*contents]:
        contents[name.replace("/", "\\")] = contents.pop(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pack_the_folder_above, r"manifest\.json is in a sub-folder \(demo\.runs/manifest\.json\)"),
        (have_backslashes, "its names have backslashes"),
    ],
)
def test_an_archive_that_was_packed_again_in_another_form_is_told(made, tmp_path, change, message):
    wrong = rewritten(made[1], tmp_path / "wrong.zip", change)
    with pytest.raises(DataError, match=message):
        read_manifest(wrong)


def test_a_truncated_file_is_refused(made, tmp_path):
    _, path = made
    short = tmp_path / "short.zip"
    short.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match="no archive of runs"):
        read_manifest(short)
    with pytest.raises(DataError, match="no such archive of runs"):
        read_manifest(tmp_path / "none.zip")


@pytest.mark.parametrize("other", [Command(command="x"), ExternalMaps(maps="x")])
def test_a_run_of_a_recipe_is_none_of_a_command_or_of_external_maps(made, tmp_path, other, caplog):
    tree, path = made
    name = tree.runs[0].method
    rest = sorted(run for run in tree.runs if run.method != name)
    assert import_archive(path, tmp_path / "there", tree.recipes | {name: other}) == rest
    assert "no recipe here" in caplog.text
    theirs = tmp_path / "theirs.zip"
    write_archive(
        theirs, tree.runs, [], tree.recipes | {name: other}, tree.results, "demo", "A trial"
    )
    assert import_archive(theirs, tmp_path / "here", tree.recipes) == rest
    assert "no recipe there" in caplog.text
    import_archive(theirs, tmp_path / "both", tree.recipes | {name: other})
    problems = imported_runs(tree.runs, tree.recipes, tmp_path / "both")[1]
    assert problems[0].endswith("made with another recipe (no recipe there)")


def test_without_imports_imported_runs_are_missing(made, tmp_path):
    tree, path = made
    import_archive(path, tmp_path / "results", tree.recipes)
    benchmark = {"title": "T", "datasets": {"textures": "all"}, "seeds": [0, 1]}
    recipes = {name: tree.recipes[name] for name in METHODS}
    files = {
        "demo": benchmark | {"methods": [*recipes]},
        "datasets": {
            "textures": {"title": "T", "adaptor": "mvtec_layout", "categories": ["brick", "grass"]}
        },
        "methods": {
            name: recipe.model_dump(exclude_unset=True) for name, recipe in recipes.items()
        },
    }
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(json.dumps(content))

    def find(imports):
        places = (tmp_path, "demo", [tmp_path / "datasets.yaml"], [tmp_path / "methods.yaml"])
        return find_inputs(*places, {}, tmp_path / "results", False, imports)

    assert len(find(True).imported) == 12
    with pytest.raises(DataError, match=r"12 of 12 runs have no metrics\.json yet"):
        find(False)


def test_how_many_runs_were_imported_is_told(made):
    runs, inputs = made[0].runs, made[0].inputs()
    assert inputs._replace(imported=runs[:1]).origin.startswith("1 of the 12 runs was made")
    one = inputs._replace(runs=runs[:1], imported=runs[:1])
    assert one.origin == "The run was made elsewhere and imported from an archive."
