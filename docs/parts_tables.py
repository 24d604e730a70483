"""Write ``docs/results/parts_tables.md`` and its pictures from the results of benchmark ``parts``.

Run in a folder with ``results/parts``: python docs/parts_tables.py
"""

import json
from pathlib import Path

from PIL import Image

RESULTS = Path("results/parts")
OUT = Path(__file__).parent / "results"
FIRST = ("methods", "significance")
WIDTH = 1400
HEADING = """# Appendix: all tables and figures of the benchmark `parts`

[results.md](../results.md) has the answer. `docs/parts_tables.py` wrote this page from the
results of `snakemake --config benchmark=parts` ({commits}).
"""


def main() -> None:
    """Write the page, its tables in the order of the report, and one picture per figure."""
    tables = {path.stem: path.read_text(encoding="utf-8") for path in RESULTS.glob("tables/*.md")}
    order = sorted(tables, key=lambda name: (name not in FIRST, name))
    commits = {
        json.loads(path.read_text(encoding="utf-8")).get("commit", "")
        for path in Path("results/runs/parts").glob("*/*/*/*/provenance.json")
    } - {""}
    trained = f"trained at {', '.join(sorted(commits))}" if commits else "commit not recorded"
    page = [HEADING.format(commits=trained)]
    for name in order:
        title = name.replace("_", " ").capitalize()
        page.append(f"## {title}\n\n{tables[name].strip()}\n")
    captions = json.loads((RESULTS / "figures/captions.json").read_text(encoding="utf-8"))
    page.append("## Figures\n")
    for caption in captions:
        short = caption["name"].replace("_parts_standard", "")
        with Image.open(RESULTS / f"figures/{caption['name']}.png") as picture:
            shown = picture.convert("RGB")
            shown.thumbnail((WIDTH, 4 * WIDTH), Image.Resampling.LANCZOS)
            shown.save(OUT / f"{short}.webp", quality=82, method=6)
        page.append(
            f"![{caption['alt']}]({short}.webp)\n\n*{caption['title']}. {caption['caption']}*\n"
        )
    (OUT / "parts_tables.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
