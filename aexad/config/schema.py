"""Configuration files: one typed source for their rules, their defaults and their JSON schemas.

Every configuration class derives from :class:`Strict`. Its fields carry type, bounds, default and
description; ``workflow/schemas/*.json`` are generated from them (``make schemas``) for editors and
readers, and a test fails when they are stale.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from aexad.runtime.errors import ConfigError


class Strict(BaseModel):
    """A configuration class: immutable, and without room for keys that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML's ``yes`` is true, and pydantic takes true for 1."""
        kinds = str(cls.model_fields[info.field_name or ""].annotation)
        if isinstance(value, bool) and "bool" not in kinds and "Any" not in kinds:
            raise ValueError("true and false, or yes and no, are meant as such; use quotes if not")
        return value


Model = TypeVar("Model", bound=Strict)


def nearest(name: str, choices: list[str]) -> str:
    """A hint for an unknown ``name``: its nearest neighbour, or what there is to choose from."""
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"there is: {', '.join(sorted(choices))}"


class _Loader(yaml.SafeLoader):
    """YAML in which a key that is there twice is an error, not the last one of them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{key.value}' is there twice, in line "
                    f"{key.start_mark.line + 1} again; remove one"
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping."""
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; write it or name another one") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a 30 February; [[[[…
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise ConfigError(f"{path}: the top level is a {kind}; it must be a mapping (key: value)")
    for key in content:
        if not isinstance(key, str):
            raise ConfigError(
                f"{path}: the name {key!r} is a {type(key).__name__}; put it in quotes"
            )
    return content


def validate(model: type[Model], content: Any, where: str) -> Model:
    """Check ``content`` against ``model``; all problems are reported together, on one line.

    ``where`` names the file and entry, for the message. An unknown key names its nearest neighbour.
    """
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where}: {_shown(content)} is no mapping (key: value)")
    try:
        return model.model_validate(dict(content))
    except ValidationError as error:
        problems = []
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"]) or "value"
            if item["type"] == "extra_forbidden":
                problems.append(f"unknown key '{key}' ({_known_keys(model, item['loc'])})")
            else:
                message = item["msg"].removeprefix("Value error, ")
                got = "" if item["type"] == "missing" else f" (got {_shown(item['input'])})"
                problems.append(f"'{key}': {message[0].lower()}{message[1:]}{got}")
        raise ConfigError(f"{where}: {'; '.join(problems)}") from None


def inherited(
    name: str, entries: Mapping[str, Any], where: str, above: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The keys of an entry, with those of its ``base``, of the base's base, and so on.

    A key of the entry replaces its base's; of two mappings the keys are merged. ``where`` names the
    file and the kind of its entries, for messages; ``above`` are the entries that led here.
    """
    if name in above:
        raise ConfigError(
            f"{where} '{name}': 'base' runs in a circle: {' -> '.join((*above, name))}"
        )
    entry = entries[name]
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} '{name}' must be a mapping (key: value)")
    if "base" not in entry:
        return dict(entry)
    base = entry["base"]
    if not isinstance(base, str) or base not in entries:
        raise ConfigError(
            f"{where} '{name}': no base '{base}'; {nearest(str(base), list(entries))}"
        )
    return _merged(
        inherited(base, entries, where, (*above, name)),
        {key: value for key, value in entry.items() if key != "base"},
    )


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in over.items():
        inner = base.get(key)
        both[key] = (
            _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
        )
    return both


def _shown(value: object, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return "it has no meaning here; remove it"
        model = inner
    return nearest(str(location[-1]), list(model.model_fields))
