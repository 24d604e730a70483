"""Write the picture of the README, and the facts that its test holds it to, from a finished demo.

``make picture`` runs the demo and then this file.
"""

import json
from pathlib import Path

import pandas as pd
from PIL import Image

from aexad.plan.plan import plan

CATEGORY = "brick"
HERE = Path(__file__).parent
RESULTS = HERE.parent / "results/demo"


def depends_on() -> dict[str, object]:
    """What the numbers of the picture depend on; a change makes the picture out of date."""
    demo = plan({"benchmark": "demo"})
    methods = dict.fromkeys(run.method for run in demo.all_runs)
    return {
        "data": demo.content("textures", CATEGORY),
        "size": demo.dataset("textures").size,
        "recipes": {name: demo.recipe(name).stated_training for name in methods},
    }


def means() -> dict[str, dict[str, float]]:
    """Mean of each metric of the README over the categories, for each method of the demo."""
    table = pd.read_csv(RESULTS / "metrics.csv")
    table = table[table["metric"].isin(["xauc", "iou"])]
    return table.pivot_table(index="method", columns="metric", values="value").round(2).T.to_dict()


def main() -> None:
    """Write ``demo.png`` and ``demo.json``."""
    with Image.open(RESULTS / f"figures/gallery_textures_standard_{CATEGORY}.png") as picture:
        height = round(picture.height * 640 / picture.width)
        picture.convert("RGB").resize((640, height), Image.Resampling.LANCZOS).save(
            HERE / "demo.png", optimize=True
        )
    captions = json.loads((RESULTS / "figures/captions.json").read_text(encoding="utf-8"))
    (caption,) = [c for c in captions if c["name"] == f"gallery_textures_standard_{CATEGORY}"]
    facts = {"depends_on": depends_on(), "means": means(), "alt": caption["alt"]}
    (HERE / "demo.json").write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
