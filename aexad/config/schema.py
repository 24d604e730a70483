"""Checks of configuration files: one typed class per file gives rules, defaults and JSON schema.

Every configuration class derives from :class:`Strict`. Its fields carry type, bounds, default and
description. ``workflow/schemas/*.json`` and ``docs/configuration.md`` are generated from them
(``make schemas``), and a test fails when these files are stale.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from aexad.config.builtin import is_builtin
from aexad.runtime.errors import ConfigError, one_line


class Strict(BaseModel):
    """Base of all configuration classes: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Reject booleans for numbers: YAML reads `yes` as True and pydantic coerces it to 1."""
        kinds = str(cls.model_fields[info.field_name or ""].annotation)
        # A dict for another class has keys of its own, which that class checks.
        inner = value.values() if isinstance(value, dict) and "dict[" in kinds else value
        values = inner if isinstance(inner, Collection) and not isinstance(inner, str) else [value]
        if any(isinstance(each, bool) for each in values) and not re.search("bool|Any", kinds):
            raise ValueError("true, false, yes and no are truth values; put a name in quotes")
        return value


Model = TypeVar("Model", bound=Strict)
MOST_NAMED = 20


def nearest(name: str, choices: Iterable[str]) -> str:
    """Hint for an unknown ``name``: the nearest of ``choices``, or all of them if they are few.

    >>> nearest("demmo", ["demo", "report"]), nearest("x", ["demo", "report"])
    ("did you mean 'demo'?", 'known: demo, report')
    """
    names = list(choices)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return "there are none"
    first, more = sorted(names)[:MOST_NAMED], len(names) - MOST_NAMED
    return f"known: {', '.join(first)}" + (f" and {more} more" if more > 0 else "")


INTEGER = "tag:yaml.org,2002:int"


class _Loader(yaml.SafeLoader):
    """YAML loader for which a repeated key is an error (PyYAML silently takes the last one).

    A key that is a list or a mapping is an error too; ``{{category}}`` without quotes is one.
    Whole numbers are decimal or hexadecimal: for PyYAML, ``010`` is 8 and ``1:30`` is 90.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and type
        first: [each for each in resolvers if each[0] != INTEGER]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    problem=f"line {key.start_mark.line + 1} has a list or mapping for a name; "
                    "put text with braces or brackets in quotes"
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{key.value}' occurs twice, again in line "
                    f"{key.start_mark.line + 1}; remove one"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    INTEGER, re.compile("[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"), list("-+0123456789")
)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping of names."""
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; write it or name another one") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a 30 February; [[[[…
        raise ConfigError(f"{path}: not valid YAML: {one_line(error)}") from None
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


def read_entries(
    paths: Iterable[str | Path], kind: str
) -> tuple[dict[str, dict[str, Any]], dict[str, Path]]:
    """Read the named entries of YAML files, and of all YAML files in folders.

    Parameters
    ----------
    paths
        Files and folders; the files of a folder are read in the order of their names.
    kind
        What an entry is ("method"), for messages.

    Returns
    -------
    tuple of dict
        The entries by name, and the file of each.

    Raises
    ------
    ConfigError
        A file cannot be used, a file in a folder ends in ``.yml``, or two files have an entry of
        the same name. (An entry that is built in may be replaced.)
    """
    entries: dict[str, dict[str, Any]] = {}
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        for file in yaml_files(path) if path.is_dir() else [path]:
            for name, entry in read_yaml(file).items():
                if name in entries and not is_builtin(files[name]):
                    raise ConfigError(
                        f"{file}: {kind} '{name}' is also in {files[name]}; rename one of them"
                    )
                entries[name], files[name] = entry, file
    return entries, files


def yaml_files(folder: Path) -> list[Path]:
    """The YAML files of a folder by name; another spelling of the ending is an error."""
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".yaml", ".yml"))
    for file in files:
        if file.suffix != ".yaml":
            raise ConfigError(f"{file}: files of a folder end in .yaml; rename it")
    return files


def validate(model: type[Model], content: Any, where: str) -> Model:
    """Check ``content`` against ``model``; one error line reports all problems.

    ``where`` names the file and the entry in the message. For an unknown key, the message names the
    nearest known one.
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
    """Return the keys of an entry, completed by those of its ``base`` and of the base's bases.

    A key of the entry replaces the base's key; two mappings are merged key by key. ``where`` names
    the file and the kind of entry for messages; ``above`` are the entries that led here.
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
        raise ConfigError(f"{where} '{name}': no base '{base}'; {nearest(str(base), entries)}")
    return _merged(
        inherited(base, entries, where, (*above, name)),
        {key: value for key, value in entry.items() if key != "base"},
    )


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in over.items():
        inner = base.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            value = _merged(inner, value)
        both[key] = value
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
    return nearest(str(location[-1]), model.model_fields)
