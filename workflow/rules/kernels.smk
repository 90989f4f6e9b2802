# Trained weights -> clustered kernels, and what the LSN's stencils have become.


rule cluster_kernels:
    input:
        weights=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
    output:
        kernels=f"{RESULTS}/kernels/kernels.csv",
        layers=report(
            f"{RESULTS}/kernels/layers.csv",
            category="Kernels (Figure 2)",
            caption="../report/layers.rst",
            labels={"item": "Layers", "kind": "table"},
        ),
        stencils=f"{RESULTS}/kernels/stencils.csv",
        axes=f"{RESULTS}/kernels/axes.csv",
    log:
        f"{LOGS}/cluster_kernels.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **asks("table"),
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
        table=f"{RESULTS}/kernels/lsn_stencils.csv",
    log:
        f"{LOGS}/describe_stencils.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **asks("table"),
    params:
        folds=FOLDS,
    script:
        "../scripts/describe_stencils.py"
