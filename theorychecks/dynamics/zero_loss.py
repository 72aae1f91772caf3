"""Gradient flow to zero loss, with or without a ridge towards an anchor, and the slow slide along the zero-loss set.

The loss is 1/2 sum (f - y)^2 + ridge/2 |theta - anchor|^2. With the Jacobian J held fixed its flow has a closed form
(derived here): what lies in the row space of J relaxes with K = J J^T, what lies outside shrinks towards the anchor by
exp(-ridge time). A step takes J from its midpoint, so it is of second order, and exact at any length where J is
constant. As the ridge vanishes at constant ridge times time the residual is zero at once, and the slide remains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor

from theorychecks.dynamics.two_layer import Linearised, TwoLayer

GROWTH: Final = 1.2
"""Each step of a flow is so much longer than the one before: what is left moves ever more slowly."""
SLIDE_STEP: Final = 0.02
"""Of the slide, in units of one over the ridge; much longer ones end on a two-cycle in rich networks."""
_FIRST_STEP: Final = 0.5
"""Of a flow, in units of (growth - 1) over the largest eigenvalue of the first kernel."""
_RELAXED: Final = 36.0
"""exp(-36) is a rounding error."""
_MOST_STEPS: Final = 1000
_CONSTRAINT: Final = 1e-9
"""Largest residual, in units of the largest target, at which the loss is zero."""
_FINISHING: Final = 4
"""Gauss-Newton steps that end a slide on the zero-loss set."""


@dataclass(frozen=True)
class Fitting:
    """A network and what it is to fit.

    Attributes:
        network: what is trained.
        inputs: [P, d], or [seed, P, d].
        targets: of each network, [seed, P].
    """

    network: TwoLayer
    inputs: Tensor = field(repr=False)
    targets: Tensor = field(repr=False)

    def at(self, weights: Tensor) -> Linearised:
        """The network to first order."""
        return self.network.linearised(weights, self.inputs)

    def misfit(self, weights: Tensor) -> float:
        """The largest residual of any network, in units of the largest target."""
        residual = self.network.outputs(weights, self.inputs) - self.targets
        return float(residual.abs().max() / self.targets.abs().max())


def gradient_flow(fitting: Fitting, weights: Tensor, *, growth: float = GROWTH) -> Tensor:
    """Where gradient flow on the loss ends, [seed, 1 + d, n].

    Args:
        fitting: what is fitted.
        weights: where it starts.
        growth: of the steps; nearer to one is more accurate, and the error falls with (growth - 1)^2.

    Raises:
        ArithmeticError: if the loss does not reach zero, because the kernel is singular.
    """
    return flow_path(fitting, weights, growth=growth)[0][-1]


def flow_path(fitting: Fitting, weights: Tensor, *, growth: float = GROWTH) -> tuple[list[Tensor], list[Tensor]]:
    """All points of `gradient_flow`, the start and the end included, and the times [seed] of the steps between them.

    Raises:
        ArithmeticError: if the loss does not reach zero, because the kernel is singular.
    """
    eigenvalues = torch.linalg.eigvalsh(fitting.at(weights).kernel())
    time = _first_step(eigenvalues, growth)
    points, times = [weights], list[Tensor]()
    while (eigenvalues[:, 0] * time).min() < _RELAXED or fitting.misfit(points[-1]) > _CONSTRAINT:
        if len(times) == _MOST_STEPS or not torch.isfinite(points[-1]).all():
            raise ArithmeticError(
                f"gradient flow has a relative residual of {fitting.misfit(points[-1]):.2g} after {len(times)} steps. "
                "Take fewer samples, or inputs that are further apart."
            )
        points.append(advance(fitting, points[-1], time))
        times.append(time)
        time = time * growth
    return points, times


def anchored_flow(
    fitting: Fitting,
    weights: Tensor,
    *,
    ridge: float,
    slow_times: Sequence[float],
    anchor: Tensor | None = None,
    growth: float = GROWTH,
    slide_step: float = SLIDE_STEP,
) -> list[Tensor]:
    """Gradient flow on the loss with its ridge, at these times in units of one over the ridge.

    Args:
        fitting: what is fitted.
        weights: where it starts.
        ridge: strength of the ridge.
        slow_times: increasing.
        anchor: what the ridge pulls towards; the start unless given.
        growth: of the steps.
        slide_step: the longest step, in units of one over the ridge.

    Raises:
        ValueError: for a ridge that is not positive, or times that do not increase from zero.
    """
    if not (math.isfinite(ridge) and ridge > 0):
        raise ValueError(f"an anchored flow has a positive ridge; got {ridge!r}. Without one, use gradient_flow.")
    if any(after <= before for before, after in pairwise((0.0, *slow_times))):
        raise ValueError(f"slow times are positive and increase; got {tuple(slow_times)}")
    anchor = weights if anchor is None else anchor
    time = _first_step(torch.linalg.eigvalsh(fitting.at(weights).kernel()), growth)
    found, passed = list[Tensor](), torch.zeros_like(time)
    for slow_time in slow_times:
        while bool((left := slow_time / ridge - passed).max() > 0):
            part = torch.minimum(time.clamp(max=slide_step / ridge), left)
            weights = advance(fitting, weights, part, ridge=ridge, anchor=anchor)
            passed, time = passed + part, time * growth
        found.append(weights)
    return found


def slide(
    fitting: Fitting,
    weights: Tensor,
    anchor: Tensor,
    *,
    duration: float,
    slide_step: float = SLIDE_STEP,
    at_rest: float | None = None,
) -> Tensor:
    """Where the flow with a vanishing ridge is after a duration in units of one over the ridge, on the zero-loss set.

    Args:
        fitting: what is fitted.
        weights: where it starts, such as where gradient flow has ended.
        anchor: what the ridge pulls towards.
        duration: how long, in units of one over the ridge.
        slide_step: of each step, in the same units.
        at_rest: the largest `kkt_residual` at which the slide has ended; it is not asked unless given.

    Raises:
        ValueError: for a negative duration, or a step that is not positive.
        ArithmeticError: if it leaves the zero-loss set, or does not come to rest.
    """
    if not (math.isfinite(duration) and duration >= 0 and math.isfinite(slide_step) and slide_step > 0):
        raise ValueError(f"a slide lasts for a time, in positive steps; got {duration=} and {slide_step=}")
    steps = math.ceil(duration / slide_step - 1e-9)
    for _ in range(steps):
        weights = _slid(fitting, weights, anchor, duration / steps)
    for _ in range(_FINISHING):
        weights = _slid(fitting, weights, anchor, 0.0)
    misfit = fitting.misfit(weights)
    if not misfit <= _CONSTRAINT:
        raise ArithmeticError(f"the slide has left the zero-loss set, by {misfit:.2g}. Take a slide_step below 0.02.")
    if at_rest is not None and not (moving := float(kkt_residual(fitting, weights, anchor).max())) <= at_rest:
        raise ArithmeticError(
            f"the slide is not at rest: a residual of {moving:.2g} is left of the anchor's pull, where {at_rest:g} is "
            "asked for. Take a longer duration, or a slide_step below 0.02 if it has ended on a two-cycle."
        )
    return weights


def kkt_residual(fitting: Fitting, weights: Tensor, anchor: Tensor) -> Tensor:
    """|(I - J^+ J)(theta - anchor)| / |theta - anchor| at theta, [seed]; derived here.

    It is zero exactly where theta is a stationary point of the distance to the anchor on the zero-loss set (Karush,
    Kuhn and Tucker's condition), so that a vanishing ridge does not move it.
    """
    linearised, offset = fitting.at(weights), weights - anchor
    values, vectors = torch.linalg.eigh(linearised.kernel())
    inside = linearised.pulled(_function(vectors, 1 / values, linearised.pushed(offset)))
    return lengths(offset - inside) / lengths(offset)


def lengths(changes: Tensor) -> Tensor:
    """Euclidean norms of changes of the weights, [seed]."""
    return changes.square().sum((1, 2)).sqrt()


def advance(
    fitting: Fitting, weights: Tensor, time: Tensor, *, ridge: float = 0.0, anchor: Tensor | None = None
) -> Tensor:
    """The flow one step later, by a time [seed] of each network's own.

    Without an anchor there is no ridge.
    """
    start = fitting.at(weights)
    residual = start.outputs - fitting.targets
    offset = None if anchor is None else weights - anchor
    middle = weights + _change(start, residual, offset, time / 2, ridge, -torch.expm1(-ridge * time / 2))
    return weights + _change(fitting.at(middle), residual, offset, time, ridge, -torch.expm1(-ridge * time))


def _slid(fitting: Fitting, weights: Tensor, anchor: Tensor, shrink: float) -> Tensor:
    """The limit of `advance` as the ridge vanishes; J from the start will do where steps are short."""
    start = fitting.at(weights)
    forever = torch.full_like(weights[:, 0, 0], math.inf)
    residual = start.outputs - fitting.targets
    return weights + _change(start, residual, weights - anchor, forever, 0.0, torch.full_like(forever, shrink))


def _change(
    linearised: Linearised, residual: Tensor, offset: Tensor | None, time: Tensor, ridge: float, shrink: Tensor
) -> Tensor:
    """Of the weights, by the flow with constant J: -J^T g outside of nothing but rows, and the shrinking of the rest.

    With c = K^-1 J offset the row space obeys c' = -(r + K (c - c_0)) - ridge c, whose solution is
    c - c_0 = -(1 - exp(-(K + ridge) time)) (K + ridge)^-1 (r + ridge c_0).
    """
    values, vectors = torch.linalg.eigh(linearised.kernel())
    relaxed = -torch.expm1(-(values + ridge) * time[:, None]) / (values + ridge)
    if offset is None:
        return -linearised.pulled(_function(vectors, relaxed, residual))
    rows = _function(vectors, 1 / values, linearised.pushed(offset))
    inside = _function(vectors, relaxed, residual + ridge * rows) - shrink[:, None] * rows
    return -linearised.pulled(inside) - shrink[:, None, None] * offset


def _function(vectors: Tensor, values: Tensor, coefficients: Tensor) -> Tensor:
    """A function of a symmetric matrix, by its values at the eigenvalues, applied to coefficients [seed, P]."""
    modes = (vectors.mT @ coefficients[..., None])[..., 0]
    return (vectors @ (values * modes)[..., None])[..., 0]


def _first_step(eigenvalues: Tensor, growth: float) -> Tensor:
    if not growth > 1:
        raise ValueError(f"steps grow by a factor above one; got {growth!r}. Take 1.2.")
    return _FIRST_STEP * (growth - 1) / eigenvalues[:, -1]
