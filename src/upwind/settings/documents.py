"""What is written from the models: the schema for editors, and the tables of ``config/README.md``.

``python -m upwind.settings.documents`` in the repository writes both.
"""

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import TypeAdapter

from upwind.common.errors import UpwindError
from upwind.common.files import write_text
from upwind.settings.check import plain
from upwind.settings.faults import section_in, sections_in
from upwind.settings.model import Settings
from upwind.settings.networks import NetworkSettings
from upwind.settings.root import ExperimentSettings, experiment_model
from upwind.settings.studies import Variant

SCHEMA = "workflow/schemas/config.schema.yaml"
TABLES = "config/README.md"
_DEMO = "config/config.yaml"

_COMMAND = "python -m upwind.settings.documents"
_MARKED = re.compile(r"(<!-- settings: ([^>]*) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = (
    "| setting | takes | default | demo | meaning | source |\n| --- | --- | --- | --- | --- | --- |"
)
# An upper limit from here on keeps nonsense away, and is not worth a reader's time.
_NONSENSE = 10**6


def write_documents(repository: Path, model: type[ExperimentSettings] | None = None) -> None:
    """Write the schema and the tables of a repository anew."""
    model = model or experiment_model()
    write_text(repository / SCHEMA, schema_text(model))
    demo = yaml.safe_load((repository / _DEMO).read_text(encoding="utf-8"))
    text = (repository / TABLES).read_text(encoding="utf-8")
    write_text(repository / TABLES, with_tables(text, model, demo))


def schema_text(model: type[ExperimentSettings]) -> str:
    """The JSON schema of the configuration, as YAML."""
    head = f"# Written by `{_COMMAND}` from src/upwind/settings; not to be edited.\n"
    return head + yaml.dump(schema(model), Dumper=_Plain, sort_keys=False, width=100)


class _Plain(yaml.SafeDumper):
    """Without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def schema(model: type[ExperimentSettings]) -> dict[str, Any]:
    """The JSON schema of the configuration: every setting with description and default."""
    whole = _described(model)
    networks = {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, NetworkSettings)
    }
    whole["properties"]["variants"]["additionalProperties"] = {
        "oneOf": [
            _variant(name, network, list(model.parts.get(name, ())))
            for name, network in networks.items()
        ]
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | whole


def _described(model: type[Settings]) -> dict[str, Any]:
    """A section's schema; sections in it are written out in their places."""
    raw = model.model_json_schema(ref_template="{model}")
    said = texts(model)
    properties = {}
    for name, field in model.model_fields.items():
        part = {key: value for key, value in raw["properties"][name].items() if key != "title"}
        section = section_in(field.annotation)
        if section is not None:
            alone = section is field.annotation
            part = _described(section) if alone else _named(field.annotation)
        if name in said:
            part["description"] = said[name].replace("\n\n", " ")
        if section is field.annotation:
            part["default"] = {}  # and in it those of its settings
        elif not field.is_required():
            part["default"] = plain(field.get_default(call_default_factory=True))
        properties[name] = part
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    return {
        "description": _first_line(model),
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": properties,
    }


def _named(annotation: Any) -> dict[str, Any]:
    """The schema of sections that the user names, of one kind or of several."""
    names = TypeAdapter(get_args(annotation)[0]).json_schema()
    kinds = [_described(section) for section in sections_in(annotation)]
    return {
        "type": "object",
        "propertyNames": names,
        "additionalProperties": kinds[0] if len(kinds) == 1 else {"oneOf": kinds},
    }


def _variant(name: str, network: type[NetworkSettings], parts: list[str]) -> dict[str, Any]:
    """A variant of a network: settings in place of the network's, which are its defaults, and what
    is done to its segmentations."""
    described = _described(network)["properties"]
    described["postprocess"] = _described(Variant)["properties"]["postprocess"]
    own = {
        key: {k: v for k, v in part.items() if k != "default"} for key, part in described.items()
    }
    part = {"network": {"enum": parts}} if parts else {}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["of"],
        "properties": {"of": {"const": name}, **part, **own},
    }


# Tables ------------------------------------------------------------------------------------------


def with_tables(text: str, model: type[ExperimentSettings], demo: Mapping[str, Any]) -> str:
    """The text with the tables between its markers written anew: ``<!-- settings: NAMES -->`` to
    ``<!-- end -->``, names being those of sections, ``experiment`` for what is in none,
    ``methods.SETTING`` for what the kind of entry that has this setting has beside the others, or
    ``methods.*`` for what all kinds have."""

    described = schema(model)["properties"]

    def table(found: re.Match[str]) -> str:
        rows = [row for name in found[2].split() for row in _rows_of(name, described, demo)]
        return "\n".join([found[1] + _HEAD, *rows, found[3]])

    return _MARKED.sub(table, text)


