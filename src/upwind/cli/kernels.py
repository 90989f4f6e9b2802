"""The command ``kernels``."""

from pathlib import Path
from typing import Annotated

import typer

from upwind.cli.options import check_folder, limits
from upwind.cli.printing import say
from upwind.settings.kernels import KernelMeasures

# Options that are settings, too, have their limits and defaults.
_KERNELS = KernelMeasures()

# What is clustered, layer by layer, while somebody waits.
_CLUSTERS_OF = {"trained": "Clusters of layer", "initial": "Clusters of random layer"}


def kernels(
    file: Annotated[
        Path, typer.Argument(help="Weights: PyTorch state dict, safetensors, ONNX, Keras HDF5.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for tables and figures.")],
    clusters: Annotated[
        int, typer.Option(**limits(_KERNELS, "clusters"), help="Clusters of k-means in each layer.")
    ] = _KERNELS.clusters,
    seed: Annotated[
        int, typer.Option(**limits(_KERNELS, "seed"), help="Seed of k-means and of all draws.")
    ] = _KERNELS.seed,
    map_size: Annotated[
        int, typer.Option(min=3, help="Pixels of the feature map that spectra are taken on.")
    ] = 16,
    sample: Annotated[
        int,
        typer.Option(
            **limits(_KERNELS, "sample"),
            help="Kernels of a layer that are looked at, at most; of more, so many are drawn.",
        ),
    ] = _KERNELS.sample,
    overwrite: Annotated[bool, typer.Option(help="Write into a folder that has files.")] = False,
) -> None:
    """Analyse the convolutions of a trained network, ours or anybody's: of 3x3, 5x5, 7x7, 3x3x3.

    Depthwise and grouped convolutions count too. The file is data: nothing in it is run. Chance is
    a network of the same shapes with random weights. docs/kernels.md explains every table.
    """
    from upwind.common.progress import track
    from upwind.common.side_by_side import cores
    from upwind.figures.kernel_file import draw_all
    from upwind.figures.kernel_page import PAGE, write_page
    from upwind.kernels.analysis_settings import AnalysisSettings
    from upwind.kernels.answers import answers
    from upwind.kernels.files.reading import read_network
    from upwind.kernels.weights_file import analyse_network

    check_folder(output, overwrite)
    network = read_network(file)
    say(f"{file}: {network.in_words()}", err=True)
    effort = AnalysisSettings(clusters=clusters, seed=seed, sample=sample)
    found = analyse_network(
        network,
        effort,
        map_size,
        lambda layers, name: track(layers, len(layers), _CLUSTERS_OF.get(name, name)),
        threads=cores(),
    )
    found.write(output)
    write_page(file.name, network, found, draw_all(found, output), output)
    for name in found.unclustered:
        say(f"Note: {name} has too few different kernels to be clustered", err=True)
    for one in answers(found):
        say(f"{one.question} {one.answer}")
    say(f"In brackets: random weights. Pictures and tables: {output / PAGE}")
