"""NarrowMatrix: a matrix with one narrow side, stored, with its change apart."""

from __future__ import annotations

import torch
from torch import Tensor

from theorychecks.engines.form import Form, FormDescent
from theorychecks.engines.matrix import Tally
from theorychecks.engines.run import Norm
from theorychecks.engines.spectral import norm_of
from theorychecks.networks import Layer, Training


class NarrowMatrix:
    """A `Matrix` that is stored, [seed, fan_out, fan_in], as where it started and what has been added."""

    def __init__(self, layer: Layer, start: Tensor, training: Training, factors: Tensor | None, tally: Tally) -> None:
        self.layer = layer
        self.start = start
        self.form = FormDescent(torch.zeros_like(start), training, factors)
        self.tally = tally

    def forward(self, features: Tensor) -> Tensor:
        """W times features, now."""
        return self._times(self.form.now, features)

    def backward(self, gradients: Tensor) -> Tensor:
        """W transposed times gradients, now."""
        return self._transposed_times(self.form.now, gradients)

    def descend(self, gradients: Tensor, features: Tensor, rate: float) -> None:
        """One step of gradient descent."""
        self.form.step(gradients, features, self.layer.multiplier, rate, self.tally)

    def keep(self, time: int, *, last: bool) -> None:
        """Record the matrix as it is now."""
        self.form.keep(time, last=last)

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self.start = self.start[seeds]
        self.form.select(seeds)

    def values(self, time: int) -> Tensor:
        """W at a recorded time."""
        return self._values(self.form.at(time)) * self.layer.multiplier

    def apply(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time times vectors."""
        return self._times(self.form.at(time), vectors)

    def apply_change(self, vectors: Tensor, time: int) -> Tensor:
        """The change of W since time 0 times vectors."""
        change = self.form.change(time)
        if self.form.rescaled:
            return self._times(change, vectors)
        return self.tally.bmm(vectors, change.added.mT).mul_(self.layer.multiplier)

    def apply_transpose(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time, transposed, times vectors."""
        return self._transposed_times(self.form.at(time), vectors)

    def norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of W at a recorded time, [seed]."""
        return norm_of(self._values(self.form.at(time)), norm, self.tally) * self.layer.multiplier

    def change_norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W since time 0, [seed]."""
        return norm_of(self._values(self.form.change(time)), norm, self.tally) * self.layer.multiplier

    def _values(self, form: Form) -> Tensor:
        return form.scale * self.start + form.added

    def _times(self, form: Form, vectors: Tensor) -> Tensor:
        return self._product(form, vectors, self.start.mT, form.added.mT)

    def _transposed_times(self, form: Form, vectors: Tensor) -> Tensor:
        return self._product(form, vectors, self.start, form.added)

    def _product(self, form: Form, vectors: Tensor, start: Tensor, added: Tensor) -> Tensor:
        made = self.tally.bmm(vectors, start)
        if self.form.rescaled:
            made.mul_(form.scale)
        self.tally.bmm_into(made, vectors, added, added_to=made)
        return made if self.layer.multiplier == 1 else made.mul_(self.layer.multiplier)
