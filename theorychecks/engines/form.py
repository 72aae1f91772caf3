"""Form: a trained matrix as a multiple of where it started plus what updates have added, kept apart.

Kept apart, a change is as precise as its own size allows, however small it is beside the matrix. Gradient descent with
momentum and weight decay keeps the form; other optimizers do not.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.engines.matrix import Tally
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
        self._factors = None if factors is None else factors[:, None, None]
        self._momentum = training.optimizer.heavy_ball or 0.0
        self._decay = training.ridge.strength
        self._anchored = training.ridge.towards == "init"
        self._kept: dict[int, Form] = {}

    @property
    def rescaled(self) -> bool:
        """Whether training scales the initial matrix, rather than only adding to it."""
        return bool(self._decay) and not self._anchored

    def step(self, left: Tensor, right: Tensor, scale: float, rate: float, tally: Tally) -> None:
        """One step along the gradient scale * left^T right, with momentum and a ridge as the training has them.

        Args:
            left: [seed, point, rows].
            right: [seed, point, columns].
            scale: of the gradient.
            rate: the learning rate, before each seed's own factor.
            tally: counts the work.
        """
        added = _grown(self.now.added, left.shape[2], right.shape[2])
        if not self._momentum and not self._decay:
            left = left if self._factors is None else left * self._factors
            tally.bmm_into(added, left.mT, right, added_to=added, scale=-rate * scale)
            self.now = Form(self.now.scale, added)
            return
        gradient = tally.bmm(left.mT, right).mul_(scale)
        pull = self._decay * (self.now.scale - float(self._anchored))
        velocity = Form(
            self._momentum * self._velocity.scale + pull,
            self._momentum * _grown(self._velocity.added, *gradient.shape[1:]) + self._decay * added + gradient,
        )
        rates = rate if self._factors is None else rate * self._factors
        self._velocity = velocity
        self.now = Form(self.now.scale - rates * velocity.scale, added - rates * velocity.added)

    def keep(self, time: int, *, last: bool) -> None:
        """Record the matrix as it is now; after the last record it changes no more."""
        self._kept[time] = self.now if last else Form(self.now.scale, self.now.added.clone())

    def at(self, time: int) -> Form:
        """The matrix at a recorded time."""
        return self._kept[time]

    def change(self, time: int) -> Form:
        """The matrix at a recorded time minus itself at time 0."""
        start, end = self._kept[0], self._kept[time]
        return Form(end.scale - start.scale, end.added - _grown(start.added, *end.added.shape[1:]))

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self._factors = None if self._factors is None else self._factors[seeds]
        self.now, self._velocity = (Form(form.scale[seeds], form.added[seeds]) for form in (self.now, self._velocity))


def _grown(added: Tensor, rows: int, columns: int) -> Tensor:
    """A matrix grown to a size, with zeros."""
    more = (columns - added.shape[2], rows - added.shape[1])
    return torch.nn.functional.pad(added, (0, more[0], 0, more[1])) if any(more) else added
