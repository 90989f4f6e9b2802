"""What a training left, held together: its weights, its curves, what it was told, and the finished
state that it keeps apart from the results, which no record tells of."""

import csv
import io
import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from upwind.audit.findings import Checked, Finding, FindingKind, broken, unchecked
from upwind.audit.provenance_graph import RecordedRun
from upwind.audit.recomputed.numbers import same
from upwind.audit.recomputed.tensors import StoredTensors, holds_tensors, opened_tensors
from upwind.common.reading import text_of
from upwind.provenance.records import Record

_AGAIN = "run the workflow again"
_WEIGHTS, _AVERAGED = "/weights.safetensors", "/averaged.safetensors"
_CURVES = "/curves.csv"
_STATES = "checkpoints"
_COLUMNS = ("epoch", "train_loss", "heldout_loss", "heldout_dsc", "seconds")


def check_trainings(
    run: RecordedRun, live: Collection[str], distrusted: Collection[str] = ()
) -> Checked:
    """Weights, curves and finished states of the trainings among the records ``live``, but for
    files that are ``distrusted`` already. States that are not here (they are in no crate, and may
    be deleted) are not checked."""
    findings: list[Finding] = []
    trainings = states = 0
    for name in sorted(live):
        record = run.records[name]
        paths = record.outputs.keys() - {*distrusted}
        weights = [path for path in paths if path.endswith((_WEIGHTS, _AVERAGED))]
        finished = list(_finished(run, record)) if weights else []
        for path in paths:
            if path.endswith(_CURVES):
                findings += _epochs(run, record, path)
        for path in weights:
            findings += _recipe(run, record, path)
            findings += _from_state(run, record, path, finished) if finished else ()
            if path.endswith(_WEIGHTS):
                states += bool(finished)
                trainings += 1
    if 0 < states < trainings:
        message = f"of {trainings} trainings, {trainings - states} have no finished state here, or"
        message += " a damaged one: their weights were not held against it"
        remedy = "nothing where states were deleted; else restore them"
        findings.append(unchecked(FindingKind.training, _STATES, message, remedy))
    return Checked(tuple(findings), {"finished_trainings": states})


def _told(record: Record) -> int | None:
    """The epochs of a training; None where it was told how many updates to make instead."""
    if record.params.get("updates") is not None:
        return None
    network = record.params.get("network")
    told = network.get("epochs") if isinstance(network, dict) else None
    return told if isinstance(told, int) else None


def _wrong(run: RecordedRun, path: str, message: str) -> Finding:
    return broken(FindingKind.training, path, message, _AGAIN, run.downstream([path]))


def _epochs(run: RecordedRun, record: Record, path: str) -> Iterator[Finding]:
    """A row of the curves for each epoch, but for a training whose loss is not finite, which ends
    there."""
    told, rows = _told(record), _rows(run.place(path))
    if told is None or not rows:
        return
    if len(rows) != told and (len(rows) > told or _is_finite(rows[-1])):
        yield _wrong(run, path, f"it has {len(rows)} epochs, and its job was told to train {told}")


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(text_of(path))))
    except (OSError, ValueError, csv.Error):
        return []  # that it is not what its job wrote is said elsewhere


def _is_finite(row: Mapping[str, str]) -> bool:
    try:
        return all(math.isfinite(float(row[f"{part}_loss"])) for part in ("train", "heldout"))
    except (LookupError, TypeError, ValueError):
        return False


def _recipe(run: RecordedRun, record: Record, path: str) -> Iterator[Finding]:
    """Weights say themselves what they are of."""
    try:
        with opened_tensors(run.place(path)) as weights:
            stated = json.loads(weights.metadata["upwind"])
            pairs = {name: stated[key] for name, key in _STATED.items() if name in record.params}
    except (OSError, LookupError, TypeError, ValueError, RecursionError):
        return  # that they are not what their job wrote is said elsewhere
    other = [name for name, value in pairs.items() if value != record.params[name]]
    if other:
        message = f"its header states another {other[0]} than its job was told"
        yield _wrong(run, path, message)


# Parameters of a training by their names in the header of its weights.
_STATED = {"kind": "network", "image_size": "image_size", "window": "window"}


def _finished(run: RecordedRun, record: Record) -> Iterator[Path]:
    """States of this training that came to their end, with the epochs and the seed of its record
    (those of other settings lie beside them)."""
    told = (_told(record), record.params.get("seed"))
    for path in _states(run, str(record.params.get("run", ""))):
        try:
            with opened_tensors(path) as state:
                header = json.loads(state.metadata["upwind_checkpoint"])
                parts, numbers = header["parts"], header["numbers"]
                epochs = parts["settings"]["epochs"] if told[0] is not None else None
                if numbers["finished"] is True and told == (epochs, parts["seed"]):
                    yield path
        except (OSError, LookupError, TypeError, ValueError, RecursionError):
            continue  # one that is damaged is no witness, and the training does not read it


def _states(run: RecordedRun, name: str) -> list[Path]:
    """The states of a training of this name: files in its own folder, and nowhere else."""
    place = PurePosixPath(_STATES, str(run.config.get("experiment")), name.replace(" ", "-"))
    if not name or place.parts[0] != _STATES or ".." in place.parts:
        return []
    try:
        return sorted((run.root / place).glob("*.safetensors"))
    except (OSError, ValueError):
        return []


def _from_state(
    run: RecordedRun, record: Record, path: str, states: list[Path]
) -> Iterator[Finding]:
    """The weights are those of a finished state, and the curves its own."""
    shown = states[-1].relative_to(run.root).as_posix()
    remedy = f"{_AGAIN}; if that changes nothing, {shown} was altered: delete it"
    try:
        state = _state_of(run.place(path), states)
        curves = next((p for p in record.outputs if p.endswith(_CURVES)), None)
        if state is None:
            message = f"they are not what the training ended with, by {shown}"
            yield broken(FindingKind.training, path, message, remedy, run.downstream([path]))
        elif path.endswith(_AVERAGED):
            return  # the curves are held against the state once, with the last weights
        elif curves is not None and not _same_rows(_rows(run.place(curves)), state):
            message = f"they are not those of the training's own state, {shown}"
            yield broken(FindingKind.training, curves, message, remedy, run.downstream([curves]))
    except (OSError, LookupError, TypeError, ValueError, RecursionError):
        return  # that a file is not what its job wrote is said elsewhere


def _state_of(path: Path, states: list[Path]) -> np.ndarray | None:
    """The rows of the curves in the state that the weights are of."""
    with opened_tensors(path) as weights:
        for place in states:
            with opened_tensors(place) as state:
                if holds_tensors(state, weights):
                    return _curves_in(state)
    return None


def _curves_in(state: StoredTensors) -> np.ndarray:
    _, shape, content = state.stored("rows")
    return np.frombuffer(content, "<f8").reshape(shape)


def _same_rows(rows: list[dict[str, str]], state: Any) -> bool:
    return not rows or (
        len(rows) == len(state)
        and all(
            same(row[name], float(value))
            for row, values in zip(rows, state, strict=True)
            for name, value in zip(_COLUMNS, values, strict=True)
        )
    )
