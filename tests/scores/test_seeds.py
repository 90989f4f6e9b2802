import io

import pandas as pd

from upwind.scores.seeds import gather_seeds
from upwind.tables.comparison import compare

HEADER = "method,fold,case,subset,dsc\n"
FIRST = f"{HEADER}snap,0,0,unseen,0.5\nunet,0,0,unseen,0.75\nunet,1,1,unseen,0.25\n"
SECOND = f"{HEADER}unet,0,0,unseen,0.5\nunet,1,1,unseen,0.625\n"


def read(text):
    return pd.read_csv(io.StringIO(text))


def test_rows_of_each_seed_and_those_of_methods_without_one(tmp_path):
    table = gather_seeds(read(FIRST), ["unet"], 3, [(5, read(SECOND))])
    table.to_csv(tmp_path / "seeds.csv", index=False)
    assert (tmp_path / "seeds.csv").read_text().splitlines() == [
        "method,fold,case,subset,dsc,seed",
        "snap,0,0,unseen,0.5,",
        "unet,0,0,unseen,0.75,3",
        "unet,1,1,unseen,0.25,3",
        "unet,0,0,unseen,0.5,5",
        "unet,1,1,unseen,0.625,5",
    ]


def test_the_comparison_tells_the_range_over_seeds(tmp_path):
    table = gather_seeds(read(FIRST), ["unet"], 3, [(5, read(SECOND))])
    table.to_csv(tmp_path / "seeds.csv", index=False)
    compared = compare(pd.read_csv(tmp_path / "seeds.csv"), 100, 0.95, 0)
    row = compared[(compared["method"] == "unet") & (compared["other"] == "")].iloc[0]
    assert (row["seeds"], row["seed_low"], row["seed_high"]) == (2, 0.5, 0.5625)
