# The benchmark: photos -> heat maps -> metrics -> tables and figures. How to use it: README.md.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


wildcard_constraints:
    dataset="[a-z0-9_]+",
    category="[A-Za-z0-9_.-]+",
    scenario="standard|anomalies_only|one_class",
    seed="[0-9]+",
    method="[A-Za-z0-9_.-]+",
    benchmark="[a-z0-9_]+",


localrules:
    all,
    tables,
    figures,
    panels,
    report,
    plan,
    fetch,
    index,


rule all:
    input:
        f"results/{SETTINGS.benchmark}/report.html" if WHOLE else run_outputs(),


rule tables:
    input:
        f"results/{SETTINGS.benchmark}/tables",


rule figures:
    input:
        f"results/{SETTINGS.benchmark}/figures",


rule panels:
    input:
        [f"results/{run.folder}/panels" for run in RUNS],


rule report:
    input:
        f"results/{SETTINGS.benchmark}/report.html",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/explain.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
