"""Puts the plain implementation of training within reach of the tests here."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

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


@pytest.fixture(scope="session")
def naive() -> ModuleType:
    # Under importmode=importlib a test cannot import its neighbour by name.
    spec = importlib.util.spec_from_file_location("naive_training", Path(__file__).with_name("naive.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
