"""Masks drawn from annotations, against pixel counts that are worked out by hand."""

import base64
import io
import json
import re
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from aexad.config.catalogue import Dataset
from aexad.data.annotations.drawing import draw_masks, masks_for
from aexad.data.index import build_index, flat_index
from aexad.data.masks import load_mask
from aexad.runtime.errors import ConfigError, DataError

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def folder(tmp_path):
    """Two photographs, a.png and b.png, of 60 x 40 pixels."""
    images = tmp_path / "bad"
    images.mkdir()
    for stem in "ab":
        Image.new("RGB", (WIDTH, HEIGHT)).save(images / f"{stem}.png")
    return images


def marked(folder, source, *labels):
    """The masks of a and b, and what was said."""
    masks = folder.parent / "masks"
    said = draw_masks(source, folder, masks, labels)
    return *(np.asarray(Image.open(masks / f"{stem}_mask.png")) for stem in "ab"), said


def rectangle(x, y, width, height):
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y : y + height, x : x + width] = True
    return mask


def labelme(*shapes, size=(HEIGHT, WIDTH)):
    entries = [
        {"label": label, "shape_type": kind, "points": points, **more}
        for label, kind, points, more in shapes
    ]
    return json.dumps({"shapes": entries, "imageHeight": size[0], "imageWidth": size[1]})


def test_labelme(folder):
    pixels = np.zeros((3, 4), np.uint8)
    pixels[1:, 1:] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    encoded = base64.b64encode(file.getvalue()).decode()
    (folder / "a.json").write_text(
        labelme(
            ("dent", "rectangle", [[20, 5], [10, 15]], {}),  # corners in any order
            ("dent", "mask", [[30, 30], [33, 32]], {"mask": encoded}),
        )
    )
    square = [[2, 2], [8, 2], [8, 8], [2, 8]]
    (folder / "b.json").write_text(
        labelme(("scratch", "polygon", square, {}), ("dent", "circle", [[40, 20], [40, 25]], {}))
    )
    a, b, said = marked(folder, folder)
    assert said == "2 masks from LabelMe: 1 boxes (filled), 1 ellipses, 1 masks, 1 polygons"
    assert (a == rectangle(10, 5, 10, 10) | rectangle(31, 31, 3, 2)).all()
    assert b[:10, :10].sum() == 49  # a polygon has its outline: 7 x 7
    assert b[:, 20:].sum() == pytest.approx(np.pi * 25, rel=0.1)
    assert b[20, 40]
    a, b, said = marked(folder, folder, "scratch")
    assert not a.any()
    assert b.sum() == 49


def test_coco(folder):
    counts = [0, 2, HEIGHT - 2, 2, HEIGHT * (WIDTH - 1) - 2 - 0 - 2 + 0]
    counts[-1] = HEIGHT * WIDTH - sum(counts[:-1])
    runs = {"size": [HEIGHT, WIDTH], "counts": counts}
    content = {
        "images": [
            {"id": 7, "file_name": "bad/a.png", "height": HEIGHT, "width": WIDTH},
            {"id": 8, "file_name": "b.png", "height": HEIGHT, "width": WIDTH},
            {"id": 9, "file_name": "elsewhere.png", "height": 1, "width": 1},
        ],
        "categories": [{"id": 1, "name": "dent"}, {"id": 2, "name": "scratch"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [3, 4, 10, 5]},
            {"image_id": 7, "category_id": 2, "bbox": [50, 35, 20, 20]},  # over the edge
            {"image_id": 8, "category_id": 1, "segmentation": runs},
            {"image_id": 8, "category_id": 2, "segmentation": [[20, 20, 29, 20, 29, 24, 20, 24]]},
        ],
    }
    (path := folder.parent / "_annotations.coco.json").write_text(json.dumps(content))
    a, b, said = marked(folder, path)
    assert said == "2 masks from COCO: 2 boxes (filled), 1 masks, 1 polygons"
    assert (a == rectangle(3, 4, 10, 5) | rectangle(50, 35, 10, 5)).all()
    # Runs go down the columns: the first two pixels of columns 0 and 1.
    assert (b == rectangle(0, 0, 2, 2) | rectangle(20, 20, 10, 5)).all()
    a, b, _ = marked(folder, path, "dent")
    assert (a.sum(), b.sum()) == (50, 4)


