# The level set side by itself: proofs of the scheme, and engine beside engine.


rule measure_convergence:
    output:
        table=table("convergence.csv", "Level set", "Scheme against exact solutions"),
    log:
        f"{LOGS}/measure_convergence.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/measure_convergence.py"


rule draw_convergence:
    input:
        table=f"{RESULTS}/convergence.csv",
    output:
        **figure("convergence", "Level set", "Scheme against exact solutions"),
    log:
        f"{LOGS}/draw_convergence.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_convergence.py"


rule compare_engines:
    input:
        image=lambda w: images(w.case),
        label=lambda w: labels(w.case),
        report=f"{RESULTS}/cases/case-{{case}}.json",
    output:
        table=f"{RESULTS}/engines/case-{{case}}.csv",
    log:
        f"{LOGS}/compare_engines/{{case}}.log",
    conda:
        "../../envs/volumes.yaml"
    resources:
        **resources_for("level_set"),
    params:
        # The same for every engine: what the operator is given, not the engine that he uses, nor an
        # equation that only one of them solves.
        settings={
            key: value
            for key, value in operator_options(config["levelset"]).items()
            if key not in ("engine", "edge_equation")
        },
        version=lambda w: versions(w.case),
    script:
        "../scripts/compare_engines.py"


# `snakemake engines`: not part of the default run.
ENGINE_OUTPUTS = target(
    "engines", *[f"{RESULTS}/engines.{end}" for end in ("png", "pdf", "csv")]
)
results_in("engines", [])


rule engines:
    input:
        tables=lambda w: expand(
            f"{RESULTS}/engines/case-{{case}}.csv", case=operated_cases()
        ),
    output:
        png=in_report(ENGINE_OUTPUTS[0], "Level set", "Engines", "figure", "engines"),
        pdf=ENGINE_OUTPUTS[1],
        csv=ENGINE_OUTPUTS[2],
    log:
        f"{LOGS}/engines.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_engines.py"
