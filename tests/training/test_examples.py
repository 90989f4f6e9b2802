import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.data.slices import Slices, write_slices
from upwind.data.volumes import Grid
from upwind.training.examples import load_examples


@pytest.fixture
def files(tmp_path):
    """Slices files of cases 3, 1 and 2; a pixel of slice z of case c is 100 c + z."""
    paths = []
    for case in (3, 1, 2):
        z = np.arange(5)[:, None, None]
        image = np.broadcast_to(100 * case + z, (5, 4, 4)).astype(np.int16)
        label = np.broadcast_to(np.minimum(z, 2), (5, 4, 4)).astype(np.uint8)
        grid = Grid((4, 4, 5), np.eye(4))
        slices = Slices(case, grid, image, label, np.array([0, 1, 1, 1, 1], np.uint8))
        paths.append(tmp_path / f"case-{case}.safetensors")
        write_slices(paths[-1], slices)
    return paths


@pytest.fixture
def split():
    rows = [
        ("0", 1, 1, "train"),
        ("0", 1, 4, "train"),
        ("0", 1, 2, "heldout"),
        ("0", 3, 3, "train"),
        ("0", 3, 2, "heldout"),
        ("1", 2, 4, "train"),
        ("all", 2, 1, "heldout"),
    ]
    return pd.DataFrame(rows, columns=["fold", "case", "slice", "part"])


def values(examples):
    return examples.images[:, 0, 0].tolist()


def test_slices_of_the_part_in_the_order_of_the_files(files, split):
    assert values(load_examples(files, split, "0", "train")) == [303, 101, 104]
    assert values(load_examples(files[::-1], split, "0", "train")) == [101, 104, 303]
    assert values(load_examples(files, split, "0", "heldout")) == [302, 102]
    assert values(load_examples(files, split, "1", "train")) == [204]
    assert values(load_examples(files, split, "all", "heldout")) == [201]


def test_tumour_is_liver_and_types_stay_small(files, split):
    examples = load_examples(files, split, "0", "train")
    assert len(examples) == 3
    assert (examples.images.dtype, examples.masks.dtype) == (np.int16, np.uint8)
    assert examples.masks.max() == 1
    assert examples.masks[:, 0, 0].tolist() == [1, 1, 1]  # labels 2, 1, 2


def test_a_part_without_slices_is_named(files, split):
    with pytest.raises(UpwindError, match=r"fold 1.*heldout"):
        load_examples(files, split, "1", "heldout")
