# Further seeds: each network of the comparison trained again from another seed, as a run of the studies,
# segmented, post-processed and scored as the first is, whose results keep their place.

if FURTHER_SEEDS:

    use rule segment_fold as segment_seed with:
        input:
            weights=lambda w: f"{STUDIES}/networks/"
            + weights_of(w.network, f"{w.fold}-{w.seed}-all"),
            slices=lambda w: slices(cases()),
            folds=f"{RESULTS}/folds.csv",
            split=f"{RESULTS}/split/{{fold}}.csv",
        output:
            unseen=directory(
                f"{RESULTS}/segmentations/{{network}}/{{fold}}-{{seed}}/unseen"
            ),
            heldout=directory(
                f"{RESULTS}/segmentations/{{network}}/{{fold}}-{{seed}}/heldout"
            ),
        log:
            f"{LOGS}/segment_seed/{{network}}-{{fold}}-{{seed}}.log",

    use rule score_network as score_seed with:
        input:
            unseen=f"{RESULTS}/segmentations/{{network}}/{{fold}}-{{seed}}/unseen",
            heldout=f"{RESULTS}/segmentations/{{network}}/{{fold}}-{{seed}}/heldout",
            split=f"{RESULTS}/split/{{fold}}.csv",
            folds=f"{RESULTS}/folds.csv",
            images=lambda w: [images(case) for case in cases()],
            labels=lambda w: [labels(case) for case in cases()],
        output:
            scores=f"{RESULTS}/scores/{{network}}-{{fold}}-{{seed}}.csv",
        log:
            f"{LOGS}/score_seed/{{network}}-{{fold}}-{{seed}}.log",

    if SEED_AFTER:

        use rule postprocess_fold as postprocess_seed with:
            input:
                segmentations=lambda w: [
                    f"{RESULTS}/segmentations/{METHODS[w.postprocessed].of}/"
                    f"{w.fold}-{w.seed}/{UNSEEN}"
                ],
            output:
                unseen=directory(
                    f"{RESULTS}/segmentations/{{postprocessed}}/{{fold}}-{{seed}}/unseen"
                ),
            log:
                f"{LOGS}/postprocess_seed/{{postprocessed}}-{{fold}}-{{seed}}.log",

        use rule score_untrained as score_postprocessed_seed with:
            input:
                segmentations=lambda w: [
                    f"{RESULTS}/segmentations/{w.method}/{fold}-{w.seed}/{UNSEEN}"
                    for fold in FOLDS
                ],
                folds=f"{RESULTS}/folds.csv",
                images=lambda w: [images(case) for case in cases()],
                labels=lambda w: [labels(case) for case in cases()],
            output:
                scores=f"{RESULTS}/scores/{{method}}-seed-{{seed}}.csv",
            log:
                f"{LOGS}/score_postprocessed_seed/{{method}}-{{seed}}.log",
            params:
                cases=lambda w: cases(),
                masks=lambda w: f"{RESULTS}/segmentations/{w.method}/{{fold}}-{w.seed}/"
                f"{UNSEEN}/{{case}}",
                version=lambda w: versions(*cases()),
                tolerances=config["scores"]["nsd_tolerances_mm"],

    rule gather_seeds:
        input:
            scores=f"{RESULTS}/scores.csv",
            further=list(SEED_SCORES),
        output:
            table=table("seeds.csv", "Scores", "Every score of every seed"),
        log:
            f"{LOGS}/gather_seeds.log",
        conda:
            "../../envs/figures.yaml"
        resources:
            **resources_for("table"),
        params:
            first=config["seed"],
            seeded=[*LEARNED, *SEED_AFTER],
            seeds=list(SEED_SCORES.values()),
        script:
            "../scripts/gather_seeds.py"
