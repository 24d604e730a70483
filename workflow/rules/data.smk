# From a URL, a local folder or a drawing to the training set of one category, scenario and seed.


rule fetch:
    output:
        f"{SETTINGS.data}/{{dataset}}.json",
    log:
        "results/index/logs/{dataset}.fetch.log",
    benchmark:
        "results/index/benchmarks/{dataset}.fetch.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(1000),
        runtime=times_attempt(240),
    params:
        origin=of_wildcards(lambda wildcards: PLAN.origin(wildcards.dataset)),
        data=subpath(output[0], parent=True),
        source=lambda wildcards: option("--source", PLAN.source(wildcards.dataset)),
    message:
        "Fetching data set {wildcards.dataset}"
    shell:
        "python -m aexad fetch --dataset {wildcards.dataset} --data {params.data:q}"
        " {params.source} --log {log:q}"


rule index:
    input:
        fetched,
    output:
        "results/index/{dataset}.csv",
    log:
        "results/index/logs/{dataset}.index.log",
    benchmark:
        "results/index/benchmarks/{dataset}.index.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(1000),
        runtime=times_attempt(30),
    params:
        library=code_digest("aexad.data.index"),
        content=content,
        categories=lambda wildcards: PLAN.dataset(wildcards.dataset).categories,
        data=SETTINGS.data,
    message:
        "Checking every file of {wildcards.dataset}"
    shell:
        "python -m aexad index --dataset {wildcards.dataset} --data {params.data:q}"
        " --output {output} --log {log:q}"


rule split:
    input:
        "results/index/{dataset}.csv",
    output:
        f"{RUN_DATA}/split.csv",
    log:
        f"{RUN_DATA}/logs/split.log",
    benchmark:
        f"{RUN_DATA}/benchmarks/split.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(1000),
        runtime=times_attempt(10),
    params:
        library=code_digest("aexad.data.split"),
        labelled=lambda wildcards: PLAN.dataset(wildcards.dataset).labelled_per_defect(
            wildcards.category
        ),
        drawn=lambda wildcards: PLAN.dataset(wildcards.dataset).model_dump(
            include={"adaptor", "validation", "limit"}
        ),
    message:
        "Splitting {wildcards.category} ({wildcards.scenario}, seed {wildcards.seed})"
    shell:
        "python -m aexad split --dataset {wildcards.dataset} --category {wildcards.category}"
        " --scenario {wildcards.scenario} --seed {wildcards.seed} --index {input}"
        " --output {output} --log {log:q}"


rule augment:
    input:
        f"{RUN_DATA}/split.csv",
    output:
        # One per run, though methods could share it: when one user of a temporary file needs it
        # again, Snakemake runs all its users again.
        temp(f"{RUN}/train.npz"),
    log:
        f"{RUN}/logs/augment.log",
    benchmark:
        f"{RUN}/benchmarks/augment.tsv"
    group:
        "run"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(4000),
        runtime=times_attempt(30),
    params:
        library=code_digest("aexad.data.augment"),
        content=content,
        size=lambda wildcards: [
            PLAN.dataset(wildcards.dataset).size,
            stored_size(wildcards),
            *(PLAN.dataset(wildcards.dataset).levels or []),
            *filter(None, [PLAN.dataset(wildcards.dataset).tile]),
        ],
        data=SETTINGS.data,
    message:
        "Augmenting {wildcards.category} ({wildcards.scenario}, seed {wildcards.seed})"
        " for {wildcards.method}"
    shell:
        "python -m aexad augment --dataset {wildcards.dataset} --data {params.data:q}"
        " --scenario {wildcards.scenario} --seed {wildcards.seed} --split {input}"
        " --output {output} --log {log:q}"
