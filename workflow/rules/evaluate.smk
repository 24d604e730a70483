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
        library=code_digest("aexad.evaluation.evaluate"),
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


rule evaluate_external:
    input:
        maps=external_maps,
        split=f"{RUN_DATA}/split.csv",
    output:
        per_image=f"{RUN}/per_image.csv",
        metrics=f"{RUN}/metrics.json",
    log:
        f"{RUN}/logs/evaluate.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate.tsv"
    wildcard_constraints:
        method=EXTERNAL_METHOD,
    group:
        "run"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        library=code_digest("aexad.evaluation.evaluate", "aexad.evaluation.external_maps"),
        maps=external_digest,
        folder=subpath(output.metrics, parent=True),
        native=native_option,
        data=SETTINGS.data,
    message:
        "Evaluating the maps of {wildcards.method} on {wildcards.category}"
    shell:
        "python -m aexad evaluate --maps {input.maps:q} --masks {input.split}"
        " --dataset {wildcards.dataset} --data {params.data:q} --output {params.folder:q}"
        " {params.native} --log {log:q}"
