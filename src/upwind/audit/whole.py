"""The whole audit of an experiment: files, code, parameters and numbers."""

import os
import re
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from upwind.audit.checks.checkout import Checkout, check_code, find_checkout, fingerprints
from upwind.audit.checks.files import check_files
from upwind.audit.checks.folders import check_folders
from upwind.audit.checks.imports import check_imports
from upwind.audit.checks.integrity import counting, hashed, state_here
from upwind.audit.checks.planned import check_plan, planned_records
from upwind.audit.checks.published import check_published
from upwind.audit.checks.trainings import check_trainings
from upwind.audit.checks.witnesses import check_listed, check_witnesses, listed_results
from upwind.audit.findings import (
    Checked,
    Finding,
    FindingKind,
    Severity,
    broken,
    unchecked,
    warning,
)
from upwind.audit.plan import ask_workflow
from upwind.audit.provenance_graph import RecordedRun, load, within
from upwind.audit.recomputed.comparison import check_comparison
from upwind.audit.recomputed.gathered import check_gathered
from upwind.audit.recomputed.kernels import check_kernels
from upwind.audit.recomputed.numbers import Results, check_numbers
from upwind.audit.recomputed.searches import check_searches
from upwind.common.errors import UpwindError
from upwind.common.snakemake import PlannedJob
from upwind.provenance.records import FOLDER, REPORT

