# From heat maps and masks to the metrics of one run; and what can be told of it without them.


rule evaluate:
    input:
        maps=f"{RUN}/maps.npz",
        split=f"{RUN_DATA}/split.csv",
    output:
        per_image=f"{RUN}/per_image.csv",
        metrics=f"{RUN}/metrics.json",
    log:
        f"{RUN}/logs/evaluate.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate.tsv"
    wildcard_constraints:
        method=MODEL_METHOD,
    group:
        "run"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        library=code_digest("aexad.evaluation"),
        folder=subpath(output.metrics, parent=True),
        native=native_option,
        data=SETTINGS.data,
    message:
        "Evaluating {wildcards.method} on {wildcards.category} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    shell:
        "python -m aexad evaluate --maps {input.maps:q} --masks {input.split}"
        " --dataset {wildcards.dataset} --data {params.data:q} --output {params.folder:q}"
        " {params.native} --log {log:q}"


rule evaluate_foreign:
    input:
        maps=foreign_maps,
        split=f"{RUN_DATA}/split.csv",
    output:
        per_image=f"{RUN}/per_image.csv",
        metrics=f"{RUN}/metrics.json",
    log:
        f"{RUN}/logs/evaluate.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate.tsv"
    wildcard_constraints:
        method=FOREIGN_METHOD,
    group:
        "run"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        library=code_digest("aexad.evaluation", "aexad.foreign_maps"),
        maps=foreign_digest,
        folder=subpath(output.metrics, parent=True),
        native=native_option,
        data=SETTINGS.data,
    message:
        "Evaluating the maps of {wildcards.method} on {wildcards.category}"
    shell:
        "python -m aexad evaluate --maps {input.maps:q} --masks {input.split}"
        " --dataset {wildcards.dataset} --data {params.data:q} --output {params.folder:q}"
        " {params.native} --log {log:q}"


rule find_criteria:
    input:
        model=f"{RUN}/model.safetensors",
        split=f"{RUN_DATA}/split.csv",
    output:
        f"{RUN}/criteria.json",
    log:
        f"{RUN}/logs/criteria.log",
    benchmark:
        f"{RUN}/benchmarks/criteria.tsv"
    wildcard_constraints:
        method=MODEL_METHOD,
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
    resources:
        mem_mb=8000,
        runtime=30,
        gpu=GPUS,
    params:
        library=code_digest("aexad.criteria", "aexad.device"),
        heat_map=heat_map_recipe,
        stored=lambda wildcards: dataset_entry(wildcards).stored,
        data=SETTINGS.data,
        device=DEVICE,
        torch_threads=SETTINGS.threads,
    message:
        "Telling of {wildcards.method} on {wildcards.category} what no test image tells"
        " ({wildcards.scenario}, seed {wildcards.seed})"
    shell:
        "python -m aexad criteria --method {wildcards.method} --dataset {wildcards.dataset}"
        " --data {params.data:q} --scenario {wildcards.scenario} --model {input.model}"
        " --split {input.split} --output {output} --device {params.device}"
        " --threads {params.torch_threads} --log {log:q}"
