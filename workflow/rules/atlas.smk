# The atlas of the kernels: clusters, what they do to a slice, what they are worth, in one page.

from upwind.atlas.template import template_version

ATLAS = f"{RESULTS}/atlas"


def atlas_cases():
    """Cases that the analysed network is shown and measured on: of a fold's network the unseen
    ones; the one trained on all has only their held-out slices."""
    return cases() if KERNEL_FOLD == "all" else unseen(KERNEL_FOLD)


def median_scores():
    """Scores that tell which case is the median one, where it is asked for."""
    if config["atlas"]["case"] != "median":
        return []
    folds = FOLDS if KERNEL_FOLD == "all" else [KERNEL_FOLD]
    return [f"{RESULTS}/scores/unet-{fold}.csv" for fold in folds]


def knockout_minutes(wildcards, threads, attempt):
    """One pass over the slices for each cluster of the UNet's 18 layers, and one with all."""
    passes = 1 + 18 * config["kernels"]["clusters"]
    return network_minutes(
        "unet", {}, config["atlas"]["most_slices"], passes, threads, attempt
    )


rule measure_clusters:
    input:
        weights=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
        kernels=f"{RESULTS}/kernels/kernels.csv",
        split=f"{RESULTS}/split/{KERNEL_FOLD}.csv",
        slices=lambda w: slices(atlas_cases()),
    output:
        effects=f"{ATLAS}/effects.csv",
    log:
        f"{LOGS}/measure_clusters.log",
    conda:
        "../../envs/networks.yaml"
    threads: config["training"]["cpu_threads"]
    resources:
        mem_mb=asks("segmentation")["mem_mb"],
        runtime=knockout_minutes,
    params:
        removed=config["atlas"]["removed"],
        most_slices=config["atlas"]["most_slices"],
        threshold=config["prediction"]["threshold"],
        device=config["training"]["device"],
        cpu_threads=config["training"]["cpu_threads"],
        resamples=config["comparison"]["resamples"],
        confidence=config["comparison"]["confidence"],
        seed=config["seed"],
    script:
        "../scripts/measure_clusters.py"


# `snakemake atlas`: not part of the default run, as it needs the study of replaced kernels.
rule atlas:
    input:
        weights=f"{RESULTS}/networks/unet/{KERNEL_FOLD}/weights.safetensors",
        kernels=f"{RESULTS}/kernels/kernels.csv",
        split=f"{RESULTS}/split/{KERNEL_FOLD}.csv",
        slices=lambda w: slices(atlas_cases()),
        scores=median_scores(),
        effects=f"{ATLAS}/effects.csv",
        replacements=f"{STUDIES}/replacements.csv",
    output:
        page=f"{ATLAS}/index.html",
    log:
        f"{LOGS}/atlas.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **asks("segmentation"),
    params:
        experiment=config["experiment"],
        fold=KERNEL_FOLD,
        case=config["atlas"]["case"],
        slice=config["atlas"]["slice"],
        pixels=config["atlas"]["pixels"],
        threshold=config["prediction"]["threshold"],
        cpu_threads=config["training"]["cpu_threads"],
        # What is not Python is no part of the parameter `code`.
        template=template_version(),
    script:
        "../scripts/draw_atlas.py"
