"""Laws that are no plain powers: depth at criticality, with its logarithms, and margins in log time."""

import functools

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.logistic_flow import (
    largest_margin,
    logistic_flow,
    margins,
    separable_points,
    widest_direction,
)
from properties.subjects.signal_propagation import relu_correlation_defects, tanh_variances

LAYERS = (1000, 2000, 4000, 7000, 10000)
IN_DEPTH = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.75, 1.0), unit=1, fewest_units=1000)
"""Corrections are (log l) / l."""
DEEP = 10000
SAME = tc.Equal(0.02)


def starts(draw, largest):
    """Where each seed's recursion begins."""
    return np.array([draw.rng(seed).uniform(0.05, largest) for seed in draw.seeds])


@tc.quantity(along="depth", name="{what}", shared=True)
def recursion(depth, draw, *, function, largest, what):
    """A recursion whose seeds begin anywhere, each of them one curve."""
    return function(starts(draw, largest), [int(depth)])[0]


@tc.quantity(along="depth", name="{what} times l^{power}")
def recursion_times_power(depth, draw, *, function, largest, power, what):
    """What a recursion has come to, times a power of the depth."""
    # A place of its own, and not that of the depth: these numbers are kept.
    own = tc.Draw(draw.seeds, (draw.place[0], "side", 1.0))
    return function(starts(own, largest), [int(depth)])[0] * depth**power


def along_depth(function, largest, what):
    """From 1,000 layers to 10,000."""
    return recursion(function=function, largest=largest, what=what).over(LAYERS, budget=8)


def come_to(function, largest, power, what):
    """After 10,000 layers."""
    return recursion_times_power(function=function, largest=largest, power=power, what=what).over((DEEP,), budget=16)


def leaky_correlation_defects(start, depths):
    """Under a leaky ReLU."""
    return relu_correlation_defects(start, depths, slope=0.1)


def tanh_off_criticality(start, depths):
    """With weights of variance 1.01: a variance that no longer falls."""
    return tanh_variances(start, depths, weight_variance=1.01)


def tanh_hardly_off_criticality(start, depths):
    """With weights of variance 1 + e: q = e / 2 / (1 - exp(-e l)), larger by 58 per cent where e l is one."""
    return tanh_variances(start, depths, weight_variance=1 + 1 / DEEP)


def defects(largest):
    """Under ReLU."""
    return along_depth(relu_correlation_defects, largest, "one minus the correlation")


def variances(largest):
    """Under tanh, at criticality."""
    return along_depth(tanh_variances, largest, "variance of preactivations")


@tc.claim(
    id="EX-7/relu",
    source="Hayou, Doucet, Rousseau 2019, arXiv:1902.06853, Proposition 1 (as public notes quote it, constant "
    "included); derived here as well",
)
@given(largest=st.sampled_from([0.5, 1.0, 1.9]))
@example(largest=1.9)
def test_correlations_under_relu_converge_like_one_over_depth_squared(largest):
    """In infinitely wide ReLU layers without biases the correlation c_l of two inputs tends to one with 1 - c_l = 9
    pi^2 / (2 l^2), up to (log l) / l and wherever 1 - c_0 lies between 0.05 and 1.9: Theta(l^-2), and this constant,
    which is another for a leaky ReLU; variances under tanh are not Theta(l^-2).
    """
    constant, name = 4.5 * np.pi**2, "one minus the correlation"
    tc.check(defects(largest), tc.PowerLaw(-2, corrections=IN_DEPTH))
    tc.check(come_to(relu_correlation_defects, largest, 2, name), SAME, against=constant)
    tc.check_refuted(come_to(leaky_correlation_defects, largest, 2, f"{name}, leaky,"), SAME, against=constant)
    tc.check_refuted(variances(largest), tc.PowerLaw(-2, corrections=IN_DEPTH))


