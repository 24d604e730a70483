# From a training set and a recipe to a trained model.


rule train:
    input:
        # Ancient: it is temporary, and what it depends on is the parameter made_of.
        ancient(RUN_DATA + "/train.npz"),
    output:
        model=RUN + "/model.safetensors",
        history=RUN + "/training.csv",
        provenance=RUN + "/provenance.json",
    log:
        RUN + "/logs/train.log",
    benchmark:
        RUN + "/benchmarks/train.tsv"
    threads: SETTINGS.threads
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=GPUS,
    params:
        library=code_digest("aexad.training"),
        recipe=training_recipe,
        made_of=training_data,
        folder=subpath(output.model, parent=True),
        weights=option("--weights-dir", SETTINGS.weights_dir),
        device=SETTINGS.device,
    message:
        "Training {wildcards.method} on {wildcards.category} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    shell:
        "python -m aexad train --method {wildcards.method} --seed {wildcards.seed}"
        " --training-set {input} --output {params.folder} --device {params.device}"
        " --threads {threads} {params.weights} --log {log}"