_CASE = re.compile(
    r"(?:^|/)(?:volume-|segmentation-|(?:imagesTr|labelsTr)/liver_)(\d+)\.nii(?:\.gz)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Audit:
    """What an audit of ``folder`` came to; ``signed_by`` says who signed a crate, and before when,
    where that was asked and holds."""

    folder: Path
    checked: Checked
    deep: bool
    seconds: float
    signed_by: str = ""

    @property
    def holds(self) -> bool:
        """Is nothing broken?"""
        return self.checked.holds

    def of(self, severity: Severity) -> list[Finding]:
        """The findings of a severity, causes before what follows from them."""
        return [finding for finding in self.checked.findings if finding.severity is severity]


def audit(
    folder: str | os.PathLike[str],
    deep: bool = False,
    ask: bool = True,
    plan: Collection[PlannedJob] | None = None,
    left_out: Collection[str] = (),
    jobs: int = 1,
    trusted: str | os.PathLike[str] | None = None,
) -> Audit:
    """Check the experiment whose results lie in ``folder`` from end to end.

    ``deep`` makes scores, slices and folds again from the volumes, ``jobs`` cases at a time.
    ``ask`` starts a dry run of the workflow, which takes a few seconds; a ``plan`` that is known
    already saves it. A dry run executes the Snakefile and reads the configuration that lie beside
    the results, so there is one only where the caller stands in that folder, or names it as
    ``trusted``. ``left_out`` are files that this copy of the results leaves out on purpose.
    Raises UpwindError where ``folder`` is no folder.
    """
    started = time.monotonic()
    run = load(folder)
    checkout = find_checkout(run.root)
    with ThreadPoolExecutor(1) as aside:
        asked = aside.submit(_plan, run, checkout, trusted) if ask and plan is None else None
        states, code = hashed(run, left_out), fingerprints(run, checkout)
        known, cannot = _answer(run, asked, plan)
    planned = planned_records(run, known) if known else {}
    live = _live(run, planned)
    parts = [check_files(run, live, left_out, states)]
    parts += [check_folders(run, live), check_trainings(run, live, _paths(parts, affected=False))]
    parts += [check_code(run, live, checkout, code), check_imports(run, live, checkout)]
    parts.append(check_witnesses(run, live, checkout, code, _is_own(run, checkout, trusted)))
    parts.append(check_plan(run, planned, _paths(parts)) if planned else check_listed(run, live))
    parts.append(_report(run))
    parts.append(Checked(cannot))
    parts.append(_numbers(run, _paths(parts, affected=False), deep, jobs))
    parts.append(check_published(run, live, _paths(parts)))
    checked = Checked.all_of(parts)
    return Audit(run.folder, _in_order(checked), deep, time.monotonic() - started)


def raw_cases(run: RecordedRun) -> dict[int, tuple[Path, Path]]:
    """Image and label of each case, as jobs read them."""
    found: dict[int, dict[bool, Path]] = {}
    for record in run.records.values():
        for path in record.inputs:
            match = _CASE.search(path)
            if match and not within(path, run.home):
                is_label = match[0].lstrip("/").lower().startswith(("segmentation", "labelstr"))
                found.setdefault(int(match[1]), {})[is_label] = run.place(path)
    return {case: (files[False], files[True]) for case, files in found.items() if len(files) == 2}


def _plan(
    run: RecordedRun, checkout: Checkout, trusted: str | os.PathLike[str] | None
) -> list[PlannedJob]:
    """Raises UpwindError where the workflow cannot be asked, or refuses."""
    if not run.config:
        raise _NobodyToAskError("the record of the configuration is not there or not intact")
    if checkout.snakefile is None:
        raise _NobodyToAskError("the workflow is not here")
    if not _is_named(run.root, trusted):
        raise _NobodyToAskError(
            "to ask it would execute what lies beside these results; if they are yours, audit in "
            "the folder that the workflow ran in, or name that folder with --trust"
        )
    if not _same_folder(run.root / run.home, run.folder):
        raise _NobodyToAskError(f"results do not lie where the run left them ({run.home})")
    data = run.root / str(run.config.get("dataset", {}).get("root", ""))
    if not data.is_dir():
        raise _NobodyToAskError(f"the data are not here ({data})")
    return ask_workflow(run.root, checkout.snakefile, _config(run), _made_by_name(run))


def _is_own(run: RecordedRun, checkout: Checkout, trusted: str | os.PathLike[str] | None) -> bool:
    """Is the checkout the one that is running, or in a project that the caller stands in or
    trusts?"""
    running = find_checkout(Path(os.devnull))
    return checkout == running or _is_named(run.root, trusted)


def _is_named(root: Path, trusted: str | os.PathLike[str] | None) -> bool:
    """Does the caller stand in a folder, or trust it?"""
    return any(_same_folder(root, own) for own in (Path.cwd(), trusted) if own is not None)


def _same_folder(one: Path, other: str | os.PathLike[str]) -> bool:
    return one.is_dir() and Path(other).is_dir() and one.samefile(other)


def _made_by_name(run: RecordedRun) -> list[str]:
    """Outputs of targets that are asked for by name (a study, the atlas), as far as they were made:
    the atlas needs the table of another target, but not its figures."""
    try:
        targets = run.results.targets.values()
    except UpwindError:  # that the record is not there is said elsewhere
        return []
    outputs = (f"{run.home}/{path}" for paths in targets for path in paths)
    return [path for path in outputs if path in run.makers]


def _config(run: RecordedRun) -> str:
    """The configuration as it was written, in its own order, if nobody changed it since."""
    path = f"{run.home}/config.yaml"
    maker, now = run.record_of(path), state_here(run.place(path))
    if maker and now and maker.outputs[path].sha256 == now.sha256:
        return run.place(path).read_text(encoding="utf-8")
    return yaml.safe_dump(dict(run.config))


class _NobodyToAskError(UpwindError):
    """There is nobody to ask, or nothing to ask about."""


def _answer(
    run: RecordedRun,
    asked: "Future[list[PlannedJob]] | None",
    plan: Collection[PlannedJob] | None,
) -> tuple[Collection[PlannedJob], tuple[Finding, ...]]:
    """The plan, or why there is none."""
    config = f"{run.home}/config.yaml"
    try:
        if plan is not None:
            return plan, ()
        if asked is None:
            raise _NobodyToAskError("that was not asked for")
        return asked.result(), ()
    except _NobodyToAskError as reason:
        message = f"whether the workflow would do anything again is not known: {reason}"
        remedy = "audit in the folder that the workflow ran in, with all it needs"
        return (), (unchecked(FindingKind.workflow, config, message, remedy),)
    except UpwindError as error:
        message = "whether the workflow would do anything again is not known: it could not be "
        message += f"asked, or refuses to plan with this configuration:\n{error}"
        remedy = "mend what it says, and audit again"
        return (), (unchecked(FindingKind.workflow, config, message, remedy),)


def _live(run: RecordedRun, planned: Collection[str]) -> set[str]:
    """Records that count: of jobs that are asked for, and the report's."""
    if not planned:
        return counting(run)
    report = run.record_name(REPORT, {}, run.home)
    return run.records.keys() & {*planned, report}


def _report(run: RecordedRun) -> Checked:
    """No job of a plan makes the report, so that its record is missed by nothing else."""
    name, path = run.record_name(REPORT, {}, run.home), f"{run.home}/report.html"
    record = run.records.get(name)
    if record is not None and path not in record.outputs.keys() & set(record.declared):
        message = "it is the report's record, and does not say that the report was made"
        return Checked((broken(FindingKind.record, name, message, "run the workflow again"),))
    if name in run.records or name in run.damaged:
        return Checked()
    if not run.place(path).exists():
        listed = listed_results(run)
        if not listed or not all(result in run.makers for result in listed):
            return Checked()
        message = "a run that succeeded leaves its report with a record; neither is here"
        remedy = "nothing where the run was stopped right before; else run the workflow again"
        return Checked((warning(FindingKind.missing_record, name, message, remedy),))
    message = "the report left no record: it was not made by a run that succeeded"
    remedy = "delete it and run the workflow again"
    return Checked((broken(FindingKind.missing_record, name, message, remedy, [path]),))


def _paths(parts: Collection[Checked], affected: bool = True) -> set[str]:
    """Paths of all broken things, and of what falls with them if ``affected``."""
    found = [f for part in parts for f in part.findings if f.severity is Severity.broken]
    paths = {finding.path for finding in found}
    return paths | {path for f in found for path in f.affects} if affected else paths


def _numbers(run: RecordedRun, distrusted: Collection[str], deep: bool, jobs: int) -> Checked:
    if not run.config:
        path = f"{run.home}/{FOLDER}"
        message = "no number was made again: the record of the configuration is not there"
        return Checked((unchecked(FindingKind.number, path, message, "run the workflow again"),))
    results = Results(run.folder, run.home, run.config, distrusted)
    parts = [check_numbers(results), check_comparison(results), check_kernels(results)]
    parts += [check_searches(results), check_gathered(results)]
    if deep:
        from upwind.audit.recomputed.volumes import recompute  # half a second of imports

        bad = {run.place(path) for path in distrusted}
        raw = {case: files for case, files in raw_cases(run).items() if not bad & {*files}}
        parts.append(recompute(results, raw, jobs))
    return Checked.all_of(parts)


def _in_order(checked: Checked) -> Checked:
    """Causes before what follows from them."""
    fallen = Counter(path for finding in checked.findings for path in finding.affects)
    ordered = sorted(checked.findings, key=lambda finding: fallen[finding.path])
    return replace(checked, findings=tuple(ordered))
