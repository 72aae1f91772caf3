"""What trainings of a run may use, as the options have it."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Final

import pytest

from theorychecks.plugin.executors import sharing, started
from theorychecks.plugin.storing import stored_cells

if TYPE_CHECKING:
    from theorychecks.experiment import Resources

CALIBRATION: Final = ".theorychecks"
"""Directory under the root directory where rates of this machine are kept; see `theorychecks.experiment.calibrated`."""
_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def size(text: str) -> int:
    """Bytes in a size such as 4GB, 500 MiB or 1.5e9."""
    found = re.fullmatch(r"([0-9.]+(?:e[0-9]+)?)\s*([KMGT]?)(i?)B?", text.strip(), flags=re.IGNORECASE)
    try:
        count = int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS[found[2].upper()]) if found else 0
    except (ValueError, OverflowError):
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(
            f"a memory size is a positive number of bytes, like 4GB or 500MB; got {text!r}"
        )
    return count


def seconds(text: str) -> float:
    """Seconds in a time such as 60s, 1.5min or 90."""
    found = re.fullmatch(r"([0-9.]+)\s*(s|sec|m|min|h)?", text.strip(), flags=re.IGNORECASE)
    try:
        time = float(found[1]) * {"s": 1, "m": 60, "h": 3600}[(found[2] or "s")[0].lower()] if found else 0.0
    except ValueError:
        time = 0.0
    if not time > 0:
        raise argparse.ArgumentTypeError(f"a time budget is a positive time, like 60s or 2min; got {text!r}")
    return time


def check_device(config: pytest.Config) -> None:
    """Refuse a device that is not there, before anything is collected."""
    if config.getoption("--theory-device") == "cpu":
        return
    from theorychecks.experiment import Resources

    try:
        Resources(device=config.getoption("--theory-device"))
    except ValueError as error:
        raise pytest.UsageError(f"--theory-device: {error}") from error


def device_used(config: pytest.Config) -> str:
    """Where networks of the run are trained, with the name of a GPU."""
    device: str = config.getoption("--theory-device")
    if not device.startswith("cuda"):
        return device
    import torch

    return f"{device}, {torch.cuda.get_device_name(device)}"


def resources(config: pytest.Config) -> Resources:
    """What this process may use: its share of the memory."""
    from theorychecks.experiment import Resources

    worker = getattr(config, "workerinput", None)
    workers = int(worker["workercount"]) if worker else 1
    return Resources(
        engine=config.getoption("--theory-engine"),
        device=config.getoption("--theory-device"),
        memory_budget=config.getoption("--theory-memory"),
        workers=sharing(config, workers),
        calibration=config.rootpath / CALIBRATION,
        stored=stored_cells(config),
        executor=started(config),
    )
