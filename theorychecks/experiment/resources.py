"""Resources: which engine, device, memory and measured rates trainings may use, and what was measured with them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psutil
import torch

from theorychecks.arguments import is_whole, whole_number
from theorychecks.engines.choice import REFERENCE_RATES, EngineName, check_engine
from theorychecks.engines.cost import Rates
from theorychecks.experiment.calibration import calibrated
from theorychecks.experiment.cells import Block, Cell, Cells, seeds_of
from theorychecks.experiment.stored import StoredCells, longer

_SHARE: Final = 2
"""One in so many bytes that are free is used."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What trainings may use.

    Attributes:
        engine: "auto" takes the faster one at each width, "dense" and "matrix_free" force one.
        device: a torch device, "cpu" or "cuda"; a `Model` stays where it is built, and takes "cpu" alone.
        memory_budget: bytes for networks trained together; half of what is free, unless given.
        workers: processes that share what is free.
        calibration: directory where measured rates of this machine's engines are kept, for "auto"; see `calibrated`.
            Or the rates themselves. Without either, rates of another machine are taken.
        cells: what was measured with these resources, which is not measured again.
        stored: what other runs have measured, if it is to be taken and added to.
        executor: where cells are measured; in this process, one after the other, unless given. See `Processes`.
    """

    engine: str = "auto"
    device: str = "cpu"
    memory_budget: int | None = None
    workers: int = 1
    calibration: Path | Mapping[EngineName, Rates] | None = field(default=None, repr=False)
    cells: Cells = field(default_factory=Cells, repr=False, compare=False)
    stored: StoredCells | None = field(default=None, repr=False, compare=False)
    executor: Executor | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_engine(self.engine)
        budget = self.memory_budget
        if budget is not None and not is_whole(budget):
            raise ValueError(f"a memory budget is a positive number of bytes; got {budget!r}")
        whole_number(self.workers, "the number of workers")
        try:
            device = torch.device(self.device)
        except (RuntimeError, TypeError) as error:
            raise ValueError(f"a device is a torch device, 'cpu' or 'cuda'; got {self.device!r}") from error
        if device.type == "cuda":
            found = torch.cuda.device_count()
            if (device.index or 0) >= found:
                built = "" if torch.version.cuda else ", and this build of torch is for CPUs alone"
                raise ValueError(
                    f"there is no device {self.device!r}: torch sees {found} CUDA devices{built}. Use device 'cpu'."
                )
        elif device.type != "cpu":
            raise ValueError(f"trainings run on 'cpu' or 'cuda'; got {self.device!r}")

    @property
    def on_cpu(self) -> bool:
        """Whether trainings run on the CPU."""
        return torch.device(self.device).type == "cpu"

    def budget(self) -> int:
        """Bytes for networks that this process trains together, now."""
        if self.memory_budget is not None:
            return self.memory_budget // self.workers
        return self._free() // (_SHARE * self.workers)

    def _free(self) -> int:
        if self.on_cpu:
            return int(psutil.virtual_memory().available)
        # What torch has set aside and does not use is free as well.
        kept = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return int(torch.cuda.mem_get_info(self.device)[0]) + kept

    def rates(self) -> Mapping[EngineName, Rates]:
        """What engines do on this machine."""
        if isinstance(self.calibration, Path):
            return calibrated(self.calibration, self.device)
        return REFERENCE_RATES if self.calibration is None else self.calibration

    def settled(self) -> Resources:
        """The same with this process's memory and rates as they are now, so that other processes choose alike."""
        rates = self.rates() if self.engine == "auto" else None
        return replace(self, memory_budget=max(self.budget(), 1), workers=1, calibration=rates)

    def known(self, cell: Cell) -> list[Block]:
        """Blocks of a cell that have been measured, in this run or another one."""
        done = list(self.cells.blocks(cell.key))
        if seeds_of(done) < cell.count and self.stored is not None:
            done = longer(done, self.stored.blocks(cell))
            self.cells.keep(cell.key, done)
        return done
