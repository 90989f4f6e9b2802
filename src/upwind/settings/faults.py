"""What is wrong with given settings, in words: one line for each fault, with the setting's name."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from upwind.settings.model import Settings

# YAML 1.1 takes 1e-7 and 1.0e7 for text.
_KIND = re.compile(r"<\w+>")
_EXPONENT = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+")
_TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a section of settings",
    "dict_type": "a section of settings",
}

Place = tuple[int | str, ...]


def lines_of(error: ValidationError, model: type[Settings], given: Any) -> list[str]:
    """A line for each fault that pydantic found in ``given``, settings for ``model``."""
    details = details_of(error)
    places = [real_place(given, detail) for detail in details]
    # A setting that takes one of several forms has a fault for each of them.
    forms: dict[Place, list[ErrorDetails]] = {}
    for detail, place in zip(details, places, strict=True):
        if len(place) < len(detail["loc"]) and detail["loc"][-1] != "[key]":
            forms.setdefault(place, []).append(detail)
    lines = []
    for detail, place in zip(details, places, strict=True):
        if place in forms:
            lines.append(f"{dotted(place)}: {_no_form(forms[place], place)}")
        elif detail["type"] != "too_short" or not _inside(place, places):
            lines.append(f"{dotted(place)}: {_said(detail, place, model)}")
    return list(dict.fromkeys(lines))


def details_of(error: ValidationError) -> list[ErrorDetails]:
    """What pydantic says of each fault, without its names for the kinds of an entry (``<masks>``):
    which kind is meant is told by what was given."""
    details = error.errors()
    for detail in details:
        detail["loc"] = tuple(p for p in detail["loc"] if not _KIND.fullmatch(str(p)))
    return details


def real_place(given: Any, detail: ErrorDetails) -> Place:
    """Where in what was given a fault is: pydantic's path without its names for forms."""
    place: list[int | str] = []
    for part in detail["loc"]:
        missing = detail["type"] == "missing" and len(place) == len(detail["loc"]) - 1
        if not missing and not _holds(given, part):
            break
        place.append(part)
        given = None if missing else given[part]
    return tuple(place)


def dotted(place: Place) -> str:
    """The name of a place, as it is written in messages."""
    return ".".join(map(str, place)) or "top level"


def _holds(given: Any, part: int | str) -> bool:
    if isinstance(given, Mapping):
        return part in given
    return isinstance(given, list | tuple) and isinstance(part, int) and part < len(given)


def _inside(place: Place, places: Iterable[Place]) -> bool:
    """Whether one of the places lies in this one: entries at fault are not counted."""
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)


def _no_form(details: Iterable[ErrorDetails], place: Place) -> str:
    said, shown = [], ""
    for detail in details:
        inner = detail["loc"][len(place) + 1 :]
        shown = shown or ("" if inner else _shown(detail["input"]))
        said.append(f"{dotted(inner)}: {_in_words(detail)}" if inner else _in_words(detail))
    return f"{shown} fits neither form: {', or '.join(said)}"


def _said(detail: ErrorDetails, place: Place, model: type[Settings]) -> str:
    if detail["type"] in ("extra_forbidden", "invalid_key"):
        return f"no such setting; {hint(str(place[-1]), known_in(model, place[:-1]))}"
    return _in_words(detail)


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def known_in(model: type[Settings], place: Place) -> list[str]:
    """Names of the settings in a section of a model; of entries of several kinds, all of them."""
    models = [model]
    for part in place:
        fields = (model.model_fields.get(str(part)) for model in models)
        # None has a name of the user's own, in a section of such.
        found = [inner for field in fields if field for inner in sections_in(field.annotation)]
        models = found or models
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def section_in(annotation: Any) -> type[Settings] | None:
    """The model of a setting that is a section, or a section of named ones; None for others."""
    return next(iter(sections_in(annotation)), None)


def sections_in(annotation: Any) -> list[type[Settings]]:
    """The models of a setting that is a section, or a section of named ones of several kinds."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [model for part in get_args(annotation) for model in sections_in(part)]


def _in_words(detail: ErrorDetails) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        return "has to be given"
    if kind in _TYPES:
        exponent = isinstance(value, str) and _EXPONENT.fullmatch(value)
        advice = "; write exponents with point and sign, like 1.0e-7" if exponent else ""
        return f"{_shown(value)} is not {_TYPES[kind]}{advice}"
    words = _WORDS.get(kind)
    said = words(detail.get("ctx", {})) if words else detail["msg"]
    return f"{_shown(value)} {said}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda ctx: f"is less than the minimum of {ctx['ge']:g}",
    "less_than_equal": lambda ctx: f"is greater than the maximum of {ctx['le']:g}",
    "greater_than": lambda ctx: f"is not above {ctx['gt']:g}",
    "less_than": lambda ctx: f"is not below {ctx['lt']:g}",
    "multiple_of": lambda ctx: f"is not a multiple of {ctx['multiple_of']}",
    "value_error": lambda ctx: str(ctx["error"]),
    "literal_error": lambda ctx: _not_among(ctx["expected"]),
    "string_pattern_mismatch": lambda ctx: f"does not have the form {ctx['pattern']}",
    "string_too_short": lambda ctx: "is empty",
    "too_short": lambda ctx: f"has fewer entries than {ctx['min_length']}",
    "too_long": lambda ctx: f"has more entries than {ctx['max_length']}",
}


def _not_among(expected: str) -> str:
    names = expected.replace(" or ", ", ")
    return f"is not one of {names}" if "," in names else f"is not {names}"


def _shown(value: Any) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)
