# Weights, kernels and scores -> figures.


rule draw_figure1:
    input:
        weights=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
    output:
        **figure("figure1", "Figure 1", "UNet", ("svg", "pdf", "png")),
    log:
        f"{LOGS}/draw_figure1.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_figure1.py"


rule draw_figure2:
    input:
        kernels=f"{RESULTS}/kernels/kernels.csv",
        layers=f"{RESULTS}/kernels/layers.csv",
        stencils=f"{RESULTS}/kernels/stencils.csv",
        axes=f"{RESULTS}/kernels/axes.csv",
    output:
        **figure("figure2", "Kernels (Figure 2)", "Selected layers"),
    log:
        f"{LOGS}/draw_figure2.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        layers="paper",
    script:
        "../scripts/draw_figure2.py"


use rule draw_figure2 as draw_figure2_all_layers with:
    output:
        **figure("figure2_all_layers", "Kernels (Figure 2)", "All layers"),
    log:
        f"{LOGS}/draw_figure2_all_layers.log",
    params:
        layers="all",


rule draw_figure2_icons:
    input:
        kernels=f"{RESULTS}/kernels/kernels.csv",
        layers=f"{RESULTS}/kernels/layers.csv",
        stencils=f"{RESULTS}/kernels/stencils.csv",
        axes=f"{RESULTS}/kernels/axes.csv",
        content=f"{RESULTS}/kernels/content.csv",
    output:
        **figure(
            "figure2_icons",
            "Kernels (Figure 2)",
            "Selected layers, to be read",
        ),
    log:
        f"{LOGS}/draw_figure2_icons.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_figure2_icons.py"


rule draw_cluster_tendency:
    input:
        cluster_tendency=f"{RESULTS}/kernels/cluster_tendency.csv",
        cluster_tests=f"{RESULTS}/kernels/cluster_tests.csv",
    output:
        **figure(
            "cluster_tendency",
            "Kernels (Figure 2)",
            "Are there clusters?",
        ),
    log:
        f"{LOGS}/draw_cluster_tendency.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_cluster_tendency.py"


rule draw_content:
    input:
        content=f"{RESULTS}/kernels/content.csv",
        shares=f"{RESULTS}/kernels/nearest_shares.csv",
    output:
        **figure(
            "content",
            "Kernels (Figure 2)",
            "Finite difference content",
        ),
        nearest_pdf=result("nearest.pdf"),
        nearest=listed(
            "nearest.png",
            "Kernels (Figure 2)",
            "Nearest hand-crafted kernel",
            "figure",
        ),
    log:
        f"{LOGS}/draw_content.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_content.py"


rule draw_curves:
    input:
        curves=[
            f"{RESULTS}/networks/{network}/{fold}/curves.csv" for network, fold in RUNS
        ],
        methods=METHODS_FILE,
    output:
        **figure("curves", "Training", "Training curves"),
        runs=[
            f"{RESULTS}/networks/{network}/{fold}/curves.png" for network, fold in RUNS
        ],
    log:
        f"{LOGS}/draw_curves.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        runs=RUNS,
        failed_below=config["training"]["failed_below"],
    script:
        "../scripts/draw_curves.py"


rule draw_scores:
    input:
        scores=f"{RESULTS}/scores.csv",
        methods=METHODS_FILE,
    output:
        **figure("scores", "Scores", "DSC per patient"),
    log:
        f"{LOGS}/draw_scores.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        data=DATA_TITLES[DATASET["kind"]],
    script:
        "../scripts/draw_scores.py"


rule draw_gallery:
    input:
        scores=f"{RESULTS}/scores.csv",
        methods=METHODS_FILE,
        segmentations=lambda w: [
            path for method in METHODS for path in segmentations_of(method)
        ],
        images=lambda w: [images(case) for case in cases()],
        labels=lambda w: [labels(case) for case in cases()],
    output:
        **figure(
            "gallery",
            "Segmentations",
            "The same patients, by every method",
        ),
    log:
        f"{LOGS}/draw_gallery.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        # CT and label of the best, median and worst case of each method.
        **resources_for("volume", most=2 * 3 * len(METHODS)),
    params:
        cases=lambda w: cases(),
        version=lambda w: versions(*cases()),
        results=lambda w: RESULTS,
    script:
        "../scripts/draw_gallery.py"


rule draw_searches:
    input:
        operator=lambda w: [
            f"{RESULTS}/segmentations/itk_snap/trials-{case}.csv"
            for case in operated_cases()
        ],
        blind=[f"{RESULTS}/blind/{fold}/trials.csv" for fold in FOLDS],
    output:
        **figure("searches", "Scores", "DSC against time spent"),
    log:
        f"{LOGS}/draw_searches.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_searches.py"


rule draw_stencils:
    input:
        table=f"{RESULTS}/kernels/lsn_stencils.csv",
    output:
        **figure("stencils", "Level set network", "Learned stencils"),
    log:
        f"{LOGS}/draw_stencils.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_stencils.py"
