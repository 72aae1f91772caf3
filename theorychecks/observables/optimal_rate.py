"""The learning rate that trains best in a given number of steps, by a grid and a parabola for all seeds at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from theorychecks.engines import Limits, Retrainable, Run
from theorychecks.networks.randomness import uniform
from theorychecks.observables.observable import Observable, Reading, Readings
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status


@dataclass(frozen=True)
class OptimalLearningRate(Observable):
    """Base learning rate times width factor at which the last loss is smallest, one optimum a seed.

    The grid is centred on the training's own rate, and each seed has it at a random offset of its own, so that its
    spacing is noise and not a step. The optimum is that of a parabola through the logarithms of the best loss and its
    neighbours; a neighbour that has diverged leaves the best grid point itself.

    Attributes:
        spacing: of the grid, in factors of two.
        reach: how far to look, in factors of two. An optimum at the grid's lower end is an upper bound ("at most"), one
            at its upper end a lower bound.
    """

    spacing: float = field(default=0.5, kw_only=True)
    reach: float = field(default=4.0, kw_only=True)
    title = "optimal learning rate"
    retrains = True
    parts = ()

    def __post_init__(self) -> None:
        _check_grid(self.spacing, self.reach)

    def read(self, run: Run) -> Readings:
        """One rate."""
        return {Parts(): best_rate(run, spacing=self.spacing, reach=self.reach)}


def best_rate(trial: Retrainable, *, spacing: float = 0.5, reach: float = 4.0) -> Reading:
    """The rate at which the last loss is smallest, one optimum a seed; see `OptimalLearningRate`."""
    _check_grid(spacing, reach)
    points = 2 * math.ceil(reach / spacing) + 1
    seeds = list(trial.seeds)
    offsets = [uniform("dither", trial.root_seed, seed, trial.width) - 0.5 for seed in seeds]
    octaves = torch.tensor(
        [[spacing * (k - points // 2 + offset) for k in range(points)] for offset in offsets], dtype=torch.float64
    )
    again = [seed for seed in seeds for _ in range(points)]
    histories = trial.histories(again, (2.0**octaves).flatten(), Limits())
    losses = histories.losses[-1].to(torch.float64).reshape(len(seeds), points).nan_to_num(nan=math.inf)
    place, status = _optimum(losses)
    return Reading(trial.rate * 2.0 ** (octaves[:, 0] + spacing * place), status)


def _check_grid(spacing: float, reach: float) -> None:
    if not 0 < spacing <= 1 or reach < 2 * spacing:
        raise ValueError(
            f"spacing lies in (0, 1] and reach is at least twice as long; got {spacing} and {reach}, in factors of two"
        )


def _optimum(losses: Tensor) -> tuple[Tensor, tuple[Status | None, ...]]:
    """Where on the grid [seed, point] each loss is smallest, in grid points, and on which side it may lie beyond."""
    best = losses.argmin(dim=1)
    last = losses.shape[1] - 1
    inside = best.clamp(1, last - 1)
    below, here, above = (losses.gather(1, (inside + k)[:, None]).squeeze(1).log() for k in (-1, 0, 1))
    curvature = below - 2 * here + above
    shift = torch.where(curvature.isfinite() & (curvature > 0), (below - above) / (2 * curvature), 0.0)
    place = torch.where(best == inside, inside + shift, best.to(shift.dtype))
    sides = {0: Status.BELOW, last: Status.ABOVE}
    return place, tuple(sides.get(int(at)) for at in best)
