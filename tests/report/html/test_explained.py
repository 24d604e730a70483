"""The page about explained images: complete, offline, and with the right numbers."""

import re

import numpy as np
import pytest

from aexad.app.card import ModelCard, Threshold
from aexad.app.explanation import Explanation
from aexad.config.recipe import Recipe
from aexad.report.html.explained import histogram, promise, write_explained

CARD = ModelCard(
    method="trial",
    recipe=Recipe(encoder="resnet18.tv_in1k", title="A <trial>"),
    size=32,
    stored=32,
    seed=0,
    encoder={"name": "resnet18.tv_in1k", "weights": "pretrained", "source": "package"},
    normals=12,
    labelled=["a.png", "b.png"],
    found=2,
    threshold=Threshold(
        value=1.0,
        false_alarms=0.25,
        held_out_normals=3,
        good_scores=[0.2, 0.5, 1.0],
        defect_scores=[3.0, 4.0],
    ),
)


def explained(folder, scores, threshold=1.0):
    rows, names = [], {}
    for i, score in enumerate(scores):
        heat_map = np.zeros((32, 32), np.float32)
        heat_map[5:10, 5:10] = 1
        image = np.full((40, 50, 3), 99, np.uint8)
        explanation = Explanation(image, heat_map, None, score, threshold, 1, 1.0)
        explanation.save(folder, f"part{i}")
        rows.append({"image": f"part{i}.png"} | explanation.summary())
        names[f"part{i}.png"] = f"part{i}"
    return rows, names


def test_the_page_tells_verdicts_promise_warnings_and_model(tmp_path):
    rows, names = explained(tmp_path, [0.5, 2.0, 1.0])
    rows.append({"image": "broken.png", "error": "broken.png: <damaged>"})
    page = tmp_path / "report.html"
    write_explained(page, tmp_path / "new", rows, names, CARD, 1.0, ["thin"], passed_over=1)
    text = page.read_text()
    assert '<b class="bad">1</b> anomalous' in text
    assert '<b class="good">2</b> good' in text
    assert "<b>2</b> not read" in text
    assert "at most 25.0 %" in text
    assert "from 3 good images" in text
    assert "broken.png: &lt;damaged&gt;" in text
    assert "A &lt;trial&gt;" in text
    assert ">thin<" in text
    # The highest score first, and a good image as it is.
    pictures = re.findall(r'<img src="(data:image/jpeg;base64,[^"]+)" alt="([^"]+)"', text)
    assert [alt for _, alt in pictures] == [
        "part1.png, anomalous",
        "part2.png, normal",
        "part0.png, normal",
    ]
    assert pictures[1][0] == pictures[2][0] != pictures[0][0]
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_a_threshold_given_by_hand_promises_nothing(tmp_path):
    rows, names = explained(tmp_path, [0.5], threshold=0.4)
    page = tmp_path / "report.html"
    write_explained(page, tmp_path / "new", rows, names, CARD, 0.4, [])
    assert "given by hand" in page.read_text()
    assert "in 4 groups" in promise(CARD.threshold.model_copy(update={"held_out_groups": 4}))


def test_a_ratio_of_negative_scores_is_not_shown(tmp_path):
    page = tmp_path / "report.html"
    for threshold, scores, shown in ((-2.0, [-4.0], 0), (1.0, [-4.0, 2.0], 1)):
        rows, names = explained(tmp_path, scores, threshold)
        write_explained(page, tmp_path / "new", rows, names, CARD, threshold, [])
        assert page.read_text().count(" times the threshold") == shown


@pytest.mark.parametrize(
    ("tile", "told"),
    [
        (None, "images are scaled to it whatever their proportions"),
        (1000, "images are cut into tiles of 1000 pixels, each scaled to 32 x 32"),
        ("whole", "each image is padded to a square"),
    ],
)
def test_the_page_tells_how_images_are_scaled(tmp_path, tile, told):
    rows, names = explained(tmp_path, [0.5])
    page = tmp_path / "report.html"
    card = CARD.model_copy(update={"tile": tile})
    write_explained(page, tmp_path / "new", rows, names, card, 1.0, [])
    assert told in page.read_text()


def test_a_model_without_threshold_has_scores_alone(tmp_path):
    rows, names = explained(tmp_path, [0.5, 2.0], threshold=None)
    page = tmp_path / "report.html"
    card = CARD.model_copy(update={"threshold": None})
    write_explained(page, tmp_path / "new", rows, names, card, None, [])
    text = page.read_text()
    assert "without verdicts" in text
    assert "<svg" not in text


@pytest.mark.parametrize("shift", [0.0, -5.0])
def test_bars_count_every_score_on_its_side_of_the_threshold(shift):
    scores = [0.01, 0.5, 1.0, 1.0001, 3.0, 3.1]
    read = [{"score": score + shift} for score in scores]
    made = histogram(read, None, 1.0 + shift)
    (row,) = made.rows
    assert row.images == 6
    above = [bar for bar in row.bars if bar.above]
    assert all(bar.x >= made.threshold - 1 for bar in above)
    assert all(bar.x + bar.width <= made.threshold + 1 for bar in row.bars if not bar.above)
    assert above
    assert made.axis.startswith("Score as a multiple" if shift == 0 else "Score")


def test_bars_have_the_heights_of_their_counts():
    read = [{"score": 0.5}] * 4 + [{"score": 2.0}] * 2
    made = histogram(read, CARD.threshold, 1.0)
    assert [row.label for row in made.rows] == [
        "these images",
        "good, held out of training",
        "defects that were trained on",
    ]
    low, high = made.rows[0].bars
    assert low.height == 2 * high.height
    assert (low.above, high.above) == (False, True)
    assert len(histogram([{"score": 1.0}], None, 1.0).rows[0].bars) == 1  # all scores equal
