"""The methods that AE-XAD must beat: losses, distances and flows against values by hand."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import cdist, mahalanobis

from aexad.app.check_method import check_method
from aexad.config.recipe import Recipe
from aexad.data.training_set import TrainingSet
from aexad.encoders.features import resized
from aexad.methods.bgad import Coupling, Flow, boundary_loss, position_code
from aexad.methods.cells import ROWS, anomalous_cells, cells_of, nearest
from aexad.methods.fcdd import gaussian_line
from aexad.methods.model import build_model
from aexad.methods.patchcore import greedy_coreset
from aexad.methods.supersimplenet import focal, perlin_noise, truncated_l1
from aexad.training.train import train

CPU = torch.device("cpu")
SIZE = 32
RESNET = {"encoder": "test_resnet.r160_in1k", "weights": "none", "epochs": 2}
OWN_SCORE = {"heat_map": {"score": "own"}}
RECIPES = {
    "pixel_probe": RESNET | {"model": "pixel_probe"},
    "linear probe": RESNET | {"model": "pixel_probe", "options": {"head": "linear"}},
    "two_bank": RESNET | {"model": "two_bank"},
    "patchcore": RESNET | OWN_SCORE | {"model": "patchcore", "features": [1, 2]},
    "padim": RESNET | {"model": "padim", "options": {"channels": 10}},
    "fcdd": RESNET | OWN_SCORE | {"model": "fcdd"},
    "bgad": RESNET | {"model": "bgad", "features": [1, 2], "options": {"blocks": 2}},
    "supersimplenet": RESNET | OWN_SCORE | {"model": "supersimplenet"},
    "a Transformer": {
        "model": "pixel_probe",
        "encoder": "test_vit.r160_in1k",
        "weights": "none",
        "input_size": 160,
    },
}


def fitted(name, data, **more):
    model = build_model(Recipe(**RECIPES[name], **more), SIZE, 0)
    train(model, data, CPU, compiled=False)
    return model.network


def images_of(data):
    return torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("name", RECIPES)
def test_a_method_keeps_to_the_interface(name):
    assert check_method(Recipe(**RECIPES[name]), 64) == []


@pytest.mark.parametrize(
    ("name", "buffers"),
    [
        ("pixel_probe", ["mean", "deviation"]),
        ("two_bank", ["normal", "anomalous"]),
        ("patchcore", ["bank"]),
        ("padim", ["mean", "whitening"]),
        ("bgad", ["highest"]),
        ("supersimplenet", []),
    ],
)
def test_only_what_is_learned_counts_as_trained(data, name, buffers):
    model = build_model(Recipe(**RECIPES[name]), SIZE, 0)
    train(model, data, CPU, compiled=False)
    learned = [p for p in model.network.parameters() if p.requires_grad]
    learned += [model.network.get_buffer(buffer) for buffer in buffers]
    assert model.parameters["trained"] == sum(tensor.numel() for tensor in learned)


class TestPixelProbe:
    def test_loss_by_hand(self):
        network = build_model(Recipe(**RECIPES["pixel_probe"]), SIZE, 0).network
        logits = torch.zeros(2, 1, SIZE, SIZE)
        mask = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.bool)
        mask[0, 0, :2, :4] = True  # 8 of 1024 pixels weigh 128 times as much
        losses = network.loss(torch.zeros(2, 3, SIZE, SIZE), logits, mask).sum(dim=(1, 2, 3))
        expected = [math.log(2) * (1016 + 8 * 128) / 1024, math.log(2)]
        torch.testing.assert_close(losses, torch.tensor(expected))

    def test_features_are_normed_over_the_training_set(self, data):
        network = fitted("pixel_probe", data)
        features = network.features(images_of(data)).double()
        torch.testing.assert_close(network.mean.double(), features.mean(dim=(0, 2, 3)))
        variance = features.var(dim=(0, 2, 3), correction=0)
        deviation = variance.where(variance > 1e-12, 1.0).sqrt()
        torch.testing.assert_close(network.deviation.double(), deviation, rtol=1e-4, atol=1e-6)
        normed = (features - network.mean.view(-1, 1, 1)) / network.deviation.view(-1, 1, 1)
        expected = F.interpolate(network.head(normed.float()), SIZE, mode="bilinear")
        torch.testing.assert_close(network.decode(features.float()), expected, rtol=1e-3, atol=1e-3)

    def test_a_channel_without_variance_keeps_its_scale(self, data):
        data.images[:, 1::8, 2::8] = 40  # a pixel of each 8 x 8 block is the same everywhere
        model = build_model(Recipe(model="pixel_probe", encoder="pixels", epochs=1), SIZE, 0)
        train(model, data, CPU, compiled=False)
        silent = torch.zeros(3, 8, 8, dtype=torch.bool)
        silent[:, 1, 2] = True
        deviation = model.network.deviation.view(3, 8, 8)
        assert (deviation[silent] == 1).all()
        assert (deviation[~silent] < 1).all()

    def test_it_learns_where_defects_are(self):
        rng = np.random.default_rng(0)
        images = rng.integers(100, 120, (12, SIZE, SIZE, 3)).astype(np.uint8)
        masks = np.zeros((12, SIZE, SIZE), dtype=bool)
        masks[8:, 8:24, 8:24] = True
        images[masks] = 255
        count = np.ones(12, dtype=np.int64)
        data = TrainingSet(images, masks, count, np.arange(12).astype(str), count < 0, SIZE)
        network = fitted("pixel_probe", data, least_updates=60)
        maps = network(images_of(data))[:, 0].detach()
        assert maps[8:, 12:20, 12:20].mean() > 0.8 > 0.2 > maps[:8].mean()


class TestNeighbours:
    def test_nearest_equals_scipy(self):
        rng = np.random.default_rng(1)
        cells, bank = rng.normal(size=(7, 5)), rng.normal(size=(ROWS + 9, 5))
        distance, row = nearest(torch.from_numpy(cells), torch.from_numpy(bank))
        expected = cdist(cells, bank)
        np.testing.assert_allclose(distance, expected.min(axis=1))
        np.testing.assert_array_equal(row, expected.argmin(axis=1))

    def test_a_thin_defect_has_cells(self):
        masks = torch.zeros(3, 1, 8, 8, dtype=torch.bool)
        masks[0, 0, :4, :4] = True  # a whole cell of the 2 x 2
        masks[1, 0, 3, :6] = True  # 4 and 2 pixels of two cells of 16
        cells = anomalous_cells(masks, 2)
        assert cells.tolist() == [
            [[True, False], [False, False]],
            [[True, False], [False, False]],
            [[False, False], [False, False]],
        ]


class TestTwoBank:
    def test_map_is_the_difference_of_distances(self, data):
        network = fitted("two_bank", data)
        images = images_of(data)[6:7]
        features = F.avg_pool2d(network.features(images), 3, 1, 1, count_include_pad=False)
        grid = features.shape[-1]
        cells = F.normalize(features, dim=1)[0].flatten(1).T
        expected = cdist(cells, network.normal).min(axis=1)
        expected = expected - cdist(cells, network.anomalous).min(axis=1)
        found = F.adaptive_avg_pool2d(network(images), grid).flatten()
        assert np.corrcoef(found, expected)[0, 1] > 0.95
        assert network.normal.shape[0] == 6 * grid**2

    def test_cells_of_its_defects_are_nearest_to_the_anomalous_bank(self, data):
        network = fitted("two_bank", data)
        cells = cells_of(
            F.normalize(
                F.avg_pool2d(network.features(images_of(data)), 3, 1, 1, count_include_pad=False),
                dim=1,
            )
        )
        distance, _ = nearest(cells, network.anomalous)
        masks = torch.from_numpy(data.masks)[:, None]
        own = anomalous_cells(masks, 4).flatten()
        assert distance[own].max() < 1e-3


class TestPatchCore:
    def test_coreset_takes_the_farthest_each_time(self):
        cells = torch.tensor([[0.0], [1.0], [9.0], [10.0], [4.0]])
        rows = greedy_coreset(cells, 3, seed=0).tolist()
        kept = [rows[0]]
        for _ in range(2):
            away = cdist(cells, cells[kept]).min(axis=1)
            kept.append(int(away.argmax()))
        assert rows == kept

    def test_a_coreset_of_all_cells_has_each_once(self):
        cells = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
        assert sorted(greedy_coreset(cells, 20, seed=3).tolist()) == list(range(20))

    def test_map_and_score(self, data):
        network = fitted("patchcore", data, options={"coreset": 1.0, "neighbours": 3})
        image = images_of(data)[6:7]
        features = network.features(image)
        cells, grid = features[0].flatten(1).T.double(), features.shape[-1]
        bank = network.bank.double()
        distance = torch.cdist(cells, bank)
        lowest, row = distance.min(dim=1)
        maps, score = network(image)
        expected = lowest.view(1, 1, grid, grid).float()
        expected = F.interpolate(expected, (SIZE, SIZE), mode="bilinear")
        torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-3)
        worst = int(lowest.argmax())
        around = torch.cdist(bank[row[worst]][None], bank)[0].topk(3, largest=False).indices
        weight = 1 - lowest[worst].exp() / torch.cdist(cells[worst][None], bank[around]).exp().sum()
        torch.testing.assert_close(score[0].double(), weight * lowest[worst], rtol=1e-3, atol=1e-3)


def test_padim_is_the_mahalanobis_distance_of_each_cell(data):
    network = fitted("padim", data)
    normals, image = images_of(data)[:6], images_of(data)[7:8]
    features = network.features(normals).double().flatten(2).numpy()  # (6, d, g g)
    seen = network.features(image).double().flatten(2).numpy()[0]
    away = network.whitening @ (
        torch.from_numpy(seen).float().T[:, :, None] - network.mean[:, :, None]
    )
    for cell in (0, 5, 11):
        covariance = np.cov(features[:, :, cell].T) + 0.01 * np.eye(10)
        expected = mahalanobis(
            seen[:, cell], features[:, :, cell].mean(axis=0), np.linalg.inv(covariance)
        )
        assert away[cell].norm().item() == pytest.approx(expected, rel=1e-3)


class TestFCDD:
    def test_loss_by_hand(self):
        network = build_model(Recipe(**RECIPES["fcdd"]), SIZE, 0).network
        h = torch.full((2, 1, SIZE, SIZE), 0.5)
        mask = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.bool)
        mask[1, 0, : SIZE // 2] = True
        losses = network.loss(torch.zeros(2, 3, SIZE, SIZE), h, mask)
        # The second image: half of its pixels are normal (0.25), half defects (mean of Y h': 0.25).
        expected = [0.5, 0.25 - math.log(1 - math.exp(-0.25))]
        torch.testing.assert_close(losses, torch.tensor(expected))

    def test_upsampling_is_a_transposed_convolution_with_the_gaussian(self):
        network = build_model(Recipe(**RECIPES["fcdd"]), SIZE, 0).network.eval()
        features = torch.randn(1, network.encoder.channels, 4, 4)
        h = (network.head(features).square() + 1).sqrt() - 1
        line = gaussian_line(len(network.line), 12)
        padding = (len(line) - 8) // 2
        kernel = torch.outer(line, line)[None, None]
        expected = F.conv_transpose2d(h, kernel, stride=8, padding=padding)
        torch.testing.assert_close(network.decode(features), expected, rtol=1e-4, atol=1e-5)

    def test_the_score_weighs_all_cells_alike(self):
        """The mean of h, not of h', which loses what the kernel spreads beyond the border."""
        network = build_model(Recipe(**RECIPES["fcdd"]), SIZE, 0).network.eval()
        images = torch.rand(2, 3, SIZE, SIZE)
        with torch.no_grad():
            a = network.head(network.features(images)).double()
            maps, score = network(images)
        torch.testing.assert_close(score.double(), ((a**2 + 1).sqrt() - 1).mean(dim=(1, 2, 3)))
        assert maps.shape == (2, 1, SIZE, SIZE)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_a_small_output_is_not_rounded_to_zero(self, dtype):
        network = build_model(Recipe(**RECIPES["fcdd"]), SIZE, 0).network
        network.head = torch.nn.Identity()
        a = torch.tensor([1e-4, 0.01, 0.08, 3.0], dtype=dtype)
        expected = (a.double().square() + 1).sqrt() - 1
        torch.testing.assert_close(network.cells(a).double(), expected, rtol=0.02, atol=1e-10)

    def test_the_kernel_is_that_of_the_paper(self):
        network = build_model(Recipe(**RECIPES["fcdd"]), 224, 0).network
        assert (network.stride, len(network.line)) == (8, 62)
        line = gaussian_line(62, 12)
        assert line.max() == 1
        assert line[0] == pytest.approx(math.exp(-0.5 * (30.5 / 12) ** 2) / math.exp(-0.5 / 24**2))