@tc.claim(
    id="EX-7/tanh",
    source="Roberts, Yaida, Hanin 2022, arXiv:2106.10165, section 5.3 (abstract; the section from memory); the "
    "constant derived here",
)
@given(largest=st.sampled_from([0.5, 1.0, 3.0]))
@example(largest=3.0)
def test_variances_under_tanh_fall_like_one_over_depth(largest):
    """In infinitely wide tanh layers with weights of variance one and no biases the variance of preactivations is q_l =
    1 / (2 l), up to (log l) / l and wherever it begins between 0.05 and 3; with variance 1.01 it does not fall so, and
    with 1.0001 it has left that law after 10,000 layers.
    """
    law, name = tc.PowerLaw(-1, corrections=IN_DEPTH), "variance of preactivations"
    near = come_to(tanh_hardly_off_criticality, largest, 1, "variance, weights of variance 1.0001,")
    tc.check(variances(largest), law)
    tc.check(come_to(tanh_variances, largest, 1, name), SAME, against=0.5)
    tc.check_refuted(near, SAME, against=0.5)
    tc.check_refuted(along_depth(tanh_off_criticality, largest, "variance, weights of variance 1.01"), law)


TIMES = tuple(float(time) for time in np.logspace(8, 20, 10))
IN_TIME = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=1000)


@functools.lru_cache(maxsize=32)
def curves(samples, dimension, place, seeds):
    """Distance of the margin from the largest one, loss, and one minus the cosine with the direction of the largest
    margin, for every seed's data, [time, seed], all times at once.
    """
    draw = tc.Draw(seeds, place)
    data = [separable_points(samples, dimension, draw.rng(seed)) for seed in seeds]
    points, best = np.stack(data), np.array([largest_margin(each) for each in data])
    weights = logistic_flow(points, TIMES)
    losses = np.log1p(np.exp(-np.einsum("snd,tsd->tsn", points, weights))).sum(axis=2)
    apart = weights / np.linalg.norm(weights, axis=2, keepdims=True) - [widest_direction(each) for each in data]
    return best - margins(points, weights), losses, (apart**2).sum(axis=2) / 2


@tc.quantity(along="time", name="largest margin less the margin", shared=True)
def margin_gap(time, draw, *, samples, dimension):
    """Each seed's data are one curve."""
    return curves(samples, dimension, draw.place, tuple(draw.seeds))[0][TIMES.index(time)]


@tc.quantity(along="time", shared=True)
def logistic_loss(time, draw, *, samples, dimension):
    """On the same data."""
    return curves(samples, dimension, draw.place, tuple(draw.seeds))[1][TIMES.index(time)]


@tc.quantity(along="time", name="one minus the cosine with the direction of the largest margin", shared=True)
def one_minus_cosine(time, draw, *, samples, dimension):
    """On the same data."""
    return curves(samples, dimension, draw.place, tuple(draw.seeds))[2][TIMES.index(time)]


@tc.claim(
    id="EX-15",
    source="Soudry, Hoffer, Nacson, Gunasekar, Srebro 2018, arXiv:1710.10345, as bounds: O(1/log t) for the margin, "
    "O(1/log^2 t) for the cosine, O(1/t) for the loss (abstract; the rates in public summaries); the conditions on the "
    "data stated here",
)
@given(samples=st.integers(8, 16), dimension=st.integers(3, 6))
@example(samples=12, dimension=4)
def test_the_margin_comes_near_the_largest_like_one_over_the_logarithm_of_time(samples, dimension):
    """Gradient flow of logistic regression on separable data approaches the largest margin like 1 / log t, and like no
    power of t and no other one of log t, where the points that carry it have unequal shares in it; its loss falls like
    1 / t. One minus the cosine with the direction of that margin falls like neither.
    """
    gap, loss, cosine = (
        each(samples=samples, dimension=dimension).over(TIMES, budget=64)
        for each in (margin_gap, logistic_loss, one_minus_cosine)
    )
    tc.check(gap, tc.LogarithmicGrowth(exponent=-1))
    tc.check(loss, tc.PowerLaw(-1, corrections=IN_TIME))
    tc.check_refuted(cosine, tc.LogarithmicGrowth(exponent=-1))
    tc.check_refuted(cosine, tc.PowerLaw(-1, corrections=IN_TIME))
