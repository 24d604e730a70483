# From a training set and a recipe to a trained model.


localrules:
    share_model,


rule train:
    input:
        f"{RUN}/train.npz",
    output:
        model=f"{RUN}/model.safetensors",
        history=f"{RUN}/training.csv",
        provenance=f"{RUN}/provenance.json",
    log:
        f"{RUN}/logs/train.log",
    benchmark:
        f"{RUN}/benchmarks/train.tsv"
    wildcard_constraints:
        method=TRAINED_METHOD,
    group:
        "run"
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=GPUS,
    params:
        library=code_digest("aexad.training.train", "aexad.runtime.device"),
        recipe=training_recipe,
        folder=subpath(output.model, parent=True),
        device=DEVICE,
        torch_threads=SETTINGS.threads,
        country=country_option,
        execution=execution_options,
    message:
        "Training {wildcards.method} on {wildcards.category} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    shell:
        "python -m aexad train --method {wildcards.method} --seed {wildcards.seed}"
        " --training-set {input} --output {params.folder:q} --device {params.device}"
        " --threads {params.torch_threads} {params.country} {params.execution} --log {log:q}"


rule share_model:
    input:
        lambda wildcards: expand(
            f"{RUN_DATA}/{TRAINED_AS[wildcards.method]}/{{name}}",
            name=["model.safetensors", "training.csv", "provenance.json"],
            allow_missing=True,
        ),
    output:
        f"{RUN}/model.safetensors",
        f"{RUN}/training.csv",
        f"{RUN}/provenance.json",
    log:
        f"{RUN}/logs/share_model.log",
    benchmark:
        f"{RUN}/benchmarks/share_model.tsv"
    wildcard_constraints:
        method=SHARING_METHOD,
    conda:
        "../../environment.yml"
    params:
        library=code_digest("aexad.runtime.files"),
        trained=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
    message:
        "{wildcards.method} differs in the heat map alone: its model is there"
    shell:
        "python -m aexad share --run-folder {params.trained:q} --output {params.folder:q} --log {log:q}"
