"""One thread, since networks here are small and threads would wait for each other; and sources made modules."""

import importlib.util
import sys
import textwrap
from multiprocessing import spawn

import pytest
import torch

from tests.forked.python import forked_python


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def forked_processes():
    """Processes that are spawned here need not import torch again."""
    before = spawn.get_executable()
    spawn.set_executable(forked_python())
    yield
    spawn.set_executable(before)


@pytest.fixture
def log(tmp_path, monkeypatch):
    """All that was measured since it was last asked for."""
    path = tmp_path / "measured"
    path.touch()
    monkeypatch.setenv("MEASURED", str(path))

    def lines():
        found = path.read_text().splitlines()
        path.write_text("")
        return found

    return lines


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import a source as a module of its own, and give its `root`."""
    count = iter(range(1000))

    def loaded(source, **files):
        place = tmp_path / f"place{next(count)}"
        place.mkdir()
        name = f"loaded_{place.name}"
        monkeypatch.syspath_prepend(place)
        for other, text in files.items():
            (place / f"{other}.py").write_text(textwrap.dedent(text))
            monkeypatch.delitem(sys.modules, other, raising=False)
        (place / f"{name}.py").write_text(textwrap.dedent(source))
        spec = importlib.util.spec_from_file_location(name, place / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module.root

    return loaded
