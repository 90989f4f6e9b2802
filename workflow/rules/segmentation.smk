# Trained weights -> segmentations, and the two level set baselines: the operator, who sees the label
# and needs no training, and the blind one, tuned on training patients.


results_in(
    "segmentations",
    lambda w: [
        *[path for method in METHODS for path in segmentations_of(method)],
        *expand(
            f"{RESULTS}/segmentations/{{network}}/{{fold}}/heldout",
            network=LEARNED,
            fold=FOLDS,
        ),
        *[
            f"{RESULTS}/segmentations/{network}/{fold}-{seed}/{part}"
            for network, fold, seed in SEED_RUNS
            for part in ("unseen", "heldout")
        ],
        *[
            f"{RESULTS}/segmentations/{key}/{fold}-{seed}/{UNSEEN}"
            for key in SEED_AFTER
            for fold in FOLDS
            for seed in FURTHER_SEEDS
        ],
    ],
    released=False,
)
results_in(
    "blind",
    expand(
        f"{RESULTS}/blind/{{fold}}/{{name}}",
        fold=FOLDS,
        name=["parameters.json", "trials.csv"],
    ),
)


rule segment_fold:
    input:
        weights=lambda w: f"{RESULTS}/networks/{weights_of(w.network, w.fold)}",
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
        **segmentation_resources(
            lambda w: (source_of(config, w.network), settings_of(config, w.network))
        ),
    params:
        # A network of the user's own, which is imported by what the configuration says alone.
        trusted=lambda w: settings_of(config, w.network).get("network"),
        threshold=config["prediction"]["threshold"],
        device=config["training"]["device"],
        cpu_threads=config["training"]["cpu_threads"],
    script:
        "../scripts/segment_fold.py"


rule operate_level_set:
    input:
        image=lambda w: images(w.case),
        label=lambda w: labels(w.case),
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
        **resources_for(
            "level_set",
            trial_minutes(
                config["levelset"]["trials"], config["levelset"]["spacing_mm"]
            ),
        ),
    params:
        settings=operator_options(config["levelset"]),
        seed=config["seed"],
        version=lambda w: versions(w.case),
    script:
        "../scripts/operate_level_set.py"


rule tune_level_set:
    input:
        # Of training patients alone, and of no more than it is tuned on.
        images=lambda w: [images(case) for case in tuned_on(w.fold)],
        labels=lambda w: [labels(case) for case in tuned_on(w.fold)],
        table=ancient(f"{RESULTS}/cases.csv"),
    output:
        parameters=f"{RESULTS}/blind/{{fold}}/parameters.json",
        trials=f"{RESULTS}/blind/{{fold}}/trials.csv",
    log:
        f"{LOGS}/tune_level_set/{{fold}}.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for(
            "level_set",
            trial_minutes(
                config["levelset"]["blind"]["trials"]
                * config["levelset"]["blind"]["patients"],
                config["levelset"]["blind"]["spacing_mm"],
            ),
        ),
    params:
        cases=lambda w: tuned_on(w.fold),
        settings=blind_options(config["levelset"]),
        seed=config["seed"],
        version=lambda w: versions(*tuned_on(w.fold)),
    script:
        "../scripts/tune_level_set.py"


rule segment_blind:
    input:
        # No label: an unseen patient's is not there to be looked at.
        images=lambda w: [images(case) for case in blind_cases(w.fold)],
        parameters=f"{RESULTS}/blind/{{fold}}/parameters.json",
    output:
        unseen=directory(f"{RESULTS}/segmentations/itk_snap_blind/{{fold}}/unseen"),
    log:
        f"{LOGS}/segment_blind/{{fold}}.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for(
            "level_set",
            # A fold's patients, each like a trial.
            trial_minutes(50, config["levelset"]["blind"]["spacing_mm"]),
        ),
    params:
        cases=lambda w: blind_cases(w.fold),
        settings=blind_options(config["levelset"]),
        version=lambda w: versions(*blind_cases(w.fold)),
    script:
        "../scripts/segment_blind.py"


if SEGMENTERS:

    # Methods without training and without a rule of their own: from the CT alone, case by case.
    rule segment_case:
        input:
            image=lambda w: images(w.case),
            report=f"{RESULTS}/cases/case-{{case}}.json",
            table=ancient(f"{RESULTS}/cases.csv"),
        output:
            segmentation=f"{RESULTS}/segmentations/{{segmenter}}/segmentation-{{case}}.nii.gz",
        log:
            f"{LOGS}/segment_case/{{segmenter}}-{{case}}.log",
        wildcard_constraints:
            segmenter="|".join(SEGMENTERS),
        group:
            by_case("level_sets")
        conda:
            "../../envs/networks.yaml"
        resources:
            **resources_for("level_set"),
        params:
            segment=lambda w: METHODS[w.segmenter].segment,
            settings=lambda w: settings_of(config, w.segmenter),
            version=lambda w: versions(w.case),
        script:
            "../scripts/segment_case.py"


if GIVEN:

    checkpoint check_masks:
        input:
            images=lambda w: [images(case) for case in cases()],
            masks=lambda w: masks_there(),
            folds=f"{RESULTS}/folds.csv",
        output:
            table=table(MASKED_CASES, "Data", "Masks made elsewhere", caption="masks"),
        log:
            f"{LOGS}/check_masks.log",
        # Before a night of training, where planning could not look at all of them; and it fails on
        # bad masks alone.
        priority: 1
        retries: 0
        conda:
            "../../envs/volumes.yaml"
        resources:
            **resources_for("check"),
        params:
            cases=lambda w: cases(),
            methods={
                key: {name: entry[name] for name in ("masks", "label")}
                for key, entry in GIVEN.items()
            },
            on_bad_case=DATASET["on_bad_case"],
            version=lambda w: versions(*cases()),
        script:
            "../scripts/check_masks.py"

    rule take_mask:
        input:
            mask=lambda w: mask_of(w.given, w.case),
            image=lambda w: images(w.case),
            # All are looked at first; another one does not make this one old.
            table=[ancient(path) for path in MASKS_TABLE],
        output:
            segmentation=f"{RESULTS}/segmentations/{{given}}/segmentation-{{case}}.nii.gz",
        log:
            f"{LOGS}/take_mask/{{given}}-{{case}}.log",
        wildcard_constraints:
            given="|".join(GIVEN),
        group:
            by_case("level_sets")
        conda:
            "../../envs/volumes.yaml"
        resources:
            **resources_for("volume"),
        params:
            label=lambda w: GIVEN[w.given]["label"],
            version=lambda w: versions(w.case),
        script:
            "../scripts/take_mask.py"


if POSTPROCESSED:

    rule postprocess_fold:
        input:
            segmentations=lambda w: segmentations_in_fold(
                METHODS[w.postprocessed].of, w.fold
            ),
        output:
            unseen=directory(
                f"{RESULTS}/segmentations/{{postprocessed}}/{{fold}}/unseen"
            ),
        log:
            f"{LOGS}/postprocess_fold/{{postprocessed}}-{{fold}}.log",
        wildcard_constraints:
            postprocessed="|".join(POSTPROCESSED),
        conda:
            "../../envs/volumes.yaml"
        resources:
            **unseen_resources("volume"),
        params:
            postprocess=lambda w: METHODS[w.postprocessed].postprocess,
        script:
            "../scripts/postprocess_fold.py"
