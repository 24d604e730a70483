# From a trained model to heat maps of its test images, and pictures of some of them.


# A command trains and explains at once, in an environment of its own.
ruleorder: command > infer
ruleorder: command > train


rule command:
    input:
        split=f"{RUN_DATA}/split.csv",
    output:
        maps=f"{RUN}/maps.npz",
        cost=f"{RUN}/inference.json",
        history=f"{RUN}/training.csv",
        provenance=f"{RUN}/provenance.json",
    log:
        f"{RUN}/logs/command.log",
    benchmark:
        f"{RUN}/benchmarks/command.tsv"
    wildcard_constraints:
        method=PLAN.patterns["command"],
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
    resources:
        mem_mb=times_attempt(8000),
        runtime=lambda wildcards, attempt: PLAN.command_minutes(
            wildcards.method, attempt
        ),
        gpu=PLAN.gpus,
    params:
        library=of_wildcards(lambda wildcards: PLAN.command_code(wildcards.method)),
        recipes=recipe_options,
        folder=subpath(output.maps, parent=True),
        content=content,
        size=lambda wildcards: PLAN.dataset(wildcards.dataset).size,
        stored=read_as,
        data=SETTINGS.data,
        device=device,
        country=country_option,
    message:
        "Running {wildcards.method} on {wildcards.category} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    shell:
        "python -m aexad command --method {wildcards.method} {params.recipes}"
        " --dataset {wildcards.dataset} --data {params.data:q} --seed {wildcards.seed}"
        " --split {input.split} --output {params.folder:q} --device {params.device}"
        " {params.country} --log {log:q}"


rule infer:
    input:
        model=f"{RUN}/model.safetensors",
        split=f"{RUN_DATA}/split.csv",
    output:
        maps=f"{RUN}/maps.npz",
        cost=f"{RUN}/inference.json",
    log:
        f"{RUN}/logs/infer.log",
    benchmark:
        f"{RUN}/benchmarks/infer.tsv"
    group:
        "run"
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
    resources:
        mem_mb=times_attempt(8000),
        runtime=times_attempt(30),
        gpu=PLAN.gpus,
    params:
        library=inference_code,
        heat_map=heat_map_recipe,
        recipes=recipe_options,
        stored=read_as,
        data=SETTINGS.data,
        device=device,
        torch_threads=SETTINGS.threads,
        country=country_option,
    message:
        "Explaining {wildcards.category} with {wildcards.method} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    shell:
        "python -m aexad infer --method {wildcards.method} {params.recipes}"
        " --dataset {wildcards.dataset} --data {params.data:q} --model {input.model}"
        " --split {input.split} --output {output.maps} --device {params.device}"
        " --threads {params.torch_threads} {params.country} --log {log:q}"


rule panels:
    input:
        maps=f"{RUN}/maps.npz",
        per_image=f"{RUN}/per_image.csv",
        split=f"{RUN_DATA}/split.csv",
    output:
        report(
            directory(f"{RUN}/panels"),
            patterns=["{image}.png"],
            caption="../report/panels.rst",
            category="Panels",
            labels={
                "category": "{category}",
                "scenario": "{scenario}",
                "seed": "{seed}",
                "method": "{method}",
                "image": "{image}",
            },
        ),
    log:
        f"{RUN}/logs/panels.log",
    benchmark:
        f"{RUN}/benchmarks/panels.tsv"
    group:
        "run"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(30),
    params:
        library=code_digest("aexad.report.images.panels"),
        run=subpath(input.maps, parent=True),
        pictures=SETTINGS.panels,
        stored=read_as,
        data=SETTINGS.data,
    message:
        "Drawing panels of {wildcards.category} with {wildcards.method}"
    shell:
        "python -m aexad panels --dataset {wildcards.dataset} --data {params.data:q}"
        " --run-folder {params.run:q} --split {input.split} --count {params.pictures}"
        " --output {output} --log {log:q}"


rule strips:
    input:
        maps=f"{RUN}/maps.npz",
        split=f"{RUN_DATA}/split.csv",
    output:
        directory(f"{RUN}/strips"),
    log:
        f"{RUN}/logs/strips.log",
    benchmark:
        f"{RUN}/benchmarks/strips.tsv"
    group:
        "run"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=times_attempt(4000),
        runtime=times_attempt(30),
    params:
        library=code_digest("aexad.report.images.strips"),
        run=subpath(input.maps, parent=True),
        images=SETTINGS.explorer,
        stored=read_as,
        data=SETTINGS.data,
    message:
        "Drawing strips of {wildcards.category} with {wildcards.method}"
    shell:
        "python -m aexad strips --dataset {wildcards.dataset} --data {params.data:q}"
        " --run-folder {params.run:q} --split {input.split} --count {params.images}"
        " --output {output} --log {log:q}"
