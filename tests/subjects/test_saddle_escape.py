"""Escape times are those of gradient flow, by quadrature where it has one variable and by finer steps elsewhere."""

import math

import pytest
import torch
from scipy import integrate

import theorychecks as tc
from properties.subjects.saddle_escape import Networks, escape_times, gaussian


def scalar(depth, size, *, seeds=1):
    """Products of equal numbers, which have to become one: flow keeps them equal."""
    layer, one = torch.full((seeds, 1, 1), size, dtype=torch.float64), torch.ones((seeds, 1, 1), dtype=torch.float64)
    return Networks((layer,) * depth, one, one, tc.LINEAR)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_time_of_equal_factors_is_an_integral(depth):
    end = (1 - math.sqrt(0.75)) ** (1 / depth)
    wanted, _ = integrate.quad(lambda u: 1 / (u ** (depth - 1) * (1 - u**depth)), 0.01, end)
    found = escape_times(scalar(depth, 0.01), share=0.75, stride=0.02)
    assert found.item() == pytest.approx(wanted, rel=0.01)
    assert found.item() != pytest.approx(1.05 * wanted, rel=0.01)


def test_shorter_steps_change_little():
    times = [
        escape_times(
            gaussian(
                4,
                (1, 2, 3),
                1 / 64,
                activation=tc.TANH,
                neurons=16,
                samples=8,
                dimension=4,
                generators=[torch.Generator().manual_seed(seed) for seed in range(4)],
            ),
            share=0.75,
            stride=stride,
        )
        for stride in (0.1, 0.025)
    ]
    assert torch.isfinite(times[0]).all()
    torch.testing.assert_close(times[0], times[1], rtol=0.01, atol=0)


def test_a_network_at_zero_never_escapes():
    found = escape_times(scalar(3, 1e-300), share=0.75, stride=0.1)
    assert torch.isinf(found).all()


def test_a_scale_is_positive():
    with pytest.raises(ValueError, match="positive scale; got 3 and 0"):
        gaussian(3, (0,), 0.0, activation=tc.TANH, neurons=2, samples=2, dimension=2, generators=[torch.Generator()])
