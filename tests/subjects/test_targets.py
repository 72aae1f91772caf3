"""Zonal harmonics are orthonormal on the sphere, and targets have the power that they say."""

import numpy as np
import pytest
from scipy import integrate

from properties.subjects.harmonics import exponential_profile, sphere_spectrum
from properties.subjects.targets import HarmonicTarget, on_sphere, zonal_harmonic

DIMENSION = 7


def mean(function):
    """Under the law of a coordinate of the unit sphere."""
    weight = lambda t: (1 - t * t) ** ((DIMENSION - 3) / 2)  # noqa: E731
    total = integrate.quad(weight, -1, 1)[0]
    return integrate.quad(lambda t: function(t) * weight(t), -1, 1)[0] / total


@pytest.mark.parametrize("first", [1, 2, 3])
@pytest.mark.parametrize("second", [1, 2, 3])
def test_zonal_harmonics_are_orthonormal(first, second):
    product = mean(lambda t: zonal_harmonic(t, first, DIMENSION) * zonal_harmonic(t, second, DIMENSION))
    assert product == pytest.approx(float(first == second), abs=1e-9)


def test_degree_two_is_known():
    # (d t^2 - 1) times what makes its mean square one: E (d t^2 - 1)^2 = 2 (d - 1) / (d + 2).
    t = np.linspace(-1, 1, 5)
    wanted = (DIMENSION * t**2 - 1) / np.sqrt(2 * (DIMENSION - 1) / (DIMENSION + 2))
    np.testing.assert_allclose(zonal_harmonic(t, 2, DIMENSION), wanted, rtol=1e-12)


@pytest.mark.parametrize("directions", [1, 200])
def test_a_target_is_an_eigenfunction_of_mean_square_one(directions):
    data = HarmonicTarget(dimension=8, samples=4000, test_samples=4000, degrees=(2,), directions=directions, seed=3)
    drawn = data.draw()
    everything = np.concatenate([drawn.targets, data.test_targets()])
    assert np.mean(everything**2) == pytest.approx(1.0, abs=0.3 if directions > 1 else 0.12)
    profile = exponential_profile()
    image = profile(drawn.test_inputs[:200] @ drawn.inputs.T / 8) @ drawn.targets[:, 0] / 4000
    eigenvalue = sphere_spectrum(profile, 8).eigenvalues[2]
    slope = image @ data.test_targets()[:200, 0] / np.sum(data.test_targets()[:200] ** 2)
    assert slope == pytest.approx(eigenvalue, rel=0.15)


def test_points_lie_on_the_sphere_and_draws_repeat():
    points = on_sphere(5, 9, np.random.default_rng(0))
    np.testing.assert_allclose((points**2).sum(axis=1), 9)
    one, again = (HarmonicTarget(dimension=8, samples=3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.draw().inputs, again.draw().inputs)
    assert not np.allclose(one.draw().inputs, HarmonicTarget(dimension=8, samples=3, seed=6).draw().inputs)


def test_what_is_no_target_is_refused():
    with pytest.raises(ValueError, match="sizes are positive"):
        HarmonicTarget(dimension=2, samples=3)
    with pytest.raises(ValueError, match="degree 0 or more"):
        zonal_harmonic(0.5, -1, 8)
