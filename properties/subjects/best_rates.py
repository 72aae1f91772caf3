"""The learning rate with the smallest training loss at the end of a pass, by a search on a shifted grid a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from theorychecks.engines import Limits, Retrainable

REACH: Final = 8
"""How far from the start to look, in factors of two; a loss still falling there is censored."""


class BestRates(NamedTuple):
    """Rates, [seed], and for each seed 0, or the side on which its best rate lies beyond: -1 below, 1 above."""

    rates: Tensor
    beyond: tuple[int, ...]


def best_rates(trial: Retrainable, offsets: Sequence[float], *, last: int) -> BestRates:
    """The rate with the smallest mean loss of the last batches, one a seed.

    On a pass over fresh batches that is a loss on samples not seen before. The search walks by factors of two from the
    trial's own rate, down to where the losses on both sides are larger, and then tries factors of the square root of
    two. The optimum is that of a parabola through the logarithms of the three losses; where one of them has diverged it
    is the best rate itself.

    Args:
        trial: networks of one width.
        offsets: of the seeds' grids, in factors of two.
        last: how many batches, the one after the last step aside.
    """
    search = _Search(trial, dict(zip(trial.seeds, offsets, strict=True)), last)
    search.ask({seed: [-1.0, 0.0, 1.0] for seed in trial.seeds})
    while ends := {seed: [ahead] for seed in trial.seeds if (ahead := search.ahead(seed)) is not None}:
        search.ask(ends)
    inside = [seed for seed in trial.seeds if abs(search.best(seed)) < REACH]
    search.ask({seed: [search.best(seed) - 0.5, search.best(seed) + 0.5] for seed in inside})
    octaves = torch.tensor(
        [offset + search.optimum(seed) for seed, offset in search.offsets.items()], dtype=torch.float64
    )
    beyond = tuple(0 if seed in inside else -1 if search.best(seed) < 0 else 1 for seed in trial.seeds)
    return BestRates(trial.rate * 2.0**octaves, beyond)


class _Search:
    """Losses by seed and place on its grid, in factors of two from its offset."""

    def __init__(self, trial: Retrainable, offsets: Mapping[int, float], last: int) -> None:
        self.trial = trial
        self.offsets = offsets
        self.last = last
        self.losses: dict[int, dict[float, float]] = {seed: {} for seed in offsets}

    def ask(self, places: Mapping[int, Sequence[float]]) -> None:
        """Train each seed at these places."""
        pairs = [(seed, place) for seed, tried in places.items() for place in tried]
        if not pairs:
            return
        factors = torch.tensor([2.0 ** (self.offsets[seed] + place) for seed, place in pairs], dtype=torch.float64)
        histories = self.trial.histories([seed for seed, _ in pairs], factors, Limits())
        ends = histories.losses[-1 - self.last : -1].to(torch.float64).mean(dim=0).nan_to_num(nan=math.inf)
        for (seed, place), loss in zip(pairs, ends.tolist(), strict=True):
            self.losses[seed][place] = loss

    def best(self, seed: int) -> float:
        """The place with the smallest loss; the lowest one if all have diverged."""
        found = self.losses[seed]
        return min(sorted(found), key=found.__getitem__)

    def ahead(self, seed: int) -> float | None:
        """The next place to try, if the best one is at an end of those tried."""
        best, tried = self.best(seed), self.losses[seed]
        if min(tried) < best < max(tried) or abs(best) >= REACH:
            return None
        return best - 1 if best == min(tried) else best + 1

    def optimum(self, seed: int) -> float:
        """The vertex of the parabola through the best place and its neighbours, or that place."""
        best, found = self.best(seed), self.losses[seed]
        if not {best - 0.5, best + 0.5} <= set(found):
            return best
        below, here, above = (math.log(found[best + step]) for step in (-0.5, 0.0, 0.5))
        curvature = below - 2 * here + above
        return best + 0.25 * (below - above) / curvature if 0 < curvature < math.inf else best
