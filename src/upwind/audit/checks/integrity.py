"""What each file must hold, by the record of the job that wrote it and those of the jobs that read
it; and who is wrong where they, and the file itself, do not agree."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from upwind.audit.findings import Finding, FindingKind, broken, unchecked
from upwind.audit.provenance_graph import RecordedRun, only_there, within, written
from upwind.common.side_by_side import cores, side_by_side
from upwind.provenance.hashing import FileState, state_now

_AGAIN = "run the workflow again"
States = Mapping[str, FileState | None]


def counting(run: RecordedRun) -> set[str]:
    """Records of the results' folder, and of the data that they rest on."""
    own = {name for name in run.records if within(name, run.home)}
    return own | set(run.upstream(path for name in own for path in written(run.records[name])))


def hashed(run: RecordedRun, left_out: Collection[str] = ()) -> dict[str, FileState | None]:
    """What every file that counting records name holds now, read anew; None for one that is not
    there or cannot be read, and for one of ``left_out`` that lies outside the run's folder: what
    somebody else's crate names on this machine is nothing of theirs."""
    named = {path for name in counting(run) for path in _named(run, name)}
    elsewhere = {path for path in named & {*left_out} if _leads_out(path)}
    paths = sorted(named - elsewhere)
    places = map(run.place, paths)
    states = dict(zip(paths, side_by_side(state_here, places, cores()), strict=True))
    return states | dict.fromkeys(elsewhere)


def _leads_out(path: str) -> bool:
    place = PurePosixPath(path)
    return place.is_absolute() or ".." in place.parts


def state_here(path: Path) -> FileState | None:
    """What a file holds now, read anew; None where it is not there, cannot be read, or is no plain
    file."""
    try:
        return state_now(path)
    except OSError:
        return None


def check_contents(
    run: RecordedRun, live: Collection[str], states: States, left_out: Collection[str]
) -> Iterator[Finding]:
    """Compare every file with all that records say of it. A file that nobody's record fits was
    changed; where it fits some, the others are wrong: jobs that ran before the file was made anew,
    or records that were altered."""
    content_of = _contents(run, live)
    absent: dict[str, list[str]] = {}
    for path in sorted({path for name in live for path in _named(run, name)}):
        now = states[path] if path in states else state_here(run.place(path))
        stated = _stated(run, live, path)
        if now is not None:
            yield from _disagreements(run, path, now, stated, content_of)
            continue
        yield from _among_themselves(run, path, stated)
        if path in left_out or folder_is_absent(run, path):
            absent.setdefault(str(PurePosixPath(path).parent), []).append(path)
        elif stated:
            message = f"it is not there, or cannot be read; {_witness(run, path, stated)}"
            yield broken(FindingKind.missing, path, message, _remedy(path), run.downstream([path]))
    for folder, paths in absent.items():
        message = f"{len(paths)} of its files are not here, so that their content is not checked"
        kind = FindingKind.missing if within(folder, run.home) else FindingKind.raw_data
        yield unchecked(kind, folder, message, "audit where they are")


def data_are_absent(run: RecordedRun) -> bool:
    """Is there a folder that jobs read from, outside the results, of which nothing is here?"""
    return any(folder_is_absent(run, p) for record in run.records.values() for p in record.inputs)


def folder_is_absent(run: RecordedRun, path: str) -> bool:
    """Does a file lie in data outside the results, of which nothing is here?"""
    return not within(path, run.home) and not run.place(str(PurePosixPath(path).parent)).is_dir()


def _named(run: RecordedRun, name: str) -> Iterator[str]:
    """Files that a record names; but logs of shared data may lie in the results of another
    experiment, which may be gone."""
    record = run.records[name]
    yield from record.inputs
    yield from record.outputs
    yield from (path for path in record.logs if within(path, run.home))


def _contents(run: RecordedRun, live: Iterable[str]) -> dict[str, str]:
    """Files by what they must hold."""
    files = (item for name in live for item in written(run.records[name]).items())
    return {state.sha256: path for path, state in files if state.bytes}


def _stated(run: RecordedRun, live: Collection[str], path: str) -> dict[str, FileState]:
    """What records say that a file holds: its maker's first, then its readers'. Where the content
    does not matter to readers, and somebody made it, they do not count."""
    maker = run.makers.get(path)
    stated = {}
    if maker is not None and maker in live:
        stated[maker] = written(run.records[maker])[path]
    for name in sorted(run.readers.get(path, set()) & set(live)):
        if maker is None or not only_there(run.records[name], path):
            stated[name] = run.records[name].inputs[path]
    return stated


def _disagreements(
    run: RecordedRun,
    path: str,
    now: FileState,
    stated: Mapping[str, FileState],
    content_of: Mapping[str, str],
) -> Iterator[Finding]:
    wrong = [name for name, state in stated.items() if not _same(state, now)]
    if wrong and len(wrong) == len(stated):
        other = content_of.get(now.sha256)
        message = f"its content is not the recorded one; {_witness(run, path, stated)}"
        message += f"; it has the content of {other}" if other else ""
        yield broken(FindingKind.changed, path, message, _remedy(path), run.downstream([path]))
        yield from _among_themselves(run, path, stated)
    else:
        for name in wrong:
            yield _odd(run, path, name)


def _among_themselves(
    run: RecordedRun, path: str, stated: Mapping[str, FileState]
) -> Iterator[Finding]:
    """Readers that read something else than was written, or than the first of them read."""
    for name, state in stated.items():
        if not _same(state, next(iter(stated.values()))):
            yield _odd(run, path, name)


def _odd(run: RecordedRun, path: str, name: str) -> Finding:
    """A record that does not fit a file which fits others."""
    job = run.records[name].name
    did = "wrote" if run.makers.get(path) == name else "read"
    message = f"by this record {job} {did} another {path} than other jobs' records say"
    message += ": it ran before the file was made anew, or the record was altered"
    return broken(FindingKind.link, name, message, _AGAIN, run.fallen([name]))


def _witness(run: RecordedRun, path: str, stated: Mapping[str, FileState]) -> str:
    name = next(iter(stated))
    did = "wrote" if run.makers.get(path) == name else "read"
    record = run.records[name]
    return f"{record.name} {did} it on {record.started[:10]} ({name})"


def _remedy(path: str) -> str:
    return f"restore {PurePosixPath(path).name}, or delete it and {_AGAIN}"


def _same(one: FileState, other: FileState) -> bool:
    return (one.sha256, one.bytes) == (other.sha256, other.bytes)
