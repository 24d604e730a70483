# From the metrics of all runs of a benchmark to its tables, figures and page.

PUBLISHED = sorted(map(str, Path("config/published").glob("*.*")))
EXPLORER_FILES = Path("aexad/report/html/explorer/browser")

if workflow.is_main_process:
    tell_missing()


rule collect:
    input:
        metrics=of_runs(REPORTED, "metrics.json"),
        provenance=of_runs(TRAINED, "provenance.json"),
        inference=of_runs(TRAINED, "inference.json"),
    output:
        metrics=f"{RESULTS}/metrics.csv",
        methods=f"{RESULTS}/methods.csv",
    log:
        f"{RESULTS}/logs/collect.log",
    benchmark:
        f"{RESULTS}/benchmarks/collect.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        library=code_digest("aexad.report.collect"),
        benchmark=benchmark_options(),
    message:
        f"Collecting the metrics of {len(REPORTED)} runs"
    shell:
        "python -m aexad collect {params.benchmark} --log {log:q}"


rule write_tables:
    input:
        metrics=f"{RESULTS}/metrics.csv",
        methods=f"{RESULTS}/methods.csv",
        images=of_runs(REPORTED, "per_image.csv"),
        published=PUBLISHED,
    output:
        tables=report(
            directory(f"{RESULTS}/tables"),
            patterns=["{table}.csv"],
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        summary=report(
            f"{RESULTS}/summary.md",
            caption="../report/summary.rst",
            category="Summary",
            labels={"page": "in words"},
        ),
    log:
        f"{RESULTS}/logs/tables.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        library=code_digest("aexad.report.tables.write", "aexad.report.text.summary"),
        benchmark=benchmark_options(),
        recipes=recipes(),
        datasets=described("title", "limit", "files"),
        title=BENCHMARK.title,
    message:
        "Writing the tables and the summary"
    shell:
        "python -m aexad tables {params.benchmark} --log {log:q}"


rule draw_figures:
    input:
        metrics=f"{RESULTS}/metrics.csv",
        methods=f"{RESULTS}/methods.csv",
        runs=of_runs(
            TRAINED,
            "training.csv",
            "maps.npz",
            "per_image.csv",
            "provenance.json",
        ),
    output:
        report(
            directory(f"{RESULTS}/figures"),
            patterns=["{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{RESULTS}/logs/figures.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        library=code_digest("aexad.report.figures.write"),
        benchmark=benchmark_options(),
        datasets=described("title", "limit", "size", "stored_size", "evaluation"),
        gallery=BENCHMARK.gallery,
    message:
        "Drawing the figures"
    shell:
        "python -m aexad figures {params.benchmark} --log {log:q}"


rule write_report:
    input:
        metrics=f"{RESULTS}/metrics.csv",
        methods=f"{RESULTS}/methods.csv",
        tables=f"{RESULTS}/tables",
        figures=f"{RESULTS}/figures",
        panels=of_runs(TRAINED, "panels"),
        images=of_runs(REPORTED, "per_image.csv"),
        published=PUBLISHED,
        provenance=of_runs(TRAINED, "provenance.json"),
    output:
        report(
            f"{RESULTS}/report.html",
            caption="../report/page.rst",
            category="Summary",
            labels={"page": "everything"},
        ),
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        library=code_digest("aexad.report.html.page"),
        template=sha256_of("aexad/report/html/templates/report.html.j2"),
        benchmark=benchmark_options(),
        described=[BENCHMARK.title, BENCHMARK.description],
        recipes=recipes(),
        datasets=described("title", "limit", "files", "licence", "citation"),
    message:
        f"Writing {RESULTS}/report.html"
    shell:
        "python -m aexad report {params.benchmark} --log {log:q}"


rule explorer:
    input:
        methods=f"{RESULTS}/methods.csv",
        strips=of_runs(TRAINED, "strips"),
        images=of_runs(TRAINED, "per_image.csv"),
        splits=sorted({f"results/{run.data_folder}/split.csv" for run in TRAINED}),
    output:
        page=f"{RESULTS}/explorer/index.html",
        photographs=directory(f"{RESULTS}/explorer/photographs"),
        strips=directory(f"{RESULTS}/explorer/strips"),
    log:
        f"{RESULTS}/logs/explorer.log",
    benchmark:
        f"{RESULTS}/benchmarks/explorer.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        library=code_digest("aexad.report.html.explorer.page"),
        page=[sha256_of(path) for path in sorted(EXPLORER_FILES.iterdir())],
        benchmark=benchmark_options(),
        images=SETTINGS.explorer,
        title=BENCHMARK.title,
        datasets=described("title", "limit", "size", "stored_size"),
    message:
        f"Writing {RESULTS}/explorer/index.html"
    shell:
        "python -m aexad explorer {params.benchmark} --count {params.images} --log {log:q}"
