"""Records against what they do not write themselves: the rules of the workflow, git, the list of
results, and files that keep what a job was told.

Seals are no signatures: who writes a record anew can seal it. These say something else then.
"""

import functools
import json
import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from upwind.audit.checks.checkout import SNAKEFILE, Checkout
from upwind.audit.findings import Checked, Finding, FindingKind, broken, warning
from upwind.audit.provenance_graph import CONFIG_RULE, RecordedRun
from upwind.common.errors import UpwindError
from upwind.common.reading import once_each, text_of
from upwind.common.wording import first_few
from upwind.provenance.fingerprint import source_fingerprint
from upwind.provenance.hashing import holds
from upwind.provenance.records import REPORT
from upwind.results import FILE

_AGAIN = "run the workflow again"
_RULE = re.compile(r"^\s*(?:(?:rule|checkpoint)\s+(\w+)|use rule \w+ as (\w+) with)\s*:", re.M)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHOWN = 3


def _as_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=once_each)


# By rule and file: the parameter that it keeps, and how it is read.
_KEPT: Mapping[tuple[str, str], tuple[str, Callable[[str], Any]]] = {
    (CONFIG_RULE, "config.yaml"): ("config", yaml.safe_load),
    (CONFIG_RULE, FILE): ("results", _as_json),
    ("describe_methods", "methods.json"): ("methods", _as_json),
}


def check_witnesses(
    run: RecordedRun,
    live: Collection[str],
    checkout: Checkout,
    now: Mapping[str, str | None],
    own: bool,
) -> Checked:
    """What other witnesses say of the records ``live``. ``now`` are fingerprints of the code in
    ``checkout``; git is asked only where that is the caller's ``own``, since what is configured in
    a repository can execute."""
    findings = [
        *_rules(run, checkout),
        *_told(run, live),
        *(_commits(run, live, checkout, now) if own else ()),
    ]
    return Checked(tuple(findings))


def check_listed(run: RecordedRun, live: Collection[str]) -> Checked:
    """Each result that the run says it makes is explained by a record that counts: for where no
    plan tells which jobs there must be."""
    lacking = [path for path in listed_results(run) if run.makers.get(path) not in live]
    message = "the run makes it, by its list of results, and no record tells of it"
    return Checked(
        tuple(
            broken(FindingKind.missing_record, path, message, _AGAIN, run.downstream([path]))
            for path in (lacking if not run.damaged else ())  # a damaged one may tell of it
        )
    )


def listed_results(run: RecordedRun) -> list[str]:
    """The single files that the run says it makes; none without the record of its
    configuration."""
    try:
        return [f"{run.home}/{path}" for path in run.results.paths]
    except UpwindError:  # said elsewhere
        return []


def rules_of(repository: Path) -> set[str]:
    """The names of the workflow's rules, read as text: nothing is executed."""
    files = [repository / SNAKEFILE, *sorted((repository / "workflow/rules").glob("*.smk"))]
    texts = (text_of(file) for file in files if file.is_file())
    return {one or other for text in texts for one, other in _RULE.findall(text)}


def _rules(run: RecordedRun, checkout: Checkout) -> Iterator[Finding]:
    """Each record is of a rule that there is, also one that no plan asks for: it would explain
    files."""
    known = rules_of(checkout.repository) if checkout.repository else set()
    if not known:
        return
    for name in sorted(run.records):
        if run.records[name].rule not in {*known, REPORT}:
            message = f"the workflow has no rule {run.records[name].rule}"
            remedy = "delete the record and what it explains, or go back to the workflow of then"
            yield broken(FindingKind.record, name, message, remedy, run.fallen([name]))


def _told(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    """Files that do nothing but keep what their job was told, against the job's parameters."""
    for name in sorted(live):
        for path, state in run.records[name].outputs.items():
            told = _KEPT.get((run.records[name].rule, PurePosixPath(path).name))
            if told is None or not holds(run.place(path), state, trust_dates=False):
                continue  # that it is not what its job wrote is said elsewhere
            parameter, read = told
            try:
                kept = read(text_of(run.place(path)))
            except (OSError, ValueError, RecursionError, yaml.YAMLError):
                kept = None
            if kept != run.records[name].params.get(parameter):
                message = f"it does not hold the parameter {parameter!r} of its job"
                yield broken(FindingKind.number, path, message, _AGAIN, run.downstream([path]))


def _commits(
    run: RecordedRun, live: Iterable[str], checkout: Checkout, now: Mapping[str, str | None]
) -> Iterator[Finding]:
    """The code of jobs that ran from a clean checkout is that of their commit, where git is here
    and knows it."""
    if checkout.repository is None or not (checkout.repository / ".git").exists():
        return
    jobs: dict[str, list[str]] = {}
    for name in sorted(live):
        git = run.records[name].git
        if git and not git["dirty"]:
            jobs.setdefault(str(git["commit"]), []).append(name)
    for commit, names in jobs.items():
        if not _is_known(checkout.repository, commit):
            message = f"{run.jobs(names)} ran at the commit {commit[:7]}, which is not in git here"
            remedy = "fetch it, or ask for the repository that it is in"
            yield warning(FindingKind.uncommitted, "git", message, remedy)
            continue
        code = {pair for name in names for pair in run.records[name].code.items()}
        found = _fingerprints(checkout, commit, sorted({module for module, _ in code}), now)
        other = {module for module, digest in code if found.get(module, digest) != digest}
        for name in names:
            wrong = sorted(other & run.records[name].code.keys())
            if wrong:
                message = f"its code is not that of its commit {commit[:7]}: "
                message += first_few(wrong, _SHOWN)
                yield broken(FindingKind.record, name, message, _AGAIN, run.fallen([name]))


def _is_known(repository: Path, commit: str) -> bool:
    return bool(_COMMIT.fullmatch(commit)) and (
        _git(repository, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0
    )


def _fingerprints(
    checkout: Checkout, commit: str, modules: Iterable[str], now: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Fingerprints of modules and scripts as a commit has them, None of one that it has not."""
    assert checkout.repository is not None
    found: dict[str, str | None] = {}
    names = _files_of(checkout.repository, commit)
    for module in modules:
        source = checkout.source(module)
        path = source.relative_to(checkout.repository).as_posix() if source else ""
        if not path.startswith(("src/", "workflow/")):
            continue
        package = f"{path.removesuffix('.py')}/__init__.py"
        path = package if path not in names and package in names else path
        found[module] = None if path not in names else _at(checkout, commit, path, module, now)
    return found


def _at(
    checkout: Checkout, commit: str, path: str, module: str, now: Mapping[str, str | None]
) -> str | None:
    assert checkout.repository is not None
    text = _text_of(checkout.repository, commit, path)
    here = checkout.repository / path
    if here.is_file() and text_of(here) == text:
        return now.get(module)  # told already: to tell it takes longer than to read it
    try:
        return source_fingerprint(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# What a commit holds never changes.
@functools.cache
def _files_of(repository: Path, commit: str) -> frozenset[str]:
    listed = _git(repository, "ls-tree", "-r", "--name-only", commit).stdout
    return frozenset(listed.splitlines())


@functools.cache
def _text_of(repository: Path, commit: str, path: str) -> str:
    return _git(repository, "cat-file", "blob", f"{commit}:{path}").stdout


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
