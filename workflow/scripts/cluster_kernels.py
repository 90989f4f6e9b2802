"""Cluster the UNet's 3x3 kernels, layer by layer."""

from pathlib import Path

from upwind.common.jobs import logged
from upwind.kernels.clustering import cluster, write_clustering
from upwind.networks.weights import convolution_kernels

with logged(snakemake.log[0]):
    weights = convolution_kernels(snakemake.input.weights)
    params = snakemake.params
    clustering = cluster(weights, params.clusters, params.seed, params.restarts)
    write_clustering(clustering, Path(snakemake.output.kernels).parent)