def test_compressed_runs_of_coco_name_what_reads_them(folder, monkeypatch):
    content = {
        "images": [{"id": 1, "file_name": f"{s}.png", "height": 40, "width": 60} for s in "a"],
        "annotations": [{"image_id": 1, "segmentation": {"size": [40, 60], "counts": "abc"}}],
    }
    (path := folder.parent / "all.json").write_text(json.dumps(content))
    monkeypatch.setitem(__import__("sys").modules, "pycocotools", None)
    with pytest.raises(DataError, match="pip install pycocotools"):
        draw_masks(path, folder, folder.parent / "masks")


def test_pascal_voc(folder):
    for stem, box in {"a": (3, 4, 13, 9), "b": (0, 0, 60, 40)}.items():
        names = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        edges = "".join(f"<{name}>{value}</{name}>" for name, value in names)
        (folder / f"{stem}.xml").write_text(
            f"<annotation><filename>{stem}.png</filename><size><width>60</width><height>40</height>"
            f"</size><object><name>dent</name><bndbox>{edges}</bndbox></object></annotation>"
        )
    a, b, said = marked(folder, folder)
    assert said == "2 masks from Pascal VOC: 2 boxes (filled)"
    assert (a == rectangle(3, 4, 10, 5)).all()
    assert b.all()


def test_yolo(folder):
    (folder / "classes.txt").write_text("dent\nscratch\n")
    (folder / "a.txt").write_text(f"0 {15 / 60} {10 / 40} {10 / 60} {4 / 40}\n\n")
    polygon = [(6, 8), (12, 8), (12, 16), (6, 16)]
    values = " ".join(f"{x / 60} {y / 40}" for x, y in polygon)
    (folder / "b.txt").write_text(f"1 {values}\n")
    a, b, said = marked(folder, folder)
    assert said == "2 masks from YOLO: 1 boxes (filled), 1 polygons"
    assert (a == rectangle(10, 8, 10, 4)).all()
    assert (b == rectangle(6, 8, 7, 9)).all()


def test_yolo_with_a_byte_order_mark(folder):
    for stem in "ab":
        text = f"0 {15 / 60} {10 / 40} {10 / 60} {4 / 40}\n"
        (folder / f"{stem}.txt").write_text(text, encoding="utf-8-sig")
    a, _, _ = marked(folder, folder, "0")
    assert (a == rectangle(10, 8, 10, 4)).all()


def test_cvat(folder):
    runs = "1,2,1,2"  # row by row: of 2 x 3 pixels, the last two of each row
    (path := folder.parent / "annotations.xml").write_text(
        '<annotations><version>1.1</version><image id="0" name="a.png" width="60" height="40">'
        '<box label="dent" xtl="3.2" ytl="4.1" xbr="13.1" ybr="8.9"/><tag label="bad"/>'
        f'<mask label="dent" rle="{runs}" left="30" top="20" width="3" height="2"/></image>'
        '<image id="1" name="b.png" width="60" height="40">'
        '<polygon label="dent" points="2,2;8,2;8,8;2,8"/>'
        '<ellipse label="dent" cx="40" cy="20" rx="5" ry="5"/></image></annotations>'
    )
    a, b, said = marked(folder, path)
    assert said == "2 masks from CVAT: 1 boxes (filled), 1 ellipses, 1 masks, 1 polygons"
    assert (a == rectangle(3, 4, 10, 5) | rectangle(31, 20, 2, 2)).all()
    assert b[:10, :10].sum() == 49


