# Segmentations and labels -> scores.

SCORES = [f"{RESULTS}/scores/{method}.csv" for method in UNTRAINED]
SCORES += [
    f"{RESULTS}/scores/{network}-{fold}.csv" for network in LEARNED for fold in FOLDS
]
results_in("scores", [*SCORES, *SEED_SCORES])


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
        tolerances=config["scores"]["nsd_tolerances_mm"],
    script:
        "../scripts/score_network.py"


rule score_untrained:
    input:
        segmentations=lambda w: segmentations_of(w.method),
        folds=f"{RESULTS}/folds.csv",
        images=lambda w: [images(case) for case in cases_of(w.method)],
        labels=lambda w: [labels(case) for case in cases_of(w.method)],
    output:
        scores=f"{RESULTS}/scores/{{method}}.csv",
    log:
        f"{LOGS}/score_untrained/{{method}}.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("volume"),
    params:
        cases=lambda w: cases_of(w.method),
        masks=lambda w: f"{RESULTS}/{METHODS[w.method].masks[UNSEEN]}",
        version=lambda w: versions(*cases_of(w.method)),
        tolerances=config["scores"]["nsd_tolerances_mm"],
    script:
        "../scripts/score_untrained.py"


rule gather_scores:
    input:
        # In the order in which rows stand in scores.csv.
        scores=SCORES,
    output:
        scores=table("scores.csv", "Scores", "Every score"),
    log:
        f"{LOGS}/gather_scores.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/gather_scores.py"
