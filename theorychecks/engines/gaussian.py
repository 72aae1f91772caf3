"""GaussianMatrix: a Gaussian matrix that is trained and never formed, exact in law.

Updates by gradient descent are products of what went forward and backward. So with the directions Q and P asked of the
initial matrix s w_0, s being its entries' standard deviation, the trained one is c s w_0 + P^T M Q, with a scalar c and
a small matrix M. Momentum and weight decay keep that form; elementwise optimizers do not.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.engines.basis import Rows
from theorychecks.engines.conditioning import GaussianProducts
from theorychecks.engines.norms_in_law import frobenius_norm, inner_norm, spectral_norm_in_law
from theorychecks.engines.run import Norm
from theorychecks.networks import Layer, Training


class Form(NamedTuple):
    """c s w_0 + P^T M Q: the scalar c [seed, 1, 1], and M [seed, backward directions, forward directions]."""

    scale: Tensor
    inner: Tensor


class GaussianMatrix:
    """A `Matrix` with Gaussian initial entries that is known by its products alone.

    A norm that involves the initial matrix draws what it needs of the part not seen so far, given all products asked
    for before, and does not record it: ask for products first, as the observables here do.
    """

    def __init__(
        self,
        layer: Layer,
        products: GaussianProducts,
        training: Training,
        factors: Tensor | None,
        norm_generators: list[torch.Generator],
    ) -> None:
        self.layer = layer
        self.products = products
        self.tally = products.tally
        self.momentum = training.optimizer.momentum
        self.decay = training.ridge.strength
        self.anchored = training.ridge.towards == "init"
        rows = products.right.rows
        self.factors = rows.new_ones(rows.shape[0], 1, 1) if factors is None else factors[:, None, None]
        self.norm_generators = norm_generators
        nothing = rows.new_zeros(rows.shape[0], 0, 0)
        self.now = Form(torch.ones_like(self.factors), nothing)
        self.velocity = Form(torch.zeros_like(self.factors), nothing)
        self._kept: dict[int, Form] = {}
        self._forward, self._backward = nothing, nothing

    def forward(self, features: Tensor) -> Tensor:
        """W times features, now."""
        self._forward = self.products.take_right(features)
        return self._times(self.now, self._forward)

    def backward(self, gradients: Tensor) -> Tensor:
        """W transposed times gradients, now."""
        self._backward = self.products.take_left(gradients)
        return self._transposed_times(self.now, self._backward)

    def descend(self, gradients: Tensor, features: Tensor, rate: float) -> None:
        """One step of gradient descent; the coordinates of what went forward and backward are all it takes."""
        gradient = self.tally.bmm(self._backward.mT, self._forward).mul_(self.layer.multiplier)
        inner = _padded(self.now.inner, gradient)
        velocity = Form(
            self.momentum * self.velocity.scale + self.decay * (self.now.scale - float(self.anchored)),
            self.momentum * _padded(self.velocity.inner, gradient) + self.decay * inner + gradient,
        )
        rates = self.factors * rate
        self.velocity = velocity
        self.now = Form(self.now.scale - rates * velocity.scale, inner - rates * velocity.inner)

    def keep(self, time: int, *, last: bool) -> None:
        """Record the matrix as it is now."""
        self._kept[time] = self.now

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self.products.select(seeds)
        self.factors = self.factors[seeds]
        self.now, self.velocity = (Form(form.scale[seeds], form.inner[seeds]) for form in (self.now, self.velocity))
        self._forward, self._backward = self._forward[seeds], self._backward[seeds]
        self.norm_generators = [self.norm_generators[k] for k in seeds.tolist()]

    def apply(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time times vectors."""
        return self._times(self._kept[time], self.products.take_right(vectors))

    def apply_transpose(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time, transposed, times vectors."""
        return self._transposed_times(self._kept[time], self.products.take_left(vectors))

    def apply_change(self, vectors: Tensor, time: int) -> Tensor:
        """The change of W since time 0 times vectors."""
        change = self._change(time)
        if self._rescaled:
            return self._times(change, self.products.take_right(vectors))
        # Without the initial matrix only what lies along known directions matters, and nothing new need be drawn.
        rows, columns = change.inner.shape[1:]
        coordinates = self.products.right.coordinates(vectors)[..., :columns] * self.layer.multiplier
        updates = self.tally.bmm(coordinates, change.inner.mT)
        return self.tally.bmm(updates, self.products.left.rows[:, :rows])

    def norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of W at a recorded time, [seed]."""
        return self._norm(self._kept[time], norm)

    def change_norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W since time 0, [seed]."""
        change = self._change(time)
        if self._rescaled:
            return self._norm(change, norm)
        return inner_norm(change.inner, norm) * self.layer.multiplier

    @property
    def _rescaled(self) -> bool:
        """Whether training scales the initial matrix, rather than only adding to it."""
        return bool(self.decay) and not self.anchored

    def _change(self, time: int) -> Form:
        start, end = self._kept[0], self._kept[time]
        return Form(end.scale - start.scale, end.inner - _padded(start.inner, end.inner))

    def _norm(self, form: Form, norm: Norm) -> Tensor:
        compute = {"frobenius": frobenius_norm, "spectral": spectral_norm_in_law}
        if norm not in compute:
            raise ValueError(f"a norm is 'frobenius' or 'spectral'; got {norm!r}")
        scale = form.scale[:, 0, 0] * self.layer.init
        return compute[norm](self.products, scale, form.inner, self.norm_generators) * self.layer.multiplier

    def _times(self, form: Form, coordinates: Tensor) -> Tensor:
        return self._combined(form.inner.mT, form.scale, coordinates, self.products.images, self.products.left)

    def _transposed_times(self, form: Form, coordinates: Tensor) -> Tensor:
        return self._combined(form.inner, form.scale, coordinates, self.products.back_images, self.products.right)

    def _combined(self, inner: Tensor, scale: Tensor, coordinates: Tensor, images: Rows, rows: Rows) -> Tensor:
        """Images of directions, and what the updates make of them, with coordinates of both."""
        coordinates = coordinates * self.layer.multiplier
        updates = self.tally.bmm(coordinates[..., : inner.shape[1]], inner)
        start = coordinates * (scale * self.layer.init if self._rescaled else self.layer.init)
        made = self.tally.bmm(start, images.rows[:, : start.shape[-1]])
        self.tally.bmm_into(made, updates, rows.rows[:, : updates.shape[-1]], added_to=made)
        return made


def _padded(inner: Tensor, like: Tensor) -> Tensor:
    """A matrix grown to another's size, with zeros."""
    more = (like.shape[2] - inner.shape[2], like.shape[1] - inner.shape[1])
    return torch.nn.functional.pad(inner, (0, more[0], 0, more[1])) if any(more) else inner