def test_cvat_turns_boxes_and_ellipses_clockwise_about_their_centres(folder):
    (path := folder.parent / "annotations.xml").write_text(
        '<annotations><image id="0" name="a.png" width="60" height="40">'
        '<box label="dent" xtl="20" ytl="10" xbr="30" ybr="14" rotation="90.00"/></image>'
        '<image id="1" name="b.png" width="60" height="40">'
        '<ellipse label="dent" cx="30" cy="20" rx="15" ry="3" rotation="30"/></image></annotations>'
    )
    a, b, said = marked(folder, path)
    assert said == "2 masks from CVAT: 2 polygons"
    assert (a == rectangle(23, 7, 4, 10)).all()
    assert b.sum() == pytest.approx(np.pi * 15 * 3, rel=0.1)
    assert b[25, 39]  # the right end is turned down
    assert not b[15, 39]


def test_a_thin_box_keeps_a_pixel_and_images_without_regions_are_empty(folder):
    (folder / "a.txt").write_text("0 0.5 0.5 0.001 0.5\n")
    (folder / "b.txt").write_text("")
    a, b, said = marked(folder, folder)
    assert (a == rectangle(30, 10, 1, 20)).all()
    assert not b.any()
    assert said.endswith(f"; 1 without a region, for example {folder.parent}/masks/b_mask.png")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": "0 10 10 20 20 3", "b.txt": ""}, "a.txt: cannot be read as annotations (line 1"),
        ({"a.txt": "0 300 200 40 40", "b.txt": ""}, "no YOLO box 'class x y width height'"),
        ({"a.json": labelme()}, "b.png: has no annotation in"),
        ({"a.json": labelme(size=(60, 40)), "b.json": labelme()}, "a.png: annotated at 40x60"),
        (
            {"a.json": labelme(("x", "line", [[0, 0], [5, 5]], {})), "b.json": labelme()},
            "a line has no area; draw a polygon",
        ),
        ({"a.json": labelme(), "a.txt": "", "b.txt": ""}, "annotated 2 times, in "),
        ({"readme.txt": "x", "a.json": "{}"}, "no annotation of these images; known are"),
        ({"a.json": labelme()[:-5]}, "a.json: not valid JSON ("),
        ({"a.xml": "<annotation>\n<object>"}, "a.xml: not valid XML (no element found: line 2"),
        (
            {
                "a.json": json.dumps(
                    {
                        "images": [{"id": "7", "file_name": "a.png", "height": 40, "width": 60}],
                        "annotations": [{"image_id": 7, "bbox": [1, 1, 5, 5]}],
                    }
                )
            },
            "image_id 7 is the id of no image; ids are '7'",
        ),
        ({"a.json": '{"shapes": [{"points": []}]}', "b.txt": ""}, "a.json: cannot be read as"),
        ({"a.json": labelme(("x", "polygon", [], {}))}, "polygon of 0 points, and 3 are needed"),
        ({"a.json": labelme(("x", "rectangle", [], {}))}, "box of 0 points, and 2 are needed"),
        (
            {"a.json": labelme(("x", "circle", [[5, 5]], {}))},
            "ellipse of 1 points, and 2 are needed",
        ),
        (
            {"a.json": labelme(("x", "rectangle", [[0, 0], [5, float("nan")]], {}))},
            "box with a coordinate that is no place in an image",
        ),
        (
            {"a.json": labelme(("x", "mask", [[0, 0]], {"mask": "R0lGODlh"}))},
            "a.json: cannot be read as annotations (a mask is no PNG in base 64)",
        ),
        (
            {"a.json": '{"annotations": [{"image_id": 1, "segmentation": [[4, 4]]}]}'},
            "polygon of 1 points, and 3 are needed",
        ),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_leaves_nothing(folder, files, message):
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(DataError, match=re.escape(message)):
        draw_masks(folder, folder, folder.parent / "masks")
    assert not (folder.parent / "masks").exists()


def test_a_file_that_cannot_be_opened_is_one_line(folder):
    (folder / "a.txt").mkdir()
    with pytest.raises(DataError, match=r"a\.txt: cannot be read as annotations"):
        draw_masks(folder, folder, folder.parent / "masks")


def test_a_file_of_another_kind_and_a_label_that_is_not_there(folder):
    (other := folder.parent / "other.json").write_text('{"a": 1}')
    with pytest.raises(DataError, match="no annotations of a known form; known are LabelMe"):
        draw_masks(other, folder, folder.parent / "masks")
    for stem in "ab":
        (folder / f"{stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    with pytest.raises(DataError, match=r"no region has a label of \['dent'\], but \['0'\]"):
        draw_masks(folder, folder, folder.parent / "masks", ["dent"])


def photographs(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT)).save(folder / name)
    return folder


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def coco(entries, annotations, categories=()):
    """COCO's JSON of images (id, name) of the size of the photographs."""
    images = [
        {"id": key, "file_name": name, "height": HEIGHT, "width": WIDTH} for key, name in entries
    ]
    named = [{"id": key, "name": name} for key, name in categories]
    return json.dumps({"images": images, "annotations": annotations, "categories": named})


def areas(source, images, *labels):
    """The area of each mask, by its path."""
    out = images.parent / "masks"
    draw_masks(source, images, out, labels)
    return {
        path.relative_to(out).as_posix(): int(np.asarray(Image.open(path)).sum())
        for path in sorted(out.rglob("*.png"))
    }


class TestImagesOfOneName:
    @pytest.fixture
    def cameras(self, tmp_path):
        return photographs(tmp_path / "im", "cam1/1.png", "cam2/1.png")

    def test_sub_folders_that_are_alike(self, cameras, tmp_path):
        for camera, width in (("cam1", 0.5), ("cam2", 0.2)):
            written(tmp_path / f"lab/{camera}/1.txt", f"0 0.5 0.5 {width} 0.5")
        found = areas(tmp_path / "lab", cameras)
        assert found == {"cam1/1_mask.png": 30 * 20, "cam2/1_mask.png": 12 * 20}
        # The annotations of all cameras, for the photographs of one.
        assert areas(tmp_path / "lab", cameras / "cam2") == {"1_mask.png": 12 * 20}

    def test_sub_folders_below_images_and_labels(self, tmp_path):
        photographs(tmp_path / "set/images", "train/1.png", "val/1.png", "2.png")
        for name, width in (("train/1", 0.5), ("val/1", 0.2), ("2", 1)):
            written(tmp_path / f"set/labels/{name}.txt", f"0 0.5 0.5 {width} 0.5")
        found = areas(tmp_path / "set", tmp_path / "set")
        assert list(found.values()) == [60 * 20, 30 * 20, 12 * 20]

    def test_an_image_above_the_sub_folders(self, cameras, tmp_path):
        photographs(cameras, "1.png")
        entries = [(1, "1.png"), (2, "cam1/1.png"), (3, "cam2\\1.png")]
        boxes = [{"image_id": i, "bbox": [0, 0, 10 * i, 10]} for i in (1, 2, 3)]
        path = written(tmp_path / "all.json", coco(entries, boxes))
        assert list(areas(path, cameras).values()) == [100, 200, 300]

    @pytest.mark.parametrize("name", ["lab/cam1/1.txt", "lab/1.txt", "lab/cam3/1.txt"])
    def test_an_annotation_of_another_folder_is_not_taken(self, cameras, tmp_path, name):
        written(tmp_path / name, "0 0.5 0.5 0.5 0.5")
        with pytest.raises(DataError, match=r"cam2/1\.png: has no annotation in \S*lab"):
            draw_masks(tmp_path / "lab", cameras, tmp_path / "masks")

    def test_an_entry_of_another_folder_is_not_taken(self, cameras, tmp_path):
        entries = [(i, f"cam{i}/1.png") for i in (1, 2, 3)]
        boxes = [{"image_id": i, "bbox": [0, 0, 10 * i, 10]} for i in (1, 2, 3)]
        path = written(tmp_path / "all.json", coco(entries, boxes))
        assert list(areas(path, cameras).values()) == [100, 200]
        path = written(tmp_path / "third.json", coco(entries[2:], boxes[2:]))
        with pytest.raises(
            DataError, match=r"1/1\.png: has no annotation in .*; 2 images have this"
        ):
            draw_masks(path, cameras, tmp_path / "masks")

    def test_a_name_that_one_image_has_is_enough(self, tmp_path):
        photographs(tmp_path / "im", "cam1/1.png")
        written(tmp_path / "lab/labels/1.txt", "0 0.5 0.5 0.5 0.5")
        assert areas(tmp_path / "lab", tmp_path / "im") == {"cam1/1_mask.png": 600}


def test_two_images_of_coco_with_one_id(folder):
    entries, box = [(1, "a.png"), (1, "b.png")], {"image_id": 1, "bbox": [0, 0, 5, 5]}
    path = written(folder.parent / "joined.json", coco(entries, [box]))
    with pytest.raises(DataError, match=r"joined\.json: .*2 images have the id 1, for example a"):
        draw_masks(path, folder, folder.parent / "masks")


def test_run_lengths_of_coco_of_another_size(folder):
    runs = {"size": [WIDTH, HEIGHT], "counts": [0, WIDTH * HEIGHT]}
    entries, region = [(1, "a.png"), (2, "b.png")], {"image_id": 1, "segmentation": runs}
    path = written(folder.parent / "all.json", coco(entries, [region]))
    with pytest.raises(DataError, match=r"run lengths of 40x60 pixels.* a\.png has 60x40"):
        draw_masks(path, folder, folder.parent / "masks")


class TestLabels:
    @pytest.fixture
    def path(self, folder):
        boxes = [{"image_id": i, "category_id": i, "bbox": [0, 0, 5, 5]} for i in (1, 2)]
        content = coco(
            [(1, "a.png"), (2, "b.png")], boxes, [(1, "scratch"), (2, "Dent"), (3, "hole")]
        )
        return written(folder.parent / "all.json", content)

    def test_one_that_no_region_has_is_refused(self, folder, path):
        with pytest.raises(
            DataError, match=r"label of \['Dnet'\], but \['Dent', 'hole', 'scratch'\]"
        ):
            draw_masks(path, folder, folder.parent / "masks", ["scratch", "Dnet"])

    def test_one_that_the_file_declares_may_have_no_region(self, folder, path):
        a, b, _ = marked(folder, path, "scratch", "hole")
        assert (a.sum(), b.sum()) == (25, 0)

    def test_regions_of_other_labels_need_no_area(self, folder):
        box, point = ("y", "rectangle", [[0, 0], [5, 5]], {}), ("x", "point", [[1, 1]], {})
        for stem in "ab":
            written(folder / f"{stem}.json", labelme(box, point))
        assert marked(folder, folder, "y")[0].sum() == 25
        with pytest.raises(DataError, match=r"a\.png: a point has no area; draw a polygon"):
            draw_masks(folder, folder, folder.parent / "masks", ["x"])
        cvat = "".join(
            f'<image name="{stem}.png" width="60" height="40">'
            '<polyline label="x" points="1,1;2,2"/>'
            '<box label="y" xtl="0" ytl="0" xbr="5" ybr="5"/></image>'
            for stem in "ab"
        )
        path = written(folder.parent / "c.xml", f"<annotations>{cvat}</annotations>")
        assert marked(folder, path, "y")[0].sum() == 25


class TestRegionsThatMarkNothing:
    @pytest.mark.parametrize(
        ("box", "message"),
        [
            ([100, 100, 5, 5], "a.png: the box at (100, 100) to (105, 105) marks nothing"),
            ([0, 0, 0, 0], "a.png: the box at (0, 0) has no area"),
            ([0.1, 0.1, 0.4, 0.4], "a.png: the box at (0.1, 0.1) to (0.5, 0.5) is given in"),
            ([9, 9, -5, 5], "a.png: a box of negative size has no area"),
        ],
    )
    def test_boxes_of_coco(self, folder, box, message):
        content = coco([(1, "a.png"), (2, "b.png")], [{"image_id": 1, "bbox": box}])
        path = written(folder.parent / "all.json", content)
        with pytest.raises(DataError, match=re.escape(message)):
            draw_masks(path, folder, folder.parent / "masks")

    def test_polygons_as_shares_and_masks_without_a_pixel(self, folder):
        polygon = ("x", "polygon", [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]], {})
        file = io.BytesIO()
        Image.new("L", (3, 3)).save(file, "PNG")
        encoded = base64.b64encode(file.getvalue()).decode()
        written(folder / "a.json", labelme(polygon))
        written(folder / "b.json", labelme(("x", "mask", [[9, 9], [12, 12]], {"mask": encoded})))
        with pytest.raises(
            DataError, match=r"(?s)a\.png: the polygon .*b\.png: the mask .* nothing"
        ):
            draw_masks(folder, folder, folder.parent / "masks")

    def test_one_pixel_in_the_corner_lines_and_edges_are_drawn(self, folder):
        boxes = [[0, 0, 1, 1], [50, 35, 20, 20], [10, 5, 0, 8]]
        line = {"image_id": 2, "segmentation": [[2, 2, 8, 2, 5, 2]]}
        regions = [{"image_id": 1, "bbox": box} for box in boxes]
        content = coco([(1, "a.png"), (2, "b.png")], [*regions, line])
        a, b, _ = marked(folder, written(folder.parent / "all.json", content))
        assert (a.sum(), b.sum()) == (1 + 50 + 8, 7)


