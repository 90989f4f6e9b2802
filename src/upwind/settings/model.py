"""What every section of the configuration has in common, and the types of its settings."""

from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    field_validator,
)

T = TypeVar("T")


class Settings(BaseModel):
    """A section of the configuration: frozen, and strict about names, types and limits.

    Numbers stay as they were written: 20 is not made 20.0. They go into the headers of weights
    files, which are the same, byte for byte, for the same settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*", mode="wrap")
    @classmethod
    def _as_written(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        return _written(value, handler(tuple(value) if isinstance(value, list) else value))

    def changed(self, **values: Any) -> Self:
        """The same with other values, checked like these."""
        return type(self)(**(dict(self) | values))


def _written(given: Any, valid: Any) -> Any:
    if isinstance(given, int) and isinstance(valid, float):
        return given
    if isinstance(given, list | tuple) and isinstance(valid, tuple):
        return tuple(_written(a, b) for a, b in zip(given, valid, strict=True))
    return valid


def _different(values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names one thing twice")
    return values


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    return _at_least_apart(limits, 0)


def _apart(limits: tuple[float, float]) -> tuple[float, float]:
    # HU are divided by the width.
    return _at_least_apart(limits, 1e-6)


def _at_least_apart(limits: tuple[float, float], width: float) -> tuple[float, float]:
    if limits[1] - limits[0] < width:
        raise ValueError("is not [low, high]: the second must be larger")
    return limits


Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=10**9)]
#: In-plane size in pixels. A multiple of 16, because the UNet halves it four times.
ImageSize = Annotated[int, Field(ge=16, le=4096, multiple_of=16)]
#: What any scanner's scale reaches (upwind.data.hounsfield).
HU = Annotated[float, Field(ge=-32_768, le=32_768)]
#: Of a case, a fold, a slice; and seeds.
Number = Annotated[int, Field(ge=0, le=2**32 - 1)]

#: Neither none nor all.
Share = Annotated[float, Field(gt=0, lt=1)]

#: [low, high], where both may be the same; and where they may not.
Range = Annotated[tuple[T, T], AfterValidator(_ascending)]
Window = Annotated[tuple[HU, HU], AfterValidator(_apart)]
#: One or more, none of them twice.
Different = Annotated[
    tuple[T, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_different),
]
