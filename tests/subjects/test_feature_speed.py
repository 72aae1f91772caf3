"""Cosines drawn without matrices have the law of those that automatic differentiation finds, and their limit."""

import numpy as np
import pytest
import torch

from properties.subjects.feature_speed import alignment, limit

RNG = np.random.default_rng


def by_hand(width, depth, branch, seed):
    """The cosine in one network with matrices, by a short step along gradients."""
    own = torch.Generator().manual_seed(seed)
    start, readout = torch.randn(2, width, generator=own, dtype=torch.float64)
    matrices = (2 / width) ** 0.5 * torch.randn(depth, width, width, generator=own, dtype=torch.float64)

    def features(weights):
        h = start
        for matrix in weights:
            after = matrix @ h.relu()
            h = after if branch is None else h + branch * after
        return h

    leaves = matrices.requires_grad_()
    before = features(leaves)
    (gradient,) = torch.autograd.grad(before @ readout, leaves)
    moved = before.detach() - features(matrices.detach() - 1e-6 * gradient)
    return float(moved @ readout / (moved.norm() * readout.norm()))


@pytest.mark.parametrize(("depth", "branch"), [(3, None), (3, 0.5), (6, 0.4)])
def test_cosines_have_the_law_of_networks_with_matrices(depth, branch):
    found = alignment(24, depth, 4000, RNG(0), branch=branch)
    right = np.array([by_hand(24, depth, branch, seed) for seed in range(400)])
    assert found.mean() == pytest.approx(right.mean(), abs=4 * right.std() / 400**0.5)
    assert found.std() == pytest.approx(right.std(), rel=4 / 800**0.5)


def test_one_matrix_moves_features_along_the_backward_pass():
    assert alignment(8, 1, 5, RNG(1)) == pytest.approx(np.ones(5))
    assert alignment(8, 1, 5, RNG(1), branch=0.3) == pytest.approx(np.ones(5))


@pytest.mark.parametrize("depth", [2, 7])
def test_wide_networks_have_the_limit(depth):
    assert alignment(4000, depth, 200, RNG(2)).mean() == pytest.approx(limit(depth), rel=0.02)


def test_the_limit_is_the_sum_over_pairs_of_layers():
    traces = sum(1 + 2 * (5 - max(one, other)) for one in range(1, 6) for other in range(1, 6))
    assert limit(5) == pytest.approx(5 / traces**0.5)


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError, match="are positive"):
        alignment(0, 1, 1, RNG(0))
