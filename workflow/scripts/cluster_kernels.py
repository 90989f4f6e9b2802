"""Cluster the UNet's 3x3 kernels, layer by layer."""

from dataclasses import replace
from pathlib import Path

from upwind.common.jobs import logged
from upwind.kernels.clustering import cluster, write_clustering
from upwind.kernels.published import beside_published
from upwind.kernels.unet import unet_layers

with logged(snakemake.log[0]):
    layers = unet_layers(snakemake.input.weights)
    params = snakemake.params
    clustering = cluster(layers, params.clusters, params.seed, params.restarts)
    clustering = replace(clustering, layers=beside_published(clustering.layers))
    write_clustering(clustering, Path(snakemake.output.kernels).parent)
