"""Runs that know their overlap alone have the law of runs in all dimensions, and kernels are those of the activation."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from properties.subjects.spherical_descent import hermite, matched, samples_to_overlap, search_rate, sine

DENSITY = stats.norm.pdf


def mean(function):
    """Under the normal law."""
    return integrate.quad(lambda z: function(np.array(z)) * DENSITY(z), -12, 12, limit=200)[0]


@pytest.mark.parametrize("first", [0, 1, 2, 3])
@pytest.mark.parametrize("second", [1, 3])
def test_hermite_polynomials_are_orthonormal(first, second):
    product = mean(lambda z: hermite(z, first) * hermite(z, second))
    assert product == pytest.approx(float(first == second), abs=1e-8)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_coefficients_of_the_sine_are_its_projections(degree):
    projected = mean(lambda z: math.sqrt(2) * np.sin(z + math.pi / 4) * hermite(z, degree))
    assert sine().coefficient(degree) == pytest.approx(projected, abs=1e-8)


@pytest.mark.parametrize("activation", [matched(2), matched(3), sine()])
def test_the_size_of_the_slope_is_its_mean_square(activation):
    assert activation.size_of_slope() == pytest.approx(mean(lambda z: activation.slope(z) ** 2), rel=1e-8)


def test_kernels_are_known():
    t = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(matched(3).tangent_kernel_profile()(t), t**3, atol=1e-12)
    np.testing.assert_allclose(sine().tangent_kernel_profile()(t), (1 + t) * np.exp(t - 1) / 2, atol=1e-12)


def test_the_rate_of_the_search_is_known():
    # 2 * 0.1 - 0.1^2 * 2 / 2 for the activation z^2.
    assert search_rate(matched(2), 0.1) == pytest.approx(0.19)


def plain_run(dimension, degree, rate, reuse, rng, most):
    """All coordinates, and the sine's derivative by hand."""
    slope = lambda z: np.cos(z) - np.sin(z)  # noqa: E731
    sign = {1: 1, 2: -1, 3: -1}[degree]
    target, w = np.eye(dimension)[0], rng.standard_normal(dimension)
    w /= np.linalg.norm(w)
    if degree > 1 and w[0] < 0:
        w = -w
    for n in range(1, most + 1):
        x = rng.standard_normal(dimension)
        y, z = sign * hermite(x @ target, degree), x @ w
        tangent, at = x - z * w, z
        pull = rate / dimension * y * slope(at)
        if reuse:
            pull += rate / dimension * y * slope(z + pull * (x @ x))
        w = w + pull * tangent
        w /= np.linalg.norm(w)
        if abs(w[0]) >= 0.5:
            return n
    return math.inf


@pytest.mark.parametrize("degree, rate, reuse", [(1, 0.5, False), (2, 0.5, False), (3, 0.3, True)])
def test_samples_have_the_law_of_a_run_in_all_dimensions(degree, rate, reuse):
    most, runs = 600, 300
    rngs = [np.random.default_rng([5, k]) for k in range(runs)]
    found = samples_to_overlap(12, degree, sine(), rate=rate, rngs=rngs, most=most, reuse=reuse)
    plain = [plain_run(12, degree, rate, reuse, np.random.default_rng([6, k]), most) for k in range(runs)]
    found, plain = (np.minimum(each, most + 1) for each in (found, plain))
    assert stats.ks_2samp(found, plain).pvalue > 0.01
    assert len(np.unique(found)) > 50


def test_a_run_does_not_depend_on_the_others():
    both = samples_to_overlap(16, 1, sine(), rate=0.3, rngs=[np.random.default_rng(k) for k in (0, 1)], most=400)
    alone = samples_to_overlap(16, 1, sine(), rate=0.3, rngs=[np.random.default_rng(1)], most=400)
    assert both[1] == alone[0]


def test_a_neuron_without_the_degree_is_refused():
    with pytest.raises(ValueError, match="no part of degree 2"):
        samples_to_overlap(16, 2, matched(3), rate=0.3, rngs=[np.random.default_rng(0)], most=10)
