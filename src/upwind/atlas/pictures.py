"""Small pictures inside a page: PNG as data URIs, outlines as SVG paths."""

import base64
import io

import matplotlib as mpl
import numpy as np
from PIL import Image

# Blue below zero, white at zero, red above, as in the figures of kernels.
_DIVERGING = "RdBu_r"
_MIDDLE = 127.5


def grey(picture: np.ndarray, low: float, high: float, most: int) -> str:
    """A data URI of ``picture`` (rows, columns), black at ``low`` and white at ``high``; no side
    longer than ``most`` pixels."""
    scaled = (np.asarray(picture, dtype=float) - low) / ((high - low) or 1.0)
    return _png(np.rint(scaled.clip(0, 1) * 255), most)


def diverging(picture: np.ndarray, limit: float, most: int) -> str:
    """A data URI of a signed ``picture`` (rows, columns): blue at ``-limit``, white at 0, red at
    ``limit``."""
    scaled = np.asarray(picture, dtype=float) / (limit or 1.0)
    return _png(np.rint((scaled.clip(-1, 1) + 1) * _MIDDLE), most, palette())


def palette() -> list[int]:
    """The 256 colours of :func:`diverging`, red, green and blue of each in turn."""
    colours = mpl.colormaps[_DIVERGING](np.arange(256))[:, :3]
    return np.rint(colours * 255).astype(int).ravel().tolist()


def _png(levels: np.ndarray, most: int, colours: list[int] | None = None) -> str:
    image = Image.fromarray(levels.astype(np.uint8))
    if max(image.size) > most:
        # Levels are averaged before colours come in: a mean of blue and red is no colour of ours.
        image.thumbnail((most, most), Image.Resampling.BOX)
    if colours:
        image.putpalette(colours)
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode("ascii")


def outline(region: np.ndarray) -> str:
    """The border of a ``region`` (rows, columns) bool along the edges of its pixels, as the ``d``
    of an SVG path in units of pixels."""
    padded = np.pad(np.asarray(region, dtype=bool), 1).astype(np.int8)
    across = np.argwhere(np.diff(padded, axis=0)[:, 1:-1])
    down = np.argwhere(np.diff(padded, axis=1)[1:-1])
    parts = [f"M{column} {row}h1" for row, column in across.tolist()]
    parts += [f"M{column} {row}v1" for row, column in down.tolist()]
    return "".join(parts)