class TestAcceptedForms:
    def test_accents_that_are_composed_in_one_name_only(self, tmp_path):
        names = [unicodedata.normalize("NFD", name) for name in ("é/ä.png", "é/ö.png")]
        images = photographs(tmp_path / "bad", *names)
        entries = [(1, "é/ä.png"), (2, "é/ö.png")]
        boxes = [{"image_id": i, "bbox": [0, 0, 5, 5]} for i in (1, 2)]
        path = written(tmp_path / "all.json", coco(entries, boxes))
        assert list(areas(path, images).values()) == [25, 25]

    def test_values_of_yolo_that_rounding_put_out_of_bounds(self, folder):
        written(folder / "a.txt", "0 0.5 0.5 1.000001 1.0")
        written(folder / "b.txt", "0 -0.000001 0 0.5 0 0.5 0.5")
        assert marked(folder, folder)[0].all()

    def test_pascal_voc_without_the_size_of_the_image(self, folder):
        box = "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>13</xmax><ymax>9</ymax></bndbox>"
        size = "<size><width>0</width><height>0</height><depth>0</depth></size>"
        for stem in "ab":
            text = f"<annotation>{size}<object><name>x</name>{box}</object></annotation>"
            written(folder / f"{stem}.xml", text)
        assert (marked(folder, folder)[0] == rectangle(3, 4, 10, 5)).all()


