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


# One list per category, so that a change or a problem of another category touches nothing. Classes
# share one, because each is tested on the others.
rule index:
    input:
        # What the list depends on is in the params: files fetched again change nothing.
        ancient(fetched),
    output:
        "results/index/{dataset}/{category}.csv",
    log:
        "results/index/logs/{dataset}/{category}.index.log",
    benchmark:
        "results/index/benchmarks/{dataset}/{category}.index.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(1000),
        runtime=times_attempt(30),
    params:
        library=code_digest("aexad.data.index"),
        content=content,
        reading=of_wildcards(lambda wildcards: PLAN.listed_as(wildcards.dataset)),
        only=lambda wildcards: PLAN.only_option(wildcards.dataset, wildcards.category),
        data=SETTINGS.data,
    message:
        "Checking every file of {wildcards.dataset}, {wildcards.category}"
    shell:
        "python -m aexad index --dataset {wildcards.dataset} {params.only} --data {params.data:q}"
        " --output {output} --log {log:q}"


rule split:
    input:
        of_wildcards(
            lambda wildcards: PLAN.index_of(wildcards.dataset, wildcards.category)
        ),
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
            include={"adaptor", "validation", "limit", "size", "tile"}
        ),
        data=SETTINGS.data,
    message:
        "Splitting {wildcards.category} ({wildcards.scenario}, seed {wildcards.seed})"
    shell:
        "python -m aexad split --dataset {wildcards.dataset} --data {params.data:q}"
        " --category {wildcards.category}"
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
