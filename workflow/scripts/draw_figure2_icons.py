"""Figure 2 to be read: densities, icons of kernels, encoder and decoder told apart."""

from pathlib import Path

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.kernel_clusters import PAPER_LAYERS
from upwind.figures.kernel_icons import draw_icons
from upwind.figures.style import save
from upwind.kernels.clustering import read_clustering
from upwind.kernels.layers import TRAINED

with logged(snakemake.log[0]):
    clustering = read_clustering(Path(snakemake.input.kernels).parent)
    content = pd.read_csv(snakemake.input.content)
    trained = content[content["network"] == TRAINED]
    parts = dict(zip(trained["layer"], trained["part"], strict=True))
    save(draw_icons(clustering, PAPER_LAYERS, parts), *snakemake.output)
