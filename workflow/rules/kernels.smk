# Trained weights -> clustered kernels, what is measured of them, and what the LSN's stencils have
# become. docs/kernels.md has every table and column.

KERNELS = f"{RESULTS}/kernels"


rule cluster_kernels:
    input:
        weights=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
    output:
        kernels=f"{KERNELS}/kernels.csv",
        layers=report(
            f"{KERNELS}/layers.csv",
            category="Kernels (Figure 2)",
            caption="../report/layers.rst",
            labels={"item": "Layers", "kind": "table"},
        ),
        stencils=f"{KERNELS}/stencils.csv",
        axes=f"{KERNELS}/axes.csv",
    log:
        f"{LOGS}/cluster_kernels.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    params:
        clusters=config["kernels"]["clusters"],
        seed=config["kernels"]["seed"],
        restarts=config["kernels"]["restarts"],
    script:
        "../scripts/cluster_kernels.py"


rule describe_stencils:
    input:
        weights=expand(
            f"{RESULTS}/networks/lsn/{{fold}}/weights.safetensors", fold=FOLDS
        ),
    output:
        table=f"{KERNELS}/lsn_stencils.csv",
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
        nearest=f"{KERNELS}/nearest.csv",
        nearest_shares=report(
            f"{KERNELS}/nearest_shares.csv",
            category="Kernels (Figure 2)",
            caption="../report/nearest.rst",
            labels={"item": "Nearest hand-crafted kernel", "kind": "table"},
        ),
        moments=f"{KERNELS}/moments.csv",
        content=f"{KERNELS}/content.csv",
        content_parts=report(
            f"{KERNELS}/content_parts.csv",
            category="Kernels (Figure 2)",
            caption="../report/content.rst",
            labels={"item": "Finite difference content", "kind": "table"},
        ),
        filter_db=report(
            f"{KERNELS}/filter_db.csv",
            category="Kernels (Figure 2)",
            caption="../report/filter_db.rst",
            labels={"item": "CNN Filter DB measures", "kind": "table"},
        ),
    log:
        f"{LOGS}/measure_kernels.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    params:
        effort=effort("seed", "references"),
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
        cluster_tendency=f"{KERNELS}/cluster_tendency.csv",
        gap=f"{KERNELS}/gap.csv",
        cluster_verdicts=report(
            f"{KERNELS}/cluster_verdicts.csv",
            category="Kernels (Figure 2)",
            caption="../report/cluster_verdicts.rst",
            labels={"item": "Are there clusters?", "kind": "table"},
        ),
    log:
        f"{LOGS}/measure_cluster_tendency.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    params:
        effort=effort(
            "clusters",
            "seed",
            "restarts",
            "most_clusters",
            "references",
            "starts",
            "sample",
        ),
        training_seed=config["seed"],
    script:
        "../scripts/measure_cluster_tendency.py"
