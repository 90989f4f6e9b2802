# The atlas of the kernels: clusters, what they do to a slice, what they are worth, in one page.

from upwind.common.pages import template_version

ATLAS = f"{RESULTS}/atlas"
results_in("atlas", [])


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
        mem_mb=resources_for("segmentation")["mem_mb"],
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
        page=target("atlas", f"{ATLAS}/index.html"),
    log:
        f"{LOGS}/atlas.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("segmentation"),
    params:
        experiment=config["experiment"],
        fold=KERNEL_FOLD,
        case=config["atlas"]["case"],
        slice=config["atlas"]["slice"],
        pixels=config["atlas"]["pixels"],
        threshold=config["prediction"]["threshold"],
        cpu_threads=config["training"]["cpu_threads"],
        # What is not Python is no part of the parameter `code`.
        template=template_version("atlas/static/atlas.html"),
    script:
        "../scripts/draw_atlas.py"
