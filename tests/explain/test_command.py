"""A method that is a command: its view of a split, and what it wrote."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aexad.explain.command import read_output, write_view
from aexad.runtime.errors import DataError

# In the order of a split, by defect and image, which is not that of the paths (BTAD).
TEST = ["01/test/ok/a.png", "01/test/ok/b.png", "01/test/ko/a.png", "01/test/ko/b.png"]


@pytest.fixture
def view(tmp_path):
    """The numbers of the test images; image i is i everywhere."""
    for i, name in enumerate(TEST):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i, i, i)).save(tmp_path / name)
    split = pd.DataFrame({"role": "test", "defect": ["good"] * 2 + ["ko"] * 2, "image": TEST})
    split = split.assign(mask="", marks="bright")
    return write_view(split, tmp_path, 8, 0, True, tmp_path / "view")


@pytest.fixture
def output(view, tmp_path):
    """What a command writes whose maps are the images."""
    (tmp_path / "maps").mkdir()
    for path in (tmp_path / "view/test").iterdir():
        np.save(tmp_path / f"maps/{path.stem}.npy", np.asarray(Image.open(path))[..., 0])
    return tmp_path / "maps"


def test_maps_are_in_the_order_of_the_split(view, output):
    assert sorted(view.values()) != list(view.values())  # the order tells nothing
    arrays = read_output(output, view, 8)
    assert arrays["image"].tolist() == TEST
    assert arrays["heat_map"][:, 0, 0].tolist() == arrays["score"].tolist() == [0, 1, 2, 3]


def test_scores_are_in_the_order_of_the_split(view, output):
    rows = [(number, TEST.index(image) / 2) for image, number in view.items()]
    pd.DataFrame(sorted(rows), columns=["image", "score"]).to_csv(output / "scores.csv")
    assert read_output(output, view, 8)["score"].tolist() == [0, 0.5, 1, 1.5]


def test_scores_are_as_precise_as_written(view, output):
    scores = [0.1, 0.1 + 2.0**-53, 1 / 3, 1e155]
    table = pd.DataFrame({"image": list(view.values()), "score": scores})
    table.to_csv(output / "scores.csv", index=False)
    assert read_output(output, view, 8)["score"].tolist() == scores


@pytest.mark.parametrize("separator", [";", "\t"])
def test_scores_of_another_form_are_refused(view, output, separator):
    table = pd.DataFrame({"image": list(view.values()), "score": 1.0})
    table.to_csv(output / "scores.csv", sep=separator, index=False)
    message = r"maps/scores.csv: cannot be used .*columns image and score, separated by commas"
    with pytest.raises(DataError, match=message):
        read_output(output, view, 8)


def test_two_maps_of_one_image_are_refused(view, output):
    Image.new("L", (8, 8)).save(output / "00002.PNG")
    with pytest.raises(DataError, match=r"two maps of one image, 00002.PNG and 00002.npy; let it"):
        read_output(output, view, 8)


def test_an_ending_may_be_in_capitals(view, output):
    (output / "00002.npy").rename(output / "00002.NPY")
    assert read_output(output, view, 8)["image"].tolist() == TEST


def test_a_missing_map_is_told(view, output):
    (output / "00001.npy").unlink()
    with pytest.raises(DataError, match=r"no map for 1 of 4 test images, for example 00001.npy"):
        read_output(output, view, 8)
