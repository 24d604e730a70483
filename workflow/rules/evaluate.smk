# From heat maps and masks to the metrics of one run.


rule evaluate:
    input:
        maps=RUN + "/maps.npz",
        split=RUN_DATA + "/split.csv",
    output:
        per_image=RUN + "/per_image.csv",
        metrics=RUN + "/metrics.json",
    params:
        library=code_digest("aexad.evaluation"),
        folder=subpath(output.metrics, parent=True),
        data=SETTINGS.data,
    log:
        RUN + "/logs/evaluate.log",
    benchmark:
        RUN + "/benchmarks/evaluate.tsv"
    message:
        "Evaluating {wildcards.method} on {wildcards.category} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    resources:
        mem_mb=4000,
        runtime=30,
    shell:
        "python -m aexad evaluate --maps {input.maps} --masks {input.split}"
        " --dataset {wildcards.dataset} --data {params.data} --output {params.folder} --log {log}"
