# Raw volumes -> checked cases -> slices -> folds.

if DATASET["kind"] == "phantom":

    rule mark_phantom:
        output:
            marker=PHANTOM_MARKER,
        log:
            f"{LOGS}/mark_phantom.log",
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
        conda:
            "../../envs/volumes.yaml"
        params:
            seed=DATASET["phantom_seed"],
        script:
            "../scripts/make_phantom.py"


rule check_case:
    input:
        image=lambda w: volumes(w.case),
        label=lambda w: segmentations(w.case),
    output:
        report=f"{RESULTS}/cases/case-{{case}}.json",
    log:
        f"{LOGS}/check_case/{{case}}.log",
    conda:
        "../../envs/volumes.yaml"
    params:
        duplicates=lambda w: [str(path) for path in RAW[int(w.case)].duplicates],
    script:
        "../scripts/check_case.py"


checkpoint collect_cases:
    input:
        reports=expand(f"{RESULTS}/cases/case-{{case}}.json", case=RAW),
    output:
        table=report(
            f"{RESULTS}/cases.csv",
            category="Data",
            caption="../report/cases.rst",
            labels={"item": "Cases", "kind": "table"},
        ),
        usable=f"{RESULTS}/cases.txt",
    log:
        f"{LOGS}/collect_cases.log",
    conda:
        "../../envs/volumes.yaml"
    params:
        on_bad_case=DATASET["on_bad_case"],
    script:
        "../scripts/collect_cases.py"


rule slice_case:
    input:
        image=lambda w: volumes(w.case),
        label=lambda w: segmentations(w.case),
        report=f"{RESULTS}/cases/case-{{case}}.json",
        # All cases are checked first; another case's report does not make this one's slices old.
        table=ancient(f"{RESULTS}/cases.csv"),
    output:
        slices=f"{RESULTS}/slices/case-{{case}}.safetensors",
    log:
        f"{LOGS}/slice_case/{{case}}.log",
    conda:
        "../../envs/volumes.yaml"
    params:
        image_size=config["image_size"],
    script:
        "../scripts/slice_case.py"


rule assign_folds:
    input:
        usable=f"{RESULTS}/cases.txt",
        slices=lambda w: slices(cases()),
    output:
        folds=f"{RESULTS}/folds.csv",
        split=f"{RESULTS}/split.csv",
    log:
        f"{LOGS}/assign_folds.log",
    conda:
        "../../envs/volumes.yaml"
    params:
        folds=config["folds"],
        operated=config["levelset"]["cases"],
        shuffle_seed=config["fold_shuffle_seed"],
        heldout_share=config["heldout_share"],
        split_seed=config["split_seed"],
    script:
        "../scripts/assign_folds.py"
