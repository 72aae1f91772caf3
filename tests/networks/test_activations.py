"""Activations have the derivatives that autograd finds and the gains that an integral gives."""

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.special import erf
from scipy.stats import norm

from theorychecks.networks import ERF, GELU, LINEAR, RELU, TANH, Activation, activation

ALL = (RELU, TANH, ERF, GELU, LINEAR)
# The functions again, from numpy and scipy.
PLAIN = {
    "relu": lambda z: max(z, 0.0),
    "tanh": math.tanh,
    "erf": lambda z: float(erf(z)),
    "gelu": lambda z: z * norm.cdf(z),
    "linear": lambda z: z,
}


@pytest.mark.parametrize("given", ALL, ids=repr)
def test_values_are_those_of_scipy(given):
    z = torch.linspace(-6, 6, 61, dtype=torch.float64)
    expected = torch.tensor([PLAIN[given.name](v) for v in z.tolist()], dtype=torch.float64)
    torch.testing.assert_close(given.function(z), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("given", ALL, ids=repr)
def test_derivatives_are_those_of_autograd_at_the_kink_too(given):
    z = torch.cat([torch.linspace(-8, 8, 161, dtype=torch.float64), torch.tensor([0.0, -0.0, 1e-300])])
    z.requires_grad_()
    (expected,) = torch.autograd.grad(given.function(z).sum(), z)
    torch.testing.assert_close(given.derivative(z.detach()), expected, rtol=1e-11, atol=1e-14)


def test_another_derivative_is_not_autograds():
    z = torch.linspace(-2, 2, 11, dtype=torch.float64)
    assert not torch.allclose(GELU.derivative(z), RELU.derivative(z), atol=0.05)
    assert RELU.derivative(torch.zeros(1)).item() == 0.0


@pytest.mark.parametrize("given", ALL, ids=repr)
def test_the_gain_keeps_the_variance_of_a_standard_normal_preactivation(given):
    def density(z):
        return PLAIN[given.name](z) ** 2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    below, _ = quad(density, -12, 0, epsabs=1e-14, epsrel=1e-13)
    above, _ = quad(density, 0, 12, epsabs=1e-14, epsrel=1e-13)
    assert given.gain == pytest.approx((below + above) ** -0.5, rel=1e-12)


def test_relu_alone_has_a_kink():
    assert [given.name for given in ALL if not given.smooth] == ["relu"]


@pytest.mark.parametrize("given", ALL, ids=repr)
def test_derivatives_keep_shape_and_precision(given):
    z = torch.zeros(2, 3, dtype=torch.float32)
    assert given.derivative(z).shape == (2, 3)
    assert given.derivative(z).dtype == torch.float32


def test_names_are_looked_up_and_unknown_ones_refused():
    assert activation("gelu") is GELU
    with pytest.raises(ValueError, match=r"'swish'; the named ones are relu, tanh, erf, gelu, linear. Write your own"):
        activation("swish")


def test_a_report_calls_an_activation_by_its_name():
    own = Activation(name="sine", function=torch.sin, derivative=torch.cos, gain=1.5)
    assert repr(own) == "sine"
