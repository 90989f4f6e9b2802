# Trained weights -> clustered kernels, what is measured of them, and what the LSN's stencils have
# become. docs/kernels.md has every table and column.


rule cluster_kernels:
    input:
        weights=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
    output:
        kernels=result("kernels/kernels.csv"),
        layers=table("kernels/layers.csv", "Kernels (Figure 2)", "Layers"),
        stencils=result("kernels/stencils.csv"),
        axes=result("kernels/axes.csv"),
    log:
        f"{LOGS}/cluster_kernels.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    params:
        settings={
            name: config["kernels"][name] for name in ("clusters", "seed", "restarts")
        },
        training_seed=config["seed"],
    script:
        "../scripts/cluster_kernels.py"


rule describe_stencils:
    input:
        weights=expand(
            f"{RESULTS}/networks/lsn/{{fold}}/weights.safetensors", fold=FOLDS
        ),
    output:
        table=result("kernels/lsn_stencils.csv"),
    log:
        f"{LOGS}/describe_stencils.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    params:
        folds=FOLDS,
    script:
        "../scripts/describe_stencils.py"


rule measure_kernels:
    input:
        trained=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
        second_seed=second_seed_weights(),
        lsn=expand(f"{RESULTS}/networks/lsn/{{fold}}/weights.safetensors", fold=FOLDS),
    output:
        nearest=result("kernels/nearest.csv"),
        nearest_shares=table(
            "kernels/nearest_shares.csv",
            "Kernels (Figure 2)",
            "Nearest hand-crafted kernel",
            caption="nearest",
        ),
        moments=result("kernels/moments.csv"),
        content=result("kernels/content.csv"),
        content_parts=table(
            "kernels/content_parts.csv",
            "Kernels (Figure 2)",
            "Finite difference content",
            caption="content",
        ),
        filter_db=table(
            "kernels/filter_db.csv", "Kernels (Figure 2)", "CNN Filter DB measures"
        ),
    log:
        f"{LOGS}/measure_kernels.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    params:
        settings=analysis_settings("seed", "references"),
        spectrum_size=config["kernels"]["spectrum_size"],
        training_seed=config["seed"],
    script:
        "../scripts/measure_kernels.py"


rule measure_cluster_tendency:
    input:
        trained=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
        folds=expand(
            f"{RESULTS}/networks/unet/{{fold}}/weights.safetensors", fold=FOLDS
        ),
    output:
        cluster_tests=table(
            "kernels/cluster_tests.csv", "Kernels (Figure 2)", "The test for clusters"
        ),
        concentrations=result("kernels/concentrations.csv"),
        cluster_tendency=result("kernels/cluster_tendency.csv"),
        gap=result("kernels/gap.csv"),
        cluster_verdicts=table(
            "kernels/cluster_verdicts.csv", "Kernels (Figure 2)", "Are there clusters?"
        ),
    log:
        f"{LOGS}/measure_cluster_tendency.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    params:
        settings=analysis_settings(
            "clusters",
            "seed",
            "restarts",
            "most_clusters",
            "references",
            "starts",
            "sample",
            "resamples",
        ),
        training_seed=config["seed"],
    script:
        "../scripts/measure_cluster_tendency.py"
