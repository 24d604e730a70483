"""``python -m aexad``."""

import signal

# Until a verb listens, Ctrl-C ends the process as SIGTERM does: at once, without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from aexad.cli.parser import main

raise SystemExit(main())