class TestBGAD:
    @pytest.mark.parametrize("channels", [4, 5])
    def test_log_determinant_equals_that_of_autograds_jacobian(self, channels):
        torch.manual_seed(0)
        block = Coupling(channels, 8, 1.9)
        for parameter in block.subnet.parameters():
            torch.nn.init.normal_(parameter)
        cell, code = torch.randn(1, channels), torch.randn(1, 8)
        jacobian = torch.autograd.functional.jacobian(lambda x: block(x, code)[0], cell)
        expected = torch.linalg.slogdet(jacobian.view(channels, channels)).logabsdet
        torch.testing.assert_close(block(cell, code)[1][0], expected, rtol=1e-3, atol=1e-3)

    def test_an_untrained_flow_is_a_standard_normal(self):
        cells, code = torch.randn(6, 4), torch.randn(6, 8)
        normal = torch.distributions.Normal(0, 1)
        expected = normal.log_prob(cells).sum(dim=1) / 4
        torch.testing.assert_close(Flow(4, 8, 3, 1.9)(cells, code), expected)

    def test_boundary_loss_by_hand(self):
        likelihood = torch.tensor([0.0, -1.0, -2.0, -0.5, -9.0])
        anomalous = torch.tensor([False, False, False, True, True])
        # q = l / 10; the median of the normal q is -0.1, so b_n = -0.1 and b_a = -0.2.
        ordinary = -F.logsigmoid(likelihood[:3]).mean()
        below = (0.0 + 0.1) / 2  # of -0.1 and -0.2
        above = -0.05 + 0.2  # of -0.05; -0.9 is below b_a
        expected = ordinary + below + above
        found = boundary_loss(likelihood, anomalous, quantile=0.5, margin=0.1)
        torch.testing.assert_close(found, expected)

    def test_a_chunk_without_defects_or_without_normals(self):
        likelihood = torch.tensor([-1.0, -3.0])
        none, every = torch.tensor([False, False]), torch.tensor([True, True])
        assert torch.isfinite(boundary_loss(likelihood, none, 0.01, 0.1))
        assert boundary_loss(likelihood, every, 0.01, 0.1) == 0

    def test_positions_differ(self):
        code = position_code(16, 5)
        assert code.shape == (25, 16)
        assert len(code.unique(dim=0)) == 25

    def test_the_map_is_that_of_the_likelihoods_of_the_flows(self, data):
        network, images = fitted("bgad", data), images_of(data)[:6]
        grids = [grid for _, grid in network.shapes]
        with torch.no_grad():
            cells = [cells_of(stage) for stage in network.encoder.stages(images)]
            codes = [position_code(128, grid).repeat(6, 1) for grid in grids]
            levels = [
                flow(*each).view(6, 1, grid, grid)
                for flow, grid, *each in zip(network.flows, grids, cells, codes, strict=True)
            ]
            expected = -sum(
                resized((level - highest).exp(), SIZE)
                for level, highest in zip(levels, network.highest, strict=True)
            )
            torch.testing.assert_close(network(images), expected)

    def test_the_map_is_highest_where_a_cell_is_least_likely(self):
        network = build_model(Recipe(**RECIPES["bgad"]), SIZE, 0).network
        first, *others = (grid for _, grid in network.shapes)
        levels = torch.zeros(1, first**2 + sum(grid**2 for grid in others))  # the highest, c = 0
        row, column = 2, 5
        levels[0, row * first + column] = -20
        y, x = divmod(int(network.explain(levels).argmax()), SIZE)
        assert (y * first // SIZE, x * first // SIZE) == (row, column)


class TestSuperSimpleNet:
    def test_truncated_l1_by_hand(self):
        maps = torch.tensor([-2.0, 0.0, 0.2, 3.0])
        truth = torch.tensor([False, False, True, True])
        # Normal: 0 and 0.5; anomalous: 0.3 and 0.
        assert truncated_l1(maps, truth, 0.5).item() == pytest.approx(0.25 + 0.15)

    def test_focal_by_hand(self):
        loss = focal(torch.tensor([math.log(3)]), torch.tensor([True]), gamma=2)
        assert loss.item() == pytest.approx(0.25**2 * -math.log(0.75))

    def test_perlin_noise_is_smooth_and_covers_a_part(self):
        torch.manual_seed(0)
        noise = perlin_noise(20, 28)
        assert noise.shape == (20, 1, 28, 28)
        assert noise.abs().max() <= 1.1
        assert 0.01 < (noise > 0.3).float().mean() < 0.4
        assert (noise[..., 1:] - noise[..., :-1]).abs().mean() < 0.25

    def test_the_adaptor_learns_at_half_the_rate(self):
        network = build_model(Recipe(**RECIPES["supersimplenet"]), SIZE, 0).network
        assert network.rate_factor("adaptor.weight") == 0.5
        assert network.rate_factor("score.weight") == 1
