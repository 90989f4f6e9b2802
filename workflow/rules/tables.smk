# Scores -> Table I and the comparison of methods.


rule tabulate:
    input:
        scores=f"{RESULTS}/scores.csv",
        verdicts=f"{RESULTS}/verdicts.csv",
    output:
        csv=report(
            f"{RESULTS}/table1.csv",
            category="Table I",
            caption="../report/table1.rst",
            labels={"item": "Table I", "kind": "table"},
        ),
        markdown=f"{RESULTS}/table1.md",
        latex=f"{RESULTS}/table1.tex",
    params:
        failed_below=config["training"]["failed_below"],
    log:
        f"{LOGS}/tabulate.log",
    conda:
        "../../envs/figures.yaml"
    script:
        "../scripts/tabulate.py"


rule compare_methods:
    input:
        scores=f"{RESULTS}/scores.csv",
    output:
        table=report(
            f"{RESULTS}/comparison.csv",
            category="Scores",
            caption="../report/comparison.rst",
            labels={"item": "Methods compared", "kind": "table"},
        ),
    params:
        resamples=config["comparison"]["resamples"],
        confidence=config["comparison"]["confidence"],
        seed=config["seed"],
    log:
        f"{LOGS}/compare_methods.log",
    conda:
        "../../envs/figures.yaml"
    script:
        "../scripts/compare_methods.py"
