"""The two-layer linear network on one sample, whose training is exactly a recursion of two numbers.

With f = s u.v and K = s^2 (|u|^2 + |v|^2), the tangent kernel, a step of gradient descent on (f - y)^2 / 2 at a unit
input gives, with r = f - y,
    f' = f - eta r K + s^2 eta^2 r^2 f,
    K' = K - 4 s^2 eta r f + s^2 eta^2 r^2 K
(Lewkowycz et al. 2020, arXiv:2003.02218, second-hand; derived here for any y and s).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Threshold = Literal["monotone", "bounded"]

_FAR: Final = 1e12
"""Outputs beyond this have diverged; the largest that come back are of order n."""
_STEPS: Final = 20.0
"""Steps of training in units of 1 / eta (Haas et al. 2025, arXiv:2505.22491, the authors' code)."""
_FEWEST_STEPS: Final = 15
_HALVINGS: Final = 16
"""Of three or four decades: down to a ten-thousandth."""


class State(NamedTuple):
    """Outputs f and tangent kernels K, [seed] each, and s^2: 1 under standard parametrization, 1/n under NTK."""

    outputs: Array
    kernels: Array
    squared_multiplier: float = 1.0


def step(state: State, rates: Array, target: float) -> State:
    """One step of gradient descent with a rate for each seed, [seed]."""
    f, K, s2 = state
    eta, r = rates, f - target
    return State(f - eta * r * K + s2 * eta**2 * r**2 * f, K - 4 * s2 * eta * r * f + s2 * eta**2 * r**2 * K, s2)


def initial_state(width: int, generators: Sequence[np.random.Generator], *, ntk: bool = False) -> State:
    """Initial states of any width, exact in law, one a generator: with v given, u.v is one normal number.

    Args:
        width: n.
        generators: one a seed.
        ntk: weights of variance one behind n^-1/2 in place of a readout of variance 1/n.
    """
    if width < 2:
        raise ValueError(f"a width of 2 or more is needed; got {width}")
    drawn = np.array([(own.chisquare(width), own.standard_normal(), own.chisquare(width - 1)) for own in generators])
    squared_v, along, across = drawn.T
    # Both readouts, of variance 1/n or behind the factor n^-1/2, give the same outputs.
    outputs = along * np.sqrt(squared_v / width)
    squared_u = along**2 + across
    if ntk:
        return State(outputs, (squared_u + squared_v) / width, 1.0 / width)
    return State(outputs, squared_u / width + squared_v)


def catapult_threshold(
    state: State,
    threshold: Threshold,
    *,
    target: float = 0.0,
    steps: int = 400,
    dither: Array | float = 1.0,
) -> Array:
    """The largest constant rate at which the loss never rises in a first step, or stays bounded throughout, [seed].

    For small outputs the first is 2 / K and the second 4 / K, between them the loss rises and falls again while the
    kernel shrinks (Lewkowycz et al. 2020, arXiv:2003.02218, second-hand). The rise from outputs of order one to those
    of order n^1/2 that turn the kernel takes a number of steps of order log n.

    Args:
        state: where training starts.
        threshold: which of the two.
        target: y.
        steps: after which a run that has not diverged will not.
        dither: factors on the ends of the bisection, at most two, so that its grid is not the same for all, [seed].
    """
    if threshold not in ("monotone", "bounded"):
        raise ValueError(f"a threshold is 'monotone' or 'bounded'; got {threshold!r}")
    start = np.abs(state.outputs - target)

    def stable(rates: Array) -> NDArray[np.bool_]:
        if threshold == "monotone":
            return np.abs(step(state, rates, target).outputs - target) <= start
        now = state
        for _ in range(steps):
            now = _stopped(step(now, rates, target))
        return np.abs(now.outputs) < _FAR

    return _largest(stable, 0.1 * dither / state.kernels, 100 * dither / state.kernels)


def max_stable_rate(state: State, *, target: float = 1.0, warm_up: float = 0.0) -> Array:
    """The largest rate at which the output does not diverge in max(15, 20 / eta) steps, [seed].

    Args:
        state: where training starts.
        target: y.
        warm_up: fraction of all steps over which the rate rises linearly to its value.
    """
    if not 0 <= warm_up < 1:
        raise ValueError(f"a warm-up is a fraction of the steps in [0, 1); got {warm_up}")

    def stable(rates: Array) -> NDArray[np.bool_]:
        steps = np.maximum(_FEWEST_STEPS, np.ceil(_STEPS / rates))
        ramps = np.maximum(warm_up * steps, 1.0)
        now = state
        # After the ramp the fate of a run is decided in a number of steps of order log n.
        last = int(min(steps.max(), ramps.max() + _settling(state)))
        for t in range(last):
            now = _stopped(step(now, rates * np.minimum(1.0, (t + 1) / ramps), target))
        return np.abs(now.outputs) < _FAR

    # A warm-up that shrinks the kernel on its way gains up to a factor of the root of the width.
    reach = 100 / state.kernels if warm_up == 0 else 100 / np.sqrt(state.kernels)
    return _largest(stable, 0.1 / state.kernels, reach)


def _settling(state: State) -> int:
    return 100 + 20 * math.ceil(math.log(float(state.kernels.max() / state.squared_multiplier) + 1))


def _stopped(state: State) -> State:
    """States as they are, except that diverged ones stay where they are."""
    f, K, s2 = state
    far = ~(np.abs(f) < _FAR)
    return State(np.where(far, 2 * _FAR, f), np.where(far, 0.0, K), s2)


def _largest(stable: Callable[[Array], NDArray[np.bool_]], low: Array, high: Array) -> Array:
    """Where stability ends between two rates, by bisection of their logarithms, [seed].

    Raises:
        ValueError: if the range does not hold the threshold.
    """
    if not stable(low).all() or stable(high).any():
        raise ValueError(f"no threshold between {low.min():g} and {high.max():g} for some seed; widen the range")
    for _ in range(_HALVINGS):
        middle = np.sqrt(low * high)
        inside = stable(middle)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.asarray(np.sqrt(low * high))
