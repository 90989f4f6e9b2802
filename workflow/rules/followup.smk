# Our UNet beside that of the authors' follow-up, patient by patient, on the data of both alone.

if not NO_FOLLOWUP:

    from upwind.tables.followup_plan import methods_read

    # The method of each reading of the masks: as they are, or their largest component.
    READ = methods_read(METHODS)

    results_in("followup", expand(f"{RESULTS}/followup/{{reading}}.csv", reading=READ))

    rule score_followup:
        input:
            segmentations=lambda w: segmentations_of(READ[w.reading]),
            folds=f"{RESULTS}/folds.csv",
            images=lambda w: [images(case) for case in cases_of(READ[w.reading])],
            labels=lambda w: [labels(case) for case in cases_of(READ[w.reading])],
        output:
            scores=f"{RESULTS}/followup/{{reading}}.csv",
        log:
            f"{LOGS}/score_followup/{{reading}}.log",
        wildcard_constraints:
            reading="|".join(READ),
        conda:
            "../../envs/volumes.yaml"
        resources:
            **resources_for("volume"),
        params:
            cases=lambda w: cases_of(READ[w.reading]),
            masks=lambda w: f"{RESULTS}/{METHODS[READ[w.reading]].masks[UNSEEN]}",
            version=lambda w: versions(*cases_of(READ[w.reading])),
        script:
            "../scripts/score_followup.py"

    rule compare_followup:
        input:
            scores=f"{RESULTS}/scores.csv",
            on_grid=expand(f"{RESULTS}/followup/{{reading}}.csv", reading=READ),
        output:
            table=table(
                "followup.csv", "Scores", "UNet beside the follow-up's, by patient"
            ),
            summary=table(
                "followup_summary.csv",
                "Scores",
                "UNet beside the follow-up's",
                caption="followup",
            ),
        log:
            f"{LOGS}/compare_followup.log",
        conda:
            "../../envs/figures.yaml"
        resources:
            **resources_for("table"),
        params:
            methods=READ,
            resamples=config["comparison"]["resamples"],
            confidence=config["comparison"]["confidence"],
            seed=config["seed"],
        script:
            "../scripts/compare_followup.py"

    rule draw_followup:
        input:
            table=f"{RESULTS}/followup.csv",
            summary=f"{RESULTS}/followup_summary.csv",
        output:
            **figure("followup", "Scores", "UNet beside the follow-up's"),
        log:
            f"{LOGS}/draw_followup.log",
        conda:
            "../../envs/figures.yaml"
        resources:
            **resources_for("table"),
        params:
            confidence=config["comparison"]["confidence"],
        script:
            "../scripts/draw_followup.py"
