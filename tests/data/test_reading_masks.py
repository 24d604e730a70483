"""What a mask means: marks that would be lost are refused, and no defect vanishes in silence."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from aexad.data.images import load_image, lost_levels
from aexad.data.masks import covered, is_binary, load_mask
from aexad.runtime.errors import DataError

EIGHT = np.ones((3, 3))


def saved(folder, pixels, name="m.png", **options):
    path = folder / name
    Image.fromarray(pixels).save(path, **options)
    return path


def two_marks(one, other, dtype=np.uint8):
    """A mask of 40 x 40 with two squares of 10 x 10."""
    pixels = np.zeros((40, 40), dtype)
    pixels[5:15, 5:15], pixels[20:30, 20:30] = one, other
    return pixels


class TestMarksThatWouldBeLost:
    @pytest.mark.parametrize(
        "pixels",
        [
            two_marks(60, 255),
            two_marks(1, 255),
            two_marks(60, 65535, np.uint16),
            two_marks(1, 128, np.uint16),
            np.stack([two_marks(120, 200), two_marks(0, 0), two_marks(0, 0)], axis=2),
        ],
        ids=["grey", "class 1", "16 bits", "16-bit labels", "colours"],
    )
    def test_they_are_refused_or_read(self, tmp_path, pixels):
        path = saved(tmp_path, pixels)
        with pytest.raises(DataError, match=r"m\.png: .*--marks any"):
            load_mask(path)
        assert load_mask(path, marks="any").sum() == 200

    def test_marks_in_the_lower_byte_of_16_bit_colours(self, tmp_path):
        path = tmp_path / "m.tif"
        colours = np.stack([two_marks(3, 65535, np.uint16)] * 3, axis=2)
        tifffile.imwrite(path, colours, photometric="rgb")
        with pytest.raises(DataError, match=r"neither black nor bright \(3\)"):
            load_mask(path)
        assert load_mask(path, marks="any").sum() == 200

    def test_every_label_of_a_palette_is_read(self, tmp_path):
        image = Image.fromarray(two_marks(1, 2)).convert("P")
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 0, 255])
        path = tmp_path / "m.png"
        image.save(path)
        assert load_mask(path).sum() == 200 or pytest.fail("dark red is lost")

    def test_soft_edges_of_bright_regions_are_edges(self, tmp_path):
        soft = ndimage.gaussian_filter(two_marks(255, 255).astype(float), 0.8)
        marked = load_mask(saved(tmp_path, soft.astype(np.uint8)))
        assert marked.sum() == pytest.approx(200, abs=30)

    def test_edges_blurred_by_a_pixel_are_edges(self, tmp_path):
        soft = ndimage.gaussian_filter(two_marks(255, 255), 1.0)
        assert load_mask(saved(tmp_path, soft)).sum() == pytest.approx(200, abs=30)

    def test_wider_soft_edges_are_to_be_cut_at_half(self, tmp_path):
        soft = ndimage.gaussian_filter(two_marks(255, 255), 2.0)
        with pytest.raises(DataError, match=r"anomalous; if its edges are soft, .*, cut at half"):
            load_mask(saved(tmp_path, soft))

    @pytest.mark.parametrize("ending", ["jpg", "webp"])
    def test_class_numbers_in_a_lossy_format_are_refused(self, tmp_path, ending):
        path = saved(tmp_path, two_marks(3, 3), f"m.{ending}", quality=90)
        with pytest.raises(DataError, match="class numbers need PNG"):
            load_mask(path, marks="any")

    @pytest.mark.parametrize("kind", [np.uint8, np.uint16])
    def test_class_numbers_of_a_tiff_that_stores_white_as_zero_are_refused(self, tmp_path, kind):
        path = tmp_path / "m.tif"
        tifffile.imwrite(path, two_marks(1, 2, kind), photometric="miniswhite")
        with pytest.raises(DataError, match=r"m\.tif: this TIFF stores white as 0"):
            load_mask(path, marks="any")

    def test_transparent_pixels_have_no_number(self, tmp_path):
        layers = np.full((40, 40, 4), 255, np.uint8)
        layers[..., 3] = two_marks(255, 0)
        assert load_mask(saved(tmp_path, layers), marks="any").sum() == 100

    @pytest.mark.parametrize("quality", [50, 75, 95])
    def test_the_noise_of_a_jpeg_is_no_mark(self, tmp_path, quality):
        path = saved(tmp_path, two_marks(255, 255), "m.jpg", quality=quality)
        assert load_mask(path).sum() == pytest.approx(200, abs=40)


class TestCovered:
    def test_large_regions_keep_their_area(self):
        mask = np.zeros((300, 200), dtype=bool)
        mask[60:180, 40:120] = True
        small, least = covered(mask, 50)
        assert small.sum() == 20 * 20
        assert least == 1

    def test_no_scratch_vanishes_however_thin(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            mask = np.zeros((500, 700), dtype=bool)
            for top in (100, 250, 400):
                left = rng.integers(0, 500)
                mask[top + rng.integers(0, 9) :][:1, left : left + 120] = True
            small, least = covered(mask, 64)
            assert ndimage.label(small, EIGHT)[1] >= 3
            assert 0 < least < 0.5
            assert small.sum() < 3 * 2 * 13  # a scratch is one or two pixels thick

    def test_a_region_is_where_it_was(self):
        mask = np.zeros((100, 100), dtype=bool)
        mask[31, 77] = True
        small, least = covered(mask, 10)
        assert np.argwhere(small).tolist() == [[3, 7]]
        assert least == pytest.approx(0.01)

    def test_a_scratch_beside_a_blob_is_kept(self):
        blob = np.zeros((400, 400), dtype=bool)
        blob[50:150, 50:150] = True
        scratch = np.zeros_like(blob)
        scratch[145:147, 155:350] = True
        small, least = covered(blob | scratch, 40)
        assert (small == covered(blob, 40)[0] | covered(scratch, 40)[0]).all()
        assert small[14, 15:35].all()
        assert least == pytest.approx(0.2)

    @pytest.mark.parametrize("size", [(30, 41), (30, 90), (70, 25), 64])
    def test_regions_that_meet_are_each_as_if_alone(self, size):
        rng = np.random.default_rng(1)
        mask = rng.random((60, 70)) < 0.06
        mask[20:40, 30:60] |= rng.random((20, 30)) < 0.9
        regions, number = ndimage.label(mask, EIGHT)
        alone = [covered(regions == i + 1, size) for i in range(number)]
        together = covered(mask, size)
        height, width = (size, size) if isinstance(size, int) else size
        whole = Image.fromarray(mask.astype(np.float32))
        half = np.asarray(whole.resize((width, height), Image.Resampling.BOX)) >= 0.5
        assert (together[0] == np.logical_or.reduce([half, *(one[0] for one in alone)])).all()
        assert together[1] == pytest.approx(min(one[1] for one in alone))

    def test_nothing_and_everything(self):
        assert not covered(np.zeros((30, 30), bool), 8)[0].any()
        assert covered(np.ones((30, 30), bool), 8)[0].all()
        assert covered(np.zeros((30, 30), bool), 8)[1] == 1

    def test_masks_are_enlarged_by_the_nearest_pixel(self):
        mask = np.eye(4, dtype=bool)
        np.testing.assert_array_equal(covered(mask, 16)[0], np.kron(mask, np.ones((4, 4), bool)))

    def test_the_sources_rule_is_an_option(self, tmp_path):
        pixels = np.zeros((100, 100), np.uint8)
        pixels[31, 77] = 255
        path = saved(tmp_path, pixels)
        assert load_mask(path, 10).sum() == 1
        assert load_mask(path, 10, marks="bright-nearest").sum() == 0


class TestFormats:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("a.webp", {"lossless": True}),
            ("a.jfif", {"format": "JPEG", "quality": 100}),
            ("a.jp2", {}),
            ("a.gif", {}),
            ("a.ppm", {}),
            ("a.tga", {}),
        ],
    )
    def test_what_pillow_decodes_is_read(self, tmp_path, name, options):
        pixels = np.full((20, 20, 3), 200, np.uint8)
        assert (
            np.abs(load_image(saved(tmp_path, pixels, name, **options)).astype(int) - 200).max() < 4
        )

    def test_several_pages_are_refused(self, tmp_path):
        pages = [Image.new("L", (8, 8), level) for level in (0, 255)]
        path = tmp_path / "a.tif"
        pages[0].save(path, save_all=True, append_images=pages[1:])
        with pytest.raises(DataError, match=r"a\.tif: has 2 pages"):
            load_image(path)

    def test_a_16_bit_tiff_that_stores_white_as_zero(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.full((4, 4), 65535, np.uint16), photometric="miniswhite")
        assert load_image(path).max() == 0

    def test_levels_that_8_bits_lose_are_counted(self, tmp_path):
        thermal = saved(tmp_path, (51021 + 20 * np.arange(64).reshape(8, 8)).astype(np.uint16))
        assert lost_levels(thermal) == (64, 5)  # 63 x 20 / 257
        assert lost_levels(saved(tmp_path, np.zeros((4, 4), np.uint8), "b.png")) is None

    def test_masks_have_two_levels(self, tmp_path):
        assert is_binary(saved(tmp_path, two_marks(255, 255)))
        assert not is_binary(saved(tmp_path, two_marks(255, 100), "b.png"))
        assert not is_binary(saved(tmp_path, two_marks(4_000, 9_000, np.uint16), "c.png"))
