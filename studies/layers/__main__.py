"""``python -m studies.layers VERB``."""

from aexad.cli.parser import main, parser
from studies.layers import verbs

DESCRIPTION = "Which features of a Transformer explain anomalies? Each verb is a step of the study."

raise SystemExit(main(verbs=parser("studies.layers", DESCRIPTION, [verbs])))
