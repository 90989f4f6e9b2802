"""Two runs compared whole: the verdict, and what it rests on."""

import enum
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from upwind.audit.provenance_graph import within
from upwind.common.errors import UpwindError
from upwind.common.wording import count_of, first_few
from upwind.provenance.records import Record
from upwind.reproduction.causes import Cause, Causes
from upwind.reproduction.difference import FileComparison, Outcome
from upwind.reproduction.factors import (
    Factor,
    arrow,
    commits,
    factors,
    kind_of_setting,
    modules_text,
    unlike,
)
from upwind.reproduction.files import BY_HASH, compare_files
from upwind.reproduction.kinds.documents import differing
from upwind.reproduction.reading import DATA, OpenRun
from upwind.reproduction.set_apart import SETTINGS
from upwind.reproduction.table1 import (
    CellComparison,
    Place,
    Spread,
    compare_cells,
    read_cells,
    spread_over_seeds,
)

# What may differ between machines where a page or figure shows nothing but what is set apart.
_OF_MACHINES = (Factor.processor, Factor.threads, Factor.accelerator)
_SHOWN = 3
_ALONE = (Outcome.only_first, Outcome.only_second)


class Verdict(enum.StrEnum):
    """The values are part of the JSON schema."""

    identical = "identical"
    within = "the same within the spread"
    different = "different"


@dataclass(frozen=True)
class Comparison:
    """Two runs, ``first`` and ``second``. ``files`` are all results of either; ``causes`` belong to
    those that differ, which stand in the order in which they were made; ``between`` has, for each
    factor, how the runs differ in it at any job that both ran, with the number of these jobs;
    ``cells`` are those of Table I."""

    first: OpenRun
    second: OpenRun
    files: Sequence[FileComparison]
    causes: Mapping[str, Sequence[Cause]]
    between: Mapping[Factor, Mapping[str, int]]
    cells: Sequence[CellComparison]

    @property
    def unlike(self) -> list[FileComparison]:
        """Results that differ or that one run alone has, those first in which it begins."""
        files = {file.path: file for file in self.files}
        return [files[path] for path in self.causes]

    @property
    def differing_cells(self) -> list[CellComparison]:
        """Cells of Table I that are not the same."""
        return [cell for cell in self.cells if cell.first != cell.second]

    @property
    def spread_is_known(self) -> bool:
        """Is it known of each cell that differs, or of any where none does?"""
        of_interest = self.differing_cells or self.cells
        known = [cell.spread is not None for cell in of_interest]
        return all(known) if self.differing_cells else any(known)

    @property
    def verdict(self) -> Verdict:
        """By all results; by Table I alone where a spread is known."""
        if not self.unlike:
            return Verdict.identical
        same = self.spread_is_known and all(cell.within for cell in self.cells)
        return Verdict.within if same and self.cells else Verdict.different


def compare(
    first: OpenRun, second: OpenRun, spread: Mapping[Place, Spread] | None = None
) -> Comparison:
    """Compare two runs. ``spread`` is what is known of the seeds' spread of Table I from elsewhere;
    that of the runs themselves, where they have several seeds, goes before it.

    Raises UpwindError where a table of either cannot be read.
    """
    files = _apart_by_records(first, second, _asked_for(first, second))
    differing_files = [f.path for f in files if f.outcome in (*_ALONE, Outcome.differs)]
    why = Causes(first, second, differing_files)
    causes = {path: why.of(path) for path in sorted(differing_files, key=why.depth)}
    try:
        known = dict(spread or {})
        for side in (second, first):
            known |= spread_over_seeds(side.run.folder)
        cells = compare_cells(read_cells(first.run.folder), read_cells(second.run.folder), known)
    except (OSError, ValueError, LookupError) as error:
        raise UpwindError(
            f"Table I of {first.title} or {second.title} cannot be read ({error}); "
            "upwind audit says more"
        ) from error
    return Comparison(first, second, files, causes, _between(first, second), cells)


