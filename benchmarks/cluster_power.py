"""Size and power of the test for clusters, by simulation: a table and a figure into a folder.

Each cell is a layer of a network of 18 layers, with the worst that Holm's correction over them can
do. 60 sets a cell take some twenty minutes on one core."""

import argparse
from pathlib import Path

from upwind.common.files import write_csv
from upwind.figures.cluster_power import draw_cluster_power
from upwind.figures.style import save
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_power import SIZES, cluster_power


def main() -> None:
    """Write cluster_power.csv, .png and .pdf."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", type=int, default=60, help="of kernels, for each cell")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="kernels of a layer")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    settings = AnalysisSettings(seed=given.seed)
    table = cluster_power(given.sets, settings, sizes=given.sizes)
    write_csv(given.folder / "cluster_power.csv", table)
    figure = draw_cluster_power(table)
    save(figure, *(given.folder / f"cluster_power.{ending}" for ending in ("png", "pdf")))


if __name__ == "__main__":
    main()
