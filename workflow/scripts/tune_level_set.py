"""Tune the blind level set on training patients of one fold."""

import functools
from pathlib import Path

import pandas as pd

from upwind.common.files import write_csv, write_json
from upwind.common.jobs import logged
from upwind.data.labels import read_liver
from upwind.data.volumes import read_volume
from upwind.levelset.itk_snap.blind import learn, tune
from upwind.levelset.itk_snap.journal import Journal
from upwind.levelset.itk_snap.search import history
from upwind.provenance.hashing import sha256_of
from upwind.settings.levelset import BlindSettings


def read(image, label):
    """A CT and its liver."""
    volume = read_volume(image)
    return volume, read_liver(label, volume.grid)


with logged(snakemake.log[0]):
    fold, params = int(snakemake.wildcards.fold), snakemake.params
    pairs = list(zip(snakemake.input.images, snakemake.input.labels, strict=True))
    settings, seed = BlindSettings(**params.settings), [params.seed, fold]
    parts = {"settings": dict(params.settings) | {"trials": None}, "seed": seed}
    parts |= {"code": params.code, "data": [[sha256_of(p) for p in pair] for pair in pairs]}
    # Not an output: Snakemake must not delete what a killed job has tried.
    folder = Path("checkpoints", snakemake.config["experiment"], f"itk_snap_blind-{fold}")
    readers = {
        case: functools.partial(read, *pair) for case, pair in zip(params.cases, pairs, strict=True)
    }
    place, examples = learn(readers, settings)
    tuned, finished = tune(examples, place, settings, seed, journal=Journal(folder, parts))
    content = {"fold": fold, "patients": list(params.cases)} | tuned.as_json()
    write_json(snakemake.output.parameters, content)
    write_csv(snakemake.output.trials, pd.DataFrame(history(finished)))
