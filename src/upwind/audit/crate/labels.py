"""How a crate names and describes files, jobs and itself."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from upwind.audit.checks.checkout import SNAKEFILE
from upwind.audit.trace.labels import commit, machine
from upwind.provenance.hashing import FileState
from upwind.provenance.records import OK, Record

METADATA = "ro-crate-metadata.json"
WORKFLOW, LICENCE, AUDIT = SNAKEFILE, "LICENSE", "audit.json"
# Not from the system's list of types, which differs between machines.
_FORMATS = {
    "": "text/plain",
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".html": "text/html",
    ".json": "application/json",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".rst": "text/x-rst",
    ".smk": "text/x-python",
    ".svg": "image/svg+xml",
    ".tex": "text/x-tex",
    ".toml": "application/toml",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}
_OTHER_FORMAT = "application/octet-stream"


def file_id(path: str) -> str:
    """How a file in the crate is named."""
    return quote(path)


def outside_id(path: str) -> str:
    """How a file that is not in the crate is named: a local identifier makes it no data entity,
    which would have to be there or on the web."""
    return f"#{quote(path)}"


def job_id(kind: str, record: Record) -> str:
    """How what belongs to a job is named: its action, say."""
    name = ",".join(f"{key}={value}" for key, value in sorted(record.wildcards.items()))
    return f"#{kind}/{quote(record.rule)}" + (f"/{quote(name)}" if name else "")


def file_properties(path: str, state: FileState) -> dict[str, Any]:
    """What is said of a file in the crate."""
    return {"name": path} | file_facts(path, state)


def file_facts(path: str, state: FileState) -> dict[str, str]:
    """Size, format and hash of a file."""
    return {
        "contentSize": str(state.bytes),
        "encodingFormat": _FORMATS.get(PurePosixPath(path).suffix, _OTHER_FORMAT),
        "sha256": state.sha256,
    }


def action_status(failed: bool) -> str:
    """Schema.org's status of an action."""
    return f"http://schema.org/{'Failed' if failed else 'Completed'}ActionStatus"


def job_facts(record: Record) -> dict[str, Any]:
    """What is said of the action of a job, but for what it links to."""
    failed = record.status != OK
    where = f"Ran on {machine(record)}, {record.threads} thread(s), {record.seconds:.1f} s"
    return {
        "name": record.name,
        "description": where + (f"; code of commit {commit(record)}" if record.git else ""),
        "startTime": record.started,
        "endTime": record.ended,
        "actionStatus": action_status(failed),
        "error": record.status if failed else None,
    }


def script_of(record: Record) -> str:
    """The script that a job ran, by its path in the repository; empty without one."""
    scripts = (f"workflow/scripts/{name}" for name in record.code if name.endswith(".py"))
    return next(scripts, "")


def summary(name: str, broken: int) -> str:
    """The crate's own description."""
    text = (
        f"The experiment {name}: liver segmentation in CT with a UNet, a level set network and a "
        "level set baseline (Table I), and the UNet's kernels (Figure 2), with the workflow that "
        "made them and a record of every job. Volumes, segmentations and slices are described by "
        "their hashes and are not contained. upwind audit checks the crate."
    )
    if broken:
        text += (
            f" NOT SOUND: the audit found {broken} broken link(s) in this run, and it was "
            f"published in spite of them; {AUDIT} lists them."
        )
    return text
