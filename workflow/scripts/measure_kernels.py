"""What is measured of the UNet's kernels, beside controls and the level set network."""

from pathlib import Path

from upwind.common.jobs import logged
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.layers import INITIAL, LSN, SECOND_SEED, TRAINED
from upwind.kernels.lsn import lsn_layers
from upwind.kernels.measures import measure
from upwind.kernels.tables import write_tables
from upwind.kernels.unet import initial_layers, unet_layers

with logged(snakemake.log[0]):
    paths, params = snakemake.input, snakemake.params
    networks = {
        TRAINED: unet_layers(paths.trained),
        INITIAL: initial_layers(paths.trained, params.training_seed),
        LSN: lsn_layers(paths.lsn),
    }
    if paths.second_seed:
        networks[SECOND_SEED] = unet_layers(paths.second_seed[0])
    tables = measure(
        networks, AnalysisSettings(**params.settings), params.spectrum_size, published=True
    )
    write_tables(tables, Path(snakemake.output.nearest).parent)
