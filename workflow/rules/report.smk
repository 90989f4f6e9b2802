# What a run ends with: the effective configuration, every result, and the report.


rule write_config:
    output:
        f"{RESULTS}/config.yaml",
    params:
        config=config,
    log:
        f"{LOGS}/write_config.log",
    conda:
        "../../envs/figures.yaml"
    script:
        "../scripts/write_config.py"


def results():
    """Every stage's outputs, not only the last: after a failed job Snakemake may otherwise take an
    old result for finished."""
    methods = expand("{network}-{fold}", network=NETWORKS, fold=FOLDS)
    return {
        "slices": lambda w: slices(cases()),
        "segmentations": expand(
            f"{RESULTS}/segmentations/{{network}}/{{fold}}/{{subset}}",
            network=NETWORKS,
            fold=FOLDS,
            subset=["unseen", "heldout"],
        ),
        "level_set": lambda w: [
            f"{RESULTS}/segmentations/itk_snap/segmentation-{case}.nii.gz"
            for case in operated_cases()
        ],
        "by_method": [f"{RESULTS}/scores/{method}.csv" for method in [*methods, "itk_snap"]],
        "kernels": [
            f"{RESULTS}/kernels/{name}.csv" for name in ("kernels", "layers", "stencils", "axes")
        ],
        "top": [
            f"{RESULTS}/{name}"
            for name in (
                "config.yaml",
                "cases.csv",
                "folds.csv",
                "split.csv",
                "verdicts.csv",
                "scores.csv",
                "table1.csv",
                "table1.md",
                "table1.tex",
                "comparison.csv",
                "figure1.svg",
                "figure1.png",
                "figure2.pdf",
                "figure2.png",
                "figure2_all_layers.pdf",
                "figure2_all_layers.png",
                "curves.png",
                "scores.png",
                "gallery.png",
            )
        ],
        "runs": [
            f"{RESULTS}/networks/{network}/{fold}/{name}"
            for network, fold in RUNS
            for name in ("weights.safetensors", "curves.csv", "curves.png", "verdict.json")
        ],
    }


onsuccess:
    # Snakemake's report needs a finished run, so no rule can make it. The run still holds the lock.
    shell(
        "snakemake --snakefile {workflow.main_snakefile:q} --configfile {RESULTS}/config.yaml"
        " --report {RESULTS}/report.html --nolock --quiet all"
        " > {LOGS}/report.log 2>&1"
        " || echo 'The report was not made; see {LOGS}/report.log' >&2"
    )
