"""An animation of a moving contour over one slice of a CT: GIF, or MP4 where there is ffmpeg."""

import contextlib
import importlib.util
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import animation
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from upwind.common.errors import UpwindError
from upwind.common.files import atomic_path
from upwind.data.volumes import Volume, to_display
from upwind.figures import style
from upwind.figures.gallery import HU_WINDOW, LABEL_COLOUR, MASK_COLOUR, largest_slice
from upwind.levelset.itk_snap.evolution import dice
from upwind.levelset.movie import Moment

FORMATS = (".gif", ".mp4")
_WIDTH, _TITLE, _DPI = 4.5, 0.5, 110  # inches, inches, dots an inch
_HOLD = 8  # times that the last frame is shown


@dataclass(frozen=True)
class MovieSummary:
    """What came of it: frames, the slice (0 inferior), and the last DSC where there is a label."""

    frames: int
    slice: int
    dsc: float | None


def write_movie(
    output: Path,
    volume: Volume,
    label: np.ndarray | None,
    frames: Iterable[Moment],
    title: str,
    axial: int | None = None,
    fps: int = 8,
) -> MovieSummary:
    """Write the animation atomically. ``axial`` is the slice (0 inferior); by default, of those
    where the contour begins, the one with the most liver in the label, or the most of the last
    contour where there is no label.

    Raises UpwindError for a name or a slice that cannot be, for MP4 without ffmpeg, and where no
    frame has a contour in that slice.
    """
    writer = _writer(output, fps)
    depth = volume.array.shape[2]
    if axial is not None and not 0 <= axial < depth:
        raise UpwindError(f"there is no slice {axial}: the CT has the slices 0 to {depth - 1}")
    shown = None if label is None else to_display(label)
    kept: list[tuple[str, np.ndarray, float | None]] = []
    first: np.ndarray | None = None
    last: np.ndarray | None = None
    for moment in frames:
        last = to_display(moment.mask)
        if first is None:
            first = np.asarray(last.any(axis=(1, 2)))
            axial = _slice_of(shown, first) if axial is None and shown is not None else axial
        # One slice of each frame is held, or, where the last frame is to choose it, bits of all.
        planes = np.packbits(last, axis=2) if axial is None else last[axial].copy()
        kept.append((moment.when, planes, _dsc(moment.mask, label)))
    if axial is None:
        if first is None or last is None or not last.any():
            raise UpwindError("the last frame has no contour: give the --slice to be shown")
        axial = _slice_of(last, first)
        width = last.shape[2]
        kept = [(w, np.unpackbits(p[axial], axis=1, count=width), d) for w, p, d in kept]
    if not any(mask.any() for _, mask, _ in kept):
        raise UpwindError(f"no frame has a contour in slice {axial}: give another --slice")
    figure, draw = _canvas(volume, label, axial)
    with atomic_path(output) as temporary, writer.saving(figure, str(temporary), _DPI):
        for number, (when, mask, dsc) in enumerate(kept):
            draw(mask, _caption(title, when, dsc))
            for _ in range(_HOLD if number == len(kept) - 1 else 1):
                writer.grab_frame()
    return MovieSummary(len(kept), axial, kept[-1][2])


def _slice_of(mask: np.ndarray, begins: np.ndarray) -> int:
    """Index of the slice with the most of ``mask`` (slice, row, column), among those where the
    contour ``begins`` (slice,) if any of these has some."""
    among = mask & begins[:, None, None]
    return largest_slice(among if among.any() else mask)


def check_output(output: Path) -> None:
    """Raise UpwindError for a name of no known format, or MP4 without ffmpeg: before the work."""
    _writer(output, 1)


def _writer(output: Path, fps: int) -> animation.AbstractMovieWriter:
    ending = output.suffix.lower()
    if ending not in FORMATS:
        raise UpwindError(f"{output}: name the animation .gif or .mp4")
    if ending == ".gif":
        return animation.PillowWriter(fps=fps)
    if not _Mp4Writer.isAvailable():
        raise UpwindError(
            f"{output}: MP4 needs ffmpeg, which is not installed; `pip install imageio-ffmpeg` "
            "brings one, or name it .gif"
        )
    return _Mp4Writer(fps=fps)


class _Mp4Writer(animation.FFMpegWriter):
    """With the machine's ffmpeg, or the one in the package imageio-ffmpeg."""

    @classmethod
    def bin_path(cls) -> str:
        given = super().bin_path()
        if shutil.which(given) is None and importlib.util.find_spec("imageio_ffmpeg") is not None:
            import imageio_ffmpeg

            with contextlib.suppress(RuntimeError):  # the package without its program
                return imageio_ffmpeg.get_ffmpeg_exe()
        return given


def _dsc(mask: np.ndarray, label: np.ndarray | None) -> float | None:
    return None if label is None else dice(mask, label)


def _caption(title: str, when: str, dsc: float | None) -> str:
    return f"{title}: {when}" + ("" if dsc is None else f"\nDSC {dsc:.3f} (whole volume)")


@style.styled
def _canvas(
    volume: Volume, label: np.ndarray | None, axial: int
) -> tuple[Figure, Callable[[np.ndarray, str], None]]:
    """The figure with CT and label, and a function that draws a mask and a caption into it."""
    plane = to_display(volume.values(slice(axial, axial + 1)))[0]
    x, y, _ = volume.grid.spacing
    height = min(_WIDTH * plane.shape[0] * y / (plane.shape[1] * x), 2 * _WIDTH)
    # Video codecs want even numbers of pixels.
    size = [2 * round(inches * _DPI / 2) / _DPI for inches in (_WIDTH, height + _TITLE)]
    figure: Figure = style.new_figure(*size)
    axes = figure.add_axes((0, 0, 1, height / (height + _TITLE)))
    axes.set_axis_off()
    axes.imshow(plane, cmap="gray", vmin=HU_WINDOW[0], vmax=HU_WINDOW[1], aspect=y / x)
    if label is not None:
        _outline(axes, to_display(label)[axial], LABEL_COLOUR, 1.8)
        axes.text(0.01, 0.07, "label", color=LABEL_COLOUR, transform=axes.transAxes)
    axes.text(0.01, 0.01, "contour", color=MASK_COLOUR, transform=axes.transAxes)
    axes.text(0.01, 0.5, "R", color="white", transform=axes.transAxes, va="center")
    text = figure.text(0.5, 1 - _TITLE / 2 / (height + _TITLE), "", ha="center", va="center")
    before: list[QuadContourSet] = []

    def draw(mask: np.ndarray, caption: str) -> None:
        for contour in before:
            contour.remove()
        before[:] = _outline(axes, mask, MASK_COLOUR, 1.2)
        text.set_text(caption)

    return figure, draw


def _outline(axes: Axes, mask: np.ndarray, colour: str, width: float) -> list[QuadContourSet]:
    if not mask.any():
        return []
    rows, columns = np.arange(-1, mask.shape[0] + 1), np.arange(-1, mask.shape[1] + 1)
    closed = np.pad(mask, 1).astype(float)
    drawn = axes.contour(columns, rows, closed, levels=[0.5], colors=colour, linewidths=width)
    axes.set_xlim(-0.5, mask.shape[1] - 0.5)
    axes.set_ylim(mask.shape[0] - 0.5, -0.5)
    return [drawn]
