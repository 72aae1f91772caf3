"""The largest learning rate at which training is stable, by bracketing and bisection for all seeds at once.

A stability threshold has no truth value without its criterion: see `Criterion`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.engines.randomness import uniform
from theorychecks.observables.observable import BY_NAME, Observable, Reading, Trial
from theorychecks.statistics.measurement import Status

Criterion = Literal["loss", "outputs", "activations"]
"""What must stay bounded: the mean of the last losses below the first, or the root mean square of outputs or of hidden
preactivations below a limit at every step."""

ACTIVATION_LIMIT: Final = 30.0
"""Preactivations start at one; thirty times that is far beyond what stable training reaches."""
OUTPUT_LIMIT: Final = 100.0
_LAST: Final = 3


def max_stable_learning_rate(
    criterion: Criterion, *, resolution: float = 0.25, reach: float = 12.0, limit: float | None = None
) -> Observable:
    """Base learning rate times width factor at which training turns unstable, one threshold a seed.

    The search starts at the training's own rate. Each seed bisects on a grid of its own random offset, so that the
    grid's rounding is noise and not a step; the value is the middle of the last bracket.

    Args:
        criterion: what must stay bounded: "loss", "outputs" or "activations".
        resolution: width of the last bracket, in factors of two.
        reach: how far from the start to look, in factors of two. Training still stable there is censored from
            below ("never diverged"), training unstable down to there from above ("always diverged").
        limit: of the outputs' or activations' root mean square.
    """
    if criterion not in ("loss", "outputs", "activations"):
        raise ValueError(f"a criterion is 'loss', 'outputs' or 'activations'; got {criterion!r}")
    if not 0 < resolution <= 1 or reach < 1:
        raise ValueError(f"resolution lies in (0, 1] and reach is at least 1; got {resolution} and {reach}")
    if limit is not None and not limit > 0:
        raise ValueError(f"a limit is a positive size; got {limit!r}")
    default = {"loss": math.inf, "outputs": OUTPUT_LIMIT, "activations": ACTIVATION_LIMIT}[criterion]
    bound = default if limit is None else limit

    def observe(trial: Trial) -> dict[str, Reading]:
        search = _Search(trial, criterion, bound, resolution, reach)
        return {"": search.threshold()}

    return Observable(
        f"maximal stable learning rate ({criterion} below {bound:g}, to {resolution:g} within {reach:g} octaves)",
        observe,
        title=f"maximal stable learning rate by {criterion}",
        key=BY_NAME,
    )


def stable(run: Run, criterion: Criterion, limit: float) -> Tensor:
    """Whether each seed's training satisfies the criterion, [seed]."""
    finite = torch.isfinite(run.losses).all(dim=0)
    if criterion == "loss":
        return finite & (run.losses[-_LAST:].mean(dim=0) <= run.losses[0])
    sizes = run.peak_outputs if criterion == "outputs" else run.peak_activations
    return finite & (sizes.nan_to_num(nan=math.inf).amax(dim=0) < limit)


@dataclass
class _Search:
    """Positions are binary logarithms of factors on the training's own rate."""

    trial: Trial
    criterion: Criterion
    limit: float
    resolution: float
    reach: float

    def threshold(self) -> Reading:
        seeds = list(self.trial.seeds)
        offsets = [self.resolution * uniform("dither", self.trial.root_seed, seed, self.trial.width) for seed in seeds]
        stride = self._stride()
        low, high = dict(zip(seeds, offsets, strict=True)), dict(zip(seeds, offsets, strict=True))
        started = self._stable_at({seed: low[seed] for seed in seeds})
        up = {seed for seed in seeds if started[seed]}
        open_ends = set(seeds)
        while open_ends:
            # Each seed looks on in its own direction until its answer changes.
            tried = {s: high[s] + stride if s in up else low[s] - stride for s in open_ends}
            answers = self._stable_at(tried)
            for seed, answer in answers.items():
                if seed in up:
                    low[seed], high[seed] = (tried[seed], tried[seed]) if answer else (low[seed], tried[seed])
                else:
                    low[seed], high[seed] = (tried[seed], high[seed]) if answer else (tried[seed], tried[seed])
            open_ends = {s for s in open_ends if low[s] == high[s] and abs(low[s]) < self.reach}
        censored = {s: Status.ABOVE if s in up else Status.BELOW for s in seeds if low[s] == high[s]}
        self._bisect(low, high, [s for s in seeds if s not in censored])
        unit = self.trial.training.learning_rate
        rate = unit.base * self.trial.width**unit.width
        values = [rate * 2.0 ** ((low[s] + high[s]) / 2) for s in seeds]
        return Reading(
            torch.tensor(values, dtype=torch.float64), tuple(censored.get(seed, Status.OK) for seed in seeds)
        )

    def _stride(self) -> float:
        """A first bracket of two factors of two, or a little more, that halves down to the resolution exactly."""
        return self.resolution * 2.0 ** math.ceil(math.log2(2.0 / self.resolution))

    def _bisect(self, low: dict[int, float], high: dict[int, float], seeds: list[int]) -> None:
        while seeds and max(high[s] - low[s] for s in seeds) > 1.5 * self.resolution:
            middles = {s: (low[s] + high[s]) / 2 for s in seeds}
            for seed, answer in self._stable_at(middles).items():
                if answer:
                    low[seed] = middles[seed]
                else:
                    high[seed] = middles[seed]

    def _stable_at(self, positions: dict[int, float]) -> dict[int, bool]:
        seeds = list(positions)
        factors = torch.tensor([2.0 ** positions[seed] for seed in seeds], dtype=torch.float64)
        run = self.trial.run(times=(), seeds=seeds, rate_factors=factors)
        return dict(zip(seeds, stable(run, self.criterion, self.limit).tolist(), strict=True))
