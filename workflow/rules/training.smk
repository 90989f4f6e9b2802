# Slices and folds -> trained weights.


rule train:
    input:
        slices=lambda w: slices(training_cases(w.fold)),
        split=f"{RESULTS}/split.csv",
    output:
        weights=f"{RESULTS}/networks/{{network}}/{{fold}}/weights.safetensors",
        curves=f"{RESULTS}/networks/{{network}}/{{fold}}/curves.csv",
        verdict=f"{RESULTS}/networks/{{network}}/{{fold}}/verdict.json",
    log:
        f"{LOGS}/train/{{network}}-{{fold}}.log",
    conda:
        "../../envs/networks.yaml"
    threads: config["training"]["cpu_threads"]
    params:
        network=lambda w: config[w.network],
        training=config["training"],
        image_size=config["image_size"],
        window=config["intensity"]["window"],
        threshold=config["prediction"]["threshold"],
        seed=config["seed"],
    script:
        "../scripts/train.py"


rule collect_verdicts:
    input:
        verdicts=expand(
            f"{RESULTS}/networks/{{network}}/{{fold}}/verdict.json",
            network=NETWORKS,
            fold=FOLDS,
        ),
    output:
        table=f"{RESULTS}/verdicts.csv",
    log:
        f"{LOGS}/collect_verdicts.log",
    conda:
        "../../envs/figures.yaml"
    params:
        runs=[(network, fold) for network in NETWORKS for fold in FOLDS],
    script:
        "../scripts/collect_verdicts.py"
