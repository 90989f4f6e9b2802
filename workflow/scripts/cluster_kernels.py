"""Cluster the UNet's 3x3 kernels, layer by layer."""

from dataclasses import replace
from pathlib import Path

from upwind.common.jobs import logged
from upwind.kernels.clustering import cluster, write_clustering
from upwind.kernels.published import beside_published
from upwind.kernels.since_start import beside_start
from upwind.kernels.unet import initial_layers, unet_layers
from upwind.settings.kernels import KernelMeasures

with logged(snakemake.log[0]):
    weights, params = snakemake.input.weights, snakemake.params
    layers, start = unet_layers(weights), initial_layers(weights, params.training_seed)
    settings = KernelMeasures(**params.settings)
    clustering = cluster(layers, settings.clusters, settings.seed, settings.restarts)
    table = beside_published(beside_start(clustering.layers, layers, start, settings))
    clustering = replace(clustering, layers=table)
    write_clustering(clustering, Path(snakemake.output.kernels).parent)
