"""``python -m aexad``."""

from aexad.cli import main

raise SystemExit(main())
