"""The section ``atlas``: the kernels in one page."""

from typing import Annotated, Literal

from pydantic import Field

from upwind.settings.model import Count, Number, Settings

Removed = Literal["zero", "mean"]


class AtlasSettings(Settings):
    """The kernels in one page: `snakemake atlas`."""

    case: Literal["median"] | Number = "median"
    """Whose slice is shown: the case with the median DSC of the UNet as an unseen patient (the
    lower of two as near), or a case's number. With `kernels.network: all` the median is taken among
    cases that have held-out slices; with a fold among its unseen cases, and only these can be
    named.

    Source: ours."""
    slice: Literal["middle"] | Number = "middle"
    """Which slice: of those that the network was not trained on, the one nearest to the middle of
    the liver (the lower of two as near), or a number from 0. A named slice may have been trained
    on; the page says so.

    Source: ours."""
    pixels: Annotated[int, Field(ge=16, le=512)] = 256
    """Longest side of a picture in the page; larger ones are made smaller, by means.

    Source: ours."""
    removed: Removed = "zero"
    """What the kernels of a cluster are set to in order to see what the cluster is worth: `zero`,
    or the `mean` kernel of their layer, which keeps the layer's average kernel in their places.
    Nothing is trained again.

    Source: ours."""
    most_slices: Count = 200
    """Slices that this is measured on, evenly spread over patients and levels of the liver. It
    takes one pass over them for each cluster, and one more, 55 with three clusters: some 15 minutes
    for 200 slices of 256 pixels on one thread (of a processor that was not noted). The demo has 44.

    Source: ours."""
