"""The same patients as every method segmented them, over the CT."""

from pathlib import Path

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.gallery import chosen_by, draw_gallery
from upwind.figures.gallery_cases import gallery_items
from upwind.figures.style import save
from upwind.methods import read_methods
from upwind.scores.raw import RawCases

with logged(snakemake.log[0]):
    raw = RawCases.of(snakemake.params.cases, snakemake.input.images, snakemake.input.labels)
    scores = pd.read_csv(snakemake.input.scores)
    methods = read_methods(snakemake.input.methods)
    items = gallery_items(scores, methods, raw, Path(snakemake.params.results))
    by = methods[chosen_by(scores, methods)].title
    save(draw_gallery(items, by), *snakemake.output)
