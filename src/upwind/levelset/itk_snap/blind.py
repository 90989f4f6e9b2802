"""The blind baseline: ITK-SNAP's level set on patients whose label nobody looks at.

Where the bubble is put, the region of interest, the parameters and when to stop are learned from
training patients alone (:func:`tune`); :func:`segment_blind` takes a CT and what was learned, and
nothing else. Beside it :mod:`upwind.levelset.itk_snap.operator` is the paper's, who sees the
answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from upwind.common.errors import about
from upwind.data.volumes import Volume
from upwind.levelset.engines.engine import Engine
from upwind.levelset.engines.registry import engine_named
from upwind.levelset.itk_snap.bubble import bubble_at
from upwind.levelset.itk_snap.journal import Journal
from upwind.levelset.itk_snap.placement import (
    Anatomy,
    Placement,
    anatomy_of,
    body_ends,
    expected_point,
    learn_place,
    region_at,
)
from upwind.levelset.itk_snap.region import Region
from upwind.levelset.itk_snap.search import Finished, Seed, best_of, search
from upwind.levelset.itk_snap.stopping import (
    Curve,
    Stopping,
    best_stopping,
    evolve_curve,
    evolve_to_stop,
)
from upwind.levelset.itk_snap.trials import Trial, trial_speed
from upwind.settings.levelset import BlindSettings


@dataclass(frozen=True)
class Tuned:
    """What was learned from training patients: where a liver is, a trial's parameters, when to
    stop, and the mean DSC (working grid) that they gave there."""

    place: Placement
    trial: Trial
    stopping: Stopping
    dsc: float

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Tuned":
        """From what :meth:`as_json` gave."""
        place, trial, stopping = (content[name] for name in ("place", "trial", "stopping"))
        return cls(Placement(**place), Trial(**trial), Stopping(**stopping), content["dsc"])


@dataclass(frozen=True)
class UnseenPatient:
    """A patient as the blind level set sees it: region of interest, CT (HU) and bubble on its
    working grid."""

    region: Region
    image: np.ndarray
    bubble: np.ndarray


@dataclass(frozen=True)
class Example:
    """A training patient: the scene, the label on its working grid, and how many voxels (of that
    size) of the liver lie outside the region of interest."""

    scene: UnseenPatient
    target: np.ndarray
    outside: float


# Reads a patient: the CT, and the label (canonical, boolean). Volumes are large: one at a time.
Reader = Callable[[], tuple[Volume, np.ndarray]]


def learn(
    readers: Mapping[int, Reader], settings: BlindSettings
) -> tuple[Placement, list[Example]]:
    """Where the livers of these training patients (by case number) are, and each of them as an
    example to tune on, its bubble where the others would put it. A patient alone has only itself to
    learn from. Raises UpwindError, which names the case, for an empty label or one too thin."""
    anatomies = []
    for case, read in readers.items():
        with about(f"case {case}"):
            anatomies.append(anatomy_of(*read(), settings.body_hu, settings.spacing_mm))
    examples = []
    for index, read in enumerate(readers.values()):
        others = anatomies[:index] + anatomies[index + 1 :]
        examples.append(example_of(*read(), others or anatomies, settings))
    return learn_place(anatomies), examples


def set_scene(volume: Volume, place: Placement, settings: BlindSettings) -> UnseenPatient:
    """Region of interest and bubble where ``place`` says, from the CT alone."""
    mm = settings.spacing_mm
    point = expected_point(place, *body_ends(volume, settings.body_hu, mm))
    region = region_at(place, point, volume, settings.margin_mm, mm)
    image = region.to_working(volume.values(region.box[2])[region.box[:2]])
    starts = np.array([b.start * s for b, s in zip(region.box, region.spacing, strict=True)])
    centre = np.clip((point - starts) / mm - 0.5, 0, np.array(image.shape) - 1)
    radius = settings.bubble_fraction * place.depth_mm / mm
    return UnseenPatient(region, image, bubble_at(image.shape, tuple(centre), radius))


def example_of(
    volume: Volume, label: np.ndarray, others: Sequence[Anatomy], settings: BlindSettings
) -> Example:
    """A training patient with the bubble where the ``others`` would put it: as blind to this
    patient's own label as it will be to an unseen patient's."""
    scene = set_scene(volume, learn_place(others), settings)
    region = scene.region
    inside = label[region.box]
    missed = int(np.count_nonzero(label)) - int(np.count_nonzero(inside))
    outside = missed * float(np.prod(region.spacing)) / settings.spacing_mm**3
    return Example(scene, region.to_working(inside) >= 0.5, outside)


def tune(
    examples: Sequence[Example],
    place: Placement,
    settings: BlindSettings,
    seed: Seed,
    engine: Engine | None = None,
    journal: Journal | None = None,
) -> tuple[Tuned, list[Finished]]:
    """The parameters and the rule to stop by that give the ``examples`` the largest mean DSC, for
    patients whose liver is at ``place``; and every trial. ``engine`` is the one that the settings
    name where it is not given."""
    engine = engine or engine_named(settings.engine)

    def evaluate(trial: Trial) -> dict[str, Any]:
        curves = [_curve(example, trial, settings, engine) for example in examples]
        stopping, dsc = best_stopping(curves, settings)
        return _used(trial) | asdict(stopping) | {"dsc": dsc}

    finished = search(settings, seed, evaluate, journal)
    best = finished[best_of(finished)]
    stopping = Stopping(*(best.outcome[name] for name in ("iterations", "growth")))
    return Tuned(place, best.trial, stopping, best.dsc), finished


def segment_blind(
    volume: Volume, tuned: Tuned, settings: BlindSettings, engine: Engine | None = None
) -> np.ndarray:
    """Segment a CT (HU) with what was learned: a canonical boolean mask on the CT's own grid."""
    engine = engine or engine_named(settings.engine)
    scene = set_scene(volume, tuned.place, settings)
    _, speed = trial_speed(tuned.trial, scene.image, scene.bubble > 0)
    weights, stopping = tuned.trial.weights, tuned.stopping
    level_set = evolve_to_stop(speed, scene.bubble, weights, stopping, settings.chunk, engine)
    return scene.region.to_grid(level_set)


def _curve(example: Example, trial: Trial, settings: BlindSettings, engine: Engine) -> Curve:
    scene = example.scene
    _, speed = trial_speed(trial, scene.image, scene.bubble > 0)
    return evolve_curve(
        speed,
        scene.bubble,
        trial.weights,
        example.target,
        example.outside,
        settings,
        engine,
    )


def _used(trial: Trial) -> dict[str, Any]:
    """A trial as a table's row, None where its mode does not use a value."""
    row = asdict(trial)
    unused = ("edge_sigma", "edge_scale", "advection", "edge_equation")
    if trial.mode == "edge":
        unused = ("lower_sd", "upper_sd", "smoothness", "region_sigma")
    return row | dict.fromkeys(unused)