class TestAnnotationsBesideCopiesOfThePhotographs:
    @pytest.fixture
    def source(self, tmp_path):
        """A folder of LabelMe: each photograph, and its annotation."""
        rng = np.random.default_rng(0)
        for stem in "ab":
            (tmp_path / "bad").mkdir(exist_ok=True)
            pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"bad/{stem}.png")
        shutil.copytree(tmp_path / "bad", tmp_path / "labelme")
        for stem in "ab":
            box = ("x", "rectangle", [[0, 0], [5, 5]], {})
            written(tmp_path / f"labelme/{stem}.json", labelme(box))
        return tmp_path / "labelme"

    def test_the_annotations_are_drawn(self, source, tmp_path):
        drawn_into = tmp_path / "model-masks"
        folder, said = masks_for(tmp_path / "bad", source, drawn_into)
        assert (folder, said) == (drawn_into, "2 masks from LabelMe: 2 boxes (filled)")

    def test_masks_beside_them_have_precedence(self, source, tmp_path):
        for stem in "ab":
            Image.fromarray(rectangle(1, 1, 3, 3)).save(source / f"{stem}_mask.png")
        assert masks_for(tmp_path / "bad", source, tmp_path / "m") == (source, "")

    def test_pictures_that_are_neither_copies_nor_masks_are_refused(self, source, tmp_path):
        for stem in "ab":
            with Image.open(source / f"{stem}.png") as image:
                image.rotate(1).save(source / f"{stem}.png")
        with pytest.raises(DataError, match=r"labelme: holds annotations and .*a\.png"):
            masks_for(tmp_path / "bad", source, tmp_path / "m")


