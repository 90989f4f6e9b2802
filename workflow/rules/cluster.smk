# What a run on a cluster needs beside its profile (workflow/profiles/slurm): groups of cases, and a
# look at the cluster before the first job.

from snakemake.logging import logger

from upwind.common.slurm import check_site, look_first_in
from upwind.common.snakemake import (
    count_as,
    form_groups_anew,
    jobs_per_group,
    resources_of,
    submits_jobs,
)


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
        count = jobs_per_group(workflow, name)
        if count is None:
            return None
        chosen = f"{name}{place_of()[int(wildcards.case)] // count}"
        count_as(workflow, chosen, name)
        return chosen

    return group


form_groups_anew(workflow)


onstart:
    if submits_jobs(workflow):
        # The plugin asks squeue; see there why it asks ours.
        look_first_in(CHECKOUT / "workflow/profiles/slurm/bin")
        kinds = {
            "most rules": resources_of(workflow, "collect_cases"),
            "training": resources_of(workflow, "train"),
        }
        for warning in or_stop(check_site, kinds):
            logger.warning(warning)
