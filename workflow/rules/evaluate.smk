# From heat maps and masks to the metrics of one run.


# External maps are evaluated where they lie; all other methods have a model that makes them.
ruleorder: evaluate_external > evaluate
ruleorder: evaluate_external > infer
ruleorder: evaluate_external > command


rule evaluate:
    input:
        maps=f"{RUN}/maps.npz",
        split=f"{RUN_DATA}/split.csv",
    output:
        per_image=f"{RUN}/per_image.csv",
        counts=f"{RUN}/counts.npz",
        metrics=f"{RUN}/metrics.json",
    log:
        f"{RUN}/logs/evaluate.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate.tsv"
    group:
        "run"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(4000),
        runtime=times_attempt(30),
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


use rule evaluate as evaluate_external with:
    input:
        maps=lambda wildcards: PLAN.external_folder(wildcards),
        split=f"{RUN_DATA}/split.csv",
    output:
        maps=f"{RUN}/maps.npz",
        per_image=f"{RUN}/per_image.csv",
        counts=f"{RUN}/counts.npz",
        metrics=f"{RUN}/metrics.json",
    wildcard_constraints:
        method=PLAN.patterns["external"],
    params:
        library=code_digest(
            "aexad.evaluation.evaluate", "aexad.evaluation.external_maps"
        ),
        maps=lambda wildcards: PLAN.external_digest(wildcards),
        content=content,
        stored=read_as,
        folder=subpath(output.metrics, parent=True),
        native=native_option,
        data=SETTINGS.data,
    message:
        "Evaluating the maps of {wildcards.method} on {wildcards.category}"
