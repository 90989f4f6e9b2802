"""Why a result differs: through the jobs behind it, the nearest first.

A job is behind a difference if what it wrote differs and led to the result. What two jobs read
alike cannot have made their outputs differ, so the way up goes on only through inputs that differ;
a difference begins at a job that read the same in both runs.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from upwind.audit.provenance_graph import contents
from upwind.common.wording import natural_order
from upwind.provenance.records import Record
from upwind.reproduction.factors import Factor, arrow, factors
from upwind.reproduction.kinds.documents import differing
from upwind.reproduction.reading import DATA, OpenRun
from upwind.reproduction.set_apart import SETTINGS

_ALIKE = "all that records tell is the same: the job does not repeat its bits"


@dataclass(frozen=True)
class Cause:
    """A factor, how it differs (``what``), and the jobs behind a result in which it does, the
    nearest first."""

    factor: Factor
    what: str
    jobs: tuple[str, ...]


class Causes:
    """The causes of differing results of two runs. ``unlike`` are the results that differ, by
    name, but for what is expected to."""

    def __init__(self, first: OpenRun, second: OpenRun, unlike: Collection[str]) -> None:
        self.first, self.second = first, second
        self._unlike = frozenset(unlike)
        self._results = first.hashes.keys() | second.hashes.keys()
        self._settings = _changed_settings(first, second)
        self._known: dict[str, list[tuple[Factor, str]]] = {}
        self._inputs: dict[str, list[str]] = {}

    def of(self, name: str) -> list[Cause]:
        """Of one result: every factor that differs behind it, the nearest first."""
        found: dict[tuple[Factor, str], list[str]] = {}
        for path in self._behind(name):
            job = self._job(path)
            for cause in self._here(path):
                jobs = found.setdefault(cause, [])
                if job not in jobs:
                    jobs.append(job)
        return [Cause(factor, what, tuple(jobs)) for (factor, what), jobs in found.items()]

    def depth(self, name: str) -> int:
        """How many files that differ a result rests on, itself among them: those in which a
        difference begins have the fewest."""
        return sum(1 for _ in self._behind(name))

    def inputs(self, name: str) -> set[str]:
        """What the job of a result read for its content, in either run."""
        return {*_inputs(self.first, name), *_inputs(self.second, name)}

    def differing_inputs(self, name: str) -> list[str]:
        """What the job of a result read that is not the same in both runs."""
        if name not in self._inputs:
            self._inputs[name] = self._differing_inputs(name)
        return self._inputs[name]

    def _differing_inputs(self, name: str) -> list[str]:
        one, other = (_inputs(side, name) for side in (self.first, self.second))
        names = {path for path in one.keys() | other.keys() if self._differs(path, one, other)}
        return sorted(names, key=natural_order)

    def _behind(self, name: str) -> Iterator[str]:
        """Files that the result rests on and that differ, itself first, the nearest first."""
        ahead, seen = [name], {name}
        while ahead:
            path = ahead.pop(0)
            yield path
            for above in self.differing_inputs(path):
                if above not in seen:
                    seen.add(above)
                    ahead.append(above)

    def _differs(self, path: str, one: Mapping[str, str], other: Mapping[str, str]) -> bool:
        """Results as they were compared; what lies outside by the hashes that jobs read."""
        if path in self._results:
            return path in self._unlike
        return one.get(path) != other.get(path)

    def _here(self, path: str) -> list[tuple[Factor, str]]:
        """The factors at the job that wrote a file, and at the file itself."""
        if path not in self._known:
            self._known[path] = list(self._found(path))
        return self._known[path]

    def _found(self, path: str) -> Iterator[tuple[Factor, str]]:
        here, there = self.first.record_of(path), self.second.record_of(path)
        sides = (self.first, self.second)
        by_hand = [side.title for side in sides if not side.is_as_written(path)]
        for title in by_hand:
            yield Factor.hand, f"{path} is not what its job wrote, in {title}"
        if here is None and there is None and path in self._results:
            yield Factor.hand, f"no record tells how {path} was made"
        elif here is None or there is None:
            yield from _one_sided(path, here, there)
        else:
            found = list(factors(here, there, self._settings))
            yield from found
            if not (found or by_hand or self.differing_inputs(path)):
                yield Factor.unknown, _ALIKE

    def _job(self, path: str) -> str:
        record = self.first.record_of(path) or self.second.record_of(path)
        return record.name if record else path


def _one_sided(
    path: str, here: Record | None, there: Record | None
) -> Iterator[tuple[Factor, str]]:
    """A file that no job wrote, at least in one run."""
    known = here or there
    if known is None:
        yield Factor.data, path.removeprefix(DATA)
    else:
        where = "first" if here else "second"
        yield Factor.jobs, f"{known.name} ran in the {where} run alone"


def _inputs(side: OpenRun, name: str) -> dict[str, str]:
    """What the job of a file read for its content, with hashes."""
    record = side.record_of(name)
    if record is None:
        return {}
    return {side.name(path): record.inputs[path].sha256 for path in contents(record)}


def _changed_settings(first: OpenRun, second: OpenRun) -> dict[tuple[str, str], str]:
    """Names in the configuration of settings that differ, by their last name and how they do."""
    return {
        (part.name.rpartition(".")[2], arrow(part)): part.name
        for part in differing(first.run.config, second.run.config)
        if part.name not in SETTINGS
    }
