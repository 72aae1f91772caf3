"""The executor of a run: which one the option names, whether it is there, and its end with the run's."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from concurrent.futures import Executor

_PATIENCE: Final = 10
"""Seconds that a Dask scheduler has to answer."""
_FORMS: Final = "process:N, with a number of processes, or dask:ADDRESS, with a scheduler's address, tcp://host:8786"


class _Named(NamedTuple):
    """What the option names: so many processes, or an address."""

    processes: int = 0
    address: str = ""


def executor(text: str) -> str:
    """The name of an executor, as the option takes it."""
    _named(text)
    return text


def _named(text: str) -> _Named:
    kind, _, rest = text.partition(":")
    if kind == "process":
        if not (rest.isdecimal() and int(rest) > 0):
            raise argparse.ArgumentTypeError(
                f"the number of processes is a positive whole number, like process:4; got {text!r}"
            )
        return _Named(processes=int(rest))
    if kind != "dask" or not rest:
        raise argparse.ArgumentTypeError(f"an executor is {_FORMS}; got {text!r}")
    if find_spec("distributed") is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} takes Dask, which is not installed: pip install 'theorychecks[dask]'"
        )
    return _Named(address=rest)


def sharing(config: pytest.Config, workers: int) -> int:
    """How many processes share the memory, where so many run claims; a worker of Dask has its own."""
    chosen = config.getoption("--theory-executor")
    return workers * _named(chosen).processes or 1 if chosen else workers


def check_executor(config: pytest.Config) -> None:
    """Refuse a Dask scheduler that does not answer, before anything is collected.

    Raises:
        pytest.UsageError: naming the address.
    """
    chosen = config.getoption("--theory-executor")
    if chosen and (address := _named(chosen).address):
        _client(address).close()


def started(config: pytest.Config) -> Executor | None:
    """The executor of this process, which ends with its run, whatever is under way then."""
    chosen = config.getoption("--theory-executor")
    if chosen is None:
        return None
    from theorychecks.experiment import Processes

    named = _named(chosen)
    if named.processes:
        pool = Processes(named.processes)
        config.add_cleanup(lambda: pool.shutdown(cancel_futures=True))
        return pool
    client = _client(named.address)
    config.add_cleanup(client.close)
    # Equal tasks of two claims are measured once by what measures, and not by their text.
    sending: Executor = client.get_executor(pure=False)
    return sending


def _client(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(
            f"--theory-executor: no Dask scheduler answers at {address} within {_PATIENCE} s ({error}). Start one "
            "there (dask scheduler), give the address that it prints, or leave the option out."
        ) from error
