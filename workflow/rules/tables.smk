# Scores -> Table I and the comparison of methods.

from upwind.common.pages import template_version


rule describe_methods:
    output:
        methods=result("methods.json"),
    log:
        f"{LOGS}/describe_methods.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    params:
        methods=to_json(METHODS),
    script:
        "../scripts/describe_methods.py"


rule tabulate:
    input:
        scores=f"{RESULTS}/scores.csv",
        of_all_seeds=ALL_SCORES,
        verdicts=f"{RESULTS}/verdicts.csv",
        cases=f"{RESULTS}/cases.csv",
        methods=METHODS_FILE,
        masks=MASKS_TABLE,
    output:
        csv=result("table1.csv"),
        html=table("table1.html", "Table I", "Table I"),
        markdown=result("table1.md"),
        latex=result("table1.tex"),
        extended=result("extended.csv"),
        extended_markdown=result("extended.md"),
        extended_html=table("extended.html", "Table I", "Extended: unseen patients"),
    log:
        f"{LOGS}/tabulate.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    params:
        failed_below=config["training"]["failed_below"],
        no_followup=NO_FOLLOWUP,
        effort=config["comparison"] | {"seed": config["seed"]},
        # What is not Python is no part of the parameter `code`.
        template=template_version("tables/page.html"),
    script:
        "../scripts/tabulate.py"


rule compare_methods:
    input:
        scores=ALL_SCORES,
    output:
        table=table("comparison.csv", "Scores", "Methods compared"),
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
