"""The atlas as one HTML page that opens offline, without a single request.

Layers and clusters, their numbers and pictures are in the page's own text, so that it can be read
without scripts and searched by the browser. The single kernels, thousands of them, are kept as
packed numbers and drawn when a layer is opened.
"""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upwind.atlas import captions
from upwind.atlas.content import ClusterContent, LayerContent
from upwind.atlas.displayed_slice import DisplayedSlice
from upwind.atlas.network import Clustered, kernel_vectors
from upwind.atlas.pictures import diverging, grey, outline, palette
from upwind.atlas.responses import LayerMaps, as_read, means_in_and_out, on_the_ct
from upwind.common.files import write_text
from upwind.common.pages import render
from upwind.figures.style import PALETTE
from upwind.kernels.layers import BOTTLENECK, DECODER, ENCODER

_LARGEST = 32767  # of a 16-bit weight
_FILTERS = ("number", "change", "percent", "whole", "replacement_words", "removed_words")


@dataclass(frozen=True)
class _ClusterView:
    """A cluster with its pictures: data URIs, and the values at the ends of their scales."""

    content: ClusterContent
    colour: str
    on_ct: str
    on_ct_limit: float
    contribution: str
    inside: float
    outside: float


@dataclass(frozen=True)
class _LayerView:
    content: LayerContent
    place: str
    clusters: tuple[_ClusterView, ...]
    entering: str
    entering_range: tuple[float, float]
    leaving: str
    limit: float
    bias: float
    coarser: int


def write_page(
    path: str | os.PathLike[str],
    shown: DisplayedSlice,
    layers: Sequence[LayerContent],
    maps: Sequence[LayerMaps],
    clustered: Clustered,
    most_pixels: int,
) -> None:
    """Write the atlas into one HTML file, atomically. ``layers`` are
    :func:`upwind.atlas.content.atlas_content`, ``maps`` :func:`upwind.atlas.responses.layer_maps`
    of ``shown.image``; no side of a picture is longer than ``most_pixels``."""
    write_text(path, page(shown, layers, maps, clustered, most_pixels))


def page(
    shown: DisplayedSlice,
    layers: Sequence[LayerContent],
    maps: Sequence[LayerMaps],
    clustered: Clustered,
    most_pixels: int,
) -> str:
    """The page as text; see :func:`write_page`."""
    read = as_read(shown.image, clustered).numpy()
    views = [
        _layer_view(layer, own, shown, read, most_pixels)
        for layer, own in zip(layers, maps, strict=True)
    ]
    effects = [cluster.effect for layer in layers for cluster in layer.clusters]
    values = {
        "shown": shown,
        "layers": views,
        "ct": grey(read, -1, 1, most_pixels),
        "window": clustered.recipe.window,
        "size": shown.image.shape[0],
        "liver": outline(shown.liver),
        "mask": outline(shown.mask),
        "measured": captions.measured_words(shown.fold, shown.patients, shown.slices),
        "removed": effects[0].name,
        "most_effect": max(abs(effect.change) for effect in effects) or 1.0,
        "explanations": captions.EXPLANATIONS,
        "order_names": captions.ORDER_NAMES,
        "parts": (ENCODER, BOTTLENECK, DECODER),
        "data": json.dumps(_kernel_data(clustered), separators=(",", ":")),
    }
    filters = {name: getattr(captions, name) for name in _FILTERS}
    return render("atlas/static/atlas.html", values, filters)


def _layer_view(
    layer: LayerContent, maps: LayerMaps, shown: DisplayedSlice, read: np.ndarray, most: int
) -> _LayerView:
    limit = float(max(np.abs(picture).max() for picture in (maps.leaving, *maps.contributions)))
    low, high = float(maps.entering.min()), float(maps.entering.max())
    clusters = tuple(
        _cluster_view(cluster, contribution, limit, shown, read, most)
        for cluster, contribution in zip(layer.clusters, maps.contributions, strict=True)
    )
    return _LayerView(
        content=layer,
        place=layer.part if layer.part == BOTTLENECK else f"{layer.part}, level {layer.level}",
        clusters=clusters,
        entering=grey(maps.entering, low, high, most),
        entering_range=(low, high),
        leaving=diverging(maps.leaving, limit, most),
        limit=limit,
        bias=maps.bias,
        coarser=shown.image.shape[0] // layer.size[0],
    )


def _cluster_view(
    cluster: ClusterContent,
    contribution: np.ndarray,
    limit: float,
    shown: DisplayedSlice,
    read: np.ndarray,
    most: int,
) -> _ClusterView:
    filtered = on_the_ct(read, cluster.mean)
    strongest = float(np.abs(filtered).max())
    inside, outside = means_in_and_out(contribution, shown.liver)
    return _ClusterView(
        content=cluster,
        colour=PALETTE[(cluster.number - 1) % len(PALETTE)],
        on_ct=grey(filtered, -strongest, strongest, most),
        on_ct_limit=strongest,
        contribution=diverging(contribution, limit, most),
        inside=inside,
        outside=outside,
    )


def _kernel_data(clustered: Clustered) -> dict[str, object]:
    """Every kernel, packed: weights as 16-bit whole numbers (little-endian) in units of ``unit``,
    clusters as bytes, both in base64. ``limit`` is the weight of the strongest colour: 99 % of the
    layer's are weaker."""
    layers = {}
    for number, (layer, clusters) in enumerate(
        zip(clustered.layers, clustered.clusters, strict=True), start=1
    ):
        kernels = kernel_vectors(layer)
        unit = float(np.abs(kernels).max()) / _LARGEST or 1.0
        layers[number] = {
            "in": clusters.shape[1],
            "unit": unit,
            "limit": float(np.quantile(np.abs(kernels), 0.99)) or 1.0,
            "weights": _packed(np.rint(kernels / unit).astype("<i2")),
            "clusters": _packed(clusters.astype(np.uint8)),
        }
    return {"layers": layers, "palette": palette()}


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
