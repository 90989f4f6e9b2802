# What a run on a cluster needs beside its profile (workflow/profiles/slurm): groups of cases, and a
# look at the cluster before the first job.

from snakemake.logging import logger

from upwind.common.groups import group_anew
from upwind.common.slurm import check_site, look_first_in


@functools.cache
def place_of():
    """Place of each case in the order of their numbers."""
    return {case: place for place, case in enumerate(sorted(raw()))}


def by_case(name):
    """Group of a job on one case: neighbours go together, as many as the profile's
    group-components say for ``name``; every job goes alone where they say nothing.

    The members are fixed here because Snakemake, left to choose them, chooses again after each
    checkpoint and adds to the groups that it chose before, until all are one.
    """

    def group(wildcards):
        count = workflow.group_settings.group_components.get(name)
        if count is None:
            return None
        chosen = f"{name}{place_of()[int(wildcards.case)] // count}"
        workflow.parent_groupids[chosen] = name
        return chosen

    return group


def site_of(rule):
    """What the profile says about where a rule's jobs run, by its names."""
    resources = workflow.get_rule(rule).resources
    return {name: resource.raw for name, resource in resources.items() if resource.raw}


group_anew(workflow)


onstart:
    if workflow.non_local_exec:
        # The plugin asks squeue; see there why it asks ours.
        look_first_in(Path(workflow.basedir) / "workflow/profiles/slurm/bin")
        kinds = {
            "most rules": site_of("collect_cases"),
            "training": site_of("train"),
        }
        for warning in or_stop(check_site, kinds):
            logger.warning(warning)
