"""Settings that a configuration file writes twice, of which YAML silently takes the last."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from upwind.common.errors import UpwindError


def check_written_once(paths: Iterable[str | Path]) -> None:
    """Raise UpwindError naming every key that stands twice in the same place of a configuration
    file (YAML or JSON), with its lines."""
    lines = [line for path in paths for line in _twice(Path(path))]
    if lines:
        problems = "\n".join(f"  - {line}" for line in lines)
        raise UpwindError(
            f"settings are written twice:\n{problems}\nThe first would be lost: keep one of them."
        )


def _twice(path: Path) -> Iterator[str]:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError:  # JSON with tabs, say: who reads it says what is wrong with it
        return
    for name, first, again in _repeated(root, "", set()):
        yield f"{path}, line {again}: {name} stands in line {first} already"


def _repeated(node: yaml.Node | None, name: str, met: set[int]) -> Iterator[tuple[str, int, int]]:
    if node is None or id(node) in met:  # an anchor's node is met again at each alias
        return
    met.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, part in enumerate(node.value):
            yield from _repeated(part, f"{name}.{number}", met)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            inner = f"{name}.{key.value}".lstrip(".")
            line, key_of = key.start_mark.line + 1, (key.tag, str(key.value))
            if key_of in seen and key.tag != "tag:yaml.org,2002:merge":
                yield inner, seen[key_of], line
            seen.setdefault(key_of, line)
            yield from _repeated(value, inner, met)
