# From the metrics of all runs of a benchmark to its tables, figures and page.

PUBLISHED = sorted(map(str, Path("config/published").glob("*.*")))
# The runs that a partial report leaves out, and counts.
MISSING = sorted(str(run.folder) for run in {*PLAN.all_runs} - {*PLAN.reported})


# Inputs and options of reports are functions: a job of one run need not list the files of all runs,
# and Snakemake would take braces in the paths of a text for wildcards.
rule collect:
    input:
        metrics=lambda wildcards: PLAN.files(PLAN.reported, "metrics.json"),
        provenance=lambda wildcards: PLAN.files(PLAN.trained, "provenance.json"),
        inference=lambda wildcards: PLAN.files(PLAN.trained, "inference.json"),
    output:
        metrics=f"{PLAN.folder}/metrics.csv",
        methods=f"{PLAN.folder}/methods.csv",
    log:
        f"{PLAN.folder}/logs/collect.log",
    benchmark:
        f"{PLAN.folder}/benchmarks/collect.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(10),
    params:
        library=code_digest("aexad.report.collect", "aexad.report.inputs"),
        benchmark=lambda wildcards: PLAN.benchmark_options(),
        missing=MISSING,
        replaced=PLAN.replaced,
        titles={name: recipe["title"] for name, recipe in PLAN.recipes().items()},
    message:
        f"Collecting the metrics of {len(PLAN.reported)} runs"
    shell:
        "python -m aexad collect {params.benchmark} --log {log:q}"


