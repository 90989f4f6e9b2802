"""Segment a fold's unseen patients, and the held-out slices of its training patients."""

import sys
from dataclasses import replace

import pandas as pd

from upwind.common.jobs import logged
from upwind.data.folds import HELDOUT, read_split, slices_of, unseen_cases
from upwind.networks.weights import load_weights
from upwind.segmentation.folds import segment_heldout, segment_unseen
from upwind.training.device import describe_device, use_device

with logged(snakemake.log[0]):
    device = use_device(snakemake.params.device, snakemake.params.cpu_threads)
    print(f"on {describe_device(device)}", file=sys.stderr)
    network, recipe = load_weights(snakemake.input.weights, snakemake.params.trusted, diverged=True)
    recipe = replace(recipe, threshold=snakemake.params.threshold)
    fold = snakemake.wildcards.fold
    unseen = unseen_cases(pd.read_csv(snakemake.input.folds), int(fold))
    heldout = slices_of(read_split(snakemake.input.split), fold, HELDOUT)
    files = snakemake.input.slices
    segment_unseen(network, recipe, files, unseen, snakemake.output.unseen, device)
    segment_heldout(network, recipe, files, heldout, snakemake.output.heldout, device)
