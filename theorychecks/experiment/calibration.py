"""Calibration: what the engines do on this machine, measured once and kept."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch

from theorychecks.engines.choice import ENGINES, EngineName, choose
from theorychecks.engines.cost import Rates
from theorychecks.networks import MLP, MSE, STANDARD, TANH, GaussianMixture, Training, scaled

FILE: Final = "engines-{}.json"
"""By kind of device."""
_SCHEMA: Final = 1
_SIZES: Final[Mapping[EngineName, tuple[tuple[int, int], ...]]] = {
    "dense": ((512, 8), (1024, 8), (2048, 8), (1024, 64), (2048, 64)),
    "matrix_free": ((512, 8), (1024, 8), (4096, 8), (32768, 8), (2048, 32)),
}
"""Widths and batches of the trainings that are timed."""
_NORMALS: Final = 2_000_000
_REPEATS: Final = 3
_MEMORY: Final = 2**28


@lru_cache
def calibrated(directory: Path, device: str = "cpu") -> Mapping[EngineName, Rates]:
    """Rates of this machine's engines on one thread, measured in a few seconds unless the directory has them.

    Processes that measure at the same time take the rates of the first to finish, so that all choose the same engines.
    Rates that cannot be read, or are of another machine or version of torch, are measured anew; where they cannot be
    kept, every process measures its own.
    """
    kind = torch.device(device).type
    path = directory / FILE.format(kind)
    known = _read(path)
    if known is not None:
        return known
    rates = measure_rates(device)
    try:
        return _keep(rates, path)
    except OSError:
        return rates


def _keep(rates: Mapping[EngineName, Rates], path: Path) -> Mapping[EngineName, Rates]:
    """Write rates where no other process has been first; give back those that are there in the end."""
    document = {"schema": _SCHEMA, "machine": _machine(), "rates": {name: _document(rates[name]) for name in rates}}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.partial")
    unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    first = _read(path)
    if first is not None:
        unfinished.unlink()
        return first
    unfinished.replace(path)
    return rates


def measure_rates(device: str = "cpu") -> Mapping[EngineName, Rates]:
    """Time trainings of several sizes on one thread; to two digits, as the next time would not agree in the third."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        own = torch.Generator().manual_seed(0)
        normals = _NORMALS / _fastest(lambda: torch.randn(_NORMALS, generator=own), "cpu")
        return {
            name: Rates(
                _rounded(normals), tuple((w, b, _rounded(_rate(name, w, b, normals, device))) for w, b in sizes)
            )
            for name, sizes in _SIZES.items()
        }
    finally:
        torch.set_num_threads(threads)


def _rate(name: EngineName, width: int, batch: int, normals: float, device: str) -> float:
    """Floating-point operations in a second, the time that drawing takes aside."""
    training = Training(
        MLP(2, TANH, STANDARD),
        learning_rate=scaled(0.1, width=-1),
        data=GaussianMixture(samples=batch, test_samples=1),
        loss=MSE,
        steps=3,
    )
    cost = ENGINES[name].cost(training, width)
    on_cpu = torch.device(device).type == "cpu"
    together = choose(training, width, wanted=name, memory_budget=_MEMORY, on_cpu=on_cpu).together
    networks = range(together)
    seconds = _fastest(lambda: ENGINES[name].train(training, width, networks, device=device), device) / together
    drawing = cost.normals / normals
    return cost.flops / max(seconds - drawing, seconds / 4)


def _fastest(work: Callable[[], object], device: str) -> float:
    """Seconds that the fastest of some repeats takes."""
    times = []
    with torch.no_grad():
        for _ in range(_REPEATS):
            started = time.perf_counter()
            work()
            if torch.device(device).type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - started)
    return min(times)


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")


def _machine() -> dict[str, str | int | None]:
    return {"platform": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__}


def _document(rates: Rates) -> dict[str, Any]:
    return {"normals": rates.normals, "flops": [list(size) for size in rates.flops]}


def _read(path: Path) -> Mapping[EngineName, Rates] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != _SCHEMA or document["machine"] != _machine():
            return None
        return {
            name: Rates(
                float(document["rates"][name]["normals"]),
                tuple((int(w), int(b), float(rate)) for w, b, rate in document["rates"][name]["flops"]),
            )
            for name in _SIZES
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None
