# Kernels replaced, layer by layer, and the unseen patients segmented again: `snakemake replacements`,
# not part of a plain run. A job is one replacement on one fold, with all layers inside, so that only
# replacements that changed are made again.

REPLACED = config["replacements"]


rule score_replacement:
    input:
        weights=f"{RESULTS}/networks/unet/{{fold}}/weights.safetensors",
        slices=lambda w: slices(unseen(w.fold)),
    output:
        scores=f"{STUDIES}/replacements/{{replacement}}/{{fold}}.csv",
    log:
        f"{LOGS}/score_replacement/{{replacement}}-{{fold}}.log",
    conda:
        "../../envs/networks.yaml"
    threads: config["training"]["cpu_threads"]
    resources:
        # 20 networks a draw or more; to segment costs half of what training does, and much is remembered.
        **segmentation_resources(
            lambda w: ("unet", config["unet"]), lambda w: 5 * draws_of(w)
        ),
    params:
        cases=lambda w: unseen(w.fold),
        options=replacement_options,
        draws=draws_of,
        together=REPLACED["together"],
        seed=lambda w: REPLACED["seed"] if is_random(w.replacement) else 0,
        training_seed=config["seed"],
        threshold=config["prediction"]["threshold"],
        device=config["training"]["device"],
        cpu_threads=config["training"]["cpu_threads"],
    script:
        "../scripts/score_replacement.py"


rule summarise_replacements:
    input:
        scores=expand(
            rules.score_replacement.output.scores,
            replacement=REPLACED["replacements"],
            fold=chosen_folds(config, REPLACED["folds"]),
        ),
    output:
        runs=f"{STUDIES}/replacements_runs.csv",
        table=f"{STUDIES}/replacements.csv",
    log:
        f"{LOGS}/summarise_replacements.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        resamples=config["comparison"]["resamples"],
        confidence=config["comparison"]["confidence"],
        seed=config["seed"],
    script:
        "../scripts/summarise_replacements.py"


rule draw_replacements:
    input:
        table=f"{STUDIES}/replacements.csv",
    output:
        png=f"{STUDIES}/replacements.png",
        pdf=f"{STUDIES}/replacements.pdf",
    log:
        f"{LOGS}/draw_replacements.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_replacements.py"


rule:
    name:
        "replacements"
    input:
        target(
            "replacements",
            *[f"{STUDIES}/replacements.{end}" for end in ("csv", "png", "pdf")],
        ),
