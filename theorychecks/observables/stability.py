"""The largest learning rate at which training is stable, by bracketing and bisection for all seeds at once.

A stability threshold has no truth value without its criterion: see `Criterion`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal

import torch
from torch import Tensor

from theorychecks.engines import Histories, Limits, Retrainable, Run
from theorychecks.networks.randomness import uniform
from theorychecks.observables.observable import Observable, Reading, Readings
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status

Criterion = Literal["loss", "outputs", "activations"]
"""What must stay bounded: the mean of the last losses below the first, and every loss below a limit if there is one; or
the root mean square of outputs or of hidden preactivations below a limit at every step."""

ACTIVATION_LIMIT: Final = 30.0
"""Preactivations start at one; thirty times that is far beyond what stable training reaches."""
OUTPUT_LIMIT: Final = 100.0
_LAST: Final = 3


@dataclass(frozen=True)
class MaxStableLearningRate(Observable):
    """Base learning rate times width factor at which training turns unstable, one threshold a seed.

    Of a `Model` it is the factor on its optimizer's learning rates. The loss criterion compares losses with the first
    one, so give the same batch for every step: other ones differ by their noise.

    The search starts at the training's own rate. Each seed bisects on a grid of its own random offset, so that the
    grid's rounding is noise and not a step; the value is the middle of the last bracket. All seeds, and several rates
    of each where there is room, are trained at once, and those that have diverged no further.

    Attributes:
        criterion: what must stay bounded: "loss", "outputs" or "activations".
        resolution: width of the last bracket, in factors of two.
        reach: how far from the start to look, in factors of two. Training still stable there is censored from
            below ("never diverged"), training unstable down to there from above ("always diverged").
        limit: of the outputs' or activations' root mean square, 100 or 30 unless given; of losses, in units of the
            first one, none unless given. A network that dies in a first explosion has a small loss in the end.
    """

    criterion: Criterion
    resolution: float = field(default=0.25, kw_only=True)
    reach: float = field(default=12.0, kw_only=True)
    limit: float | None = field(default=None, kw_only=True)
    retrains = True
    parts = ()

    def __post_init__(self) -> None:
        # Two of one limit are equal, however it was given.
        object.__setattr__(self, "limit", _bound(self.criterion, self.resolution, self.reach, self.limit))

    @property
    def title(self) -> str:
        """By which criterion."""
        return f"maximal stable learning rate by {self.criterion}"

    def read(self, run: Run) -> Readings:
        """One rate."""
        threshold = stability_threshold(
            run, self.criterion, resolution=self.resolution, reach=self.reach, limit=self.limit
        )
        return {Parts(): threshold}


def stability_threshold(
    trial: Retrainable,
    criterion: Criterion,
    *,
    resolution: float = 0.25,
    reach: float = 12.0,
    limit: float | None = None,
) -> Reading:
    """The rate at which training turns unstable, one threshold a seed; see `MaxStableLearningRate`."""
    return _Search(trial, criterion, _bound(criterion, resolution, reach, limit), resolution, reach).threshold()


def _bound(criterion: Criterion, resolution: float, reach: float, limit: float | None) -> float:
    """The limit that a criterion has, once all are known to make sense."""
    if criterion not in ("loss", "outputs", "activations"):
        raise ValueError(f"a criterion is 'loss', 'outputs' or 'activations'; got {criterion!r}")
    if not 0 < resolution <= 1 or reach < 1:
        raise ValueError(f"resolution lies in (0, 1] and reach is at least 1; got {resolution} and {reach}")
    if limit is not None and not limit > 0:
        raise ValueError(f"a limit is a positive size; got {limit!r}")
    default = {"loss": math.inf, "outputs": OUTPUT_LIMIT, "activations": ACTIVATION_LIMIT}[criterion]
    return default if limit is None else limit


def stable(histories: Histories, criterion: Criterion, limit: float) -> Tensor:
    """Whether each network's training satisfies the criterion, [seed]."""
    losses = histories.losses
    finite = torch.isfinite(losses).all(dim=0)
    if criterion == "loss":
        bounded = torch.ones_like(finite)
        if limit < math.inf:
            _check_positive(losses[0])
            bounded = (losses <= limit * losses[0]).all(dim=0)
        return finite & bounded & (losses[-_LAST:].mean(dim=0) <= losses[0])
    sizes = histories.peak_outputs if criterion == "outputs" else histories.peak_activations
    return finite & (sizes.nan_to_num(nan=math.inf).amax(dim=0) < limit)


