"""One thread, and the models that tests here and of gates share."""

import sys
from pathlib import Path

import pytest
import torch

# Under importmode=importlib a test cannot import its neighbour by name.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    # The networks here are small, and threads that wait for each other cost more than they give.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
