"""The published demo: what it came to, kept in ``demo.json`` beside this module.

The file has no dates and no name of a host. :mod:`upwind.reproduction.publish` writes it from a
finished run.
"""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from upwind.common.errors import UpwindError
from upwind.common.files import write_text
from upwind.common.reading import first_fault
from upwind.provenance.records import Record
from upwind.reproduction.difference import Part
from upwind.reproduction.factors import Factor, kind_of_setting
from upwind.reproduction.kinds.documents import differing
from upwind.reproduction.reading import DATA, OpenRun
from upwind.reproduction.set_apart import MACHINE, SETTINGS
from upwind.reproduction.stages import stage_hashes, volumes
from upwind.reproduction.table1 import TABLE, Cells, Place, Spread, read_cells

FILE = Path(__file__).with_name("demo.json")
_FORM = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Published:
    """A published run.

    Attributes:
        config: the effective configuration.
        machines: what records say of the machines that the jobs behind Table I ran on.
        packages: versions that these jobs computed with.
        code: the fingerprint of each module that they could reach.
        table1: cells by row and column, as the file has them: all digits.
        spread_seeds: the seeds that ``spread`` is over; empty where it is not known.
        spread: by row and column, the range of the cell over these seeds.
        hashes: of what was made on the way (:func:`upwind.reproduction.stages.stage_hashes`).
    """

    __pydantic_config__: ClassVar = _FORM

    config: dict[str, Any]
    machines: list[dict[str, Any]]
    packages: dict[str, str]
    code: dict[str, str]
    table1: dict[str, dict[str, str]]
    spread_seeds: list[int]
    spread: dict[str, dict[str, float]]
    hashes: dict[str, dict[str, str]]

    @property
    def cells(self) -> Cells:
        """Cells of Table I by column and row."""
        return {
            (column, row): cell
            for row, cells in self.table1.items()
            for column, cell in cells.items()
        }

    @property
    def spreads(self) -> dict[Place, Spread]:
        """The spread of each cell, by column and row."""
        seeds = tuple(self.spread_seeds)
        return {
            (column, row): Spread(size, seeds)
            for row, cells in self.spread.items()
            for column, size in cells.items()
        }


def read_published(path: Path = FILE) -> Published | None:
    """The published demo; None where none is kept yet. Raises UpwindError for another file."""
    if not path.is_file():
        return None
    try:
        return TypeAdapter(Published).validate_json(path.read_bytes())
    except ValidationError as error:
        raise UpwindError(
            f"{path} does not hold a published run: {first_fault(error)}; "
            "take it from the repository again"
        ) from error


def write_published(published: Published, path: Path = FILE) -> None:
    """Keep a published run."""
    write_text(path, json.dumps(asdict(published), indent=1, sort_keys=True) + "\n")


def publication(side: OpenRun, by_seed: Mapping[Place, Spread]) -> Published:
    """What is published of a finished run, with the spread of its Table I over seeds.

    Raises UpwindError for a run without Table I, or without the records behind it.
    """
    records = behind_table1(side)
    try:
        cells, hashes = read_cells(side.run.folder), stage_hashes(side)
    except (OSError, ValueError, LookupError) as error:
        raise UpwindError(f"{side.title} cannot be published: {error}") from error
    if not cells or not records or not side.run.config:
        raise UpwindError(
            f"{side.title} cannot be published: Table I, the records behind it or that of the "
            "configuration are not there; run the workflow to its end"
        )
    _refuse_without_data(side)
    seeds = sorted({seed for spread in by_seed.values() for seed in spread.seeds})
    return Published(
        config=side.run.config,
        machines=machines(records),
        packages=packages(records),
        code=code(records),
        table1=_by_row(cells),
        spread_seeds=seeds,
        spread=_by_row({place: spread.size for place, spread in by_seed.items()}),
        hashes={stage: dict(names) for stage, names in hashes.items()},
    )


def _refuse_without_data(side: OpenRun) -> None:
    """What made a phantom is published too, and told by records that lie with it."""
    made = side.run.config.get("dataset", {}).get("kind") == "phantom"
    if made and any(side.record_of(f"{DATA}{name}") is None for name, _ in volumes(side)):
        raise UpwindError(
            f"{side.title} cannot be published: no records of its phantom are in "
            f"{side.data_folder}; publish it from the folder in which the workflow ran"
        )


def behind_table1(side: OpenRun) -> list[Record]:
    """Records of the jobs that Table I rests on."""
    names = side.run.upstream([f"{side.run.home}/{TABLE}"])
    return [side.run.records[name] for name in names]


def machines(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What records say of machines, each once, but for what cannot move a number."""
    said = [{k: v for k, v in record.machine.items() if k not in MACHINE} for record in records]
    unique = {json.dumps(machine, sort_keys=True, default=str): machine for machine in said}
    return [unique[text] for text in sorted(unique)]


def packages(records: Iterable[Record]) -> dict[str, str]:
    """Versions of packages that any of the jobs computed with."""
    return {name: version for record in records for name, version in record.packages.items()}


def code(records: Iterable[Record]) -> dict[str, str]:
    """Fingerprints of modules that any of the jobs could reach."""
    return {module: digest for record in records for module, digest in record.code.items()}


def changed_settings(published: Published, config: Mapping[str, Any]) -> list[Part]:
    """Settings of a run that are not those of the published demo."""
    parts = differing(published.config, config)
    return [part for part in parts if part.name not in SETTINGS]


def only_seeds(parts: Sequence[Part]) -> bool:
    """Do settings differ in seeds alone?"""
    return all(kind_of_setting(part.name) is Factor.seeds for part in parts)


@functools.cache
def _demo() -> Published | None:
    return read_published()


def known_spread(sides: Iterable[OpenRun]) -> dict[Place, Spread]:
    """The spread over seeds of the published demo, if one of the runs is configured as that is, but
    for its seeds; else nothing."""
    published = _demo()
    if published is None:
        return {}
    alike = (only_seeds(changed_settings(published, side.run.config)) for side in sides)
    return published.spreads if any(alike) else {}


def _by_row(cells: Mapping[Place, Any]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for (column, row), value in cells.items():
        rows.setdefault(row, {})[column] = value
    return rows
