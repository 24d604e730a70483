"""The configuration's reference, made from the classes that check it: ``make schemas``.

``workflow/schemas/*.json`` serve editors (completion, errors while typing),
``docs/configuration.md`` serves readers. A test fails when either is stale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from aexad.archive.manifest import Manifest
from aexad.config.benchmark import Benchmark, Settings
from aexad.config.catalogue import Dataset
from aexad.config.kinds import METHODS
from aexad.config.methods import Command, ExternalMaps, PublishedMethod
from aexad.config.recipe import Recipe
from aexad.runtime.files import write_text

# File, its class, and whether it maps names to entries of that class.
FILES: dict[str, tuple[str, type[BaseModel], bool]] = {
    "config": ("config/config.yaml", Settings, False),
    "benchmark": ("config/benchmarks/<name>.yaml", Benchmark, False),
    "datasets": ("config/datasets.yaml", Dataset, True),
    "methods": ("config/methods/*.yaml", Recipe, True),
    "archive": ("manifest.json", Manifest, False),
    "published": ("config/published/methods.yaml", PublishedMethod, True),
}


OTHER_METHODS: tuple[type[BaseModel], ...] = (ExternalMaps, Command)


def schema(name: str) -> dict[str, Any]:
    """JSON schema of one configuration file."""
    _, model, by_name = FILES[name]
    entry = model.model_json_schema()
    if not by_name:
        return entry
    definitions = entry.pop("$defs", {})
    # 'base' is resolved before an entry is checked: what it gives need not be repeated.
    entry["properties"]["base"] = {"type": "string", "description": "entry to inherit from"}
    entry.pop("required", None)
    if model is Recipe:
        entry["properties"]["class"] = entry["properties"]["model"]
        others = [kind.model_json_schema() for kind in OTHER_METHODS]
        entry = {"anyOf": [entry, *others]}
    return {"type": "object", "additionalProperties": entry, "$defs": definitions}


def reference() -> str:
    """The page ``docs/configuration.md``."""
    parts = [
        "# Configuration\n\nMade by `make schemas` from the classes that check these files. "
        "Unknown keys and values out of range are refused, with what was meant or allowed.\n"
    ]
    for path, model, by_name in FILES.values():
        each = "Maps names to entries; each entry has:" if by_name else "Keys:"
        parts.append(f"\n## `{path}`\n\n{model.__doc__}\n\n{each}\n\n{_table(model)}")
        if by_name:
            parts.append("\n`base: NAME` inherits all keys from another entry.\n")
        if model is Recipe:
            parts += [
                f"\nInstead of all these: {other.__doc__}\n\n{_table(other)}"
                for other in OTHER_METHODS
            ]
            parts += [
                f"\n### `options` of `model: {name}`\n\n{_table(kind.options)}"
                for name, kind in METHODS.items()
                if kind.options.model_fields
            ]
        for key, inner in _inner(model).items():
            parts.append(f"\n### `{key}`\n\n{inner.__doc__}\n\n{_table(inner)}")
    return "".join(parts)


def write(folder: Path = Path()) -> None:
    """Write schemas and reference below the repository's root."""
    for name in FILES:
        text = json.dumps(schema(name), indent=2, sort_keys=True) + "\n"
        write_text(folder / "workflow" / "schemas" / f"{name}.schema.json", text)
    write_text(folder / "docs" / "configuration.md", reference())


def _table(model: type[BaseModel]) -> str:
    rows = ["| key | values | default | meaning |", "|---|---|---|---|"]
    properties = model.model_json_schema()["properties"]
    for key, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{json.dumps(_plain(field))}`"
        rows.append(
            f"| `{key}` | {_values(properties[key])} | {default} | {field.description or ''} |"
        )
    return "\n".join(rows) + "\n"


def _plain(field: Any) -> Any:
    default = field.get_default(call_default_factory=True)
    return default.model_dump() if isinstance(default, BaseModel) else default


def _values(rules: dict[str, Any]) -> str:
    """Types and bounds of one key, in words."""
    if "anyOf" in rules:
        return " or ".join(_values(one) for one in rules["anyOf"])
    if "enum" in rules or "const" in rules:
        return ", ".join(f"`{value}`" for value in rules.get("enum", [rules.get("const")]))
    if "$ref" in rules or "allOf" in rules:
        return "see below"
    words = {"null": "none", "array": "list", "object": "mapping", "boolean": "true or false"}
    kind = rules.get("type", "any")
    bounds = [
        f"{sign} {rules[key]}"
        for key, sign in {
            "minimum": "≥",
            "exclusiveMinimum": ">",
            "maximum": "≤",
            "exclusiveMaximum": "<",
            "multipleOf": "multiple of",
        }.items()
        if key in rules
    ]
    return " ".join([words.get(kind, kind), ", ".join(bounds)]).strip()


def _inner(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Configuration classes that are values of a key."""
    found = {}
    for key, field in model.model_fields.items():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found[key] = kind
    return found


if __name__ == "__main__":
    write()
