"""Are there clusters among the UNet's kernels?"""

from pathlib import Path

from upwind.common.jobs import logged
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_verdicts import measure_cluster_tendency
from upwind.kernels.layers import INITIAL, TRAINED
from upwind.kernels.tables import write_tables
from upwind.kernels.unet import initial_layers, unet_layers

with logged(snakemake.log[0]):
    paths, params = snakemake.input, snakemake.params
    networks = {
        TRAINED: unet_layers(paths.trained),
        INITIAL: initial_layers(paths.trained, params.training_seed),
    }
    folds = [unet_layers(path) for path in paths.folds]
    tables = measure_cluster_tendency(networks, folds, AnalysisSettings(**params.settings))
    write_tables(tables, Path(snakemake.output.cluster_tendency).parent)