rule tables:
    input:
        metrics=f"{PLAN.folder}/metrics.csv",
        methods=f"{PLAN.folder}/methods.csv",
        images=lambda wildcards: PLAN.files(PLAN.reported, "per_image.csv"),
        published=PUBLISHED,
    output:
        tables=report(
            directory(f"{PLAN.folder}/tables"),
            patterns=["{table}.csv"],
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        summary=report(
            f"{PLAN.folder}/summary.md",
            caption="../report/summary.rst",
            category="Summary",
            labels={"page": "in words"},
        ),
    log:
        f"{PLAN.folder}/logs/tables.log",
    benchmark:
        f"{PLAN.folder}/benchmarks/tables.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(10),
    params:
        library=code_digest(
            "aexad.report.tables.write",
            "aexad.report.text.summary",
            "aexad.report.inputs",
        ),
        benchmark=lambda wildcards: PLAN.benchmark_options(),
        missing=MISSING,
        recipes=PLAN.recipes(),
        datasets=PLAN.described("files", "published_as"),
        # A mapping: Snakemake would format a text.
        benchmark_says=PLAN.benchmark.model_dump(include={"title", "comparisons"}),
    message:
        "Writing the tables and the summary"
    shell:
        "python -m aexad tables {params.benchmark} --log {log:q}"


rule figures:
    input:
        metrics=f"{PLAN.folder}/metrics.csv",
        methods=f"{PLAN.folder}/methods.csv",
        runs=lambda wildcards: PLAN.files(
            PLAN.trained,
            "training.csv",
            "per_image.csv",
            "provenance.json",
        ),
        maps=lambda wildcards: PLAN.files(PLAN.pictured, "maps.npz"),
        images=lambda wildcards: PLAN.files(PLAN.pictured, "per_image.csv"),
    output:
        report(
            directory(f"{PLAN.folder}/figures"),
            patterns=["{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{PLAN.folder}/logs/figures.log",
    benchmark:
        f"{PLAN.folder}/benchmarks/figures.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(4000),
        runtime=times_attempt(30),
    params:
        library=code_digest("aexad.report.figures.write", "aexad.report.inputs"),
        benchmark=lambda wildcards: PLAN.benchmark_options(),
        datasets=PLAN.described("size", "stored_size", "levels", "evaluation"),
        gallery=PLAN.benchmark.gallery,
        data=SETTINGS.data,
    message:
        "Drawing the figures"
    shell:
        "python -m aexad figures {params.benchmark} --data {params.data:q} --log {log:q}"


rule report:
    input:
        metrics=f"{PLAN.folder}/metrics.csv",
        methods=f"{PLAN.folder}/methods.csv",
        tables=f"{PLAN.folder}/tables",
        figures=f"{PLAN.folder}/figures",
        panels=lambda wildcards: PLAN.files(PLAN.pictured, "panels"),
        images=lambda wildcards: PLAN.files(PLAN.reported, "per_image.csv"),
        published=PUBLISHED,
        provenance=lambda wildcards: PLAN.files(PLAN.trained, "provenance.json"),
    output:
        report(
            f"{PLAN.folder}/report.html",
            caption="../report/page.rst",
            category="Summary",
            labels={"page": "everything"},
        ),
    log:
        f"{PLAN.folder}/logs/report.log",
    benchmark:
        f"{PLAN.folder}/benchmarks/report.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(10),
    params:
        library=code_digest("aexad.report.html.page"),
        benchmark=lambda wildcards: PLAN.benchmark_options(),
        missing=MISSING,
        described=PLAN.benchmark.model_dump(include={"title", "description"}),
        recipes=PLAN.recipes(),
        datasets=PLAN.described("files", "published_as", "licence", "citation"),
    message:
        f"Writing {PLAN.folder}/report.html"
    shell:
        "python -m aexad report {params.benchmark} --log {log:q}"


rule explorer:
    input:
        methods=f"{PLAN.folder}/methods.csv",
        strips=lambda wildcards: PLAN.files(PLAN.pictured, "strips"),
        images=lambda wildcards: PLAN.files(PLAN.pictured, "per_image.csv"),
        splits=lambda wildcards: sorted(
            {f"results/{run.data_folder}/split.csv" for run in PLAN.pictured}
        ),
    output:
        page=f"{PLAN.folder}/explorer/index.html",
        photographs=directory(f"{PLAN.folder}/explorer/photographs"),
        strips=directory(f"{PLAN.folder}/explorer/strips"),
    log:
        f"{PLAN.folder}/logs/explorer.log",
    benchmark:
        f"{PLAN.folder}/benchmarks/explorer.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(30),
    params:
        library=code_digest("aexad.report.html.explorer.page"),
        benchmark=lambda wildcards: PLAN.benchmark_options(),
        images=SETTINGS.explorer,
        data=SETTINGS.data,
        title=PLAN.benchmark.model_dump(include={"title"}),  # text would be formatted
        datasets=PLAN.described("size", "stored_size", "levels"),
    message:
        f"Writing {PLAN.folder}/explorer/index.html"
    shell:
        "python -m aexad explorer {params.benchmark} --data {params.data:q} --count {params.images} --log {log:q}"


rule archive:
    input:
        metrics=lambda wildcards: PLAN.files(
            PLAN.reported, "metrics.json", "per_image.csv", "counts.npz"
        ),
        records=lambda wildcards: PLAN.files(
            PLAN.trained, "provenance.json", "training.csv", "inference.json"
        ),
        maps=lambda wildcards: PLAN.files(PLAN.pictured, "maps.npz"),
    output:
        f"{PLAN.folder}/{SETTINGS.benchmark}.runs.zip",
    log:
        f"{PLAN.folder}/logs/archive.log",
    benchmark:
        f"{PLAN.folder}/benchmarks/archive.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(10),
    params:
        title=PLAN.benchmark.model_dump(include={"title"}),  # text would be formatted
        library=code_digest("aexad.archive.writing", "aexad.report.inputs"),
        benchmark=lambda wildcards: PLAN.benchmark_options(),
    message:
        f"Archiving {len(PLAN.reported)} runs"
    shell:
        "python -m aexad archive {params.benchmark} --output {output:q} --log {log:q}"


if PLAN.archived:

    # The name of its verb, import, is a word of the language.
    rule import_runs:
        input:
            PLAN.benchmark.archive,
        output:
            PLAN.import_record,
        log:
            f"{PLAN.folder}/logs/import.log",
        benchmark:
            f"{PLAN.folder}/benchmarks/import.tsv"
        conda:
            "../../environment.yml"
        resources:
            mem_mb=times_attempt(2000),
            runtime=times_attempt(10),
        params:
            recipes=recipe_options,
        message:
            f"Importing {len(PLAN.archived)} runs from {PLAN.benchmark.archive}"
        shell:
            "python -m aexad import {input:q} --record {output:q} {params.recipes} --log {log:q}"
