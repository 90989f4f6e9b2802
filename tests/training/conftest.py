"""Training sets the process up for itself; each test gets it back as it was."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _process_as_before():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
