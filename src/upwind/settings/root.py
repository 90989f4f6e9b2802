"""The whole configuration of an experiment: top-level settings, and the sections."""

import functools
from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model

from upwind.common.errors import UpwindError
from upwind.common.references import referred_to
from upwind.methods import catalogue, networks_of, trained
from upwind.settings.atlas import AtlasSettings
from upwind.settings.dataset import DatasetSettings, IntensitySettings
from upwind.settings.kernels import ComparisonSettings, KernelSection
from upwind.settings.levelset import LevelSetSection
from upwind.settings.methods import Entry, MethodName, Table1Settings
from upwind.settings.model import Different, ImageSize, Number, Settings, Share
from upwind.settings.networks import NetworkSettings
from upwind.settings.prediction import PredictionSettings
from upwind.settings.scores import ScoreSettings
from upwind.settings.studies import (
    PlateauSettings,
    ReplacementSettings,
    Study,
    StudyName,
    Variant,
    VariantName,
)
from upwind.settings.training import TrainingSection


class ExperimentSettings(Settings):
    """Configuration of an experiment. A section for each network comes to it in
    :func:`settings_model`."""

    #: Of each network, the parts of it that studies may train by themselves.
    parts: ClassVar[Mapping[str, Sequence[str]]] = {}

    experiment: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["demo", "lits"])
    ]
    """Name; results go to `results/<experiment>`.

    Source: yours."""
    seed: Number = 0
    """Seed of initial weights, of the order of slices and of the operator's trials.

    Source: ours."""
    seeds: Different[Number] | None = None
    """Seeds of the trainings of each network in each fold, those of `methods` too, `seed` among
    them: `[0, 1, 2]` shows how far scores move from seed to seed, in `seeds.csv` and
    `comparison.csv`, at three times the training. Post-processing follows each seed. `seed` is that
    of Table I and of all else. `null`: `seed` alone.

    Source: ours."""
    folds: (
        Annotated[int, Field(ge=2, le=1000)]
        | Annotated[str, Field(pattern=r"\.(csv|json)$", examples=["splits_final.json"])]
    ) = 5
    """Folds over patients: how many, in the order of their numbers; or a file that says who is in
    which, a CSV (`case,fold`) or nnU-Net's `splits_final.json` (`docs/data.md`).

    Source: paper."""
    fold_shuffle_seed: Number | None = None
    """`null` takes the patients in order of their numbers; a number shuffles them first.

    Source: code."""
    heldout_share: Share = 0.1
    """Share of the training patients' slices that are held out; they show whether a fold trained
    and give the column LSN Test.

    Source: code."""
    split_seed: Number = 0
    """Seed of the shuffle before that split.

    Source: code."""
    image_size: ImageSize = 256
    """In-plane size in pixels. A multiple of 16, because the UNet halves it four times.

    Source: code."""
    dataset: DatasetSettings = DatasetSettings()
    intensity: IntensitySettings = IntensitySettings()
    training: TrainingSection = TrainingSection()
    prediction: PredictionSettings = PredictionSettings()
    levelset: LevelSetSection = LevelSetSection()
    kernels: KernelSection = KernelSection()
    atlas: AtlasSettings = AtlasSettings()
    scores: ScoreSettings = ScoreSettings()
    comparison: ComparisonSettings = ComparisonSettings()
    methods: dict[MethodName, Entry] = Field(default_factory=dict)
    """Methods of your own by name, beside those of the pipeline: `{masks: ...}`, masks that
    somebody else made; `{network: ..., epochs: ...}`, any torch network; `{of: ...,
    weights: averaged}`, a network by its averaged weights; `{of: ..., postprocess: ...}`, a
    method's segmentations after post-processing.

    Source: yours."""
    table1: Table1Settings = Table1Settings()
    variants: dict[VariantName, Variant]
    """Networks by name: `{of: lsn, terms: [balloon]}` is the LSN with one setting of its own; `of`
    names the section of a network. `network: speed` takes the LSN's speed network alone, as a
    segmenter: its output is read as liver or not, without a contour. `postprocess:
    largest_component` keeps the largest 3-D component of its segmentations, and `postprocess:
    connected_with_disc`, in each slice, what touches the LSN's initial disc; variants that differ
    in nothing else share their trainings. By default each network as it is.

    Source: ours."""
    studies: dict[StudyName, Study] = Field(default_factory=dict)
    """Studies by name, each with its `variants` (the first is what the others are compared with),
    `folds` (`all`, or a list), `seeds` (of the initial weights, the order of slices and the choice
    of patients), `patients` (numbers of training patients, or `all`; fewer are the first ones of
    more) and, if wanted, `against` (`{lsn: speed_alone}` compares `lsn` with that variant in place
    of the first) and `updates` (of each training, whatever its patients).

    Source: ours."""
    plateau: PlateauSettings = PlateauSettings()
    replacements: ReplacementSettings = ReplacementSettings()


@functools.cache
def experiment_model() -> type[ExperimentSettings]:
    """The configuration with a section for each method of the catalogue that has settings.

    Raises UpwindError for a method whose settings are not there, or whose name another section has.
    """
    methods = catalogue()
    sections = {
        key: referred_to(method.settings, f"method {key}")
        for key, method in methods.items()
        if method.settings
    }
    taken = sorted(sections.keys() & ExperimentSettings.model_fields.keys())
    if taken:
        raise UpwindError(f"a method cannot be named {', '.join(taken)}: a setting has that name")
    networks = {key: sections[key] for key in trained(methods)}
    others = {key: model for key, model in sections.items() if key not in networks}
    parts = {key: tuple(network.parts) for key, network in networks_of(methods).items()}
    return settings_model(networks, parts, others)


def settings_model(
    networks: Mapping[str, type[NetworkSettings]],
    parts: Mapping[str, Sequence[str]],
    others: Mapping[str, type[Settings]] | None = None,
) -> type[ExperimentSettings]:
    """The configuration with a section for each network, which studies can vary, and for each of
    the ``others``; ``parts`` names, by network, what of it a variant may take alone
    (``network:``)."""
    alone = [name for names in parts.values() for name in names]
    fields: dict[str, Any] = {"of": (_one_of(networks), ...)}
    if alone:
        fields["network"] = (_one_of(alone) | None, None)
    variant = create_model("Variant", __base__=Variant, __doc__=Variant.__doc__, **fields)
    variants: Any = GenericAlias(dict, (VariantName, variant))
    as_they_are = {name: variant(of=name) for name in networks}
    sections: dict[str, Any] = {
        name: (model, model.model_validate({}))
        for name, model in {**networks, **(others or {})}.items()
    }
    model = create_model(
        "ExperimentSettings",
        __base__=ExperimentSettings,
        __doc__="Configuration of an experiment.",
        variants=(variants, as_they_are),
        **sections,
    )
    model.parts = dict(parts)
    return model


def _one_of(names: Any) -> Any:
    return Literal[tuple(names)]
