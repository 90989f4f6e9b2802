"""Look for every problem of one case."""

from pathlib import Path

from upwind.common.files import write_json
from upwind.common.jobs import logged
from upwind.data.check import check_case
from upwind.data.naming import CaseFiles


def path_or_none(name):
    """An input's path; None where the case lacks that file."""
    given = snakemake.input.get(name)
    return Path(given) if given else None


with logged(snakemake.log[0]):
    case = CaseFiles(
        int(snakemake.wildcards.case),
        path_or_none("image"),
        path_or_none("label"),
        tuple(Path(path) for path in snakemake.params.duplicates),
    )
    write_json(snakemake.output.report, check_case(case).to_dict())
