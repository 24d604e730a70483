"""Signals and errors of the system, each reported to the user in one line."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from aexad.runtime.errors import AexadError, one_line

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS = (signal.SIGINT, signal.SIGTERM)

CONTINUE = "then continue with the same call"
# What to do about an error of the system.
REMEDIES = {
    errno.ENOENT: "check the path",
    errno.EISDIR: "name a file, not a folder",
    errno.EEXIST: "name another path, where no file is in the way",
    errno.ENOTDIR: "name another path, where no file is in the way",
    errno.ENAMETOOLONG: "shorten the name",
    errno.ENOSPC: f"make room on the disk, {CONTINUE}",
    errno.EDQUOT: f"make room within your quota, {CONTINUE}",
    errno.EFBIG: f"raise the limit (ulimit -f), {CONTINUE}",
    errno.EROFS: "make it writable, or name a folder elsewhere",
    errno.EIO: "the disk or its connection fails; check it before you continue",
    errno.EMFILE: f"raise the limit (ulimit -n), {CONTINUE}",
    errno.ENOMEM: f"run fewer jobs at the same time (snakemake --cores), {CONTINUE}",
}


class Stopped(BaseException):
    """A signal asked this process to end.

    Not an ``Exception``, so that no handler of errors catches it.
    """

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__(f"stopped by {signal.Signals(number).name}; finished results are kept")


@contextmanager
def signals_raised() -> Iterator[None]:
    """Raise Ctrl-C and SIGTERM as :class:`Stopped`, so that temporary files are removed.

    A second signal ends the process at once. A signal that was ignored when the process began (a
    job in the background) stays ignored.

    Python drops an exception that is raised in a finalizer or in the callback of a weak reference.
    A signal that arrives there is sent again, 10 ms later.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    handlers = {
        n: handler for n, handler in handlers.items() if handler not in (None, signal.SIG_IGN)
    }
    for number in handlers:
        signal.signal(number, _raise)
    report_dropped = sys.unraisablehook

    def send_again(dropped: UnraisableHookArgs) -> None:
        if not isinstance(dropped.exc_value, Stopped):
            report_dropped(dropped)
            return
        number = dropped.exc_value.signal
        signal.signal(number, _raise)
        # Not from here: an exception of this function would be dropped, too.
        later = threading.Timer(0.01, os.kill, (os.getpid(), number))
        later.daemon = True
        later.start()

    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = report_dropped
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_DFL)
    raise Stopped(number)


def user_message(error: Exception) -> str | None:
    """One line about an error that the user can act on; None for a defect of the library."""
    if isinstance(error, AexadError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("aexad"):
        return (
            f"the package '{error.name}' is not installed; install 'aexad[workflow]' for the "
            "benchmark, 'aexad[fit]' for your own images, 'aexad[explain]' for models in ONNX"
        )
    if not isinstance(error, OSError):
        return None
    # An error of a rename names two files: the second is the one that the file was to become.
    path = error.filename2 or error.filename
    reason = error.strerror or one_line(error)
    remedy = REMEDIES.get(error.errno or 0, "check the path, its permissions and the disk's room")
    return f"{f'{path}: ' if path else ''}{reason}; {remedy}"
