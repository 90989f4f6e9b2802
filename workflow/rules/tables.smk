# Scores -> Table I and the comparison of methods.

from upwind.common.pages import template_version


rule tabulate:
    input:
        scores=f"{RESULTS}/scores.csv",
        verdicts=f"{RESULTS}/verdicts.csv",
        cases=f"{RESULTS}/cases.csv",
    output:
        csv=f"{RESULTS}/table1.csv",
        html=report(
            f"{RESULTS}/table1.html",
            category="Table I",
            caption="../report/table1.rst",
            labels={"item": "Table I", "kind": "table"},
        ),
        markdown=f"{RESULTS}/table1.md",
        latex=f"{RESULTS}/table1.tex",
        extended=f"{RESULTS}/extended.csv",
        extended_markdown=f"{RESULTS}/extended.md",
        extended_html=report(
            f"{RESULTS}/extended.html",
            category="Table I",
            caption="../report/extended.rst",
            labels={"item": "Extended: unseen patients", "kind": "table"},
        ),
    log:
        f"{LOGS}/tabulate.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        failed_below=config["training"]["failed_below"],
        # What is not Python is no part of the parameter `code`.
        template=template_version("tables/page.html"),
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
    log:
        f"{LOGS}/compare_methods.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        resamples=config["comparison"]["resamples"],
        confidence=config["comparison"]["confidence"],
        seed=config["seed"],
    script:
        "../scripts/compare_methods.py"
