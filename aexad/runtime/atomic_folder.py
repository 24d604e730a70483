"""Folders of results that are replaced as a whole, so that no old file stays in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from aexad.runtime.errors import ConfigError
from aexad.runtime.files import flush, temporary_folder

TIMESTAMP = ".snakemake_timestamp"  # Snakemake writes it into the output folders of its rules


@contextmanager
def replaced_folder(folder: str | os.PathLike[str], *patterns: str) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes ``folder`` when the block ends without an error.

    The old folder is moved away before the new one is moved in, and deleted last: a reader finds
    the old files or the new ones, never a mixture, and an error in the block keeps the old ones.

    Parameters
    ----------
    folder : path
        The folder to make or to replace.
    *patterns : str
        Glob patterns, relative to ``folder``, of the files that may be replaced.

    Raises
    ------
    ConfigError
        If ``folder`` is a file, or contains a file or folder that matches no pattern.
    """
    folder = Path(folder)
    _check_replaceable(folder, patterns)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder) as temporary:
        new, old = temporary / "new", temporary / "old"
        new.mkdir()
        yield new
        try:
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except BaseException:  # also a signal between the two, which would delete both
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
        flush(folder.parent)


def _check_replaceable(folder: Path, patterns: tuple[str, ...]) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: a file, not a folder; name a folder that does not exist yet")
    replaceable: set[Path] = set()
    for pattern in map(PurePosixPath, patterns):
        replaceable |= {path for path in folder.glob(str(pattern)) if not path.is_dir()}
        for parent in list(pattern.parents)[:-1]:  # without "."
            replaceable |= {path for path in folder.glob(str(parent)) if path.is_dir()}
    for path in sorted(folder.rglob("*")):
        if path not in replaceable and path.name != TIMESTAMP:
            raise ConfigError(
                f"{folder}: holds {path.relative_to(folder).parts[0]}, which was not made by "
                "aexad and would be deleted; name another folder, or a new one"
            )
