"""The experiment's configuration: checked against its schema, every problem at once."""

import difflib
from typing import Any

import jsonschema

from upwind.common.errors import UpwindError


def check_config(config: dict[str, Any], schema: dict[str, Any]) -> None:
    """Raise UpwindError naming every setting that is missing, misspelt or out of range."""
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda e: list(map(str, e.absolute_path)))
    if errors:
        problems = "\n".join(f"  - {line}" for error in errors for line in _explain(error))
        raise UpwindError(
            f"the configuration does not hold:\n{problems}\n"
            "Mend it in your --configfile; config/README.md explains every setting."
        )


def _explain(error: jsonschema.ValidationError) -> list[str]:
    where = ".".join(map(str, error.absolute_path))
    if error.validator != "additionalProperties":
        return [f"{where or 'top level'}: {error.message}"]
    known = list(error.schema.get("properties", {}))
    lines = []
    for key in sorted(set(error.instance) - set(known), key=str):
        near = difflib.get_close_matches(str(key), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        lines.append(f"{f'{where}.' if where else ''}{key}: no such setting; {hint}")
    return lines
