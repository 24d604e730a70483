"""Errors that a user can act on: one line that says what is wrong, where, and what to do.

The command line prints the message of an :class:`AexadError` and exits with status 1. It does the
same for an error of the machine (``signals.user_message``); every other exception is a defect of
the library, whose traceback is in the log, or shown by ``--debug``.
"""


def one_line(error: BaseException, length: int | None = None) -> str:
    """The message of an error as one line, cut to ``length``; its class if it has no message."""
    return " ".join(str(error).split())[:length] or type(error).__name__


class AexadError(Exception):
    """Base class of errors in the input, in the configuration or of the machine."""


class ConfigError(AexadError):
    """A configuration file, a recipe or a command-line value that cannot be used."""


class DataError(AexadError):
    """A data set, an image or a mask that is missing, damaged or inconsistent."""


class DownloadError(AexadError):
    """A download or archive that failed, does not match its digest, or is not safe to extract."""


class WeightsError(AexadError):
    """Weights that cannot be found, or that do not fit the model."""


class TrainingError(AexadError):
    """A training that cannot continue, for example because the loss is not finite."""


class MachineError(AexadError):
    """A disk or a folder that results cannot be written to."""


class MethodError(AexadError):
    """A method of one's own, or a command, that does not keep to its interface."""
