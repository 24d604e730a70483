"""What stops a verb from outside: a signal, or the machine; each is told in one line."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from aexad.runtime.errors import AexadError

SIGNALS = (signal.SIGINT, signal.SIGTERM)

# What to do about an error of the system.
REMEDIES = {
    errno.ENOENT: "check the path",
    errno.EISDIR: "name a file, not a folder",
    errno.EEXIST: "name another path, where no file is in the way",
    errno.ENOTDIR: "name another path, where no file is in the way",
    errno.ENOSPC: "make room on the disk, then go on with the same call",
    errno.EDQUOT: "make room within your quota, then go on with the same call",
    errno.EFBIG: "raise the limit (ulimit -f), then go on with the same call",
    errno.EROFS: "make it writable, or name a folder elsewhere",
    errno.EIO: "the disk or its connection fails; check it before you go on",
    errno.EMFILE: "raise the limit (ulimit -n), then go on with the same call",
    errno.ENOMEM: "run fewer jobs side by side (--cores), then go on with the same call",
}


class Stopped(BaseException):
    """A signal asked this process to end. No error, so that nothing takes it for one."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__(
            f"stopped by {signal.Signals(number).name}; what is finished is kept, and the same "
            "call goes on"
        )


@contextmanager
def signals_raised() -> Iterator[None]:
    """Ctrl-C and SIGTERM become :class:`Stopped`, so that temporary files go; a second one kills.

    A signal that was ignored when the process began (a job in the background) stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in SIGNALS}
    before = {each: known for each, known in before.items() if known not in (None, signal.SIG_IGN)}
    for each in before:
        signal.signal(each, _raise)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    raise Stopped(number)


def user_message(error: Exception) -> str | None:
    """One line about an error that the user can act on; None for a defect of ours."""
    if isinstance(error, AexadError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"out of memory ({error or 'no size given'}); {REMEDIES[errno.ENOMEM]}"
    if not isinstance(error, OSError):
        return None
    # Of a rename, the name that the file was to have.
    where = error.filename2 or error.filename
    what = error.strerror or " ".join(str(error).split()) or type(error).__name__
    remedy = REMEDIES.get(error.errno or 0, "check the path, its permissions, and the disk's room")
    return f"{f'{where}: ' if where else ''}{what}; {remedy}"
