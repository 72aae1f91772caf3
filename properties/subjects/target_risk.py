"""Two-layer ReLU classifiers under logistic loss, one a seed, trained until their risk reaches a target.

f(x) = c sum_j a_j relu(w_j . x) with balanced weights, |a_j| = |w_j|, learns at a rate in proportion to 1 / c.
An output scale c = alpha^2 is then the same as weights that start alpha times as large at c = 1, in discrete time too
(two-homogeneity; derived here). Small c is feature learning, large c the lazy regime.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import softplus

MOST_STEPS: Final = 20_000
Watched = Callable[["Classifiers"], Tensor]
"""From networks to one number a seed, [seed]."""


@dataclass(frozen=True, kw_only=True)
class Classifiers:
    """Two-layer ReLU networks with one output, whose sign is the class.

    Attributes:
        hidden: [seed, neuron, dimension], the vectors w_j.
        readout: [seed, neuron], the numbers a_j.
        output_scale: c, in front of the sum.
    """

    hidden: Tensor
    readout: Tensor
    output_scale: float

    def outputs(self, inputs: Tensor) -> Tensor:
        """What they give at inputs [seed, sample, dimension], [seed, sample]."""
        return self.output_scale * torch.einsum("snh,sh->sn", (inputs @ self.hidden.mT).relu(), self.readout)

    @property
    def direction(self) -> Tensor:
        """sum_j a_j w_j, [seed, dimension]."""
        return torch.einsum("shd,sh->sd", self.hidden, self.readout)


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """Networks at the time at which what was watched fell below the last of its levels.

    Attributes:
        networks: each as it was then; where it never did, after the last step.
        times: [level, seed], at which each level was crossed, in units in which weights of size alpha = c^1/2 move by
            gradient flow; infinite where it was not.
    """

    networks: Classifiers
    times: Tensor

    @property
    def at_target(self) -> Classifiers:
        """The networks.

        Raises:
            RuntimeError: if some never came below the last level, so that they are not what a claim speaks of.
        """
        if missed := int(self.times[-1].isinf().sum()):
            raise RuntimeError(
                f"{missed} of {self.times.shape[1]} networks did not reach the risk that they are trained to; give "
                "more steps, or a higher risk"
            )
        return self.networks


def balanced(
    neurons: int, dimension: int, *, output_scale: float, generators: Sequence[torch.Generator]
) -> Classifiers:
    """Initial networks: w_j from N(0, I / d), and a_j = +-|w_j| with random signs, half of them positive.

    Args:
        neurons: even.
        dimension: of the inputs.
        output_scale: c.
        generators: one a seed.

    Raises:
        ValueError: for an odd number of neurons or a scale that is not positive.
    """
    if neurons < 2 or neurons % 2:
        raise ValueError(f"half of the readout weights are positive, so neurons are even in number; got {neurons}")
    if not (math.isfinite(output_scale) and output_scale > 0):
        raise ValueError(f"an output scale is a positive number; got {output_scale}")
    hidden = torch.stack([torch.randn(neurons, dimension, generator=own, dtype=torch.float64) for own in generators])
    hidden /= math.sqrt(dimension)
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(neurons // 2)
    return Classifiers(hidden=hidden, readout=signs * hidden.norm(dim=2), output_scale=output_scale)


def logistic_risk(networks: Classifiers, inputs: Tensor, labels: Tensor) -> Tensor:
    """Mean of log(1 + exp(-y f)) over inputs [seed, sample, dimension] with labels +-1, [seed]."""
    return softplus(-labels * networks.outputs(inputs)).mean(dim=1)


def class_means(inputs: Tensor, labels: Tensor) -> Tensor:
    """Means of the inputs of label +1 and of those of label -1, [seed, 2, dimension]."""
    return torch.stack([_mean_where(inputs, labels > 0), _mean_where(inputs, labels < 0)], dim=1)


def angle_to_own_class(networks: Classifiers, inputs: Tensor, labels: Tensor) -> Tensor:
    """The median over neurons of the angle between w_j and the mean of the class that a_j votes for, [seed]."""
    votes = (networks.readout < 0).long()[:, :, None].expand_as(networks.hidden)
    return angle(networks.hidden, class_means(inputs, labels).gather(1, votes)).quantile(0.5, dim=1)


def angle(first: Tensor, second: Tensor) -> Tensor:
    """Between vectors along the last axis, in radians."""
    first, second = (vectors / vectors.norm(dim=-1, keepdim=True) for vectors in (first, second))
    # Accurate near zero too, where the arc cosine is not (Kahan).
    return 2 * torch.atan2((first - second).norm(dim=-1), (first + second).norm(dim=-1))


def step_size(networks: Classifiers, rate: float) -> Tensor:
    """The learning rate of each seed, [seed]: rate / c, less where the kernel is large, so that flow is followed."""
    scale = networks.output_scale
    mass = (networks.readout.square().sum(dim=1) + networks.hidden.square().sum(dim=(1, 2))) / 2
    return rate / (scale * (1 + scale * mass))


def train_to_risk(
    start: Classifiers,
    inputs: Tensor,
    labels: Tensor,
    *,
    levels: Sequence[float],
    rate: float,
    fresh: Callable[[int], tuple[Tensor, Tensor]] | None = None,
    watched: Watched | None = None,
    most_steps: int = MOST_STEPS,
) -> Stopped:
    """Gradient descent on the logistic risk until it falls below the last level, each seed by itself.

    Args:
        start: initial networks.
        inputs: [seed, sample, dimension], trained on.
        labels: [seed, sample], of +-1.
        levels: decreasing; the last is the target.
        rate: of a step, see `step_size`; a tenth follows the flow.
        fresh: for online training, from the step to a batch that takes the place of inputs and labels.
        watched: what has to fall, in place of the risk on inputs and labels.
        most_steps: after which training ends whatever the risk.

    Raises:
        ValueError: for levels that do not decrease.
    """
    if not levels or any(after >= before for before, after in itertools.pairwise(levels)):
        raise ValueError(f"training passes one or more levels that decrease, the last of them the target; got {levels}")
    watch = watched or (lambda networks: logistic_risk(networks, inputs, labels))
    bars = torch.tensor(levels, dtype=torch.float64)[:, None]
    now, value, time = start, watch(start), torch.zeros(len(labels), dtype=torch.float64)
    times = torch.where(value <= bars, 0.0, math.inf).to(torch.float64)
    for step in range(most_steps):
        running = value > bars[-1]
        if not running.any():
            break
        size = torch.where(running, step_size(now, rate), 0.0)
        batch, answers = fresh(step) if fresh else (inputs, labels)
        now = _stepped(now, batch, answers, size)
        before, value = value, torch.where(running, watch(now), value)
        elapsed = now.output_scale * size
        # Levels that lie between the values before and after are crossed on the line between them.
        crossed = torch.isinf(times) & (value <= bars)
        share = (before - bars) / (before - value).clamp_min(1e-300)
        times = torch.where(crossed, time + share * elapsed, times)
        time = time + elapsed
    return Stopped(networks=now, times=times)


def _mean_where(inputs: Tensor, chosen: Tensor) -> Tensor:
    return torch.einsum("snd,sn->sd", inputs, chosen.to(inputs.dtype)) / chosen.sum(dim=1, keepdim=True)


def _stepped(networks: Classifiers, inputs: Tensor, labels: Tensor, size: Tensor) -> Classifiers:
    before = inputs @ networks.hidden.mT
    on = before.relu()
    outputs = networks.output_scale * torch.einsum("snh,sh->sn", on, networks.readout)
    # Minus the derivative of the mean loss by the sum over neurons, times the learning rate.
    push = labels * torch.sigmoid(-labels * outputs) * (networks.output_scale * size / labels.shape[1])[:, None]
    readout = networks.readout + torch.einsum("sn,snh->sh", push, on)
    by_neuron = (before > 0) * push[:, :, None] * networks.readout[:, None, :]
    return replace(networks, hidden=networks.hidden + by_neuron.mT @ inputs, readout=readout)
