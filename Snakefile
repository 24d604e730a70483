# The benchmark: photos -> heat maps -> metrics -> tables and figures. How to use it: README.md.
import logging

from snakemake.utils import min_version

min_version("9.0")
# On a full disk, a log line that cannot be written must not become a traceback.
logging.raiseExceptions = False


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


wildcard_constraints:
    **{name: PLAN.patterns[name] for name in NAMES},


localrules:
    all,
    all_panels,
    fetch,
    index,
    split,
    collect,
    tables,


rule all:
    input:
        (
            PLAN.files(PLAN.runs, "metrics.json") + PLAN.panels
            if PLAN.narrowed
            else [f"{PLAN.folder}/report.html", *EXPLORER]
        ),


rule all_panels:
    input:
        lambda wildcards: PLAN.panels,


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/explain.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
