"""Do the tests notice a wrong formula? Each mutant breaks one, in a copy, and must fail a test.

    python benchmarks/mutations.py [MODULE …]     # such as report/stats/tests.py; default: all

prints a table of the mutants and of the first test that each of them fails, and exits with status 1
if one survives.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


STATISTICS = ["tests/report/stats", "tests/report/tables/test_tables.py"]
TESTS = {
    "explain/heatmap.py": [
        "tests/explain/test_heatmap.py",
        "tests/evaluation/metrics",
        "tests/methods/test_aexad_probe.py",
    ],
    "evaluation/metrics/image_counts.py": ["tests/evaluation/metrics", "tests/report/stats"],
    "report/stats/estimator.py": STATISTICS,
    "report/stats/intervals.py": STATISTICS,
    "report/stats/resampling.py": STATISTICS,
    "report/stats/tests.py": STATISTICS,
    "report/tables/fidelity.py": ["tests/report/tables"],
    "methods/aexad.py": ["tests/methods"],
    "methods/base.py": ["tests/methods"],
    "methods/pixel_probe.py": ["tests/methods/test_rivals.py", "tests/methods/test_aexad_probe.py"],
    "data/images.py": ["tests/data/test_tiles.py"],
    "runtime/signals.py": ["tests/faults/test_signals.py::TestDropped"],
    "training/loop.py": [
        "tests/training/test_update.py",
        "tests/training/test_training.py",
        "tests/training/test_checkpoint.py",
    ],
}
"""The tests of modules whose tests have another name."""

MUTANTS = {
    "evaluation/metrics/ranking.py": {
        "AUROC: a tie is lost, not half": (
            "int(above.sum()) + int(at_least.sum())",
            "2 * int(at_least.sum())",
        ),
        "AP, best F1 and IoU: ties are not merged": (
            'np.searchsorted(anomalous, values, side="left")',
            "np.arange(start, start + len(values))",
        ),
        "AP: false positives level with the threshold are forgotten": (
            "(hits / (hits + false)).sum()",
            "(hits / (hits + above)).sum()",
        ),
        "best F1: hits counted once": ("2 * hits / (hits", "1 * hits / (hits"),
        "best IoU: hits counted twice": ("hits / (false + e", "2 * hits / (false + e"),
        "AUROC: undefined values count as 1/2": ("        return np.nan\n", "        return 0.5\n"),
    },
    "evaluation/metrics/preparation.py": {
        "ranks: scores equal to a value are not searched": (
            'np.searchsorted(scores, values[tied], side="right")',
            "below[tied]",
        ),
        "masks above 1 are accepted": (
            "((labels == 0) | (labels == 1)).all()",
            "(labels >= 0).all()",
        ),
        "infinite scores are accepted": ("np.isfinite(scores)", "~np.isnan(scores)"),
        "float64 becomes float32": ("np.result_type(self._scores, piece)", "'f4'"),
    },
    "evaluation/metrics/pixel.py": {
        "binary map: >= for >": ("count_nonzero(score > limit", "count_nonzero(score >= limit"),
        "hits: >= for >": ("count_nonzero(anomalous > limit", "count_nonzero(anomalous >= limit"),
        "F1 of the union": ("2 * hits, marked + anomalous,", "2 * hits, marked + hits,"),
        "IoU over the sum": ("marked + anomalous - hits", "marked + anomalous"),
        "images without anomalies count as 0": ("np.full(hits.shape, np.nan)", "0.0 * hits"),
    },
    "evaluation/metrics/pro.py": {
        "PRO: 4-connectivity": ("structure=EIGHT", "structure=None"),
        "PRO: good images are forgotten": (
            "pool.add(score[~mask])",
            "pool.add(score[~mask] if mask.any() else score[:0, 0])",
        ),
        "PRO: a tie counts from its start": ("1 - (above + at_least)", "1 - (above + above)"),
        "PRO: no interpolation at the limit": ("left * left /", "0 * left /"),
        "PRO: area beyond the limit is subtracted": ("np.maximum(1 - ", "np.add(1 - "),
        "PRO: recall is a count": ("len(image.size)) / image.size", "len(image.size)) / 9"),
        "PRO: ties at the limit are cut off": ("bottom - ties :]", "bottom:]"),
        "PRO: each image weighs the same": (
            "np.concatenate(shares).mean()",
            "np.mean([share.mean() for share in shares])",
        ),
    },
    "evaluation/metrics/summary.py": {
        "one pass: normal scores are not sorted": ("    normal.sort()\n", ""),
    },
    "evaluation/metrics/image.py": {
        "image metrics: classes exchanged": (
            "scores[~labels]), np.sort(scores[labels])",
            "scores[labels]), np.sort(scores[~labels])",
        ),
    },
    "explain/heatmap.py": {
        "heat map: F = 2 becomes 1": ('(2 if target == "two"', '(1 if target == "two"'),
        "heat map: the probability is not in it": ("        relative *= probability[:, 0]\n", ""),
        "heat map: the probability is not in the error": (
            "error *= probability[:, 0]",
            "error *= 1",
        ),
        "heat map: no guard at 1/2": (".clip(min=SMALLEST_DISTANCE_TO_TARGET**2)", ""),
        "heat map: sigma = k / 2": ("size / 3", "size / 2"),
        "heat map: zeros beyond the border": (
            'axis=0, mode="reflect"',
            'axis=0, mode="constant"',
        ),
        "heat map: k rounded down": ("(total + count) // (2 * count)", "total // (2 * count)"),
        "heat map: k may be 0": ("max([1] +", "max([0] +"),
        "heat map: one direction for k": ("for axis in (0, 1)", "for axis in (0, 0)"),
        "heat map: score of the unsmoothed error": ("smoothed(error, k,", "smoothed(error, 0 * k,"),
        "threshold rounded to the nearest float32": ("float(nearest) > threshold", "False"),
        "threshold: a is ignored": ("mean + factor * std", "mean + std"),
        "heat map: >= in the binary map": ("np.greater(m,", "np.greater_equal(m,"),
        "heat map: sample deviation": (
            "float(values.mean()) ** 0.5",
            "float(values.sum() / (values.size - 1)) ** 0.5",
        ),
    },
    "evaluation/evaluate.py": {
        "evaluation: lost masks are not named": ("== 0)\n", "< 0)\n"),
        "evaluation: no value becomes 0": ('{"value": None', '{"value": 0'),
    },
    "data/tiles.py": {
        "tiles: a seam": (
            "given, strict=True):\n            total",
            "given, strict=True):\n            total[:] = 0\n            total",
        ),
        "tiles: weights are not divided": ("    total /= weight\n", ""),
        "tiles: scores of the first tiles alone": (
            "-np.inf if highest is None else highest)",
            "0)",
        ),
        "tiles: padding is black": (', mode="symmetric")', ")"),
        "tiles: padding stays": ("total[:, :height, :width]", "total"),
        "tiles: masks are not padded": (", padded(mask, size)\n", ", mask\n"),
    },
    "data/images.py": {
        "whole: the shorter side decides": ("max(shape), 1) if", "min(shape), 1) if"),
    },
    "runtime/signals.py": {
        "signals: a dropped one is forgotten": ("        later.start()\n", ""),
        "signals: other errors of finalizers are hidden": (
            "            report_dropped(dropped)\n",
            "",
        ),
    },
    "evaluation/external_maps.py": {
        "external maps: surplus maps are ignored": ("surplus.append", "str"),
    },
    "data/resize.py": {
        "maps become larger from corners": ("+ 0.5) * (len", "+ 0.0) * (len"),
        "a smaller map takes single values": ("if length < len(values):", "if length < 0:"),
        "a smaller map is a sum": ("overlap.clip(min=0) / length", "overlap.clip(min=0) / smaller"),
    },
    "methods/aexad.py": {
        "loss: lambda is 1": ("(d / norm.clamp_min(1))", "(norm / norm.clamp_min(1))"),
        "loss: lambda counts an anomaly's pixels three times": (
            "mask.sum(dim=(1, 2, 3), keepdim=True)",
            "3 * mask.sum(dim=(1, 2, 3), keepdim=True)",
        ),
        "loss: normal pixels are driven to F": ("x.where(~mask, f)", "x.where(mask, f)"),
        "loss: not normalised": ("where(mask, 1.0) / distance)", "where(mask, 1.0) / 1)"),
        "loss: no guard at 1/2": (".clamp_min(SMALLEST_DISTANCE_TO_TARGET**2)", ""),
        "loss: lambda weighs the normal pixels": (
            "lambda_.where(mask, 1.0)",
            "lambda_.where(~mask, 1.0)",
        ),
        "loss: absolute error": ("f) - decoded).square() * (", "f) - decoded).abs() * ("),
        "target: F = 2 becomes 1": ("x.new_tensor(2.0 if", "x.new_tensor(1.0 if"),
        "target: 1 - x becomes x": ("return 1 - x", "return x"),
        "decoder: b2 is not added": ("b2 * (1 + b1)", "b2 * b1"),
        "decoder: branch 1 is a mean": (".sum(dim=2)", ".mean(dim=2)"),
        "the ablation trains on the loss of AE-XAD": (
            'recipe.loss == "mse", recipe.target',
            'recipe.loss == "", recipe.target',
        ),
    },
    "methods/aexad_probe.py": {
        "the probe's loss falls under the mean of AE-XAD's": ("probe * self.loss_terms", "probe"),
        "logits instead of probabilities": ("decoded[:, 3:].sigmoid()", "decoded[:, 3:]"),
        "the probe sees no loss": ("probe * self.loss_terms]", "probe.detach()]"),
    },
    "methods/pixel_probe.py": {
        "defects weigh as much as their area": ("pixels / area.clamp_min(1)", "area / pixels"),
        "features are not normed": ("(encoded - self.mean[:, None, None])", "encoded"),
        "the deviation is the variance": ("1e-12, 1.0).sqrt()", "1e-12, 1.0)"),
        "a sum over pixels": ("            / pixels\n", ""),
    },
    "methods/selu.py": {
        "SELU: not scaled": (".mul_(ALPHA * SCALE)", ".mul_(ALPHA)"),
        "SELU: a gradient of the input": ("SCALE, 1, True, result", "SCALE, 1, False, result"),
    },
    "methods/base.py": {
        "plain loss: absolute error": (
            "return (x - decoded).square()",
            "return (x - decoded).abs()",
        ),
        "a mean over pixels, not over channels": ("3 * size**2 if", "size**2 if"),
        "every loss is a mean": ('== "mean" else 1', '== "mean" else 3 * size**2'),
    },
    "training/optimiser.py": {
        "Adam and AdamW exchanged": ('settings.name == "adamw"', 'settings.name != "adamw"'),
        "no weight decay": ('"weight_decay": settings.weight_decay', '"weight_decay": 0.0'),
        "a trained encoder learns at the rate of the rest": (
            "settings.encoder_learning_rate or settings.learning_rate",
            "settings.learning_rate",
        ),
        "the cosine schedule runs backwards": ("(1 + math.cos(", "(1 - math.cos("),
        "the schedule does not reach its last rate": (
            "(epoch - 1) / (epochs - 1)",
            "(epoch - 1) / epochs",
        ),
        "frozen parameters are trained": (
            "if parameter.requires_grad:",
            "if parameter is not None:",
        ),
    },
    "training/loop.py": {
        "gradients of the last step remain": (
            "            self.optimiser.zero_grad(set_to_none=True)\n",
            "",
        ),
        "parts of a batch weigh as whole batches": (
            "(trained / (len(chosen) * self.terms))",
            "(trained / (len(part) * self.terms))",
        ),
        "gradients are not clipped": ("if recipe.optimiser.gradient_clip:", "if not recipe:"),
        "the schedule is not applied": ('group["initial_lr"] * rate', 'group["initial_lr"]'),
        "the loss on normal pixels is the whole loss": ("float(loss - anomalous)", "float(loss)"),
        "the worst epoch is kept": (
            'row["validation_loss"] < min(',
            'row["validation_loss"] > min(',
        ),
        "every epoch draws the same random numbers": (
            "SeedSequence([self.model.seed, epoch])",
            "SeedSequence([self.model.seed])",
        ),
        "a loss of NaN goes on": ("~np.isfinite(totals[:, 0])", "np.isinf(totals[:, 0])"),
        "a resumed training starts its history anew": (
            "self.history, self.best = state.history, state.best",
            "self.best = state.best",
        ),
        "a resumed training has a new optimiser": (
            "        restore_optimiser(self.optimiser, state.optimiser)\n",
            "",
        ),
    },
    "training/batches.py": {
        "half of a batch is anomalous": ("share: float = 1 / 3", "share: float = 1 / 2"),
        "validation images are trained on": ("data.weight * ~data.validation", "data.weight"),
        "plain reconstruction trains on anomalies": ("anomalous_pool[:0]", "anomalous_pool[0:]"),
        "every epoch has the same order": ("default_rng([seed, epoch])", "default_rng([seed])"),
        "an image counts once": ("data.weight * ", "1 * "),
    },
    "runtime/device.py": {
        "TF32 in convolutions": (
            "torch.backends.cudnn.allow_tf32 = False",
            "torch.backends.cudnn.allow_tf32 = True",
        ),
    },
    "evaluation/metrics/image_counts.py": {
        "counts: above instead of at the threshold": (
            "np.searchsorted(image.score, grid)",
            'np.searchsorted(image.score, grid, side="right")',
        ),
        "counts: a pixel weighs the same in every region": (
            "1 / image.size[image.region]",
            "1 / image.size.mean() * np.ones(len(image.region))",
        ),
    },
    "report/stats/resampling.py": {
        "resamples change the number of anomalous images": (
            "for group in (anomalous, ~anomalous):",
            "for group in (anomalous | ~anomalous,):",
        ),
        "undefined values count in a mean": (
            "weights[:, known].sum(axis=1)",
            "weights.sum(axis=1)",
        ),
        "PRO: area beyond the limit counts": (
            "np.nan_to_num(slope) * (limit - x0)",
            "np.nan_to_num(slope) * (x - x0)",
        ),
        "PRO: not over the limit": ("/ 2).sum(axis=1) / limit", "/ 2).sum(axis=1)"),
        "AP: precision of the last threshold": (
            "np.diff(_divided(true, positives), axis=1, prepend=0)",
            "np.diff(_divided(true, positives), axis=1, append=1)",
        ),
        "best F1 is halved": ("_divided(2 * true,", "_divided(true,"),
        "best IoU over the sum": (
            "_divided(true, false + positives)",
            "_divided(true, false + true + positives)",
        ),
        "image scores: ties are split": (
            "scores[:, None] >= np.unique",
            "scores[:, None] > np.unique",
        ),
    },
    "report/stats/estimator.py": {
        "seed variance is biased": ("by_seed.var(ddof=1)", "by_seed.var(ddof=0)"),
        "seeds are forgotten": ("by_seed.var(ddof=1) / seeds", "0.0 * seeds"),
        "images are forgotten": ("sum(each) / len(cells) ** 2", "0.0 * len(cells)"),
        "the variance of a mean is not over its number": (
            "sum(each) / len(cells) ** 2",
            "sum(each) / len(cells)",
        ),
        "normal quantiles instead of Student's": (
            "stats.t.ppf(1 - LEVEL / 2, freedom)",
            "stats.norm.ppf(1 - LEVEL / 2)",
        ),
        "90 % instead of 95 %": ("1 - LEVEL / 2, freedom", "1 - LEVEL, freedom"),
        "an interval leaves its bounds": ("min(greatest, mean + half)", "mean + half"),
        "no logit scale": ("within / (share * (1 - share))", "within"),
        "two seeds near a bound span the range": ("min(half, share, 1 - share)", "half"),
        "few images have an interval": (
            "cell.images for cell in cells) < IMAGES",
            "cell.images for cell in cells) < 1",
        ),
        "what an image is to one seed counts twice": ("shared=seeds > 1", "shared=False"),
        "without common seeds, only what they share counts": (
            "covariance.sum() / seeds**2",
            "(covariance.sum() - np.trace(covariance)) / seeds**2",
        ),
        "one seed is no remark": ("images_alone=seeds < 2", "images_alone=False"),
    },
    "report/stats/intervals.py": {
        "differences are not paired": ("-= known[1].draws", "-= known[1].draws[::-1]"),
        "a difference adds": ("-= known[1].draws", "+= known[1].draws"),
        "a method without a common seed has a difference": (
            "if values.isna().all().any():",
            "if values.isna().all().all():",
        ),
        "seeds instead of categories weigh the same": (
            "float(values.mean().mean())",
            "float(np.nanmean(values))",
        ),
    },
    "report/stats/tests.py": {
        "five categories are enough": ("CATEGORIES = 6", "CATEGORIES = 5"),
        "a one-sided test": ("float(2 * ways[", "float(ways["),
        "equal sizes have different ranks": ("abs().rank()", 'abs().rank(method="first")'),
        "rounding errors decide signed ranks": ("differences.round(DIGITS)", "differences"),
        "rounding errors decide Friedman's ranks": ("complete.round(DIGITS).rank", "complete.rank"),
        "Bonferroni for Holm": ("np.arange(len(p), 0, -1)", "len(p)"),
        "the lowest value has rank 1": ("ascending=False", "ascending=True"),
        "Nemenyi's factor is not divided": ("np.inf) / np.sqrt(2))", "np.inf))"),
        "Friedman's F with N categories": (
            "(categories - 1) * chi2 / left",
            "categories * chi2 / left",
        ),
    },
    "report/tables/fidelity.py": {
        "agreement is a close mean, however noisy": (
            "(low >= -margin) & (high <= margin)",
            "difference.abs() <= margin",
        ),
        "the interval of equivalence is 95 %": ("stats.t.ppf(0.95", "stats.t.ppf(0.975"),
        "the error of a mean is the deviation": (
            'both["std"] / np.sqrt(seeds)',
            'both["std"] * np.sqrt(seeds / seeds)',
        ),
    },
}
"""Module, description of the mutant, the text that it replaces, and by what."""


def main() -> int:
    """Run the mutants and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("aexad", "config", "tests"):
            shutil.copytree(ROOT / name, copy / name)
        shutil.copy(ROOT / "pyproject.toml", copy)
        modules = sys.argv[1:] or list(MUTANTS)
        tests = sorted({test for module in modules for test in tests_of(module)})
        assert first_failure(copy, *tests) is None, "the tests fail without a mutant"
        print("| mutant | module | first test that fails |\n|---|---|---|")
        found = [
            tried(copy, module, description, *change)
            for module in modules
            for description, change in MUTANTS[module].items()
        ]
    print(f"\n{sum(found)} of {len(found)} mutants found")
    return not all(found)


def tests_of(module: str) -> list[str]:
    """The tests that are expected to notice a change of a module."""
    room, _, name = module.rpartition("/")
    if module in TESTS:
        return TESTS[module]
    return [f"tests/{room}" if room.endswith("metrics") else f"tests/{room}/test_{name}"]


def tried(copy: Path, module: str, description: str, before: str, after: str) -> bool:
    """Break a module of the copy, run its tests, mend it; returns whether a test fails."""
    path = copy / "aexad" / module
    text = path.read_text()
    assert text.count(before) == 1, f"{description}: not found once"
    path.write_text(text.replace(before, after))
    failure = first_failure(copy, *tests_of(module))
    path.write_text(text)
    print(f"| {description} | {module} | {failure or '**none**'} |", flush=True)
    return failure is not None


def first_failure(copy: Path, *tests: str) -> str | None:
    """Name the first test that fails, or None."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) \S*?(\w+\.py)(?:::([\w]+))?", run.stdout, re.MULTILINE)
    assert found, run.stdout + run.stderr
    return "::".join(filter(None, found.groups()))


if __name__ == "__main__":
    sys.exit(main())