def _rows_of(name: str, described: Mapping[str, Any], demo: Mapping[str, Any]) -> Iterator[str]:
    section, _, setting = name.partition(".")
    if setting:
        kinds = [k["properties"] for k in described[section]["additionalProperties"]["oneOf"]]
        common = set.intersection(*map(set, kinds))
        kind = next(kind for kind in kinds if setting in ("*", *kind))
        for key, part in kind.items():
            if (key in common) == (setting == "*"):
                yield from _rows(f"{section}.NAME.{key}", part, None)
        return
    chosen = (
        {key: part for key, part in described.items() if not _is_section(part)}
        if name == "experiment"
        else {name: described[name]}
    )
    for key, part in chosen.items():
        yield from _rows(key, part, demo.get(key))


def _is_section(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "object"


def _rows(name: str, part: Mapping[str, Any], demo: Any) -> Iterator[str]:
    if "properties" in part:
        for key, inner in part["properties"].items():
            yield from _rows(f"{name}.{key}", inner, (demo or {}).get(key))
        return
    default, named = part.get("default"), _is_section(part)
    meaning, _, source = part["description"].partition(" Source: ")
    cells = (
        f"`{name}`",
        "by name" if named else takes(part),
        "" if "default" not in part else _value(default),
        "" if demo is None or demo == default else f"{len(demo)}" if named else _value(demo),
        meaning,
        source.rstrip("."),
    )
    yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _value(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip()
    return text.removesuffix("\n...")


def takes(part: Mapping[str, Any]) -> str:
    """In words, what values a JSON schema allows."""
    if "anyOf" in part:
        return ", or ".join(takes(form) for form in part["anyOf"])
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return _or([f"`{value}`" for value in part["enum"]])
    if part["type"] == "array":
        return _list(part)
    names = {
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "boolean": "true or false",
        "null": "null",
    }
    if examples := part.get("examples"):
        return "text like " + _or([f"`{example}`" for example in examples])
    return ", ".join([names[part["type"]], *_limits(part)])


def _limits(part: Mapping[str, Any]) -> Iterator[str]:
    if "exclusiveMinimum" in part:
        yield f"above {part['exclusiveMinimum']}"
    if "exclusiveMaximum" in part:
        yield f"below {part['exclusiveMaximum']}"
    if "minimum" in part:
        yield (
            f"{part['minimum']} to {part['maximum']}"
            if part.get("maximum", _NONSENSE) < _NONSENSE
            else (f"{part['minimum']} or more")
        )
    elif "maximum" in part:
        yield f"at most {part['maximum']}"
    if "multipleOf" in part:
        yield f"a multiple of {part['multipleOf']}"


def _list(part: Mapping[str, Any]) -> str:
    if entries := part.get("prefixItems"):
        return f"[low, high], each a {takes(entries[0])}"
    entry = part["items"]
    unlike = ", none twice" if part.get("uniqueItems") else ""
    return f"list, each {takes(entry)}{unlike}"


def _or(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# Texts -------------------------------------------------------------------------------------------


def texts(model: type[Settings]) -> dict[str, str]:
    """The text under each setting of a model, two paragraphs without line breaks: what it means,
    and where its value comes from. Raises UpwindError where a setting has none, or no source."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Settings) and base.__module__ != "pydantic.main":
            found |= _own_texts(base)
    for name, field in model.model_fields.items():
        text = found.get(name)
        if text is None and section_in(field.annotation) is None:
            raise UpwindError(f"{model.__name__}.{name} has no text: say what it means")
        if text is not None and "\n\nSource: " not in text:
            raise UpwindError(f"{model.__name__}.{name} has no source: end its text with one")
    return {name: found[name] for name in model.model_fields if name in found}


@functools.cache
def _own_texts(model: type[Settings]) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(model))
    except (OSError, TypeError):  # made by a function: it has the texts of its base
        return {}
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for setting, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(setting, ast.AnnAssign)
            and isinstance(setting.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            paragraphs = re.split(r"\n\s*\n", text.value.value.strip())
            found[setting.target.id] = "\n\n".join(" ".join(p.split()) for p in paragraphs)
    return found


def _first_line(model: type[Settings]) -> str:
    return " ".join((inspect.getdoc(model) or "").split("\n\n")[0].split())


if __name__ == "__main__":
    write_documents(Path())
