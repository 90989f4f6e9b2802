"""What is needed beside the tensors of a weights file to build its network, and the header that
states it. A header may be anybody's: it is checked, with bounds, before anything is built of it."""

import inspect
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_type_hints

from pydantic import Field, ValidationError, create_model
from torch import nn

from upwind.common.errors import UpwindError
from upwind.common.reading import first_fault, once_each
from upwind.common.references import referred_to
from upwind.methods import catalogue, networks_of
from upwind.settings.model import ImageSize, Settings, Share, Window
from upwind.settings.prediction import PredictionSettings

_LONGEST = 1 << 16  # characters of a header; those of ours have some 500
_LARGEST = 2**32  # of whole numbers: seeds are the largest that anything here takes


@dataclass(frozen=True)
class Recipe:
    """What is needed beside the tensors: the network's name and options, and how a CT is prepared
    for it (in-plane size in pixels, HU window) and read from it (threshold)."""

    network: str
    image_size: int
    window: tuple[float, float]
    threshold: float = PredictionSettings().threshold
    options: dict[str, Any] = field(default_factory=dict)


class _Header(Settings):
    """A recipe as a weights file states it."""

    version: str = ""
    network: str
    image_size: ImageSize
    window: Window
    threshold: Share = PredictionSettings().threshold
    options: dict[str, Any] = Field(default_factory=dict)


def stated_recipe(text: str) -> Recipe:
    """The recipe that the header ``text`` states. Raises ValueError for what is none: with other
    names, types or limits than the settings', or longer than any."""
    if len(text) > _LONGEST:
        raise ValueError(f"it has {len(text):,} characters; a recipe has at most {_LONGEST:,}")
    try:
        header = _Header.model_validate(_numbers_checked(text))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValidationError as error:
        raise ValueError(first_fault(error)) from error
    return Recipe(
        header.network, header.image_size, header.window, header.threshold, header.options
    )


def check_options(name: str, network: type[nn.Module], options: Mapping[str, Any]) -> None:
    """Raises UpwindError for options that the network ``name`` is not built with: others than its
    constructor takes, or outside the limits of its settings and of the constructor's types."""
    try:
        _options_model(name, network).model_validate(dict(options))
    except ValidationError as error:
        raise UpwindError(f"options.{first_fault(error)}") from error


def _options_model(name: str, network: type[nn.Module]) -> type[Settings]:
    section = _section_of(name)
    settings = section.model_fields if section else {}
    types = get_type_hints(network.__init__, include_extras=True)
    fields: dict[str, Any] = {}
    for key, parameter in list(inspect.signature(network.__init__).parameters.items())[1:]:
        taken = types.get(key, Any)
        if key in settings:
            taken = Annotated[settings[key].annotation, Field(), *settings[key].metadata]
        fields[key] = (taken, ... if parameter.default is parameter.empty else parameter.default)
    return create_model(f"Options of {name}", __base__=Settings, **fields)


def _section_of(name: str) -> type[Settings] | None:
    """The settings of a network of the catalogue, or of the one that it is a part of."""
    for key, network in networks_of(catalogue()).items():
        if name == key or name in network.parts:
            section: type[Settings] = referred_to(catalogue()[key].settings, f"method {key}")
            return section
    return None


def _numbers_checked(text: str) -> Any:
    return json.loads(
        text,
        object_pairs_hook=once_each,
        parse_int=_whole,
        parse_float=_finite,
        parse_constant=_finite,
    )


def _whole(digits: str) -> int:
    if len(digits) > len(str(_LARGEST)) + 1 or abs(int(digits)) > _LARGEST:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("it holds a number that is not finite")
    return number
