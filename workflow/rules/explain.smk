# From a trained model to heat maps of its test images, and pictures of some of them.


rule infer:
    input:
        model=RUN + "/model.safetensors",
        split=RUN_DATA + "/split.csv",
    output:
        RUN + "/maps.npz",
    log:
        RUN + "/logs/infer.log",
    benchmark:
        RUN + "/benchmarks/infer.tsv"
    threads: SETTINGS.threads
    resources:
        mem_mb=8000,
        runtime=30,
        gpu=GPUS,
    params:
        library=code_digest("aexad.inference"),
        heat_map=heat_map_recipe,
        data=SETTINGS.data,
        weights=option("--weights-dir", SETTINGS.weights_dir),
        device=SETTINGS.device,
    message:
        "Explaining {wildcards.category} with {wildcards.method} ({wildcards.scenario},"
        " seed {wildcards.seed})"
    shell:
        "python -m aexad infer --method {wildcards.method} --dataset {wildcards.dataset}"
        " --data {params.data} --model {input.model} --split {input.split} --output {output}"
        " --device {params.device} --threads {threads} {params.weights} --log {log}"


rule draw_panels:
    input:
        maps=RUN + "/maps.npz",
        per_image=RUN + "/per_image.csv",
        split=RUN_DATA + "/split.csv",
    output:
        report(
            directory(RUN + "/panels"),
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
        RUN + "/logs/panels.log",
    benchmark:
        RUN + "/benchmarks/panels.tsv"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        library=code_digest("aexad.reporting.panels"),
        run=subpath(input.maps, parent=True),
        pictures=SETTINGS.panels,
        data=SETTINGS.data,
    message:
        "Drawing panels of {wildcards.category} with {wildcards.method}"
    shell:
        "python -m aexad panels --dataset {wildcards.dataset} --data {params.data}"
        " --run-folder {params.run} --split {input.split} --count {params.pictures} --output {output}"
        " --log {log}"
