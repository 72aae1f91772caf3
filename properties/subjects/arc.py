"""A penalty on the length of the path that training has taken: it follows gradient flow, and stops it early.

With s the length so far, the penalty strength/2 s^2 has the gradient strength * s along the path, so the flow is
-grad L (1 - strength s / |grad L|): the trajectory of gradient flow, up to the point where |grad L| = strength s.
Derived here from a second-hand statement that such a penalty acts as early stopping (Whittle et al. 2026,
arXiv:2605.18180, whose functional was not seen).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor

from theorychecks.dynamics.zero_loss import GROWTH, Fitting, advance, flow_path, lengths

_HALVINGS: Final = 40


def arc_penalised(fitting: Fitting, weights: Tensor, *, strength: float, growth: float = GROWTH) -> Tensor:
    """Where gradient flow with a penalty on the length of its path ends, [seed, 1 + d, n].

    Args:
        fitting: what is fitted.
        weights: where it starts.
        strength: of the penalty.
        growth: of the steps.

    Raises:
        ValueError: for a strength that is not positive.
        ArithmeticError: if the flow without a penalty does not reach zero loss, or the stop lies beyond its rounding.
    """
    if not (math.isfinite(strength) and strength > 0):
        raise ValueError(f"a penalty on the path has a positive strength; got {strength!r}")
    points, times = flow_path(fitting, weights, growth=growth)
    passed = [torch.zeros_like(times[0])]
    for before, after in pairwise(points):
        passed.append(passed[-1] + lengths(after - before))
    stopped = torch.stack(
        [_pull(fitting, point) <= strength * length for point, length in zip(points, passed, strict=True)]
    )
    if not bool(stopped[-1].all()):
        raise ArithmeticError(f"the stop at strength {strength:g} lies beyond rounding. Take a larger strength.")
    # The first point beyond the stop; what lies before it is where the last step begins.
    last = stopped.int().argmax(0) - 1
    seeds = torch.arange(len(weights))
    begin, length, time = (torch.stack(list(of))[last, seeds] for of in (points, passed, times))
    low, high = torch.zeros_like(time), time
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        there = advance(fitting, begin, middle)
        beyond = _pull(fitting, there) <= strength * (length + lengths(there - begin))
        low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
    return advance(fitting, begin, high)


def _pull(fitting: Fitting, weights: Tensor) -> Tensor:
    """The norm of the loss's gradient, [seed]."""
    linearised = fitting.at(weights)
    return lengths(linearised.pulled(linearised.outputs - fitting.targets))
