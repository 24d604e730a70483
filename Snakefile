# The benchmark: photos -> heat maps -> metrics -> tables and figures. How to use it: README.md.
import logging

from snakemake.utils import min_version

min_version("9.0")
logging.raiseExceptions = (
    False  # else each line that a full disk cannot log is a traceback
)


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


wildcard_constraints:
    **NAMES,


localrules:
    all,
    tables,
    figures,
    panels,
    report,
    fetch,
    index,
    split,
    collect,
    write_tables,


rule all:
    input:
        [f"{RESULTS}/report.html", *EXPLORER]
        if RUNS == ALL_RUNS
        else of_runs(RUNS, "metrics.json") + of_runs(trained_runs(RUNS, METHODS), "panels"),


rule tables:
    input:
        f"{RESULTS}/tables",
        f"{RESULTS}/summary.md",


rule figures:
    input:
        f"{RESULTS}/figures",


rule panels:
    input:
        of_runs(trained_runs(RUNS, METHODS), "panels"),


rule report:
    input:
        f"{RESULTS}/report.html",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/explain.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
