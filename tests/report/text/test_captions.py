import pandas as pd

from aexad.report.text.captions import data_phrase

COLUMNS = ["dataset", "category", "scenario", "method", "seed", "metric", "value", "n"]


def phrase(seeds):
    rows = [
        ("bolts", "a", "standard", method, seed, "xauc", 0.5, 4)
        for method, numbers in seeds.items()
        for seed in numbers
    ]
    return data_phrase(pd.DataFrame(rows, columns=COLUMNS), {"bolts": "Bolts"})


def test_methods_with_fewer_seeds_are_named():
    assert phrase({"a": (0, 1, 2), "b": (0,)}).endswith("3 seeds (0, 1 and 2), but b only 1.")


def test_the_same_seeds_are_said_once():
    assert phrase({"a": (0, 1), "b": (0, 1)}).endswith("; 2 seeds (0 and 1).")
