"""Pictures of the manual: figures of a finished demo at half their resolution, with few colours.

python docs/pictures.py results/demo
"""

import sys
from pathlib import Path

from PIL import Image

_WIDTH = 1074  # pixels: half of a figure's
_COLOURS = 256
_METHOD = Image.Quantize.MAXCOVERAGE  # keeps colours that few pixels have
_GALLERY = Path(__file__).parent / "gallery"


def shrink(source: Path, target: Path) -> None:
    """Write ``source`` as a small PNG."""
    picture = Image.open(source).convert("RGB")
    size = (_WIDTH, round(picture.height * _WIDTH / picture.width))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    small.quantize(_COLOURS, method=_METHOD, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    for figure in sorted(Path(sys.argv[1]).glob("*.png")):
        shrink(figure, _GALLERY / figure.name)
