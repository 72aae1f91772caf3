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


@pytest.fixture
def processes(tmp_path):
    """A process group of this process."""
    import torch.distributed as dist

    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def pytest_terminal_summary(terminalreporter):
    """What tests have counted, by `record_property("counted", {...})`, of all their parameters together."""
    found = {}
    for report in terminalreporter.getreports("passed"):
        for name, numbers in report.user_properties:
            if name == "counted":
                found.setdefault(report.nodeid.partition("[")[0], []).append(numbers)
    for test, counted in found.items():
        numbers = {what: sum(each[what] for each in counted) for what in counted[0]}
        terminalreporter.write_line(f"{test}: " + ", ".join(f"{number} {what}" for what, number in numbers.items()))
