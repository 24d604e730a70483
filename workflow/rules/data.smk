# From a URL, a local folder or a drawing to the training set of one category, scenario and seed.


rule fetch:
    output:
        f"{SETTINGS.data}/{{dataset}}.json",
    log:
        "results/index/logs/{dataset}.fetch.log",
    benchmark:
        "results/index/benchmarks/{dataset}.fetch.tsv"
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        origin=origin,
        data=SETTINGS.data,
        source=lambda wildcards: option("--source", local_source(wildcards)),
    message:
        "Fetching data set {wildcards.dataset}"
    shell:
        "python -m aexad fetch --dataset {wildcards.dataset} --data {params.data}"
        " {params.source} --log {log}"


rule index:
    input:
        f"{SETTINGS.data}/{{dataset}}.json",
    output:
        "results/index/{dataset}.csv",
    log:
        "results/index/logs/{dataset}.index.log",
    benchmark:
        "results/index/benchmarks/{dataset}.index.tsv"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        library=code_digest("aexad.data.index"),
        images=images_digest,
        categories=lambda wildcards: dataset_entry(wildcards).categories,
        data=SETTINGS.data,
    message:
        "Checking every file of {wildcards.dataset}"
    shell:
        "python -m aexad index --dataset {wildcards.dataset} --data {params.data}"
        " --output {output} --log {log}"


rule split:
    input:
        "results/index/{dataset}.csv",
    output:
        RUN_DATA + "/split.csv",
    log:
        RUN_DATA + "/logs/split.log",
    benchmark:
        RUN_DATA + "/benchmarks/split.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        library=code_digest("aexad.data.split"),
        labelled=lambda wildcards: dataset_entry(wildcards).labelled_per_defect(
            wildcards.category
        ),
    message:
        "Splitting {wildcards.category} ({wildcards.scenario}, seed {wildcards.seed})"
    shell:
        "python -m aexad split --dataset {wildcards.dataset} --category {wildcards.category}"
        " --scenario {wildcards.scenario} --seed {wildcards.seed} --index {input}"
        " --output {output} --log {log}"


rule augment:
    input:
        RUN_DATA + "/split.csv",
    output:
        # One a run, though methods could share it: Snakemake runs all users of a temporary file
        # again when one of them needs it anew.
        temp(RUN + "/train.npz"),
    log:
        RUN + "/logs/augment.log",
    benchmark:
        RUN + "/benchmarks/augment.tsv"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        library=code_digest("aexad.data.augmentation"),
        origin=origin,
        images=images_digest,
        size=lambda wildcards: dataset_entry(wildcards).size,
        data=SETTINGS.data,
    message:
        "Augmenting {wildcards.category} ({wildcards.scenario}, seed {wildcards.seed})"
        " for {wildcards.method}"
    shell:
        "python -m aexad augment --dataset {wildcards.dataset} --data {params.data}"
        " --scenario {wildcards.scenario} --seed {wildcards.seed} --split {input}"
        " --output {output} --log {log}"
