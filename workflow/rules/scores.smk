# Segmentations and labels -> scores.


rule score_network:
    input:
        unseen=f"{RESULTS}/segmentations/{{network}}/{{fold}}/unseen",
        heldout=f"{RESULTS}/segmentations/{{network}}/{{fold}}/heldout",
        split=f"{RESULTS}/split/{{fold}}.csv",
        folds=f"{RESULTS}/folds.csv",
        images=lambda w: [images(case) for case in cases()],
        labels=lambda w: [labels(case) for case in cases()],
    output:
        scores=f"{RESULTS}/scores/{{network}}-{{fold}}.csv",
    log:
        f"{LOGS}/score_network/{{network}}-{{fold}}.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("volume"),
    params:
        cases=lambda w: cases(),
        version=lambda w: versions(*cases()),
    script:
        "../scripts/score_network.py"


rule score_level_set:
    input:
        segmentations=lambda w: operated_masks(),
        folds=f"{RESULTS}/folds.csv",
        images=lambda w: [images(case) for case in operated_cases()],
        labels=lambda w: [labels(case) for case in operated_cases()],
    output:
        scores=f"{RESULTS}/scores/itk_snap.csv",
    log:
        f"{LOGS}/score_level_set.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("volume"),
    params:
        cases=lambda w: operated_cases(),
        version=lambda w: versions(*operated_cases()),
    script:
        "../scripts/score_level_set.py"


rule score_blind:
    input:
        segmentations=blind_folders(),
        folds=f"{RESULTS}/folds.csv",
        images=lambda w: [images(case) for case in operated_cases()],
        labels=lambda w: [labels(case) for case in operated_cases()],
    output:
        scores=f"{RESULTS}/scores/itk_snap_blind.csv",
    log:
        f"{LOGS}/score_blind.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("volume"),
    params:
        cases=lambda w: operated_cases(),
        folds=FOLDS,
        version=lambda w: versions(*operated_cases()),
    script:
        "../scripts/score_blind.py"


rule gather_scores:
    input:
        networks=expand(
            f"{RESULTS}/scores/{{network}}-{{fold}}.csv", network=NETWORKS, fold=FOLDS
        ),
        level_sets=[
            f"{RESULTS}/scores/{method}.csv"
            for method in ("itk_snap", "itk_snap_blind")
        ],
    output:
        scores=report(
            f"{RESULTS}/scores.csv",
            category="Scores",
            caption="../report/scores.rst",
            labels={"item": "Every score", "kind": "table"},
        ),
    log:
        f"{LOGS}/gather_scores.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/gather_scores.py"