def _asked_for(first: OpenRun, second: OpenRun) -> list[FileComparison]:
    """All files, where what one run alone was asked for by name (an atlas, a study) is set
    apart."""
    asked = {Outcome.only_first: _by_name(first), Outcome.only_second: _by_name(second)}
    return [
        replace(file, outcome=Outcome.apart) if file.path in asked.get(file.outcome, ()) else file
        for file in compare_files(first, second)
    ]


def _by_name(side: OpenRun) -> set[str]:
    """Results that a run makes only when it is asked for them by name; none where no record
    tells."""
    try:
        results = side.run.results
        plain = [result.path for result in (*results.files, *results.folders)]
        named = [path for paths in results.targets.values() for path in paths]
    except (UpwindError, TypeError):
        return set()
    return _behind(side, named) - _behind(side, plain)


def _behind(side: OpenRun, places: Sequence[str]) -> set[str]:
    """What all jobs wrote that files or folders of the results rest on."""
    within_any = tuple(f"{side.run.home}/{place}" for place in places)
    wanted = [p for p in side.run.makers if any(within(p, place) for place in within_any)]
    jobs = side.run.upstream(wanted)
    return {side.name(path) for name in jobs for path in side.run.records[name].outputs}


def _apart_by_records(
    first: OpenRun, second: OpenRun, files: Sequence[FileComparison]
) -> Sequence[FileComparison]:
    """Figures and pages that differ and were made, by the same code, from inputs of which none
    differs but in what is expected to: set apart."""
    apart = {file.path for file in files if file.outcome is Outcome.apart}
    rest = {file.path for file in files if file.outcome in (*_ALONE, Outcome.differs)}
    opaque = {f.path for f in files if f.difference and f.difference.summary.startswith(BY_HASH)}
    while True:
        why = Causes(first, second, rest)
        new = {path for path in opaque & rest if _follows(why, path, apart)}
        if not new:
            return [replace(f, outcome=Outcome.apart) if f.path in apart else f for f in files]
        apart |= new
        rest -= new


def _follows(why: Causes, path: str, apart: Collection[str]) -> bool:
    read = why.inputs(path)
    if not read & set(apart) or why.differing_inputs(path):
        return False
    return all(cause.factor in (*_OF_MACHINES, Factor.unknown) for cause in why.of(path))


def _between(first: OpenRun, second: OpenRun) -> dict[Factor, dict[str, int]]:
    """How the jobs that both ran differ, and in how many."""
    found: dict[Factor, dict[str, int]] = defaultdict(dict)
    pairs = _same_jobs(first, second)
    for one, other in pairs:
        for factor, what in factors(one, other, {}):
            if factor not in (Factor.settings, Factor.seeds, Factor.code):
                found[factor][what] = found[factor].get(what, 0) + 1
    edited = [(one, other) for one, other in pairs if one.code != other.code]
    if edited:
        modules = sorted({name for one, other in edited for name in unlike(one.code, other.code)})
        here, there = (commits(side) for side in zip(*edited, strict=True))
        found[Factor.code][modules_text(modules, here, there)] = len(edited)
    for part in differing(first.run.config, second.run.config):
        if part.name not in SETTINGS:
            found[kind_of_setting(part.name)][f"{part.name} {arrow(part)}"] = 0
    volumes, others = _data(first), _data(second)
    if volumes != others:
        changed = unlike(volumes, others)
        what = f"{len(changed)} of {count_of(len(volumes | others), 'file')}"
        found[Factor.data][f"{what}: {first_few(changed, _SHOWN)}"] = 0
    return dict(found)


def _same_jobs(first: OpenRun, second: OpenRun) -> list[tuple[Record, Record]]:
    """Records of the jobs that both ran."""
    others = {second.name(name): record for name, record in second.run.records.items()}
    records = {first.name(name): record for name, record in first.run.records.items()}
    return [(record, others[name]) for name, record in records.items() if name in others]


def _data(side: OpenRun) -> dict[str, str]:
    """Files of the data set that jobs read, with hashes."""
    read = (item for record in side.run.records.values() for item in record.inputs.items())
    named = {side.name(path): state.sha256 for path, state in read}
    return {n.removeprefix(DATA): digest for n, digest in named.items() if n.startswith(DATA)}
