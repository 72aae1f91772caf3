"""Heavy-tailed particles have the index that was asked for, and Hill's estimate finds it."""

import math

import pytest
import torch

from properties.subjects.heavy_tails import heavy_tailed, tail_index


@pytest.mark.parametrize("index", [1.5, 3.0])
def test_sizes_exceed_a_threshold_as_often_as_the_power_says(index):
    sizes = heavy_tailed(3, 200_000, index, [torch.Generator().manual_seed(0)]).norm(dim=1)
    assert sizes.min() >= 1 - 1e-12
    for threshold in (1.5, 2.0, 4.0):
        expected = threshold**-index
        error = math.sqrt(expected / 200_000)
        assert (sizes > threshold).double().mean().item() == pytest.approx(expected, abs=5 * error)


def test_the_index_of_exact_quantiles_is_found():
    # Of a Pareto law the i-th largest of n has the expected logarithm (1/2) (1/i + ... + 1/n): mean excess 1/2.
    sizes = torch.linspace(0.5, 9999.5, 10_000, dtype=torch.float64).div(10_000).pow(-1 / 2)
    assert tail_index(sizes[None], 500).item() == pytest.approx(2, rel=0.01)


def test_hill_s_estimate_is_one_over_the_mean_logarithm_of_ratios():
    sizes = torch.tensor([[1.0, math.e**3, math.e, 1.0, math.e**2]], dtype=torch.float64)
    # To the third largest, e: ratios e^2 and e.
    assert tail_index(sizes, 2).item() == pytest.approx(2 / 3)


def test_a_tail_that_is_the_whole_sample_is_refused():
    with pytest.raises(ValueError, match="a part of its sample; got 3 of 3"):
        tail_index(torch.ones((1, 3)), 3)
