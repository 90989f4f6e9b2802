"""Tables as people read them (Markdown, TeX, HTML), with their published halves and footnotes,
written again from the files that they rest on.

Their numbers are made again in :mod:`upwind.audit.recomputed` with code of the audit's own. Of the
words there is one source, the code that wrote them: where it is the same here, it writes them
again.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from upwind.audit.findings import Checked, Finding, FindingKind, broken, unchecked
from upwind.audit.provenance_graph import RecordedRun
from upwind.common.errors import UpwindError
from upwind.common.pages import template_version
from upwind.common.reading import text_of
from upwind.provenance.fingerprint import module_fingerprints, package_versions
from upwind.provenance.records import Record

_RULE = "tabulate"
_WRITER = "upwind.tables.written"
_PAGE = "tables/page.html"
_MOST_RESAMPLES = 10**6  # that can be set: a record may come from anywhere


def check_published(
    run: RecordedRun, live: Collection[str], distrusted: Collection[str]
) -> Checked:
    """Write the tables again. What rests on ``distrusted`` files is left out."""
    name = run.record_name(_RULE, {}, run.home)
    record = run.records.get(name)
    if record is None or name not in live or {*record.inputs, *record.outputs} & {*distrusted}:
        return Checked()
    if not _is_written_here(record):
        message = "not written again: other code or packages wrote them than are here"
        remedy = "audit with the version of upwind, and the packages, that made the results"
        return Checked((unchecked(FindingKind.number, f"{run.home}/table1.md", message, remedy),))
    findings = list(_compared(run, record))
    return Checked(tuple(findings), {"written_tables": len(_texts_of(record))})


def _is_written_here(record: Record) -> bool:
    """Is the code that writes tables the one that the record names, and what it needs?"""
    stated = {**record.code, **record.packages}
    here = module_fingerprints([_WRITER]) | package_versions([_WRITER])
    same = all(stated.get(module) == digest for module, digest in here.items())
    return same and record.params.get("template") == template_version(_PAGE)


def _texts_of(record: Record) -> dict[str, str]:
    """Where each text of tables was written, by its file's name."""
    endings = (".md", ".html", ".tex")
    return {PurePosixPath(p).name: p for p in record.outputs if PurePosixPath(p).suffix in endings}


def _compared(run: RecordedRun, record: Record) -> Iterator[Finding]:
    try:
        expected = _written(run, record)
    except (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"it cannot be written again ({type(error).__name__}: {error})"
        yield _wrong(run, f"{run.home}/table1.md", message)
        return
    except UpwindError as error:
        yield _wrong(run, f"{run.home}/table1.md", f"it cannot be written again: {error}")
        return
    for name, path in _texts_of(record).items():
        there, here = text_of(run.place(path)).splitlines(), expected.get(name, "").splitlines()
        if there != here:
            yield _wrong(run, path, _difference(there, here))


def _written(run: RecordedRun, record: Record) -> Mapping[str, str]:
    import pandas as pd  # half a second, also with what writes tables

    from upwind.methods import read_methods
    from upwind.tables.written import Sources, tables, texts

    if not 0 < record.params["effort"]["resamples"] <= _MOST_RESAMPLES:
        raise ValueError(f"{record.params['effort']['resamples']} resamples are no setting")
    inputs = {PurePosixPath(path).name: run.place(path) for path in record.inputs}
    read: dict[str, Any] = {n: pd.read_csv(p) for n, p in inputs.items() if n.endswith(".csv")}
    sources = Sources(
        scores=read["scores.csv"],
        of_all_seeds=read.get("seeds.csv", read["scores.csv"]),
        verdicts=read["verdicts.csv"],
        cases=read["cases.csv"],
        masks=[read["masks.csv"]] if "masks.csv" in read else [],
        methods=read_methods(inputs["methods.json"]),
        failed_below=record.params["failed_below"],
        no_followup=record.params["no_followup"],
        effort=record.params["effort"],
    )
    return texts(sources, tables(sources))


def _difference(there: list[str], here: list[str]) -> str:
    """The first line that differs."""
    pairs = enumerate(zip(there, here, strict=False), 1)
    number, (found, expected) = next(
        ((n, pair) for n, pair in pairs if pair[0] != pair[1]),
        (min(len(there), len(here)) + 1, ("", "")),
    )
    if not found and not expected:
        return f"it has {len(there)} lines; written again it has {len(here)}"
    return f"line {number} is {found!r}; written again it is {expected!r}"


def _wrong(run: RecordedRun, path: str, message: str) -> Finding:
    remedy = "delete it and run the workflow again"
    return broken(FindingKind.number, path, message, remedy, run.downstream([path]))
