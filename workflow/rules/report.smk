# What a run ends with: the effective configuration, the list of its results, and the report.

from upwind.provenance.workflow import recorded_report


rule write_config:
    output:
        config=result("config.yaml"),
        results=result(RESULTS_FILE),
    log:
        f"{LOGS}/write_config.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    params:
        config=config,
        # All rules have been read by then.
        results=lambda w: RESULT_LIST.as_json(),
    script:
        "../scripts/write_config.py"


onsuccess:
    # It shows all that a run makes, so that no rule can make it; and a run of single targets may not
    # have all of that.
    finished = [f"{RESULTS}/{path}" for path in RESULT_LIST.paths]
    if all(Path(path).exists() for path in finished):
        Path(f"{RESULTS}/report.html").unlink(missing_ok=True)
        captions = CHECKOUT / "workflow/report"
        with recorded_report(RESULTS, finished, str(CHECKOUT)):
            shell(
                "{sys.executable} -m upwind.report {RESULTS} {captions:q} > {LOGS}/report.log 2>&1"
                " || echo 'The report was not made; see {LOGS}/report.log' >&2"
            )
