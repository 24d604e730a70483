"""Describe the archives of runs in ``docs/results`` as a data set in Croissant 1.0 (ML Commons).

``docs/appendix.py`` writes it. mlcroissant 1.1.1 accepts it (``mlcroissant validate --jsonld
docs/results/croissant.json``); that version does not open CSV files inside of a zip.
"""

import tomllib
from pathlib import Path
from typing import Any

from aexad.archive.manifest import read_manifest
from aexad.runtime.files import sha256_of, write_json

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "samplingRate": "cr:samplingRate",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
TEXT, NUMBER = "sc:Text", "sc:Float"
SPLIT = {
    "role": (TEXT, "normal, labelled, validation or test"),
    "defect": (TEXT, "good, or the defect type"),
    "image": (TEXT, "path of the image in its data set, which is not part of the archive"),
    "mask": (TEXT, "path of its mask; empty for good images"),
}
IMAGE = {
    "image": (TEXT, "path of the test image in its data set"),
    "defect": (TEXT, "good, or the defect type"),
    "score": (NUMBER, "score of the image, higher is more anomalous"),
    "anomalous_pixels": (NUMBER, "anomalous pixels of the mask at the working size"),
    "xauc": (NUMBER, "pixel AUROC within the image (X-AUC)"),
    "f1": (NUMBER, "F1 of the heat map binarised at its mean + standard deviation"),
    "iou": (NUMBER, "IoU of the same"),
}
METRICS = {
    metric: (NUMBER, f"{metric} of the run over its test images")
    for metric in ("xauc", "pro", "pixel_auroc", "pixel_ap", "f1", "iou", "image_auroc")
}


def croissant(archives: list[Path]) -> dict[str, Any]:
    """The description of archives as JSON-LD."""
    distribution, records = [], []
    for path in archives:
        name, manifest = path.name.partition(".")[0], read_manifest(path)
        distribution.append(
            {
                "@type": "cr:FileObject",
                "@id": path.name,
                "name": path.name,
                "description": f"{manifest.title}: {len(manifest.runs)} runs",
                "contentUrl": path.name,
                "encodingFormat": "application/zip",
                "sha256": sha256_of(path),
            }
        )
        for kind, file, fields, text in (
            ("splits", "split.csv", SPLIT, "the role of each image in the runs"),
            ("images", "per_image.csv", IMAGE, "values of each test image of each run"),
            ("runs", "metrics.json", METRICS, "metrics of each run"),
        ):
            files = f"{name}-{kind}-files"
            csv = file.endswith(".csv")
            distribution.append(
                {
                    "@type": "cr:FileSet",
                    "@id": files,
                    "name": files,
                    "containedIn": {"@id": path.name},
                    "encodingFormat": "text/csv" if csv else "application/json",
                    "includes": f"*/{file}",
                }
            )
            records.append(_record_set(f"{name}-{kind}", files, fields, text, csv))
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": "aexad-runs",
        "description": "Runs of benchmarks of explainable image anomaly detection: splits, values "
        "of every test image, metrics, provenance. No images, no weights.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "https://spdx.org/licenses/MIT.html",
        "version": VERSION,
        "creator": {"@type": "sc:Organization", "name": "The aexad authors"},
        "citeAs": "The aexad authors, aexad: runs of benchmarks, see CITATION.cff",
        "distribution": distribution,
        "recordSet": records,
    }


def _record_set(
    name: str, files: str, fields: dict[str, tuple[str, str]], text: str, csv: bool
) -> dict[str, Any]:
    def extract(field: str) -> dict[str, str]:
        return {"column": field} if csv else {"jsonPath": f"$.metrics.{field}.value"}

    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": text,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": field,
                "description": about,
                "dataType": kind,
                "source": {"fileSet": {"@id": files}, "extract": extract(field)},
            }
            for field, (kind, about) in fields.items()
        ],
    }


def write(folder: Path) -> None:
    """Write ``croissant.json`` beside the archives in a folder."""
    write_json(folder / "croissant.json", croissant(sorted(folder.glob("*.runs.zip"))))
