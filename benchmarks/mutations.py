"""Do the tests notice a wrong formula? Each mutant breaks one, in a copy, and must fail a test.

    python benchmarks/mutations.py

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
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Mutant(NamedTuple):
    """One change of one place."""

    description: str
    module: str
    before: str
    after: str

    @property
    def tests(self) -> str:
        """The tests that are expected to notice."""
        room, _, name = self.module.rpartition("/")
        return f"tests/{room}" if room.endswith("metrics") else f"tests/{room}/test_{name}"


RANKING, PIXEL, PRO, PREPARATION, SUMMARY, IMAGE = (
    f"evaluation/metrics/{name}.py"
    for name in ("ranking", "pixel", "pro", "preparation", "summary", "image")
)
HEAT, EVALUATION = "explain/heatmap.py", "evaluation/evaluate.py"
EXTERNAL = "evaluation/external_maps.py"

MUTANTS = [
    Mutant(
        "AUROC: a tie is lost, not half",
        RANKING,
        "int(above.sum()) + int(at_least.sum())",
        "2 * int(at_least.sum())",
    ),
    Mutant(
        "AP, best F1 and IoU: ties are not merged",
        RANKING,
        'np.searchsorted(anomalous, values, side="left")',
        "np.arange(start, start + len(values))",
    ),
    Mutant(
        "AP: false positives level with the threshold are forgotten",
        RANKING,
        "(hits / (hits + false)).sum()",
        "(hits / (hits + above)).sum()",
    ),
    Mutant("best F1: hits counted once", RANKING, "2 * hits / (hits", "1 * hits / (hits"),
    Mutant("best IoU: hits counted twice", RANKING, "hits / (false + e", "2 * hits / (false + e"),
    Mutant(
        "ranks: scores equal to a value are not searched",
        PREPARATION,
        'np.searchsorted(scores, values[tied], side="right")',
        "below[tied]",
    ),
    Mutant(
        "masks above 1 are accepted",
        PREPARATION,
        "((labels == 0) | (labels == 1)).all()",
        "(labels >= 0).all()",
    ),
    Mutant("infinite scores are accepted", PREPARATION, "np.isfinite(scores)", "~np.isnan(scores)"),
    Mutant("float64 becomes float32", PREPARATION, "np.result_type(self._scores, piece)", "'f4'"),
    Mutant("binary map: >= for >", PIXEL, "count_nonzero(score > t", "count_nonzero(score >= t"),
    Mutant("hits: >= for >", PIXEL, "count_nonzero(anomalous > t", "count_nonzero(anomalous >= t"),
    Mutant(
        "threshold rounded to the nearest float32", PIXEL, "float(nearest) > threshold", "False"
    ),
    Mutant("threshold: a is ignored", PIXEL, "mean + factor * std", "mean + std"),
    Mutant("F1 of the union", PIXEL, "2 * hits, marked + anomalous,", "2 * hits, marked + hits,"),
    Mutant("IoU over the sum", PIXEL, "marked + anomalous - hits", "marked + anomalous"),
    Mutant(
        "images without anomalies count as 0", PIXEL, "np.full(hits.shape, np.nan)", "0.0 * hits"
    ),
    Mutant(
        "AUROC: undefined values count as 1/2",
        RANKING,
        "        return np.nan\n",
        "        return 0.5\n",
    ),
    Mutant("PRO: 4-connectivity", PRO, "np.ones((3, 3), dtype=bool)", "None"),
    Mutant(
        "PRO: good images are forgotten",
        PRO,
        "pool.add(score[~mask])",
        "pool.add(score[~mask] if mask.any() else score[:0, 0])",
    ),
    Mutant(
        "PRO: a tie counts from its start", PRO, "1 - (above + at_least)", "1 - (above + above)"
    ),
    Mutant("PRO: no interpolation at the limit", PRO, "left * left /", "0 * left /"),
    Mutant("PRO: area beyond the limit is subtracted", PRO, "np.maximum(1 - ", "np.add(1 - "),
    Mutant("PRO: recall is a count", PRO, "len(image.size)) / image.size", "len(image.size)) / 9"),
    Mutant("PRO: ties at the limit are cut off", PRO, "bottom - ties :]", "bottom:]"),
    Mutant(
        "PRO: each image weighs the same",
        PRO,
        "np.concatenate(shares).mean()",
        "np.mean([share.mean() for share in shares])",
    ),
    Mutant(
        "PRO curve: ties are not merged",
        PRO,
        "np.append(values[1:] != values[:-1], True)",
        "values",
    ),
    Mutant("one pass: normal scores are not sorted", SUMMARY, "    normal.sort()\n", ""),
    Mutant(
        "image metrics: classes exchanged",
        IMAGE,
        "scores[~labels]), np.sort(scores[labels])",
        "scores[labels]), np.sort(scores[~labels])",
    ),
    Mutant("heat map: F = 2 becomes 1", HEAT, "(2 - images) ** 2", "(1 - images) ** 2"),
    Mutant("heat map: no guard at 1/2", HEAT, ".clip(min=SMALLEST_DISTANCE_TO_TARGET**2)", ""),
    Mutant(
        "heat map: sample deviation",
        HEAT,
        "deviations.mean())",
        "deviations.sum() / (values.size - 1))",
    ),
    Mutant("heat map: sigma = k / 2", HEAT, "size / 3", "size / 2"),
    Mutant(
        "heat map: zeros beyond the border",
        HEAT,
        'mode="reflect"',
        'mode="constant"',
    ),
    Mutant(
        "heat map: k rounded down", HEAT, "(total + count) // (2 * count)", "total // (2 * count)"
    ),
    Mutant("heat map: k may be 0", HEAT, "max([1] +", "max([0] +"),
    Mutant(
        "heat map: one direction for k",
        HEAT,
        "for axis in (0, 1)",
        "for axis in (0, 0)",
    ),
    Mutant(
        "heat map: >= in the binary map",
        HEAT,
        "m.astype(np.float64) > mean",
        "m.astype(np.float64) >= mean",
    ),
    Mutant(
        "heat map: score of the unsmoothed error",
        HEAT,
        "smoothed(error, k,",
        "smoothed(error, 0 * k,",
    ),
    Mutant("evaluation: lost masks are not named", EVALUATION, "== 0)\n", "< 0)\n"),
    Mutant(
        "evaluation: maps are upsampled from corners", EVALUATION, "+ 0.5) * (len", "+ 0.0) * (len"
    ),
    Mutant("evaluation: no value becomes 0", EVALUATION, '{"value": None', '{"value": 0'),
    Mutant("external maps: surplus maps are ignored", EXTERNAL, "surplus.append", "str"),
]


def main() -> int:
    """Run the mutants and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("aexad", "tests"):
            shutil.copytree(ROOT / name, copy / name)
        shutil.copy(ROOT / "pyproject.toml", copy)
        tests = sorted({mutant.tests for mutant in MUTANTS})
        assert first_failure(copy, *tests) is None, "the tests fail without a mutant"
        print("| mutant | module | first test that fails |\n|---|---|---|")
        survivors = sum(tried(mutant, copy) is None for mutant in MUTANTS)
    print(f"\n{len(MUTANTS) - survivors} of {len(MUTANTS)} mutants found")
    return bool(survivors)


def tried(mutant: Mutant, copy: Path) -> str | None:
    """Break a module of the copy, run its tests, mend it."""
    path = copy / "aexad" / mutant.module
    text = path.read_text()
    assert text.count(mutant.before) == 1, f"{mutant.description}: not found once"
    path.write_text(text.replace(mutant.before, mutant.after))
    failure = first_failure(copy, mutant.tests)
    path.write_text(text)
    print(f"| {mutant.description} | {mutant.module} | {failure or '**none**'} |", flush=True)
    return failure


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
