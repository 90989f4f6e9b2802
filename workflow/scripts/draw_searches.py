"""DSC against time spent in the searches for the level set's parameters."""

from pathlib import Path

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.searches import draw_searches
from upwind.figures.style import save


def histories(files, name):
    """Trials of several searches, one file each, with what each is about."""
    return [pd.read_csv(file).assign(about=name(Path(file))) for file in files]


with logged(snakemake.log[0]):
    operator = histories(snakemake.input.operator, lambda file: file.stem.removeprefix("trials-"))
    blind = histories(snakemake.input.blind, lambda file: file.parent.name)
    save(draw_searches(operator, blind), *snakemake.output)
