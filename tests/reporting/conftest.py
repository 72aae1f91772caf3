"""Puts the records with chosen numbers, and a browser, within reach of the tests here."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def neighbour(name: str) -> ModuleType:
    # Under importmode=importlib a test cannot import its neighbour by name.
    spec = importlib.util.spec_from_file_location(f"reporting_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


browser = neighbour("browser").browser


@pytest.fixture(scope="session")
def records() -> ModuleType:
    return neighbour("records")
