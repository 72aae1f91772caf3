"""Products of a Gaussian matrix are conditional on all earlier ones, and norms on all of them."""

import numpy as np
import pytest
import torch

from theorychecks.engines.conditioning import GaussianProducts
from theorychecks.engines.matrix import Tally
from theorychecks.engines.norms_in_law import Unseen


class GivenWithRubbish:
    """Products with a given matrix, plus anything along the other side's known directions, which must not matter."""

    def __init__(self, matrix, own):
        self.matrix, self.own = matrix, own
        self.products = None

    def write(self, products, directions, taken, *, transposed):
        other = (self.products.right if transposed else self.products.left).rows
        rubbish = torch.randn(*directions.shape[:2], other.shape[1], generator=self.own, dtype=products.dtype)
        products.copy_(directions @ (self.matrix if transposed else self.matrix.mT) + rubbish @ other)
        products *= taken[..., None]


def asked(rows, columns, *, seeds=3, rounds=3, block=4, seed=0):
    """A matrix, its products after some rounds of questions, and a generator for more."""
    own = torch.Generator().manual_seed(seed)
    matrix = torch.randn(seeds, rows, columns, generator=own, dtype=torch.float64)
    source = GivenWithRubbish(matrix, own)
    like = matrix.new_empty(0)
    products = GaussianProducts(seeds, (rows, columns), (4, 4), source, like=like, tally=Tally())
    source.products = products
    for _ in range(rounds):
        right = torch.randn(seeds, block, columns, generator=own, dtype=torch.float64)
        right[0, 1] = right[0, 0]  # one seed asks the same twice
        torch.testing.assert_close(products.take_right(right) @ products.images.rows, right @ matrix.mT)
        # What comes back depends on what went forward, as in training.
        left = torch.tanh(right @ matrix.mT / columns**0.5)
        torch.testing.assert_close(products.take_left(left) @ products.back_images.rows, left @ matrix)
    return matrix, products, own


@pytest.mark.parametrize("rows, columns", [(40, 40), (60, 30), (30, 60)])
def test_products_are_conditional_on_those_of_the_other_side(rows, columns):
    _, products, _ = asked(rows, columns)
    assert products.right.used.tolist() == [9, 12, 12]
    for basis in (products.right, products.left):
        gram = basis.rows @ basis.rows.mT
        torch.testing.assert_close(gram, torch.diag_embed(gram.diagonal(dim1=1, dim2=2).round()), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size, rounds", [(96, 2), (400, 3)], ids=["formed", "in coordinates"])
@pytest.mark.parametrize("scale", [0.0, 0.7, -0.7, 1.0])
def test_norms_are_those_of_the_matrix_that_products_are_known_of(size, rounds, scale):
    seeds = 40
    matrix, products, _ = asked(size, size, seeds=seeds, rounds=rounds)
    generators = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
    unseen = Unseen(products, generators)
    # A strong part in coordinates that is tied to what is known, so that its place and its sign matter.
    both = products.left.rows @ products.images.rows.mT
    inner = 3 * size**0.5 * both / torch.linalg.vector_norm(both, dim=(1, 2), keepdim=True)
    inner = inner * torch.linspace(0.5, 2, seeds, dtype=torch.float64)[:, None, None]
    whole = scale * matrix + products.left.rows.mT @ inner @ products.right.rows
    factors = torch.full((seeds,), scale, dtype=torch.float64)
    for norm, order in (("frobenius", "fro"), ("spectral", 2)):
        expected = torch.linalg.matrix_norm(whole, ord=order)
        found = unseen.norm(norm, factors, inner)
        difference = (found - expected).numpy()
        # What is known sets most of the norm; where the update works against it (c < 0), what is unseen sets a fifth.
        assert np.corrcoef(found, expected)[0, 1] > 0.8
        error = difference.std() / seeds**0.5
        assert abs(difference.mean()) <= 4 * error + 1e-4 * expected.mean()


@pytest.mark.parametrize("size", [96, 400], ids=["formed", "in coordinates"])
def test_all_norms_are_of_one_matrix(size):
    _, products, _ = asked(size, size, rounds=1)
    unseen = Unseen(products, [torch.Generator().manual_seed(seed) for seed in range(3)])
    nothing, ones = torch.zeros(3, 0, 0, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for norm in ("frobenius", "spectral"):
        first = unseen.norm(norm, ones, nothing)
        torch.testing.assert_close(unseen.norm(norm, ones, nothing), first, rtol=1e-4, atol=0)
        torch.testing.assert_close(unseen.norm(norm, -2 * ones, nothing), 2 * first, rtol=1e-4, atol=0)
    with pytest.raises(ValueError, match="got 'nuclear'"):
        unseen.norm("nuclear", ones, nothing)
