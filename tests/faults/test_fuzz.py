"""Files of any content are read, or refused with an error of the library.

The examples are the same in each call; ``make fuzz`` searches for new ones.
"""

import io
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aexad.config.benchmark import Benchmark, Settings
from aexad.config.catalogue import Dataset, read_catalogue
from aexad.config.methods import read_methods
from aexad.config.recipe import Recipe
from aexad.config.schema import validate
from aexad.data.image_files import check_image
from aexad.data.images import load_image
from aexad.data.index import build_index
from aexad.data.masks import load_mask
from aexad.data.split import split
from aexad.data.tables import INDEX_COLUMNS, read_index, read_split
from aexad.runtime.errors import AexadError, ConfigError
from aexad.runtime.files import read_npz

ENTRY = Dataset(title="Fuzz", adaptor="mvtec_layout")
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates()
)


def mappings(model):
    """Mappings from keys of a configuration class, and other keys, to values of any kind."""
    values = st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
        max_leaves=6,
    )
    keys = st.sampled_from(sorted(model.model_fields)) | st.text(max_size=6)
    return st.dictionaries(keys, values, max_size=6)


def written(content, read, name):
    """Write a file and read it; None if that raises an error of the library."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        with suppress(AexadError):
            return read(path)
    return None


@given(st.data())
def test_configuration_of_any_content(data):
    for model in (Settings, Benchmark, Recipe, Dataset):
        content = data.draw(mappings(model), label=model.__name__)
        with suppress(ConfigError):
            validate(model, content, "here")


@given(st.binary(max_size=200) | st.text(alphabet="ab:{}[]&*!|>- \n\"'%@#,?0", max_size=60))
def test_yaml_of_any_text(text):
    content = text if isinstance(text, bytes) else text.encode()
    for read in (read_methods, read_catalogue):
        written(content, read, "file.yaml")


@given(st.dictionaries(st.text(max_size=4), mappings(Recipe) | SCALARS, max_size=3))
def test_yaml_of_any_entries(entries):
    written(yaml.safe_dump(entries).encode(), read_methods, "methods.yaml")
    written(yaml.safe_dump(entries).encode(), read_catalogue, "datasets.yaml")


CELL = st.sampled_from(["", "good", "bent", "train", "test", "nuts", "a.png", "a,b", '"', "\x00"])
CELLS = CELL | st.text(max_size=5)


@given(st.binary(max_size=120) | st.lists(st.lists(CELLS, max_size=6), max_size=6), st.booleans())
def test_index_and_split_of_any_table(table, with_header):
    if isinstance(table, bytes):
        content = table
    else:
        rows = [INDEX_COLUMNS, *table] if with_header else table
        content = "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")
    written(content, read_index, "index.csv")
    written(content, read_split, "split.csv")


@given(
    st.lists(
        st.tuples(CELLS, st.sampled_from(["train", "test"]), CELLS, CELLS, CELLS, CELLS), max_size=8
    ),
    st.sampled_from(["standard", "anomalies_only", "one_class", "other"]),
    st.integers(0, 2**32 - 1),
)
def test_a_split_of_any_index(rows, scenario, seed):
    index = pd.DataFrame(rows, columns=INDEX_COLUMNS, dtype=str)
    with suppress(AexadError):
        table = split(index, ENTRY, "nuts", scenario, seed)
        assert set(table["role"]) <= {"normal", "validation", "labelled", "test"}


@st.composite
def damaged_images(draw):
    """Images of many modes and formats, cut or with changed bytes."""
    mode = draw(st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"]))
    kinds = {"PNG", "BMP", "TIFF", "JPEG", "GIF", "WEBP"}
    kind = draw(st.sampled_from(sorted(kinds)))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    buffer = io.BytesIO()
    try:
        Image.new(mode, size).save(buffer, kind)
    except (OSError, ValueError):  # the format does not have this mode
        Image.new("L", size).save(buffer, "PNG")
    content = bytearray(buffer.getvalue())
    for position in draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[position] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))])


@given(damaged_images() | st.binary(max_size=100))
def test_images_and_masks_of_any_bytes(content):
    for name in ("image.png", "image.bmp", "image.tif"):
        written(content, check_image, name)
        image = written(content, lambda path: load_image(path, 8), name)
        assert image is None or (image.shape, image.dtype) == ((8, 8, 3), np.uint8)
        mask = written(content, lambda path: load_mask(path, size=8), name)
        assert mask is None or mask.dtype == bool


@given(st.binary(max_size=300))
def test_arrays_of_any_bytes(content):
    for start in (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00"):
        written(start + content, lambda path: read_npz(path, ["a"], "make it again"), "a.npz")


NAMES = st.sampled_from(
    [
        "nuts/train/good/a.png",
        "nuts/train/good/.hidden.png",
        "nuts/test/good/b.png",
        "nuts/test/bent/c.png",
        "nuts/test/bent/c.bmp",
        "nuts/test/bent/d/e.png",
        "nuts/test/ü ä.png",
        "nuts/ground_truth/bent/c_mask.png",
        "nuts/ground_truth/bent/c.png",
        "nuts/readme.txt",
        "x.png",
    ]
)


@given(st.dictionaries(NAMES, damaged_images(), max_size=6))
def test_an_index_of_any_tree_of_files(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        with suppress(AexadError):
            assert len(build_index(folder, "fuzz", ENTRY))
