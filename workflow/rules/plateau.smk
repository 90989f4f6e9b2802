# Trainings to a plateau, with unseen patients segmented on the way: `snakemake plateau`, not part of a
# plain run. One training serves all its points; it goes on from its checkpoints.

PLATEAU = config["plateau"]
# A run's folder: which variant, on which fold, with which seed.
ON_THE_WAY = f"{STUDIES}/plateau/{{variant}}/{{fold}}-{{seed}}"


use rule train as train_to_plateau with:
    output:
        weights=f"{ON_THE_WAY}/weights.safetensors",
        averaged=f"{ON_THE_WAY}/averaged.safetensors",
        kept=directory(f"{ON_THE_WAY}/kept"),
        curves=f"{ON_THE_WAY}/curves.csv",
    log:
        f"{LOGS}/train_to_plateau/{{variant}}-{{fold}}-{{seed}}.log",
    resources:
        **training_resources(to_plateau),
    params:
        kind=lambda w: variant_of(config, w.variant).kind,
        network=lambda w: to_plateau(w)[1],
        run=lambda w: f"plateau/{w.variant} {w.fold} {w.seed}",
        patients="all",
        updates=None,
        kept=evaluated_epochs(config),
        seed=lambda w: int(w.seed),
        training=TRAINING,
        image_size=config["image_size"],
        window=config["intensity"]["window"],


rule score_on_the_way:
    input:
        kept=f"{ON_THE_WAY}/kept",
        slices=lambda w: slices(unseen(w.fold)),
    output:
        scores=f"{ON_THE_WAY}/unseen.csv",
    log:
        f"{LOGS}/score_on_the_way/{{variant}}-{{fold}}-{{seed}}.log",
    conda:
        "../../envs/networks.yaml"
    threads: config["training"]["cpu_threads"]
    resources:
        # Two readings of each; to segment costs half of what training does.
        **segmentation_resources(to_plateau, lambda w: len(evaluated_epochs(config))),
    params:
        cases=lambda w: unseen(w.fold),
        threshold=config["prediction"]["threshold"],
        device=config["training"]["device"],
        cpu_threads=config["training"]["cpu_threads"],
    script:
        "../scripts/score_on_the_way.py"


rule summarise_plateau:
    input:
        scores=[
            f"{STUDIES}/plateau/{run.path}/unseen.csv" for run in plateau_runs(config)
        ],
        curves=[
            f"{STUDIES}/plateau/{run.path}/curves.csv" for run in plateau_runs(config)
        ],
        splits=[f"{RESULTS}/split/{run.fold}.csv" for run in plateau_runs(config)],
    output:
        runs=f"{STUDIES}/plateau_runs.csv",
        table=f"{STUDIES}/plateau.csv",
    log:
        f"{LOGS}/summarise_plateau.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        runs=[vars(run) for run in plateau_runs(config)],
        batch_size=config["training"]["batch_size"],
        within=PLATEAU["within"],
        span=PLATEAU["span"],
        failed_below=config["training"]["failed_below"],
        resamples=config["comparison"]["resamples"],
        confidence=config["comparison"]["confidence"],
        seed=config["seed"],
    script:
        "../scripts/summarise_plateau.py"


rule draw_plateau:
    input:
        table=f"{STUDIES}/plateau.csv",
    output:
        png=f"{STUDIES}/plateau.png",
        pdf=f"{STUDIES}/plateau.pdf",
    log:
        f"{LOGS}/draw_plateau.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_plateau.py"


rule:
    name:
        "plateau"
    input:
        target(
            "plateau", *[f"{STUDIES}/plateau.{end}" for end in ("csv", "png", "pdf")]
        ),
