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
# At the end of a command's help. The files are those of a demo that has run.
_UNET, _CT = "results/demo/networks/unet/all/weights.safetensors", "data/phantom/volume-0.nii.gz"
_LABEL = "data/phantom/segmentation-0.nii.gz"
_EXAMPLES: dict[str, tuple[str, ...]] = {
    "check": ("upwind check data/phantom", "upwind check /data/LITS17 --kind lits --json"),
    "import": ("upwind import lits /data/LITS17",),
    "segment": (f"upwind segment {_CT} --weights {_UNET} -o mask.nii.gz",),
    "evolve": (
        f"upwind evolve {_CT} -o label.gif --label {_LABEL}",
        f"upwind evolve {_CT} -o bubble.gif --centre 286 190 -109 --radius 15",
        f"upwind evolve {_CT} -o lsn.gif --weights {_UNET.replace('unet/all', 'lsn/0')}",
    ),
    "score": ("upwind score labels ours=masks theirs=other_masks -o ranking",),
    "kernels": (f"upwind kernels {_UNET} -o kernels",),
    "show": ("upwind show results/demo",),
    "compare": ("upwind compare results/demo", "upwind compare results/demo results/other --full"),
    "audit": ("upwind audit results/demo", "upwind audit demo.zip"),
    "trace": (
        "upwind trace results/demo/table1.csv --cell UNet,2",
        "upwind trace results/demo/figure2.png --html trace.html",
    ),
    "crate": ("upwind crate results/demo -o demo.zip",),
    "release": ("upwind release first --experiment demo",),
}
for _name, _command in _COMMANDS.items():
    # A blank line keeps Typer from joining lines.
    _lines = ["For example:", *_EXAMPLES[_name]]
    app.command(_name, epilog="\n\n".join(_lines))(_command)
