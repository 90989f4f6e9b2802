"""What a search has tried so far, so that a killed job goes on from its finished trials.

A journal is named by the hash of everything that its trials depend on, so that whatever is found
there is what the search itself would have found. JSON, written whole or not at all: nothing in it
is run. Its digest guards against accidents, not against an attacker.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upwind.common.files import write_json

_log = logging.getLogger(__name__)


class Journal:
    """The trials of one search. ``parts`` are all that a trial depends on, by name (JSON), but for
    the number of trials: a larger budget goes on from a smaller one."""

    def __init__(self, folder: Path, parts: Mapping[str, Any]) -> None:
        self.key = _digest(parts)
        self.path = folder / f"{self.key[:16]}.json"

    def read(self) -> list[dict[str, Any]]:
        """The trials in order; none where there is no journal. A damaged one is told of and not
        used."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content["key"] != self.key or content["digest"] != _digest(content["trials"]):
                raise ValueError("its content does not match its digest")
        except FileNotFoundError:
            return []
        except (OSError, ValueError, LookupError, TypeError) as error:
            _log.warning(
                f"the trials in {self.path} are cut or altered ({error}); they are not used"
            )
            return []
        print(f"goes on after {len(content['trials'])} trials in {self.path}", flush=True)
        return content["trials"]

    def write(self, trials: list[dict[str, Any]]) -> None:
        """Put ``trials`` in place of those that are there."""
        write_json(self.path, {"key": self.key, "digest": _digest(trials), "trials": trials})


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
