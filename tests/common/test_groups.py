"""A kept group must not bring back jobs that are no longer there."""

from types import SimpleNamespace

from snakemake.jobs import GroupJobFactory

from upwind.common.groups import group_anew


class Member:
    """As much of a job as a group asks for."""

    priority = 0
    dag = SimpleNamespace(workflow=SimpleNamespace(execution_settings=SimpleNamespace(attempt=1)))


def grouped(mend):
    """Members of a group that is formed, merged with an old job, and formed again without it."""
    first, old = Member(), Member()
    factory = GroupJobFactory()
    formed = []

    def update_groups():
        formed.append(factory.new("tables", [first], {}))

    dag = SimpleNamespace(group_job_factory=factory, update_groups=update_groups)
    workflow = SimpleNamespace(dag=dag, _build_dag=lambda: dag.update_groups())
    if mend:
        group_anew(workflow)
    workflow._build_dag()
    formed[0].merge(factory.new("tables", [old], {}))
    dag.update_groups()
    return set(formed[1]._jobs), first, old


def test_snakemake_itself_brings_back_what_was_merged():
    """Where this fails, Snakemake was mended and group_anew can go."""
    members, first, old = grouped(mend=False)
    assert members == {first, old}


def test_a_group_formed_anew_has_the_jobs_that_there_are():
    members, first, _ = grouped(mend=True)
    assert members == {first}
