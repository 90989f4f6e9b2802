# Studies: networks with one thing changed, over folds, seeds and numbers of patients. None is part of
# a plain run; each is asked for by its name (`snakemake knockout`).

results_in("studies", [])

# A run's folder: which variant, on which fold, with which seed and how many patients, and, where
# the study says it, of how many updates ("-320").
A_RUN = f"{STUDIES}/networks/{{variant}}/{{fold}}-{{seed}}-{{patients}}{{updates}}"


use rule train as train_variant with:
    output:
        weights=f"{A_RUN}/weights.safetensors",
        averaged=f"{A_RUN}/averaged.safetensors",
        curves=f"{A_RUN}/curves.csv",
    log:
        f"{LOGS}/train_variant/{{variant}}-{{fold}}-{{seed}}-{{patients}}{{updates}}.log",
    resources:
        **training_resources(variant_network),
    params:
        kind=lambda w: variant_of(config, w.variant).kind,
        network=lambda w: variant_of(config, w.variant).options,
        run=lambda w: f"studies/{w.variant} {w.fold} {w.seed} {w.patients}{w.updates}",
        patients=lambda w: w.patients,
        updates=lambda w: int(w.updates[1:]) if w.updates else None,
        kept=(),
        seed=lambda w: int(w.seed),
        training=TRAINING,
        image_size=config["image_size"],
        window=config["intensity"]["window"],


rule score_variant:
    input:
        last=lambda w: training_of(w, "weights"),
        averaged=lambda w: training_of(w, "averaged"),
        slices=lambda w: slices(unseen(w.fold)),
    output:
        scores=f"{A_RUN}/unseen.csv",
    log:
        f"{LOGS}/score_variant/{{variant}}-{{fold}}-{{seed}}-{{patients}}{{updates}}.log",
    conda:
        "../../envs/networks.yaml"
    threads: config["training"]["cpu_threads"]
    resources:
        **segmentation_resources(variant_network),
    params:
        cases=lambda w: unseen(w.fold),
        postprocess=lambda w: variant_of(config, w.variant).postprocess,
        threshold=config["prediction"]["threshold"],
        device=config["training"]["device"],
        cpu_threads=config["training"]["cpu_threads"],
    script:
        "../scripts/score_variant.py"


rule summarise_study:
    input:
        scores=lambda w: [
            f"{STUDIES}/networks/{run.path}/unseen.csv"
            for run in runs_of(config, w.study)
        ],
        curves=lambda w: [
            f"{STUDIES}/networks/{run.training}/curves.csv"
            for run in runs_of(config, w.study)
        ],
    output:
        runs=f"{STUDIES}/{{study}}_runs.csv",
        table=f"{STUDIES}/{{study}}.csv",
    log:
        f"{LOGS}/summarise_study/{{study}}.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        runs=lambda w: [vars(run) for run in runs_of(config, w.study)],
        against=lambda w: config["studies"][w.study]["against"],
        failed_below=config["training"]["failed_below"],
        resamples=config["comparison"]["resamples"],
        confidence=config["comparison"]["confidence"],
        seed=config["seed"],
    script:
        "../scripts/summarise_study.py"


rule draw_study:
    input:
        runs=f"{STUDIES}/{{study}}_runs.csv",
        table=f"{STUDIES}/{{study}}.csv",
    output:
        png=f"{STUDIES}/{{study}}.png",
        pdf=f"{STUDIES}/{{study}}.pdf",
    log:
        f"{LOGS}/draw_study/{{study}}.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_study.py"


for study in config["studies"]:

    rule:
        name:
            study
        input:
            target(
                study, *[f"{STUDIES}/{study}.{end}" for end in ("csv", "png", "pdf")]
            ),
