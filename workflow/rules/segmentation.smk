# Trained weights -> segmentations, and the level set baseline, which needs no training.


rule segment_fold:
    input:
        weights=f"{RESULTS}/networks/{{network}}/{{fold}}/weights.safetensors",
        slices=lambda w: slices(cases()),
        folds=f"{RESULTS}/folds.csv",
        split=f"{RESULTS}/split/{{fold}}.csv",
    output:
        unseen=directory(f"{RESULTS}/segmentations/{{network}}/{{fold}}/unseen"),
        heldout=directory(f"{RESULTS}/segmentations/{{network}}/{{fold}}/heldout"),
    log:
        f"{LOGS}/segment_fold/{{network}}-{{fold}}.log",
    conda:
        "../../envs/networks.yaml"
    threads: config["training"]["cpu_threads"]
    resources:
        **segmentation_asks(lambda w: (w.network, config[w.network])),
    params:
        threshold=config["prediction"]["threshold"],
        device=config["training"]["device"],
        cpu_threads=config["training"]["cpu_threads"],
    script:
        "../scripts/segment_fold.py"


rule operate_level_set:
    input:
        image=lambda w: volumes(w.case),
        label=lambda w: segmentations(w.case),
        report=f"{RESULTS}/cases/case-{{case}}.json",
        table=ancient(f"{RESULTS}/cases.csv"),
    output:
        segmentation=f"{RESULTS}/segmentations/itk_snap/segmentation-{{case}}.nii.gz",
        trials=f"{RESULTS}/segmentations/itk_snap/trials-{{case}}.csv",
    log:
        f"{LOGS}/operate_level_set/{{case}}.log",
    group:
        by_case("level_sets")
    conda:
        "../../envs/volumes.yaml"
    resources:
        **asks(
            "level_set",
            trial_minutes(
                config["levelset"]["trials"], config["levelset"]["spacing_mm"]
            ),
        ),
    params:
        settings={
            key: value for key, value in config["levelset"].items() if key != "cases"
        },
        seed=config["seed"],
        version=lambda w: versions(w.case),
    script:
        "../scripts/operate_level_set.py"
