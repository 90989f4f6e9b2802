"""The command ``upwind``. Commands are thin; what they need is imported when they run, so that
``upwind --help`` answers at once."""

from collections.abc import Callable

from upwind.cli import data, kernels, publishing, results, scores, segmentation
from upwind.cli.application import app

__all__ = ["app"]

# In the order of `upwind --help`.
_COMMANDS: dict[str, Callable[..., None]] = {
    "check": data.check,
    "import": data.import_data,
    "segment": segmentation.segment,
    "evolve": segmentation.evolve,
    "score": scores.score,
    "kernels": kernels.kernels,
    "show": results.show,
    "compare": results.compare,
    "audit": results.audit,
    "trace": results.trace,
    "crate": publishing.crate,
    "release": publishing.release,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
