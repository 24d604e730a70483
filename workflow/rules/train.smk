# From a training set and a recipe to a trained model.


localrules:
    share,
    weights,


# A method that differs from another one in its heat map alone takes the model of that one.
ruleorder: share > train


# On the machine that starts the workflow, so that jobs need no network.
rule weights:
    output:
        "results/weights/{encoder}.json",
    log:
        "results/weights/logs/{encoder}.log",
    benchmark:
        "results/weights/benchmarks/{encoder}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(60),
    params:
        options=of_wildcards(lambda wildcards: PLAN.weights_options(wildcards.encoder)),
        # A checkout that is moved with its folder of weights fetches nothing.
        folder=os.path.relpath(WEIGHTS),
    message:
        "Fetching the pre-trained weights of {wildcards.encoder}"
    shell:
        "python -m aexad weights {wildcards.encoder:q} {params.options} --output {output:q} --log {log:q}"


rule train:
    input:
        data=f"{RUN}/train.npz",
        weights=lambda wildcards: ancient(PLAN.weights_records(wildcards.method)),
    output:
        model=f"{RUN}/model.safetensors",
        history=f"{RUN}/training.csv",
        provenance=f"{RUN}/provenance.json",
    log:
        f"{RUN}/logs/train.log",
    benchmark:
        f"{RUN}/benchmarks/train.tsv"
    group:
        "run"
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
    resources:
        mem_mb=times_attempt(8000),
        runtime=times_attempt(240),
        gpu=PLAN.gpus,
    params:
        library=training_code,
        recipe=training_recipe,
        recipes=recipe_options,
        folder=subpath(output.model, parent=True),
        device=device,
        torch_threads=SETTINGS.threads,
        country=country_option,
        execution=execution_options,
    message:
        "Training {wildcards.method} on {wildcards.category} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    shell:
        "python -m aexad train --method {wildcards.method} {params.recipes}"
        " --seed {wildcards.seed} --training-set {input.data} --output {params.folder:q}"
        " --device {params.device} --threads {params.torch_threads} {params.country}"
        " {params.execution} --log {log:q}"


rule share:
    input:
        lambda wildcards: expand(
            f"{RUN_DATA}/{PLAN.trained_as[wildcards.method]}/{{name}}",
            name=["model.safetensors", "training.csv", "provenance.json"],
            allow_missing=True,
        ),
    output:
        f"{RUN}/model.safetensors",
        f"{RUN}/training.csv",
        f"{RUN}/provenance.json",
    log:
        f"{RUN}/logs/share.log",
    benchmark:
        f"{RUN}/benchmarks/share.tsv"
    wildcard_constraints:
        method=PLAN.patterns["sharing"],
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(1000),
        runtime=times_attempt(10),
    params:
        library=code_digest("aexad.runtime.files"),
        trained=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
    message:
        "{wildcards.method} differs in the heat map alone: its model exists"
    shell:
        "python -m aexad share --run-folder {params.trained:q} --output {params.folder:q} --log {log:q}"
