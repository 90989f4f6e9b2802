"""Figure 2: the kernels of selected layers, or of all, on two principal axes."""

from pathlib import Path

from upwind.common.jobs import logged
from upwind.figures.kernel_clusters import PAPER_LAYERS, draw_clusters
from upwind.figures.style import save
from upwind.kernels.clustering import read_clustering

with logged(snakemake.log[0]):
    clustering = read_clustering(Path(snakemake.input.kernels).parent)
    every = clustering.layers["layer"].tolist()
    chosen = every if snakemake.params.layers == "all" else PAPER_LAYERS
    save(draw_clusters(clustering, chosen), *snakemake.output)
