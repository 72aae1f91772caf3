"""Learning rates of a model of one's own: the largest stable one, and the best one, at every width.

A coordinate check in order does not imply that learning rates transfer (Wortsman et al. 2023, arXiv:2309.14322; Lingle
2024, arXiv:2404.05728), so both are measured. Each value is a factor on the learning rate that the model's optimizer
has: where the set-up scales it with the width as it should be, the factor is Theta(1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from theorychecks.arguments import whole_number
from theorychecks.engines import Histories, Limits
from theorychecks.experiment import Draw, Scan
from theorychecks.gates.coordinate_check import BUDGET, COST
from theorychecks.gates.source import Source
from theorychecks.models import Model, ModelError
from theorychecks.networks.randomness import integer
from theorychecks.observables.observable import Reading
from theorychecks.observables.optimal_rate import best_rate
from theorychecks.observables.stability import stability_threshold
from theorychecks.statistics.design import check_widths

_WIDER = 1.25
"""Trainings at several rates are planned as if they grew a little faster with the width."""


@dataclass(frozen=True)
class ModuleTrial:
    """Somebody's model at one width, to be trained several times at several learning rates; a `Retrainable`."""

    source: Source
    width: int
    seeds: Sequence[int]
    place: tuple[object, ...]
    limit: float = math.inf
    rate: float = 1.0

    @property
    def root_seed(self) -> int:
        """Another one draws everything anew."""
        return integer(*self.place)

    @property
    def together(self) -> int:
        """How many models are trained together, at most."""
        return self.source.together(self.width)

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Losses of any number of trainings, infinite once they are beyond the limit.

        The sizes that the engines' limits speak of are not followed.
        """
        losses = self.source.losses(self.width, self.place, seeds, rate_factors)
        rows = torch.tensor(losses, dtype=torch.float64).T
        if math.isfinite(self.limit) and not (rows[0] > 0).all():
            raise ModelError(
                f"{self.source.model.title}: a largest stable rate is told by losses relative to the first one, which "
                f"must be positive; got {float(rows[0].min()):.3g} at width {self.width}. Add a constant to the loss."
            )
        beyond = ~(rows <= self.limit * rows[0]) & torch.isfinite(torch.tensor(self.limit))
        rows = rows.masked_fill(beyond.cumsum(dim=0) > 0, torch.inf)
        unknown = torch.full_like(rows, torch.nan)
        return Histories(rows, unknown, unknown)


def max_stable_rate(
    model: Model,
    *,
    widths: Sequence[int],
    steps: int = 10,
    limit: float = 2.0,
    resolution: float = 0.25,
    reach: float = 12.0,
    budget: int | None = None,
    seeds: int | tuple[int, ...] | None = None,
) -> Scan:
    """The largest factor on the model's learning rate at which training is stable, to be given to `check`.

    Stable is a training whose losses stay below a limit, and whose last three are not above the first on average. Seeds
    bisect on grids with random offsets; where all factors within reach are stable, or none is, the value is a bound.
    Losses are compared with the first one, so give the same batch for every step: other ones differ by their noise.

    Args:
        model: how it is built, trained, and on what; each seed gets as many batches as steps.
        widths: five or more.
        steps: of each training.
        limit: on losses, in units of the first: a network that dies in a first explosion has a small loss in the end.
        resolution: of the factor, in factors of two.
        reach: how far from one to look, in factors of two.
        budget: the most that a verdict may cost, as so many runs at every width; 64 unless given.
        seeds: takes the place of a budget.
    """
    return _scan(
        model,
        widths,
        steps,
        budget,
        seeds,
        "maximal stable learning rate",
        lambda trial: stability_threshold(replace(trial, limit=limit), "loss", resolution=resolution, reach=reach),
    )


def optimal_rate(
    model: Model,
    *,
    widths: Sequence[int],
    steps: int = 20,
    spacing: float = 0.5,
    reach: float = 4.0,
    budget: int | None = None,
    seeds: int | tuple[int, ...] | None = None,
) -> Scan:
    """The factor on the model's learning rate with the smallest last loss, to be given to `check`.

    The exponent says by how much the optimum moves with the width; n^0 is transfer.

    Args:
        model: how it is built, trained, and on what; each seed gets as many batches as steps.
        widths: five or more.
        steps: of each training.
        spacing: of the grid of factors, in factors of two.
        reach: of the grid, in factors of two about one.
        budget: the most that a verdict may cost, as so many runs at every width; 64 unless given.
        seeds: takes the place of a budget.
    """
    return _scan(
        model,
        widths,
        steps,
        budget,
        seeds,
        "optimal learning rate",
        lambda trial: best_rate(trial, spacing=spacing, reach=reach),
    )


def _scan(
    model: Model,
    widths: Sequence[int],
    steps: int,
    budget: int | None,
    seeds: int | tuple[int, ...] | None,
    name: str,
    observe: Callable[[ModuleTrial], Reading],
) -> Scan:
    whole_number(steps, "steps")
    source = Source(model, check_widths(widths), steps, ())

    def read(width: float, draw: Draw) -> Reading:
        before = source.trainings
        reading = observe(ModuleTrial(source, round(width), draw.seeds, draw.place))
        draw.tally.trainings += source.trainings - before
        return reading

    return Scan(
        read,
        source.widths,
        along="width",
        name=f"{model.title}: {name}",
        cost=COST * _WIDER,
        budget=BUDGET if budget is None and seeds is None else budget,
        seeds=seeds,
        about=(("steps", str(steps)),),
    )
