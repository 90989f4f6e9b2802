import numpy as np
import pytest
import torch

from upwind.data.intensity import rescale

WINDOW = (-100.0, 400.0)  # the paper's
HU = [-3000, -101, -100, 0, 150, 400, 401, 3000]
EXPECTED = [-1.0, -1.0, -1.0, -0.6, 0.0, 1.0, 1.0, 1.0]
CONTAINERS = {
    "numpy int16": lambda hu: np.array(hu, np.int16),
    "numpy float32": lambda hu: np.array(hu, np.float32),
    "torch int16": lambda hu: torch.tensor(hu, dtype=torch.int16),
    "torch float32": lambda hu: torch.tensor(hu, dtype=torch.float32),
}
containers = pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS.keys())


@containers
def test_window_is_mapped_to_minus_one_to_one(make):
    np.testing.assert_allclose(np.asarray(rescale(make(HU), WINDOW)), EXPECTED, atol=1e-6)


@containers
def test_a_window_of_integers_as_yaml_gives_it(make):
    result = np.asarray(rescale(make(HU), [-100, 400]))
    np.testing.assert_allclose(result, EXPECTED, atol=1e-6)


@containers
def test_a_window_wider_than_int16_does_not_wrap(make):
    result = np.asarray(rescale(make([-32768, 0, 32767]), (-32768, 32767)))
    np.testing.assert_allclose(result, [-1, 1 / 65535, 1], atol=1e-6)


@containers
def test_a_window_that_int16_cannot_hold(make):
    result = np.asarray(rescale(make([-1000, 0, 1000]), (-100000, 100000)))
    np.testing.assert_allclose(result, [-0.01, 0, 0.01], atol=1e-6)


def test_shape_and_input_are_kept():
    images = torch.full((2, 3, 4), 1000, dtype=torch.float32)
    assert rescale(images, WINDOW).shape == (2, 3, 4)
    assert images.unique().tolist() == [1000]
    assert rescale(images, WINDOW).dtype == torch.float32
