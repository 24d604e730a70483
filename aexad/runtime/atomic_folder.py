"""A folder of results that is replaced as a whole, so that nothing old stays in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from aexad.runtime.errors import ConfigError
from aexad.runtime.files import flush, temporary_folder

TIMESTAMP = ".snakemake_timestamp"  # Snakemake leaves it in the folders that its rules make


@contextmanager
def replaced_folder(folder: str | os.PathLike[str], *patterns: str) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes ``folder`` when the block ends without an error.

    The temporary folder lies beside ``folder``. What was there before is moved aside first and
    deleted last: a reader sees the old files or the new ones, never a mixture, and an error in the
    block leaves the old ones.

    Parameters
    ----------
    folder : path
    *patterns : str
        Of the files that may be replaced, relative to ``folder`` (as of :mod:`fnmatch`, level by
        level).

    Raises
    ------
    ConfigError
        If ``folder`` is a file, or holds anything that no pattern matches: it is somebody's.
    """
    folder = Path(folder)
    _check_ours(folder, patterns)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder) as workplace:
        new, old = workplace / "new", workplace / "old"
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        flush(folder.parent)


def _check_ours(folder: Path, patterns: Sequence[str]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError(f"{folder}: a file, not a folder; name a folder that does not exist yet")
    levels = [pattern.split("/") for pattern in patterns]
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.name != TIMESTAMP and not _matches(parts, levels, whole=not path.is_dir()):
            raise ConfigError(
                f"{folder}: holds {parts[0]}, which was not made here and would be deleted; "
                "name another folder, or a new one"
            )


def _matches(parts: Sequence[str], patterns: Sequence[Sequence[str]], whole: bool) -> bool:
    """Whether a path is as one of the patterns, or else, not ``whole``, the start of one."""
    return any(
        (len(parts) == len(pattern) if whole else len(parts) < len(pattern))
        and all(map(fnmatchcase, parts, pattern))
        for pattern in patterns
    )
