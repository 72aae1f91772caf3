"""Design: at which axis values something is measured, over how many seeds, and from which draws."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from theorychecks.arguments import is_whole, whole_number
from theorychecks.experiment.cells import Cell
from theorychecks.experiment.resources import Resources
from theorychecks.statistics.design import check_seeds
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.parts import Part, Parts, Selection, select, selection
from theorychecks.statistics.sequential import SHARES

DEFAULT_BUDGET: Final = 16
_SEED_BLOCK: Final = 2**32
"""How many root seeds a claim may choose from; each block of so many draws everything anew."""


@dataclass(frozen=True)
class Design(ABC):
    """What a sweep over widths and a quantity over its axis have in common.

    Attributes:
        budget: the most that a verdict may cost, as so many runs at every axis value; 16 unless given. Looks at a 64th,
            a 16th, a quarter and all of it are planned from the noise, and the first that decides is the last.
        seeds: takes the place of a budget: so many runs at every axis value, or one number for each, and one look.
        root_seed: another one draws everything anew; below 2^32.
        block: of root seeds. Claims are drawn from block 0; a run's seed and a confirmation on fresh seeds take others.
        joint: whether its readings stand or fall together, so that no more is spent once one of them clearly fails.
        looks: shares of the budget, spent by the end of each look.
        selection: only readings with these parts are judged; see `of`.
    """

    budget: int | None = field(default=None, kw_only=True)
    seeds: tuple[int, ...] | int | None = field(default=None, kw_only=True)
    root_seed: int = field(default=0, kw_only=True)
    block: int = field(default=0, kw_only=True)
    joint: bool = field(default=False, kw_only=True)
    looks: tuple[float, ...] = field(default=SHARES, kw_only=True)
    selection: Selection = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        if self.seeds is not None:
            if self.budget is not None:
                raise ValueError(
                    f"a sweep has a budget or seeds, not both; got budget={self.budget} and seeds={self.seeds}. "
                    "A budget is spent in looks and stops early, seeds are all trained."
                )
            object.__setattr__(self, "seeds", check_seeds(self.seeds, len(self.axis_values)))
        else:
            budget = DEFAULT_BUDGET if self.budget is None else self.budget
            object.__setattr__(self, "budget", whole_number(budget, "a budget, in networks at every width,"))
        seed = self.root_seed
        if not is_whole(seed, 0, _SEED_BLOCK - 1):
            raise ValueError(f"a root seed is a whole number from 0 to 2^32 - 1; got {seed!r}")

    @property
    @abstractmethod
    def axis(self) -> str:
        """What varies."""

    @property
    @abstractmethod
    def axis_values(self) -> tuple[float, ...]:
        """Increasing positive numbers."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What reports call the quantity."""

    @property
    @abstractmethod
    def subject(self) -> tuple[object, ...]:
        """What is measured, whatever the range and the draws."""

    @property
    @abstractmethod
    def costs(self) -> tuple[float, ...]:
        """Of one run at each axis value, in any unit: the same on every machine, so that plans are."""

    @abstractmethod
    def cells(self, resources: Resources) -> list[Cell]:
        """What is observed at each axis value, with engines and groups of seeds settled.

        Raises:
            ValueError: if the engine asked for cannot represent a training.
            MemoryError: if one does not fit into the memory budget.
        """

    def rehearse(self) -> None:  # noqa: B027 - most designs have nothing that can fail late
        """Find out what would fail later on; it is asked for where something has to be measured."""

    def ends(self, measurement: Measurement) -> str:
        """Where what was measured ends before what is looked for, and what to change; empty where it does not."""
        return ""

    @property
    def shared_seeds(self) -> bool:
        """Whether a seed stands for the same draw at every axis value."""
        return False

    @property
    def conditional(self) -> bool:
        """Whether runs without a number, NaN, are left out, where enough others are left."""
        return False

    @property
    def setting(self) -> Mapping[str, str]:
        """What reports say of how the numbers come about."""
        return {}

    @property
    def counts(self) -> tuple[int, ...]:
        """Seeds at each axis value; where there is a budget, those that it buys if all have the same."""
        seeds = self.budget if self.seeds is None else self.seeds
        assert seeds is not None
        return check_seeds(seeds, len(self.axis_values))

    @property
    def drawn_from(self) -> int:
        """The root seed of all draws, that of the block included."""
        return self.root_seed + self.block * _SEED_BLOCK

    def of(self, **parts: Part | Iterable[Part]) -> Self:
        """The same, judged on readings with these parts: `.of(role="hidden", norm="spectral")`, `.of(layer=(1, 2))`.

        Raises:
            PartsError: if no reading has such a part, where that is known before anything is measured.
        """
        return replace(self, selection=selection(parts))

    def with_seeds(self, seeds: int | tuple[int, ...]) -> Self:
        """The same over so many runs an axis value, in one look."""
        return replace(self, seeds=seeds, budget=None)

    def with_budget(self, budget: int) -> Self:
        """The same on another budget."""
        return replace(self, budget=budget, seeds=None)

    def redrawn(self, block: int) -> Self:
        """The same with other draws, from a block of root seeds that lies so many further on."""
        return replace(self, block=self.block + block)

    @abstractmethod
    def on(self, counts: Sequence[int]) -> Self:
        """The same on its first axis values, with these numbers of seeds."""

    def wider(self, octaves: int) -> Self:
        """The same reaching so many octaves of width further; an axis of another kind stays as it is."""
        return self

    def select(self, readings: Iterable[Parts]) -> list[Parts]:
        """Those readings that are judged.

        Raises:
            PartsError: if no reading has the parts that were asked for.
        """
        return select(readings, self.selection, self.title)
