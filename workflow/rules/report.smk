# What a run ends with: the effective configuration and the report.

from upwind.common.snakemake import main_snakefile
from upwind.provenance.workflow import recorded_report


rule write_config:
    output:
        f"{RESULTS}/config.yaml",
    log:
        f"{LOGS}/write_config.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    params:
        config=config,
    script:
        "../scripts/write_config.py"


onsuccess:
    # Snakemake's report needs a finished run, so no rule can make it. The run still holds the lock,
    # and a run of single targets may not have all that the report shows.
    if all(Path(path).exists() for path in results()["top"]):
        Path(f"{RESULTS}/report.html").unlink(missing_ok=True)
        snakefile = main_snakefile(workflow)
        with recorded_report(RESULTS, results()["top"], workflow.basedir):
            shell(
                "{sys.executable} -m snakemake --snakefile {snakefile:q}"
                " --configfile {RESULTS}/config.yaml --report {RESULTS}/report.html --nolock"
                " --quiet all > {LOGS}/report.log 2>&1"
                " || echo 'The report was not made; see {LOGS}/report.log' >&2"
            )