def test_masks_are_drawn_only_where_none_are(folder):
    drawn_into = folder.parent / "model-masks"
    assert masks_for(folder, None, drawn_into) == (None, "")
    for stem in "ab":
        (folder / f"{stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    assert masks_for(folder, None, drawn_into)[0] == drawn_into
    # Masks beside the photographs have precedence.
    for stem in "ab":
        Image.fromarray(rectangle(1, 1, 3, 3)).save(folder / f"{stem}_mask.png")
    assert masks_for(folder, None, drawn_into) == (None, "")
    masks = folder.parent / "masks"
    masks.mkdir()
    assert masks_for(folder, masks, drawn_into) == (masks, "")


def test_masks_drawn_by_hand_are_not_replaced(folder):
    for stem in "ab":
        (folder / f"{stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    masks = folder.parent / "masks"
    for _ in range(2):  # its own masks are replaced
        draw_masks(folder, folder, masks)
    by_hand = masks / "by_hand_mask.png"
    Image.fromarray(rectangle(1, 1, 3, 3)).save(by_hand)
    with pytest.raises(ConfigError, match=r"masks: holds by_hand_mask\.png"):
        draw_masks(folder, folder, masks)
    assert by_hand.exists()


def test_drawn_masks_are_found_by_the_index(folder, tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    Image.new("RGB", (WIDTH, HEIGHT)).save(good / "x.png")
    for stem in "ab":
        (folder / f"{stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    masks, _ = masks_for(folder, None, tmp_path / "model-masks")
    root, index = flat_index(good, folder, masks)
    defects = index[index["mask"] != ""]
    assert [load_mask(root / mask).sum() for mask in defects["mask"]] == [600, 600]


def test_several_masks_of_one_image_are_joined(tmp_path):
    """The layouts of MVTec LOCO (a folder for each image) and AITEX (numbered names)."""
    root = tmp_path / "data"
    for name in ("train/good/0", "test/good/1", "test/bent/000", "test/torn/[a]_1", "test/torn/b"):
        path = root / "screw" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (WIDTH, HEIGHT)).save(path)
    masks = {
        "bent/000/000": rectangle(0, 0, 10, 10),
        "bent/000/001": rectangle(5, 0, 10, 10),
        "torn/[a]_1_mask1": rectangle(0, 0, 10, 10),
        "torn/[a]_1_mask2": rectangle(30, 20, 5, 5),
        "torn/b_mask": rectangle(0, 0, 3, 3),
    }
    for name, mask in masks.items():
        path = root / "screw/ground_truth" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    index = build_index(root, "loco", Dataset(title="LOCO", adaptor="mvtec_layout"))
    defects = index[index["mask"] != ""]
    pixels = [int(load_mask(root / mask).sum()) for mask in defects["mask"]]
    assert pixels == [150, 125, 9]
    assert any("joined with 1 more masks of its image" in text for text in index.attrs["warnings"])
    Image.fromarray(np.ones((3, 3), bool)).save(root / "screw/ground_truth/bent/000/002.png")
    with pytest.raises(DataError, match="these masks of one image differ in size"):
        build_index(root, "loco", Dataset(title="LOCO", adaptor="mvtec_layout"))
