"""What a crate says of itself: its description (ro-crate-metadata.json), and the findings that it
was published with (audit.json). Anybody may have written them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from upwind.audit.findings import Severity
from upwind.common.errors import UpwindError
from upwind.common.reading import first_fault, once_each

_Text = Annotated[str, Field(max_length=1_000_000)]


_Model = TypeVar("_Model", bound=BaseModel)


class _Read(BaseModel):
    """Fields that the audit uses have these types; others may be there and are kept as they are."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")


class _Entity(_Read):
    id: _Text = Field(alias="@id")
    type: _Text | list[_Text] = Field(default="", alias="@type")


class _Document(_Read):
    graph: list[_Entity] = Field(alias="@graph")


class _Finding(_Read):
    severity: Severity = Field(strict=False)
    path: _Text
    message: str


class _Findings(_Read):
    findings: list[_Finding]


@dataclass(frozen=True)
class Published:
    """A finding that a crate was published with."""

    path: str
    message: str


def read_entities(path: Path) -> dict[str, Mapping[str, Any]]:
    """The entities of a description by their identifier, as they are written. Raises UpwindError
    for a file that is no description, or that describes something twice."""
    content, document = _read(path, _Document)
    names = [entity.id for entity in document.graph]
    if len(set(names)) < len(names):
        raise UpwindError(f"{path.name} describes something twice")
    return dict(zip(names, content["@graph"], strict=True))


def kinds_of(entity: Mapping[str, Any]) -> list[str]:
    """What an entity says that it is."""
    kinds = entity.get("@type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def read_broken(path: Path) -> list[Published]:
    """The broken things that an audit.json lists. Raises UpwindError for a file that is none."""
    _, found = _read(path, _Findings)
    return [
        Published(finding.path, finding.message)
        for finding in found.findings
        if finding.severity is Severity.broken
    ]


def _read(path: Path, model: type[_Model]) -> tuple[Any, _Model]:
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=once_each)
        return content, model.model_validate(content)
    except ValidationError as error:
        raise UpwindError(f"{path.name}: {first_fault(error)}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UpwindError(f"{path.name}: {error}") from error
