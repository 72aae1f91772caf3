"""Sweep: an observable of a training over widths and seeds; a description, so that it can be varied and extended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from theorychecks.networks import LearningRate, Parametrization, Training
from theorychecks.observables.observable import Observable
from theorychecks.statistics.design import check_seeds, positive_integer
from theorychecks.statistics.measurement import check_axis

DEFAULT_BUDGET: Final = 16
_SEED_BLOCK: Final = 2**32
"""How many root seeds a claim may choose from; each block of so many draws everything anew."""


@dataclass(frozen=True)
class Sweep:
    """What to measure, on what, at which widths and over how many seeds.

    Attributes:
        observable: what to read.
        training: what to train.
        widths: increasing, spanning a factor of 8 or more; see `widths`.
        budget: the most that a verdict may cost, as so many networks at every width; 16 unless given. Looks at a 64th,
            a 16th, a quarter and all of it are planned from the noise, and the first that decides is the last.
        seeds: takes the place of a budget: so many independent networks a width, or one number for each width, and
            one look.
        root_seed: another one draws other networks everywhere; below 2^32.
        block: of root seeds. Claims are drawn from block 0; a run's seed and a confirmation on fresh seeds take others.
        words: only readings whose names contain all of these are judged.
    """

    observable: Observable
    training: Training
    widths: tuple[int, ...] = field(kw_only=True)
    budget: int | None = field(default=None, kw_only=True)
    seeds: tuple[int, ...] | int | None = field(default=None, kw_only=True)
    root_seed: int = field(default=0, kw_only=True)
    block: int = field(default=0, kw_only=True)
    words: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(positive_integer(width, "a width") for width in self.widths))
        check_axis(self.widths)
        if self.seeds is not None:
            if self.budget is not None:
                raise ValueError(
                    f"a sweep has a budget or seeds, not both; got budget={self.budget} and seeds={self.seeds}. "
                    "A budget is spent in looks and stops early, seeds are all trained."
                )
            object.__setattr__(self, "seeds", check_seeds(self.seeds, len(self.widths)))
        else:
            budget = DEFAULT_BUDGET if self.budget is None else self.budget
            object.__setattr__(self, "budget", positive_integer(budget, "a budget, in networks at every width,"))
        seed = self.root_seed
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < _SEED_BLOCK:
            raise ValueError(f"a root seed is a whole number from 0 to 2^32 - 1; got {seed!r}")

    @property
    def drawn_from(self) -> int:
        """The root seed of all draws, that of the block included."""
        return self.root_seed + self.block * _SEED_BLOCK

    @property
    def counts(self) -> tuple[int, ...]:
        """Seeds at each width; where there is a budget, those that it buys if all widths have the same."""
        seeds = self.budget if self.seeds is None else self.seeds
        assert seeds is not None
        return check_seeds(seeds, len(self.widths))

    def of(self, *words: str) -> Sweep:
        """The same sweep, judged on the readings whose names contain these words: `.of("hidden", "spectral")`."""
        return replace(self, words=words)

    def under(self, parametrization: Parametrization, *, learning_rate: LearningRate | None = None) -> Sweep:
        """The same sweep in another parametrization; see `Training.under` for what becomes of the learning rate."""
        return replace(self, training=self.training.under(parametrization, learning_rate=learning_rate))

    def with_training(self, **changes: Any) -> Sweep:
        """The same sweep with some of its training's attributes replaced."""
        return replace(self, training=replace(self.training, **changes))

    def with_observable(self, observable: Observable) -> Sweep:
        """The same sweep of another observable."""
        return replace(self, observable=observable, words=())

    def with_seeds(self, seeds: int | tuple[int, ...]) -> Sweep:
        """The same sweep over so many networks a width, in one look."""
        return replace(self, seeds=seeds, budget=None)

    def with_budget(self, budget: int) -> Sweep:
        """The same sweep on another budget."""
        return replace(self, budget=budget, seeds=None)

    def on(self, counts: Sequence[int]) -> Sweep:
        """The same sweep on its first widths, with these numbers of seeds."""
        return replace(self, widths=self.widths[: len(counts)], seeds=tuple(counts), budget=None)

    def redrawn(self, block: int) -> Sweep:
        """The same sweep of other networks, from a block that lies so many further on."""
        return replace(self, block=self.block + block)

    def wider(self, octaves: int) -> Sweep:
        """The same sweep reaching so many octaves further, with as many seeds at each new width as at the last."""
        ratio = self.widths[-1] / self.widths[-2]
        count = math.ceil(octaves / math.log2(ratio))
        more = tuple(round(self.widths[-1] * ratio**k) for k in range(1, count + 1))
        seeds = None if self.seeds is None else self.counts + (self.counts[-1],) * count
        return replace(self, widths=self.widths + more, seeds=seeds)

    def select(self, names: Sequence[str]) -> list[str]:
        """Those names that contain all words.

        Raises:
            ValueError: if none does.
        """
        chosen = [name for name in names if all(word in name for word in self.words)]
        if not chosen:
            raise ValueError(
                f"no reading of {self.observable.name!r} is named with {' and '.join(map(repr, self.words))}; "
                f"there are {', '.join(map(repr, names))}"
            )
        return chosen
