"""One page about the kernels of a file: answers, pictures, and what was read."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from upwind.common.files import write_text
from upwind.common.pages import render
from upwind.common.wording import count_of
from upwind.kernels.answers import answers
from upwind.kernels.files.discovery import Network, kernels_in_words
from upwind.kernels.weights_file import KernelAnalysis

PAGE = "index.html"


@dataclass(frozen=True)
class Picture:
    """A figure that was written as NAME.png, and what it shows."""

    name: str
    caption: str


def write_page(
    file: str,
    network: Network,
    analysis: KernelAnalysis,
    pictures: Mapping[str, Sequence[Picture]],
    folder: str | os.PathLike[str],
) -> None:
    """Write index.html into ``folder``, where the tables of ``analysis`` and the ``pictures`` of
    each size are: it holds the pictures and needs nothing else; links lead to the tables beside it.
    ``file`` is the name of the weights, ``network`` what they hold."""
    tables = analysis.tables
    sizes = analysis.sizes
    named = [*tables, *(f"{size}/{name}" for size in analysis.others for name in sizes[size])]
    values = {
        "file": file,
        "layers": f"{count_of(len(network.layers), 'layer')}, {kernels_in_words(network.layers)}",
        "order": network.order,
        "answers": answers(analysis),
        "sizes": [
            {
                "size": size if len(sizes) > 1 else "",
                "figures": [_embedded(picture, Path(folder)) for picture in pictures[size]],
                "verdicts": _cells(_verdicts(found)),
            }
            for size, found in sizes.items()
        ],
        "network": _cells(tables["network"]),
        "left_out": _cells(tables["left_out"]),
        "tables": [name for name in named if not name.endswith("/network")],
    }
    write_text(Path(folder) / PAGE, render("figures/kernel_page.html", values))


def _embedded(picture: Picture, folder: Path) -> dict[str, str]:
    image = base64.b64encode((folder / f"{picture.name}.png").read_bytes()).decode()
    return {"name": picture.name, "caption": picture.caption, "image": image}


def _verdicts(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Names of layers before their verdicts."""
    found = tables.get("cluster_verdicts", pd.DataFrame(columns=["layer", "sentence"]))
    names = tables["network"][["layer", "name"]]
    return names.merge(found[["layer", "sentence"]], on="layer")


def _cells(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {"columns": list(table), "rows": table.astype(str).to_numpy().tolist()}
