"""Form: a trained matrix as a multiple of where it started plus what updates have added, kept apart.

Kept apart, a change is as precise as its own size allows, however small it is beside the matrix. Gradient descent with
momentum and weight decay keeps the form; elementwise optimizers do not.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.networks import Training


class Form(NamedTuple):
    """The matrix c w_0 + A, by the scalar c [seed, 1, 1] and the added A [seed, rows, columns] in some coordinates."""

    scale: Tensor
    added: Tensor


class FormDescent:
    """Gradient descent on forms, with the history of those that were kept.

    Coordinates may gain rows and columns as training goes on.

    Attributes:
        now: the matrix.
    """

    def __init__(self, start: Tensor, training: Training, factors: Tensor | None) -> None:
        ones = start.new_ones(start.shape[0], 1, 1)
        self.now = Form(ones, start)
        self._velocity = Form(torch.zeros_like(ones), start)
        self._factors = ones if factors is None else factors[:, None, None]
        self._momentum = training.optimizer.momentum
        self._decay = training.ridge.strength
        self._anchored = training.ridge.towards == "init"
        self._kept: dict[int, Form] = {}

    @property
    def rescaled(self) -> bool:
        """Whether training scales the initial matrix, rather than only adding to it."""
        return bool(self._decay) and not self._anchored

    def step(self, gradient: Tensor, rate: float) -> None:
        """One step along a gradient [seed, rows, columns], with momentum and a ridge as the training has them."""
        added, rates = _grown(self.now.added, gradient), self._factors * rate
        if not self._momentum and not self._decay:
            self.now = Form(self.now.scale, torch.addcmul(added, gradient, rates, value=-1))
            return
        pull = self._decay * (self.now.scale - float(self._anchored))
        velocity = Form(
            self._momentum * self._velocity.scale + pull,
            self._momentum * _grown(self._velocity.added, gradient) + self._decay * added + gradient,
        )
        self._velocity = velocity
        self.now = Form(self.now.scale - rates * velocity.scale, added - rates * velocity.added)

    def keep(self, time: int) -> None:
        """Record the matrix as it is now."""
        self._kept[time] = self.now

    def at(self, time: int) -> Form:
        """The matrix at a recorded time."""
        return self._kept[time]

    def change(self, time: int) -> Form:
        """The matrix at a recorded time minus itself at time 0."""
        start, end = self._kept[0], self._kept[time]
        return Form(end.scale - start.scale, end.added - _grown(start.added, end.added))

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self._factors = self._factors[seeds]
        self.now, self._velocity = (Form(form.scale[seeds], form.added[seeds]) for form in (self.now, self._velocity))


def _grown(added: Tensor, like: Tensor) -> Tensor:
    """A matrix grown to another's size, with zeros."""
    rows, columns = (like.shape[k] - added.shape[k] for k in (1, 2))
    return torch.nn.functional.pad(added, (0, columns, 0, rows)) if rows or columns else added
