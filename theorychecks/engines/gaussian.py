"""GaussianMatrix: a Gaussian matrix that is trained and never formed, exact in law.

Updates by gradient descent are products of what went forward and backward. So with the directions Q and P asked of the
initial matrix s w_0, with entries of standard deviation s, the trained one is c s w_0 + P^T M Q: a `Form` that adds
the small matrix M in coordinates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from theorychecks.engines.basis import Rows
from theorychecks.engines.conditioning import GaussianProducts
from theorychecks.engines.form import Form, FormDescent
from theorychecks.engines.norms_in_law import Unseen, inner_norm
from theorychecks.engines.run import Norm, Unanswerable
from theorychecks.networks import Layer, Training


class GaussianMatrix:
    """A `Matrix` with Gaussian initial entries that is known by its products alone.

    A norm that involves the initial matrix draws what it needs of the part not seen so far, given all products asked
    for before. Other norms know of it, later products do not: ask for products first. What is lost otherwise is the
    dependence of a product in a random direction on a norm, of relative size 1/n.
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
        self.unseen = Unseen(products, norm_generators)
        rows = products.right.rows
        nothing = rows.new_zeros(rows.shape[0], 0, 0)
        self.form = FormDescent(nothing, training, factors)
        self._forward, self._backward = nothing, nothing
        self._norms: dict[tuple[Norm, int, int, int], Tensor] = {}

    def forward(self, features: Tensor) -> Tensor:
        """W times features, now."""
        self._forward = self.products.take_right(features)
        return self._times(self.form.now, self._forward)

    def backward(self, gradients: Tensor) -> Tensor:
        """W transposed times gradients, now."""
        self._backward = self.products.take_left(gradients)
        return self._transposed_times(self.form.now, self._backward)

    def descend(self, gradients: Tensor, features: Tensor, rate: float) -> None:
        """One step of gradient descent; the coordinates of what went forward and backward are all it takes."""
        self.form.step(self._backward, self._forward, self.layer.multiplier, rate, self.tally)

    def keep(self, time: int, *, last: bool) -> None:
        """Record the matrix as it is now."""
        self.form.keep(time, last=last)

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self.products.select(seeds)
        self.form.select(seeds)
        self._forward, self._backward = self._forward[seeds], self._backward[seeds]
        self.unseen.select(seeds)

    def values(self, time: int) -> Tensor:
        """W itself, which is never formed.

        Raises:
            Unanswerable: always.
        """
        raise Unanswerable(
            f"the weights of {self.layer.name} at time {time} are asked for one by one, and of matrices with two wide "
            "sides the matrix_free engine stores none. Use engine 'dense'."
        )

    def apply(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time times vectors."""
        return self._times(self.form.at(time), self.products.take_right(vectors))

    def apply_transpose(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time, transposed, times vectors."""
        return self._transposed_times(self.form.at(time), self.products.take_left(vectors))

    def apply_change(self, vectors: Tensor, time: int) -> Tensor:
        """The change of W since time 0 times vectors."""
        change = self.form.change(time)
        if self.form.rescaled:
            return self._times(change, self.products.take_right(vectors))
        # Without the initial matrix only what lies along known directions matters, and nothing new need be drawn.
        rows, columns = change.added.shape[1:]
        coordinates = self.products.right.coordinates(vectors)[..., :columns] * self.layer.multiplier
        updates = self.tally.bmm(coordinates, change.added.mT)
        return self.tally.bmm(updates, self.products.left.rows[:, :rows])

    def norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of W at a recorded time, [seed]."""
        key = norm, time, self.products.left.count, self.products.right.count
        if key not in self._norms:
            self._norms[key] = self._norm(self.form.at(time), norm)
        return self._norms[key]

    def change_norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W since time 0, [seed]."""
        change = self.form.change(time)
        if self.form.rescaled:
            return self._norm(change, norm)
        return inner_norm(change.added, norm) * self.layer.multiplier

    def _norm(self, form: Form, norm: Norm) -> Tensor:
        scale = form.scale[:, 0, 0] * self.layer.init
        return self.unseen.norm(norm, scale, form.added) * self.layer.multiplier

    def _times(self, form: Form, coordinates: Tensor) -> Tensor:
        return self._combined(form.added.mT, form.scale, coordinates, self.products.images, self.products.left)

    def _transposed_times(self, form: Form, coordinates: Tensor) -> Tensor:
        return self._combined(form.added, form.scale, coordinates, self.products.back_images, self.products.right)

    def _combined(self, inner: Tensor, scale: Tensor, coordinates: Tensor, images: Rows, rows: Rows) -> Tensor:
        """Images of directions, and what the updates make of them, with coordinates of both."""
        coordinates = coordinates * self.layer.multiplier
        updates = self.tally.bmm(coordinates[..., : inner.shape[1]], inner)
        start = coordinates * (scale * self.layer.init if self.form.rescaled else self.layer.init)
        made = self.tally.bmm(start, images.rows[:, : start.shape[-1]])
        self.tally.bmm_into(made, updates, rows.rows[:, : updates.shape[-1]], added_to=made)
        return made
