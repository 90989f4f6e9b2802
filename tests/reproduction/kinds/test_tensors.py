import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from upwind.reproduction.difference import Part
from upwind.reproduction.kinds.tensors import compare_tensors, tensors_sha256


@pytest.fixture
def weights(tmp_path):
    def write(name, metadata=None, **arrays):
        path = tmp_path / f"{name}.safetensors"
        save_file(arrays, path, metadata)
        return path

    return write


def test_the_largest_difference_of_each_tensor(weights):
    same = np.ones(2, np.float32)
    one = weights("one", a=np.array([1, 2], np.float32), b=same)
    other = weights("other", a=np.array([1, 1.5], np.float32), b=same)
    found = compare_tensors(one, other)
    assert found.parts == [Part("a", None, None, 0.5)]
    assert found.summary == "1 of 2 tensors differ, the largest difference 0.5 (a)"
    assert tensors_sha256(one) != tensors_sha256(other)


def test_integers_do_not_wrap_around(weights):
    one = weights("one", a=np.array([0], np.uint8))
    other = weights("other", a=np.array([255], np.uint8))
    assert [part.size for part in compare_tensors(one, other).parts] == [255]


def test_other_names_and_shapes(weights):
    one = weights("one", a=np.zeros((2, 3), np.float32), b=np.zeros(1, np.float32))
    other = weights("other", a=np.zeros((3, 2), np.float32))
    assert compare_tensors(one, other).parts == [
        Part("a", "float32 2×3", "float32 3×2"),
        Part("b", "float32 1", None),
    ]


def test_the_hash_of_tensors_is_theirs_alone(weights):
    one = weights("one", {"epochs": "1"}, a=np.zeros(1, np.float32))
    other = weights("other", {"epochs": "2"}, a=np.zeros(1, np.float32))
    assert tensors_sha256(one) == tensors_sha256(other)
    assert [part.name for part in compare_tensors(one, other).parts] == [
        "what the file says of itself beside its tensors"
    ]


def test_the_release_that_wrote_weights_is_set_apart_and_nothing_else_of_their_header(weights):
    def written(name, **stated):
        return weights(name, {"upwind": json.dumps(stated)}, a=np.zeros(1, np.float32))

    one = written("one", version="0.1.0", network="unet")
    found = compare_tensors(one, written("other", version="1.0.0", network="unet"))
    assert (found.expected, found.apart) == (True, ["upwind.version"])
    found = compare_tensors(one, written("third", version="1.0.0", network="lsn"))
    assert not found.expected
    assert [part.name for part in found.parts] == [
        "what the file says of itself beside its tensors"
    ]


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, b"\x02" + bytes(7) + b"{}x", b"weights"])
def test_what_is_damaged_is_refused(weights, tmp_path, content):
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        compare_tensors(weights("one", a=np.zeros(1)), tmp_path / "bad.safetensors")
