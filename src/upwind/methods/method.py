"""What the pipeline knows of a method of segmentation, and nothing of how it segments.

Workflow, tables, figures, report and audit read all of it from here, the last ones by way of
``results/<experiment>/methods.json``, a copy that every run leaves.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from upwind.common.errors import UpwindError
from upwind.methods.subsets import HELDOUT, UNSEEN, UNSEEN_LIVER

ALL_CASES, OPERATED_CASES, MASKED_CASES = "all", "levelset.cases", "masks.csv"
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Column:
    """A column of Table I: its name in ``table1.csv``, its heading, and the subset of scores
    (:mod:`upwind.methods.subsets`) whose mean it is."""

    key: str
    heading: str
    subset: str = UNSEEN


@dataclass(frozen=True)
class Network:
    """How a method is trained.

    Attributes:
        definition: ``module:class`` of the network, of the form of
            :class:`upwind.networks.network.SegmentationNetwork`. It is imported when it is built.
        seconds_per_megapixel: of training on one core, for a million pixels in an epoch; what a
            cluster is asked for.
        repeated: the setting (``steps``, say) by which these seconds are multiplied, if any.
        parts: networks that are a part of it and that studies train by themselves, by the name that
            a variant gives as ``network``.
    """

    definition: str
    seconds_per_megapixel: float
    repeated: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)

    def cost(self, options: Mapping[str, Any]) -> float:
        """Seconds of one core to train a million pixels in an epoch with these settings."""
        return self.seconds_per_megapixel * (options[self.repeated] if self.repeated else 1)


@dataclass(frozen=True)
class Method:
    """A method whose segmentations are scored.

    Attributes:
        key: its name in files and tables: lower-case letters, digits and ``_``.
        title: its name for people.
        order: methods stand in this order in tables and figures; those of the paper have 10 to 40.
        knows, has: what it is given of the patient that it segments, and from training patients.
        colour: of its name in figures; those here are Paul Tol's 'dark' set, made for text, as
            brighter ones stand for folds and contours.
        columns: of Table I; most methods have none.
        network: how it is trained, if it is.
        segment: ``module:function`` that segments a patient from the CT alone, of the form of
            :class:`upwind.segmentation.segmenter.Segmenter`, for a method without training.
        by_fold: does its segmentation of a patient depend on the fold that leaves the patient out?
        cases: which patients it segments: all, those of the setting ``levelset.cases``, or those
            for which ``masks.csv`` has a usable mask that somebody else made.
        of: the method whose segmentations are post-processed, or whose network segments by other
            weights; empty for a method that stands by itself.
        postprocess: how segmentations of that method are post-processed, if they are.
        weights: by which weights of its training the network of that method segments, if not by the
            last: ``averaged``.
        settings: ``module:class`` of the model (:class:`upwind.settings.model.Settings`; of a
            network :class:`upwind.settings.networks.NetworkSettings`) of the section of the
            configuration that has its name, if there is one. All its settings have defaults.
    """

    key: str
    title: str
    knows: str
    has: str
    order: int = 100
    colour: str = "#222222"
    columns: tuple[Column, ...] = ()
    network: Network | None = None
    segment: str = ""
    by_fold: bool = False
    cases: str = ALL_CASES
    settings: str = ""
    of: str = ""
    postprocess: str = ""
    weights: str = ""

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise UpwindError(
                f"a method cannot be named {self.key!r}: use lower-case letters, digits and _"
            )
        if self.trained and not self.settings:
            raise UpwindError(
                f"method {self.key}: a network needs settings, with at least its epochs"
            )
        if self.segment and self.in_folds:
            raise UpwindError(
                f"method {self.key}: a function segments a patient from the CT alone, whatever the "
                "fold: give no network and no by_fold beside segment"
            )
        references = [self.segment, self.settings]
        if self.network is not None:
            references += [self.network.definition, *self.network.parts.values()]
        for reference in filter(None, references):
            if not _REFERENCE.fullmatch(reference):
                raise UpwindError(
                    f"method {self.key}: {reference!r} is not of the form package.module:name"
                )
        unknown = {column.subset for column in self.columns} - set(self.subsets)
        if unknown:
            raise UpwindError(
                f"method {self.key}: a column of Table I is about {', '.join(sorted(unknown))}, "
                f"but it is scored on {', '.join(self.subsets)}"
            )

    @property
    def trained(self) -> bool:
        """Is it a network, trained fold by fold?"""
        return self.network is not None

    @property
    def learned(self) -> bool:
        """Does a network segment, its own or that of the method that it is ``of``?"""
        return self.trained or bool(self.weights)

    @property
    def in_folds(self) -> bool:
        """Do its segmentations lie in a folder for each fold?"""
        return self.learned or self.by_fold

    @property
    def subsets(self) -> tuple[str, ...]:
        """What it is scored on; held-out slices are those of patients that it was trained on."""
        return (UNSEEN, UNSEEN_LIVER, HELDOUT) if self.learned else (UNSEEN, UNSEEN_LIVER)

    @property
    def masks(self) -> dict[str, str]:
        """Where the segmentation behind a score lies below the results, by the score's subset, with
        ``{case}`` and, where there is a folder for each fold, ``{fold}``."""
        name = "segmentation-{case}.nii.gz"
        folder = f"segmentations/{self.key}"
        if not self.in_folds:
            return dict.fromkeys(self.subsets, f"{folder}/{name}")
        unseen, heldout = (f"{folder}/{{fold}}/{part}/{name}" for part in (UNSEEN, HELDOUT))
        return {subset: heldout if subset == HELDOUT else unseen for subset in self.subsets}

    def as_json(self) -> dict[str, Any]:
        """For ``methods.json``: what it is, and what follows from it for who reads the results."""
        return asdict(self) | {"subsets": list(self.subsets), "masks": self.masks}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Method":
        """From what :meth:`as_json` gave."""
        own = {key: value for key, value in content.items() if key not in ("subsets", "masks")}
        own["columns"] = tuple(Column(**column) for column in own["columns"])
        own["network"] = Network(**own["network"]) if own["network"] else None
        return cls(**own)
