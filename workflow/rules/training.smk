# Slices and folds -> trained weights.

results_in(
    "networks",
    [
        f"{RESULTS}/networks/{network}/{fold}/{name}"
        for network, fold in RUNS
        for name in (
            "weights.safetensors",
            "averaged.safetensors",
            "curves.csv",
            "curves.png",
        )
    ],
)


rule train:
    input:
        slices=lambda w: slices(training_cases(w.fold)),
        split=f"{RESULTS}/split/{{fold}}.csv",
    output:
        weights=f"{RESULTS}/networks/{{network}}/{{fold}}/weights.safetensors",
        averaged=f"{RESULTS}/networks/{{network}}/{{fold}}/averaged.safetensors",
        curves=f"{RESULTS}/networks/{{network}}/{{fold}}/curves.csv",
    log:
        f"{LOGS}/train/{{network}}-{{fold}}.log",
    wildcard_constraints:
        network="|".join(NETWORKS),
    conda:
        "../../envs/networks.yaml"
    threads: config["training"]["cpu_threads"]
    resources:
        **training_resources(lambda w: (w.network, settings_of(config, w.network))),
    params:
        kind=lambda w: network_kind(config, w.network),
        network=lambda w: settings_of(config, w.network),
        run=lambda w: f"{w.network} {w.fold}",
        patients="all",
        updates=None,
        kept=(),
        training=TRAINING,
        image_size=config["image_size"],
        window=config["intensity"]["window"],
        seed=config["seed"],
    script:
        "../scripts/train.py"


rule collect_verdicts:
    input:
        curves=[
            f"{RESULTS}/networks/{network}/{fold}/curves.csv" for network, fold in RUNS
        ],
    output:
        table=result("verdicts.csv"),
    log:
        f"{LOGS}/collect_verdicts.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        runs=RUNS,
        failed_below=config["training"]["failed_below"],
    script:
        "../scripts/collect_verdicts.py"
