"""Did a run give what the published demo gave? If not, what differed first, and why?"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from upwind.common.errors import UpwindError
from upwind.reproduction.difference import Part
from upwind.reproduction.factors import (
    Factor,
    arrow,
    commits,
    machine_factors,
    modules_text,
    unlike,
    version_factors,
)
from upwind.reproduction.published import (
    Published,
    behind_table1,
    changed_settings,
    code,
    machines,
    packages,
)
from upwind.reproduction.reading import OpenRun
from upwind.reproduction.stages import STAGES, stage_hashes
from upwind.reproduction.table1 import TABLE, CellComparison, compare_cells, read_cells


class Answer(enum.StrEnum):
    """The values are part of the JSON schema."""

    yes = "yes"
    no = "no"
    not_the_demo = "not the published demo"  # other settings, and another Table I


@dataclass(frozen=True)
class Stage:
    """What one stage of a run came to: how many of the ``compared`` networks, folders of
    segmentations, ... are not those of the published demo."""

    name: str
    differing: Sequence[str]
    compared: int


@dataclass(frozen=True)
class Reproduction:
    """A run beside the published demo: cells of Table I (published, here), ``settings`` that are
    not the demo's, ``stages`` in the order of their making, and the ``factors`` that differ."""

    side: OpenRun
    cells: Sequence[CellComparison]
    settings: Sequence[Part]
    stages: Sequence[Stage]
    factors: Sequence[tuple[Factor, str]]

    @property
    def differing_cells(self) -> list[CellComparison]:
        """Cells of Table I that are not the published ones, to the last digit."""
        return [cell for cell in self.cells if cell.first != cell.second]

    @property
    def answer(self) -> Answer:
        """Other settings that leave Table I as it is do not count."""
        if not self.differing_cells:
            return Answer.yes
        return Answer.not_the_demo if self.settings else Answer.no

    @property
    def first_to_differ(self) -> Stage | None:
        """The first stage that differs; None where none does."""
        return next((stage for stage in self.stages if stage.differing), None)


def reproduction(side: OpenRun, published: Published | None) -> Reproduction:
    """Hold a run against the published demo.

    Raises UpwindError where nothing is published, and for a run without Table I or with files that
    cannot be read.
    """
    if published is None:
        raise UpwindError(
            "no demo is published with this version; give a second run to compare with, or write "
            "the values of a finished one: python -m upwind.reproduction.publish results/demo"
        )
    try:
        cells, hashes = read_cells(side.run.folder), stage_hashes(side)
    except (OSError, ValueError, LookupError) as error:
        raise UpwindError(
            f"{side.title} cannot be read ({error}); upwind audit says more"
        ) from error
    if not cells:
        raise UpwindError(f"{side.title} has no {TABLE}: run the workflow to its end first")
    stages = [_stage(name, published.hashes.get(name, {}), hashes.get(name, {})) for name in STAGES]
    return Reproduction(
        side,
        compare_cells(published.cells, cells, published.spreads),
        changed_settings(published, side.run.config),
        stages,
        list(_factors(published, side)),
    )


def _stage(name: str, published: Mapping[str, str], here: Mapping[str, str]) -> Stage:
    """What is not here is not compared: a crate has no segmentations."""
    both = [key for key in published if key in here]
    return Stage(name, [key for key in both if published[key] != here[key]], len(both))


def _factors(published: Published, side: OpenRun) -> Iterator[tuple[Factor, str]]:
    """In what the jobs behind Table I differ from those of the published demo."""
    records = behind_table1(side)
    modules = unlike(published.code, code(records))
    if modules:
        yield Factor.code, modules_text(modules, "of the published demo", commits(records))
    yield from version_factors(published.packages, packages(records))
    here = machines(records)
    if len(published.machines) == len(here) == 1:
        yield from machine_factors(published.machines[0], here[0])
    elif published.machines != here:
        shown = (
            ", ".join(sorted({str(m.get("processor", "none")) for m in ms}))
            for ms in (published.machines, here)
        )
        yield Factor.processor, " → ".join(shown)


def setting_lines(parts: Sequence[Part]) -> list[str]:
    """``unet.epochs 20 → 22`` for each setting."""
    return [f"{part.name} {arrow(part)}" for part in parts]
