"""What all tests may use."""

import sys

import pytest

pytest_plugins = "pytester"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """One thread: networks of tests are small, and threads that wait for each other cost more than they give.

    Where no test of the session has imported torch there is nothing to do.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
