# Raw volumes -> checked cases -> slices -> folds.

results_in("cases", lambda w: expand(f"{RESULTS}/cases/case-{{case}}.json", case=raw()))
results_in("slices", lambda w: slices(cases()), released=False, published=False)
results_in("split", [f"{RESULTS}/split/{fold}.csv" for fold in [*FOLDS, "all"]])

if DATASET["kind"] == "phantom":

    rule mark_phantom:
        output:
            marker=PHANTOM_MARKER,
        log:
            f"{LOGS}/mark_phantom.log",
        localrule: True
        conda:
            "../../envs/volumes.yaml"
        script:
            "../scripts/mark_phantom.py"

    rule make_phantom:
        input:
            # Says whose the folder is before the first volume is in it; its date does not matter.
            marker=ancient(PHANTOM_MARKER),
        output:
            volume=f"{DATASET['root']}/volume-{{case}}.nii.gz",
            segmentation=f"{DATASET['root']}/segmentation-{{case}}.nii.gz",
        log:
            f"{LOGS}/make_phantom/{{case}}.log",
        group:
            by_case("checks")
        conda:
            "../../envs/volumes.yaml"
        resources:
            **resources_for("phantom"),
        params:
            seed=DATASET["phantom_seed"],
        script:
            "../scripts/make_phantom.py"


if VERSIONED:

    checkpoint pull_data:
        input:
            pointer=str(POINTER),
        output:
            table=table(DATA_TABLE, "Data", "Versions of the volumes", caption="data"),
        log:
            f"{LOGS}/pull_data.log",
        # A remote that is away is told once.
        retries: 0
        localrule: True
        conda:
            "../../envs/versions.yaml"
        params:
            kind=DATASET["kind"],
            version=or_stop(read_pointer, POINTER).version,
        script:
            "../scripts/pull_data.py"

    rule track_slices:
        input:
            slices=lambda w: slices(cases()),
        output:
            pointer=result("slices.dvc"),
        log:
            f"{LOGS}/track_slices.log",
        localrule: True
        conda:
            "../../envs/versions.yaml"
        script:
            "../scripts/track_slices.py"


rule check_case:
    input:
        image=lambda w: images(w.case),
        label=lambda w: labels(w.case),
    output:
        report=f"{RESULTS}/cases/case-{{case}}.json",
    log:
        f"{LOGS}/check_case/{{case}}.log",
    group:
        by_case("checks")
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("check"),
    params:
        duplicates=lambda w: [str(path) for path in raw()[int(w.case)].duplicates],
        version=lambda w: versions(w.case),
    script:
        "../scripts/check_case.py"


checkpoint collect_cases:
    input:
        reports=lambda w: expand(f"{RESULTS}/cases/case-{{case}}.json", case=raw()),
    output:
        table=table("cases.csv", "Data", "Cases"),
        usable=result("cases.txt"),
    log:
        f"{LOGS}/collect_cases.log",
    # It fails on bad data alone; a second look finds the same.
    retries: 0
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("table"),
    params:
        on_bad_case=DATASET["on_bad_case"],
        # Of the level set, which would end the run at a liver thinner than that.
        working_mm=max(
            config["levelset"]["spacing_mm"], config["levelset"]["blind"]["spacing_mm"]
        ),
    script:
        "../scripts/collect_cases.py"


rule slice_case:
    input:
        image=lambda w: images(w.case),
        label=lambda w: labels(w.case),
        report=f"{RESULTS}/cases/case-{{case}}.json",
        # All cases are checked first; another case's report does not make this one's slices old.
        table=ancient(f"{RESULTS}/cases.csv"),
    output:
        slices=f"{RESULTS}/slices/case-{{case}}.safetensors",
    log:
        f"{LOGS}/slice_case/{{case}}.log",
    group:
        by_case("slices")
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("volume"),
    params:
        image_size=config["image_size"],
        version=lambda w: versions(w.case),
    script:
        "../scripts/slice_case.py"


rule assign_folds:
    input:
        usable=f"{RESULTS}/cases.txt",
        file=config["folds"] if GIVEN_FOLDS else [],
    output:
        folds=result("folds.csv"),
    log:
        f"{LOGS}/assign_folds.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("table"),
    params:
        folds=len(FOLDS),
        given=GIVEN_FOLDS,
        operated=config["levelset"]["cases"],
        shuffle_seed=config["fold_shuffle_seed"],
    script:
        "../scripts/assign_folds.py"


rule split_fold:
    input:
        # Of the fold's own patients alone: new data of another patient do not train it again.
        slices=lambda w: slices(training_cases(w.fold)),
    output:
        split=f"{RESULTS}/split/{{fold}}.csv",
    log:
        f"{LOGS}/split_fold/{{fold}}.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("table"),
    params:
        heldout_share=config["heldout_share"],
        split_seed=config["split_seed"],
    script:
        "../scripts/split_fold.py"


rule gather_splits:
    input:
        splits=[f"{RESULTS}/split/{fold}.csv" for fold in [*FOLDS, "all"]],
    output:
        split=result("split.csv"),
    log:
        f"{LOGS}/gather_splits.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/gather_splits.py"
