# The level set side by itself: proofs of the scheme, and engine beside engine.


rule measure_convergence:
    output:
        table=report(
            f"{RESULTS}/convergence.csv",
            category="Level set",
            caption="../report/convergence.rst",
            labels={"item": "Scheme against exact solutions", "kind": "table"},
        ),
    log:
        f"{LOGS}/measure_convergence.log",
    conda:
        "../../envs/networks.yaml"
    resources:
        **asks("table"),
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
        **asks("table"),
    script:
        "../scripts/draw_convergence.py"
