"""What tests of the level set share."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """Many small tensors: a second thread only waits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
