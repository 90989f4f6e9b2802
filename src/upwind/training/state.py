"""All that a training run is at a moment: enough to go on from there to the same bits."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from upwind.settings.training import AVERAGED, LAST, READINGS, Reading
from upwind.training.adadelta import Adadelta
from upwind.training.averaging import AveragedWeights, Tensors, snapshot
from upwind.training.settings import TrainingSettings

CURVE_COLUMNS = ("epoch", "train_loss", "heldout_loss", "heldout_dsc", "seconds")


#: Copies of weights by how they are read.
Readings = Mapping[Reading, Tensors]


class TrainingState:
    """A run between two batches. ``epoch`` counts from 1 and is under way, ``batch`` of its batches
    are done with ``losses`` (0-d tensors), ``updates`` batches in all epochs together, ``rows`` are
    the curves of the epochs before, ``averaged`` the average of the weights so far, ``last_finite``
    the weights, and their average, to return to where the loss is no longer finite, and ``kept``
    the same after each epoch that the settings name; after epochs that a run did not come to,
    because its loss was no longer finite, they are those that it ended with."""

    def __init__(self, network: nn.Module, settings: TrainingSettings, seed: int) -> None:
        self.network, self.epochs = network, settings.epochs
        self.optimiser = Adadelta(
            network.parameters(), settings.learning_rate, settings.rho, settings.epsilon
        )
        self.epoch, self.batch, self.updates, self.finished = 1, 0, 0, False
        self.losses: list[torch.Tensor] = []
        self.rows: list[tuple[float, ...]] = []
        self.averaged = AveragedWeights(network, settings.average)
        self.last_finite = self._readings()
        self.kept: dict[int, Readings] = {}
        self._kept_epochs = settings.kept
        self._order = torch.Generator().manual_seed(seed)
        self._order_before = self._order.get_state()
        self._random = _random_states()
        self._seconds, self._start = 0.0, time.monotonic()

    def draw_order(self, slices: int) -> torch.Tensor:
        """The epoch's order of the training slices; the same each time it is asked for."""
        self._order.set_state(self._order_before)
        return torch.randperm(slices, generator=self._order)

    def end_batch(self, loss: torch.Tensor) -> None:
        """One more batch is done."""
        self.losses.append(loss)
        self.batch += 1
        self.updates += 1
        self.averaged.add(self.updates)
        self._random = _random_states()

    def end_epoch(self, sizes: list[int], heldout_loss: float, heldout_dsc: float) -> None:
        """The epoch is done, with batches of ``sizes`` slices. Where a loss is not finite, the run
        ends with the last finite weights."""
        losses = torch.stack(self.losses).double().tolist()
        loss = float(np.average(losses, weights=sizes))
        self.rows.append((self.epoch, loss, heldout_loss, heldout_dsc, self.seconds))
        finite = np.isfinite([loss, heldout_loss]).all()
        if finite:
            self.last_finite = self._readings()
        else:
            self.network.load_state_dict(self.last_finite[LAST])
            self.averaged.restore(self.last_finite[AVERAGED])
        self.finished = not finite or self.epoch == self.epochs
        for epoch in self._kept_epochs:
            if epoch == self.epoch or (epoch > self.epoch and not finite):
                # Copies of their own: a checkpoint's tensors share no memory.
                self.kept[epoch] = self._readings()
        self.epoch, self.batch, self.losses = self.epoch + 1, 0, []
        self._order_before = self._order.get_state()

    @property
    def seconds(self) -> float:
        """Seconds spent, those before an interruption included."""
        return self._seconds + time.monotonic() - self._start

    @property
    def position(self) -> str:
        """Where the run is, for people."""
        if self.finished:
            return "finished"
        return f"epoch {self.epoch} of {self.epochs}, batch {self.batch + 1}"

    def curves(self) -> pd.DataFrame:
        """One row an epoch: CURVE_COLUMNS."""
        table = pd.DataFrame(self.rows, columns=list(CURVE_COLUMNS))
        return table.astype({"epoch": int})

    def numbers(self) -> dict[str, Any]:
        """The state but for its tensors, as JSON holds it."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "updates": self.updates,
            "kept": sorted(self.kept),
            "finished": self.finished,
            "seconds": self.seconds,
        }

    def tensors(self) -> dict[str, torch.Tensor]:
        """The state's tensors by name, in the host's memory; on a CPU they are the state's own, and
        change with it."""
        found = {f"network.{name}": v for name, v in self.network.state_dict().items()}
        found |= {f"averaged.{name}": v for name, v in self.averaged.values.items()}
        found |= _named("last_finite", self.last_finite)
        for epoch, readings in self.kept.items():
            found |= _named(f"kept.{epoch}", readings)
        for index, values in self.optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{index}.{name}": v for name, v in values.items()}
        found |= {f"random.{name}": v for name, v in self._random.items()}
        found["order"] = self._order_before
        found["losses"] = torch.stack(self.losses) if self.losses else torch.empty(0)
        rows = np.array(self.rows, np.float64).reshape(-1, len(CURVE_COLUMNS))
        found["rows"] = torch.from_numpy(rows)
        return {name: v.detach().cpu().contiguous() for name, v in found.items()}

    def restore(self, numbers: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        """Go back to what :meth:`numbers` and :meth:`tensors` returned."""
        device = next(self.network.parameters()).device
        self.network.load_state_dict(_under("network.", tensors))
        self.averaged.restore(_under("averaged.", tensors))
        self.last_finite = _readings_under("last_finite.", tensors, device)
        self.kept = {
            epoch: _readings_under(f"kept.{epoch}.", tensors, device) for epoch in numbers["kept"]
        }
        self._restore_optimiser(_under("optimiser.", tensors))
        self._order_before = tensors["order"]
        self.losses = list(tensors["losses"].to(device).unbind())
        self.rows = [tuple(row) for row in tensors["rows"].tolist()]
        self.epoch, self.batch = numbers["epoch"], numbers["batch"]
        self.updates, self.finished = numbers["updates"], numbers["finished"]
        self._random = _under("random.", tensors)
        _set_random_states(self._random)
        self._seconds, self._start = numbers["seconds"], time.monotonic()

    def _readings(self) -> Readings:
        """Copies of the weights as they are now."""
        averaged = {name: value.clone() for name, value in self.averaged.values.items()}
        return {LAST: snapshot(self.network), AVERAGED: averaged}

    def _restore_optimiser(self, tensors: dict[str, torch.Tensor]) -> None:
        parameters = list(self.network.parameters())
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            index, _, key = name.partition(".")
            # In the parameter's own layout, as the optimiser made it: kernels for other layouts
            # may round differently.
            like = parameters[int(index)] if value.ndim else value
            state.setdefault(int(index), {})[key] = torch.empty_like(like).copy_(value)
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})


def _named(prefix: str, readings: Readings) -> Tensors:
    return {
        f"{prefix}.{reading}.{name}": value
        for reading, values in readings.items()
        for name, value in values.items()
    }


def _readings_under(prefix: str, tensors: Tensors, device: torch.device) -> Readings:
    return {
        reading: {n: v.to(device) for n, v in _under(f"{prefix}{reading}.", tensors).items()}
        for reading in READINGS
    }


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}


def _random_states() -> dict[str, torch.Tensor]:
    """Of torch's own generators, which neither network draws from after its first weights; one of
    your own may, for dropout."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _set_random_states(states: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(states["cuda"])
