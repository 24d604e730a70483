"""The verbs of the command line: each reads files, calls one part of the library, writes files.

A verb returns the file or folder that it wrote. It imports what it needs when it runs, so that
``--help`` and the verbs without a network start at once.
"""

from aexad.verbs.data import augment, check, fetch, index, split
from aexad.verbs.own_images import explain, export, fit
from aexad.verbs.reports import choice, collect, explorer, figures, report, tables
from aexad.verbs.runs import criteria, evaluate, infer, panels, share, strips, train

__all__ = [
    "augment",
    "check",
    "choice",
    "collect",
    "criteria",
    "evaluate",
    "explain",
    "explorer",
    "export",
    "fetch",
    "figures",
    "fit",
    "index",
    "infer",
    "panels",
    "report",
    "share",
    "split",
    "strips",
    "tables",
    "train",
]
