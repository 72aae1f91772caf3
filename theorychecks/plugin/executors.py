"""The executor of a run: which one the option names, whether it is there, and its end with the run's."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from concurrent.futures import Executor

_PATIENCE: Final = 10
"""Seconds that a Dask scheduler has to answer."""
_FORMS: Final = "process:N, with a number of processes, or dask:ADDRESS, with a scheduler's address, tcp://host:8786"

_end = pytest.StashKey[Callable[[], object]]()


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
    if not chosen or not (address := _named(chosen).address):
        return
    try:
        asyncio.run(asyncio.wait_for(_greet(address), _PATIENCE))
    except Exception as error:  # whatever something else says there that is no scheduler
        raise pytest.UsageError(
            f"--theory-executor: no Dask scheduler answers at {address} within {_PATIENCE} s: "
            f"{str(error) or type(error).__name__}. Start one there (dask scheduler), give the address that it prints, "
            "or leave the option out."
        ) from error


def end_executor(config: pytest.Config) -> None:
    """End the executor of this process, whatever is under way there; processes that train keep Python from its exit."""
    if _end in config.stash:
        config.stash[_end]()
        del config.stash[_end]


async def _greet(address: str) -> None:
    """Connect to a scheduler; a client that finds none takes longer to give up its place than to look for it."""
    from distributed import Security
    from distributed.comm import connect

    there = await connect(address, timeout=_PATIENCE, **Security().get_connection_args("client"))
    await there.close()


def started(config: pytest.Config) -> Executor | None:
    """The executor of this process, until `end_executor`."""
    chosen = config.getoption("--theory-executor")
    if chosen is None:
        return None
    from theorychecks.experiment import Processes

    named = _named(chosen)
    if named.processes:
        pool = Processes(named.processes)
        config.stash[_end] = lambda: pool.shutdown(cancel_futures=True)
        return pool
    from distributed import Client

    client = Client(named.address, timeout=_PATIENCE, set_as_default=False)
    config.stash[_end] = lambda: client.close(timeout=_PATIENCE)
    # By their text tasks of two claims may be equal, and one of them is cancelled.
    sending: Executor = client.get_executor(pure=False)
    return sending
