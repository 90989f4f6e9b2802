"""Figure 1: the UNet, drawn from the trained network."""

from upwind.common.jobs import logged
from upwind.figures.architecture import draw_architecture
from upwind.figures.style import save
from upwind.networks.weights import load_weights

with logged(snakemake.log[0]):
    network, recipe = load_weights(snakemake.input.weights, diverged=True)
    save(draw_architecture(network, recipe.image_size), *snakemake.output)