def _check_positive(first: Tensor) -> None:
    if (first <= 0).any():
        raise ValueError(
            "a limit on losses is one in units of the first loss, which must be positive; got "
            f"{float(first.min()):.3g}. Add a constant to the loss, or give no limit."
        )


@dataclass
class _Search:
    """Positions are binary logarithms of factors on the training's own rate."""

    trial: Retrainable
    criterion: Criterion
    limit: float
    resolution: float
    reach: float

    def threshold(self) -> Reading:
        seeds = list(self.trial.seeds)
        offsets = [self.resolution * uniform("dither", self.trial.root_seed, seed, self.trial.width) for seed in seeds]
        stride = self._stride()
        low, high = dict(zip(seeds, offsets, strict=True)), dict(zip(seeds, offsets, strict=True))
        started = self._stable_at({seed: [low[seed]] for seed in seeds})
        up = {seed for seed in seeds if started[seed][0]}
        open_ends = set(seeds)
        while open_ends:
            # Each seed looks on in its own direction until its answer changes.
            sign = {seed: 1 if seed in up else -1 for seed in open_ends}
            ahead = range(1, self._at_once(len(open_ends)) + 1)
            ends = {seed: high[seed] if seed in up else low[seed] for seed in open_ends}
            tried = {seed: [ends[seed] + sign[seed] * stride * k for k in ahead] for seed in open_ends}
            for seed, answers in self._stable_at(tried).items():
                for position, answer in zip(tried[seed], answers, strict=True):
                    if answer != (seed in up):
                        low[seed], high[seed] = sorted((ends[seed], position))
                        break
                    low[seed] = high[seed] = ends[seed] = position
                    if abs(position) >= self.reach:
                        break
            open_ends = {s for s in open_ends if low[s] == high[s] and abs(low[s]) < self.reach}
        censored = {s: Status.ABOVE if s in up else Status.BELOW for s in seeds if low[s] == high[s]}
        self._section(low, high, [s for s in seeds if s not in censored])
        values = [self.trial.rate * 2.0 ** ((low[s] + high[s]) / 2) for s in seeds]
        return Reading(
            torch.tensor(values, dtype=torch.float64), tuple(censored.get(seed, Status.OK) for seed in seeds)
        )

    def _stride(self) -> float:
        """A first bracket of two factors of two, or a little more, that halves down to the resolution exactly."""
        return self.resolution * 2.0 ** math.ceil(math.log2(2.0 / self.resolution))

    def _at_once(self, networks: int) -> int:
        """Rates to try of each network in one round: two halvings' three where that fills room left over, else one."""
        return 3 if 3 * networks <= self.trial.together else 1

    def _section(self, low: dict[int, float], high: dict[int, float], seeds: list[int]) -> None:
        """Halve brackets, or quarter them by two halvings at once, which asks for one rate in vain."""
        while seeds and (width := max(high[s] - low[s] for s in seeds)) > 1.5 * self.resolution:
            inner = self._at_once(len(seeds)) if width > 3 * self.resolution else 1
            parts = {s: [low[s] + (high[s] - low[s]) * k / (inner + 1) for k in range(1, inner + 1)] for s in seeds}
            for seed, answers in self._stable_at(parts).items():
                ends = [low[seed], *parts[seed], high[seed]]
                known = [True, *answers, False]
                first, last = 0, inner + 1
                while last - first > 1:
                    middle = (first + last) // 2
                    first, last = (middle, last) if known[middle] else (first, middle)
                low[seed], high[seed] = ends[first], ends[last]

    def _stable_at(self, positions: dict[int, list[float]]) -> dict[int, list[bool]]:
        pairs = [(seed, position) for seed, tried in positions.items() for position in tried]
        factors = torch.tensor([2.0**position for _, position in pairs], dtype=torch.float64)
        histories = self.trial.histories([seed for seed, _ in pairs], factors, self._limits())
        answers = iter(stable(histories, self.criterion, self.limit).tolist())
        return {seed: [next(answers) for _ in tried] for seed, tried in positions.items()}

    def _limits(self) -> Limits:
        """Beyond these a network counts as unstable whatever comes next, and need not be trained on."""
        if self.criterion == "outputs":
            return Limits(outputs=self.limit)
        return Limits(activations=self.limit) if self.criterion == "activations" else Limits()
