"""The command line: one verb per rule of the workflow, and verbs for your own images."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from aexad.cli import app, archive, config, data, evaluation, explain, report, training
from aexad.cli.arguments import Verb
from aexad.runtime.signals import REMEDIES, Stopped, signals_raised, user_message

DESCRIPTION = "Explainable image anomaly detection: each verb is one step of the benchmark."
FILES = (data, training, explain, evaluation, report, archive, app, config)
"""Files of verbs, in the order of ``--help``."""
LESS_MEMORY = {
    "batch_size": "a smaller --batch-size",
    "size": "a smaller --size",
    "tile": "a larger --tile",
    "step_memory_mb": "a smaller --step-memory-mb",
    "feature_memory_mb": "a smaller --feature-memory-mb",
}
"""What takes less memory, by the option that a verb may have."""


def parser(
    program: str = "aexad", description: str = DESCRIPTION, files: Sequence[ModuleType] = FILES
) -> argparse.ArgumentParser:
    """Make the parser of all verbs of ``files``."""
    top = argparse.ArgumentParser(program, description=description)
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")

    def add(run: Verb) -> argparse.ArgumentParser:
        name = run.__name__.removesuffix("_runs").replace("_", "-")
        verb = verbs.add_parser(name, help=run.__doc__, description=run.__doc__)
        verb.set_defaults(run=run)
        verb.add_argument("--log", type=Path, help="also write messages to this file")
        return verb

    for file in files:
        file.add_verbs(add)
    return top


def main(
    arguments: Sequence[str] | None = None, verbs: argparse.ArgumentParser | None = None
) -> int:
    """Run one verb; an error is one line on the standard error stream.

    Parameters
    ----------
    arguments
        The verb and its options; default: those of this process.
    verbs
        The parser; default: that of aexad's verbs.

    Returns
    -------
    int
        0; 1 after an error; 128 + n after signal n, as a shell counts.
    """
    args = (verbs or parser()).parse_args(arguments)
    # Large pages make repeated allocations of large blocks faster. Torch reads this variable before
    # it first allocates memory.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    with _messages() as logger, signals_raised():
        try:
            if args.log is not None:
                logger.addHandler(_log_file(args.log))
            start = time.perf_counter()
            written = args.run(args)
            sys.stdout.flush()
            seconds = time.perf_counter() - start
            logger.info("%s: wrote %s in %.1f s", args.verb, written or "nothing", seconds)
        except Stopped as stopped:
            goes_on = "replaces them" if args.verb == "explain" else "continues"
            logger.error("%s: %s, and the same call %s", args.verb, stopped, goes_on)
            return 128 + stopped.signal
        except BrokenPipeError:  # whoever reads the output, for example 'head', has enough of it
            # Python flushes the rest once more when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        except Exception as error:
            line = _out_of_memory(error, args) or user_message(error)
            if args.debug or line is None:
                logger.exception("stopped by an exception")  # into the log file alone
            if args.debug:
                raise
            logger.error("%s", line or _defect(error, args.log))
            return 1
    return 0


def _out_of_memory(error: Exception, args: argparse.Namespace) -> str | None:
    """One line about exhausted memory, with what the verb can do about it; None: another error."""
    exhausted, of_gpu = isinstance(error, MemoryError), False
    if torch := sys.modules.get("torch"):  # else the error is not torch's, whose import is slow
        from aexad.runtime.device import is_out_of_memory

        exhausted, of_gpu = is_out_of_memory(error), isinstance(error, torch.OutOfMemoryError)
    if not exhausted:
        return None
    numbers = {name: value for name, value in vars(args).items() if isinstance(value, int)}
    less = [text for name, text in LESS_MEMORY.items() if numbers.get(name, 0) > 1]
    if of_gpu and "device" in args:
        less.append("--device cpu")
    remedy = f"use {' or '.join(less)}" if less else REMEDIES[errno.ENOMEM]
    what = " ".join(str(error).split())[:200] or "no size given"
    return f"out of memory ({what}); {remedy}"


def _defect(error: Exception, log: Path | None) -> str:
    """One line about a defect of the library."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    where = f"the traceback is in {log}" if log else "'python -m aexad --debug VERB …' shows where"
    return f"a defect of aexad itself ({what}); {where}; please report it"


@contextmanager
def _messages() -> Iterator[logging.Logger]:
    """Print warnings and errors; handlers that are added are removed with the block."""
    logger = logging.getLogger("aexad")
    logger.setLevel(logging.INFO)
    before = list(logger.handlers)
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(logging.Formatter("aexad: %(message)s"))
    screen.addFilter(lambda record: record.exc_info is None)
    logger.addHandler(screen)
    try:
        yield logger
    finally:
        for handler in [each for each in logger.handlers if each not in before]:
            logger.removeHandler(handler)
            with suppress(OSError):  # a log on a full disk stays short
                handler.close()


class _LogFile(logging.FileHandler):
    """A log file whose write errors are ignored: the message is also on the screen."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        pass


def _log_file(path: Path) -> logging.Handler:
    """Write all messages, and tracebacks of defects of the library, to the file ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    return handler
