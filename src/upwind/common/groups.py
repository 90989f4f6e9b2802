"""Groups of jobs that stay what they are while the workflow grows."""

from typing import Any


def group_anew(workflow: Any) -> None:
    """Have Snakemake form its groups from the jobs that there are, each time it forms them.

    Snakemake 9.27 keeps the groups that it formed, by the members that each began with, and then
    merges others into them. After a checkpoint it forms groups again, with new jobs in place of
    those that the checkpoint had a part in, finds a kept group by the members it began with, and
    takes over the old jobs that were merged into it: a job is submitted twice in one group, and
    where another job follows it, the run ends with a KeyError after its last job.
    """
    build = workflow._build_dag

    def build_and_forget() -> None:
        dag = workflow.dag
        update = dag.update_groups

        def update_groups() -> None:
            dag.group_job_factory.cache.clear()
            update()

        dag.update_groups = update_groups
        build()

    workflow._build_dag = build_and_forget
