"""The section ``methods``: methods of one's own beside those of the pipeline, by name, and the
section ``table1``.

An entry is of one of three kinds, told by its settings: masks that somebody else made, any torch
network, or what comes of another method without training.
"""

import os
import string
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from upwind.settings.model import Count, Different, Positive, Settings
from upwind.settings.networks import NetworkSettings

Postprocessing = Literal["largest_component"]
NetworkOutput = Literal["logits", "probabilities"]
MethodName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _for_each_case(given: str) -> str:
    pattern = os.path.expandvars(given)  # ${HOME} has braces too
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None]
        pattern.format(case=0)
    except (ValueError, LookupError, TypeError, AttributeError):
        names = []
    if not names or set(names) != {"case"}:
        raise ValueError(
            "does not tell the file of a case: {case} stands for its number, {case:03d} for three "
            "digits of it, and nothing else may stand in braces"
        )
    return given


class MethodEntry(Settings):
    """What every kind of entry may say."""

    title: Annotated[str, Field(min_length=1)] | None = None
    """Its name for people, in tables and figures; `null` takes its key.

    Source: yours."""
    knows: str | None = None
    """What it is given of the patient that it segments, for the extended table.

    Source: yours."""
    has: str | None = None
    """What it has from training patients, for the extended table.

    Source: yours."""
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", examples=["#225522"])] | None = None
    """Colour of its name in figures; `null` is nearly black, or the colour of the method that it is
    of.

    Source: yours."""
    order: int | None = None
    """Methods stand in this order in tables and figures; the pipeline's have 10 to 40. `null` is
    100, or one more than that of the method that it is of.

    Source: ours."""


class MasksEntry(MethodEntry):
    """Masks that somebody else made."""

    masks: Annotated[str, AfterValidator(_for_each_case)]
    """The file of each case, NIfTI: `/path/{case}.nii.gz`, or `{case:03d}` for three digits. `~`
    and environment variables are replaced; a relative path is relative to the folder where the
    workflow is started. A mask lies where its own header says; one that does not cover the CT's
    box voxel by voxel is unusable, as is one whose values are no whole numbers. An empty mask is
    scored.

    Source: yours."""
    label: int | Different[int] | None = None
    """The value, or values, that are liver. `null` takes masks of 0 and 1; any other value is then
    an error.

    Source: yours."""


class NetworkEntry(MethodEntry, NetworkSettings):
    """Any torch network, trained in the same folds by the same loop."""

    network: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """`package.module:Class` of a 2-D network, or of a function that makes one: slices
    (n, 1, h, w), intensities in [-1, 1], to (n, 1, h, w), or to (n, 2, h, w) whose second channel
    is the liver. It is imported from the packages that are installed, or from the folder where the
    workflow is started.

    Source: yours."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What it is built with, by name.

    Source: yours."""
    epochs: Count
    """Passes over the training slices.

    Source: yours."""
    output: NetworkOutput = "logits"
    """What it answers: `logits`, of which a sigmoid (one channel) or a softmax (two) makes
    probabilities, or `probabilities`.

    Source: ours: most networks leave that to the loss."""
    seconds_per_megapixel: Positive = 25.0
    """Seconds of training on one core for a million pixels in an epoch, which a cluster is asked
    for, and twice as much at the third attempt. Changing it trains nothing again.

    Source: ours: forward and back on one core of an AMD EPYC, MONAI's BasicUNet takes 21 as it is
    and 4.5 with half its features; the paper's UNet took 1.7 on a processor that was not noted."""


class DerivedEntry(MethodEntry):
    """What comes of another method without training, as a method of its own beside it: its network
    by other weights, or its segmentations after post-processing."""

    of: MethodName
    """The method, of the pipeline or of yours. With `weights` it is a network; with `postprocess`
    also one with `weights`.

    Source: yours."""
    weights: Literal["averaged"] | None = None
    """`averaged` over the updates of the training, in place of the last ones: `training.average`
    says how.

    Source: ours."""
    postprocess: Postprocessing | None = None
    """`largest_component` keeps the largest 3-D component, on the CT's grid, of voxels that share
    faces; of two of the same size, the lower one.

    Source: the authors' later work reports it (`dsc_lcc`); faces: ours, as scipy and ITK have
    it."""

    @model_validator(mode="after")
    def _one_step(self) -> Self:
        if (self.weights is None) == (self.postprocess is None):
            raise ValueError(
                "does not say what comes of that method: give weights or postprocess, and for both "
                "a second method of the first"
            )
        return self


# The names of the kinds; no setting has such a name.
_TAGS = {
    "masks": "<masks>",
    "network": "<network>",
    "of": "<of>",
    "weights": "<of>",
    "postprocess": "<of>",
}


def _kind(given: Any) -> str | None:
    if isinstance(given, Mapping):
        return next((tag for key, tag in _TAGS.items() if key in given), None)
    return next((_TAGS[key] for key in _TAGS if hasattr(given, key)), None)


Entry = Annotated[
    Annotated[MasksEntry, Tag("<masks>")]
    | Annotated[NetworkEntry, Tag("<network>")]
    | Annotated[DerivedEntry, Tag("<of>")],
    Discriminator(
        _kind,
        custom_error_type="no_kind_of_method",
        custom_error_message="is no method: give masks, or network and epochs, or of and "
        "weights or postprocess",
    ),
]


class Table1Settings(Settings):
    """What stands in Table I."""

    columns: Different[str] | None = None
    """Columns by name (`itk_snap`, `unet`, `lsn_test`, `lsn_validation`), and methods by theirs,
    each with its unseen patients; they stand in the order of the methods. `null` is the paper's
    four, and those that a network of your own defines.

    Source: paper."""
