"""The learning rate with the smallest training loss at the end of a pass, by a search on a shifted grid a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch

import theorychecks as tc
from theorychecks.engines import Limits, Retrainable
from theorychecks.networks.randomness import uniform
from theorychecks.observables import Readings
from theorychecks.statistics.statuses import Status

REACH: Final = 8
"""How far from the start to look, in factors of two; a loss still falling there is censored."""


@dataclass(frozen=True)
class BestLearningRate(tc.Observable):
    """Base learning rate times width factor with the smallest mean loss of the last batches, one a seed.

    On a pass over fresh batches that is a loss on samples not seen before. The search walks by factors of two from the
    training's own rate, down to where the losses on both sides are larger, and then tries factors of the square root of
    two. The optimum is that of a parabola through the logarithms of the three losses; where one of them has diverged it
    is the best rate itself. Each seed has a grid at a random offset of its own, and another one for each loss.

    Attributes:
        last: how many batches.
    """

    last: int
    title = "best learning rate"
    retrains = True
    parts = ()

    def read(self, run: tc.Run) -> Readings:
        """One rate."""
        place = run.training.loss.name, run.root_seed, run.width
        offsets = [uniform("best rate", *place, seed) for seed in run.seeds]
        return {tc.Parts(): best_rate(run, offsets, last=self.last)}


def best_rate(trial: Retrainable, offsets: Sequence[float], *, last: int) -> tc.Reading:
    """The rate with the smallest mean loss of the last batches, one a seed; see `BestLearningRate`.

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
    octaves = [offset + search.optimum(seed) for seed, offset in search.offsets.items()]
    statuses = [
        Status.OK if seed in inside else Status.BELOW if search.best(seed) < 0 else Status.ABOVE for seed in trial.seeds
    ]
    return tc.Reading(trial.rate * 2.0 ** torch.tensor(octaves, dtype=torch.float64), tuple(statuses))


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
