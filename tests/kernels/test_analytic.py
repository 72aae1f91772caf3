"""The analytic kernels agree with another program, with adaptive integration and with exact special cases."""

import json
from collections.abc import Callable
from math import exp, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import dblquad

from theorychecks.kernels import DualActivation, analytic_kernels, dual_activation

# Values of neural-tangents 0.6.5 in float64; the file says how they were made.
REFERENCE = json.loads((Path(__file__).parent / "reference_kernels.json").read_text())
NAMES = ["relu", "erf", "linear", "tanh", "gelu"]
REFERENCE_ERROR = 1e-12  # relative; measured 6e-14, at an entry that is a small difference of large terms
SERIES_ERROR = 1e-12  # of the moment at correlation 1; measured 4e-13 at correlation -0.999 and 4e-15 up to 0.99
QUADRATURE_ONLY = DualActivation(
    "erf by quadrature", dual_activation("erf").function, dual_activation("erf").derivative
)

matrices = arrays(
    np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(-3, 3, allow_subnormal=False)
)
steady = settings(max_examples=30, deadline=None, derandomize=True)


def kernels_of_case(case: dict[str, Any], **changes: Any):
    options = {
        "depth": case["hidden_layers"],
        "activation": case["activation"],
        "weight_variance": case["sigma_w"] ** 2,
        "bias_variance": case["sigma_b"] ** 2,
    }
    return analytic_kernels(REFERENCE["inputs"], **(options | changes))


def largest_relative_difference(actual: Any, expected: Any) -> float:
    return float(np.max(np.abs(np.asarray(actual) / np.asarray(expected) - 1)))


def scaled_relu(factor: float) -> DualActivation:
    relu = dual_activation("relu")

    def product(a: Any, b: Any, rho: Any) -> Any:
        return factor * relu.product(a, b, rho)

    return DualActivation("scaled relu", relu.function, relu.derivative, product, relu.derivative_product)


def integral(function: Callable[[Any], Any], a: float, b: float, rho: float) -> float:
    def integrand(y: float, x: float) -> float:
        u, v = sqrt(a) * x, sqrt(b) * (rho * x + sqrt(1 - rho * rho) * y)
        return float(function(np.float64(u)) * function(np.float64(v))) * exp(-(x * x + y * y) / 2) / (2 * pi)

    return float(dblquad(integrand, -9.5, 9.5, -9.5, 9.5, epsabs=1e-13, epsrel=1e-13)[0])


def moment(pair_moment: Callable[..., Any], a: float, b: float, rho: float) -> float:
    return float(pair_moment(np.array([a]), np.array([b]), np.array([[rho]]))[0, 0])


@pytest.mark.parametrize(
    "case", REFERENCE["cases"], ids=lambda c: f"{c['activation']}-{c['hidden_layers']}-{c['sigma_b']}"
)
def test_kernels_equal_those_of_another_program(case):
    kernels = kernels_of_case(case)
    assert largest_relative_difference(kernels.nngp, case["nngp"]) < REFERENCE_ERROR
    assert largest_relative_difference(kernels.ntk, case["ntk"]) < REFERENCE_ERROR


@pytest.mark.parametrize(
    "case", REFERENCE["cases"], ids=lambda c: f"{c['activation']}-{c['hidden_layers']}-{c['sigma_b']}"
)
def test_kernels_of_a_neighbouring_network_are_told_apart(case):
    deeper = kernels_of_case(case, depth=case["hidden_layers"] + 1)
    smoother = kernels_of_case(case, activation="gelu")
    heavier = kernels_of_case(case, weight_variance=case["sigma_w"] ** 2 + 1e-6)
    for neighbour in (deeper, smoother, heavier):
        assert largest_relative_difference(neighbour.nngp, case["nngp"]) > 1e-7
        assert largest_relative_difference(neighbour.ntk, case["ntk"]) > 1e-7


def test_a_wrong_constant_in_the_relu_kernel_is_told_apart():
    case = REFERENCE["cases"][0]
    right = kernels_of_case(case, activation=scaled_relu(1.0))
    wrong = kernels_of_case(case, activation=scaled_relu(1 + 1e-9))
    assert largest_relative_difference(right.nngp, case["nngp"]) < REFERENCE_ERROR
    assert largest_relative_difference(wrong.nngp, case["nngp"]) > 100 * REFERENCE_ERROR


@pytest.mark.parametrize("variances", [(0.0, 1.0), (0.01, 100.0), (1.0, 1.0), (10.0, 100.0), (100.0, 100.0)])
def test_hermite_series_of_erf_equals_its_closed_form(variances):
    erf = dual_activation("erf")
    rho = np.linspace(-1, 1, 21)[None, :]
    row, column = np.array([variances[0]]), np.full(21, variances[1])
    for ours, exact in (
        (QUADRATURE_ONLY.product_moment, erf.product_moment),
        (QUADRATURE_ONLY.derivative_moment, erf.derivative_moment),
    ):
        assert np.max(np.abs(ours(row, column, rho) - exact(row, column, rho))) < 1.2e-12  # measured 8e-13, at 100
    np.testing.assert_allclose(QUADRATURE_ONLY.second_moment(column), erf.second_moment(column), rtol=1e-14)


@pytest.mark.parametrize("name", ["tanh", "gelu"])
@pytest.mark.parametrize("a, b, rho", [(1, 1, 0.5), (0.3, 4, -0.7), (2, 3, 0.95), (9, 5, 0.99), (4, 4, -0.999)])
def test_hermite_series_equals_adaptive_integration(name, a, b, rho):
    dual = dual_activation(name)
    for pair_moment, function in ((dual.product_moment, dual.function), (dual.derivative_moment, dual.derivative)):
        scale = sqrt(moment(pair_moment, a, a, 1.0) * moment(pair_moment, b, b, 1.0))
        assert abs(moment(pair_moment, a, b, rho) - integral(function, a, b, rho)) < SERIES_ERROR * scale


def test_the_tanh_form_of_gelu_is_told_apart():
    exact = moment(dual_activation("gelu").product_moment, 1.0, 2.0, 0.5)

    def tanh_form(z: Any) -> Any:
        return 0.5 * z * (1 + np.tanh(sqrt(2 / pi) * (z + 0.044715 * z**3)))

    assert abs(exact - integral(tanh_form, 1.0, 2.0, 0.5)) > 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_the_derivatives_of_the_functions(name):
    dual, z, step = dual_activation(name), np.array([-2.1, -0.4, 0.3, 1.7]), 1e-5
    numerical = (dual.function(z + step) - dual.function(z - step)) / (2 * step)
    np.testing.assert_allclose(dual.derivative(z), numerical, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("function", ["relu", "step"])
def test_an_activation_with_a_kink_or_a_jump_is_refused_by_the_series(function):
    relu = dual_activation("relu")
    rough = DualActivation("rough", relu.function if function == "relu" else relu.derivative, relu.derivative)
    with pytest.raises(ValueError, match=r"Hermite series of 'rough' .* give a DualActivation with closed forms"):
        analytic_kernels(np.eye(2), depth=1, activation=rough, weight_variance=1.0)


def test_a_variance_too_large_for_the_series_is_refused():
    analytic_kernels([[10.0]], depth=1, activation="tanh", weight_variance=1.0)
    with pytest.raises(ValueError, match="Scale the inputs or weight_variance down"):
        analytic_kernels([[30.0]], depth=1, activation="tanh", weight_variance=1.0)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_linear_network_has_the_linear_kernels(depth):
    inputs, weight_variance = np.random.default_rng(1).standard_normal((4, 3)), 1.7
    nngp = weight_variance ** (depth + 1) * inputs @ inputs.T / 3  # derived here: one factor a layer
    kernels = analytic_kernels(inputs, depth=depth, activation="linear", weight_variance=weight_variance)
    np.testing.assert_allclose(kernels.nngp, nngp, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(kernels.ntk, (depth + 1) * nngp, rtol=1e-13, atol=1e-14)
    assert not np.allclose(kernels.ntk, depth * nngp)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_between_two_sets_are_a_block_of_the_joint_kernels(name):
    inputs = np.random.default_rng(2).standard_normal((7, 3)) * np.linspace(0.1, 2, 7)[:, None]
    inputs[5] = inputs[1]  # an input in both sets
    options = {"depth": 3, "activation": name, "weight_variance": 1.5, "bias_variance": 0.1}
    joint, cross = analytic_kernels(inputs, **options), analytic_kernels(inputs[:3], inputs[3:], **options)
    np.testing.assert_allclose(cross.nngp, joint.nngp[:3, 3:], rtol=1e-12)
    np.testing.assert_allclose(cross.ntk, joint.ntk[:3, 3:], rtol=1e-11)
    assert cross.ntk[1, 2] == pytest.approx(joint.ntk[1, 1], rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bias_variance", [0.0, 0.3])
def test_a_zero_input_has_finite_kernels(name, bias_variance):
    options = {"depth": 2, "activation": name, "weight_variance": 1.5, "bias_variance": bias_variance}
    for kernels in (
        analytic_kernels([[0.0, 0.0], [1.0, -2.0]], **options),
        analytic_kernels([[0.0, 0.0]], [[0.0, 0.0], [1.0, -2.0]], **options),
    ):
        assert np.all(np.isfinite(kernels.nngp))
        assert np.all(np.isfinite(kernels.ntk))
        assert (kernels.ntk[0, 0] == 0) == (bias_variance == 0)  # every function here vanishes at 0


@pytest.mark.parametrize("name", NAMES)
@steady
@given(inputs=matrices, bias_variance=st.sampled_from([0.0, 0.2]))
def test_kernels_are_symmetric_and_positive_semidefinite(name, inputs, bias_variance):
    kernels = analytic_kernels(inputs, depth=2, activation=name, weight_variance=1.3, bias_variance=bias_variance)
    # Rounding moves an angle between nearly parallel inputs by 1e-8; the derivative of relu passes it on.
    for kernel, rounding in ((kernels.nngp, 1e-11), (kernels.ntk, 1e-7)):
        np.testing.assert_array_equal(kernel, kernel.T)
        assert np.linalg.eigvalsh(kernel)[0] >= -rounding * np.trace(kernel)


@pytest.mark.parametrize("name", NAMES)
@steady
@given(inputs=matrices, data=st.data())
def test_permuting_inputs_permutes_kernels(name, inputs, data):
    order = data.draw(st.permutations(range(len(inputs))))
    options = {"depth": 2, "activation": name, "weight_variance": 1.3, "bias_variance": 0.1}
    kernels, permuted = analytic_kernels(inputs, **options), analytic_kernels(inputs[order], **options)
    np.testing.assert_allclose(permuted.nngp, kernels.nngp[np.ix_(order, order)], rtol=1e-7)
    np.testing.assert_allclose(permuted.ntk, kernels.ntk[np.ix_(order, order)], rtol=1e-7, atol=1e-12)


@steady
@given(inputs=matrices, scale=st.floats(0.1, 10))
def test_relu_kernels_without_biases_are_homogeneous_of_degree_two(inputs, scale):
    options = {"depth": 3, "activation": "relu", "weight_variance": 2.0}
    kernels, scaled = analytic_kernels(inputs, **options), analytic_kernels(scale * inputs, **options)
    largest = scale**2 * np.max(kernels.ntk)
    np.testing.assert_allclose(scaled.nngp, scale**2 * kernels.nngp, rtol=1e-7, atol=1e-7 * largest)
    np.testing.assert_allclose(scaled.ntk, scale**2 * kernels.ntk, rtol=1e-7, atol=1e-7 * largest)


@pytest.mark.parametrize("activation, bias_variance", [("relu", 0.1), ("tanh", 0.0)])
def test_biases_and_other_activations_break_homogeneity(activation, bias_variance):
    inputs = np.random.default_rng(3).standard_normal((3, 2))
    options = {"depth": 2, "activation": activation, "weight_variance": 2.0, "bias_variance": bias_variance}
    kernels, scaled = analytic_kernels(inputs, **options), analytic_kernels(2 * inputs, **options)
    assert not np.allclose(scaled.ntk, 4 * kernels.ntk, rtol=0.01)


@pytest.mark.parametrize(
    "changes, error, message",
    [
        ({"inputs": [1.0, 2.0]}, ValueError, r"inputs must be a non-empty matrix .* got shape \(2,\)"),
        ({"inputs": np.zeros((0, 2))}, ValueError, "non-empty"),
        ({"inputs": [[np.nan, 1.0]]}, ValueError, "inputs must be finite; got 1 entries"),
        ({"inputs": [[1e200, 1.0]]}, ValueError, "Scale them down"),
        ({"other": [[1.0, 2.0, 3.0]]}, ValueError, "equally many columns; got 2 and 3"),
        ({"depth": 0}, ValueError, "depth must be at least 1"),
        ({"depth": 1.5}, TypeError, "depth must be an integer"),
        ({"depth": True}, TypeError, "depth must be an integer"),
        ({"weight_variance": 0.0}, ValueError, "weight_variance .* must be positive"),
        ({"bias_variance": -0.1}, ValueError, "bias_variance .* must not be negative"),
        ({"activation": "swish"}, ValueError, "one of erf, gelu, linear, relu, tanh; got 'swish'"),
    ],
)
def test_errors_show_the_value_and_the_rule(changes, error, message):
    arguments = {"inputs": [[1.0, 2.0]], "depth": 1, "activation": "relu", "weight_variance": 1.0} | changes
    with pytest.raises(error, match=message):
        analytic_kernels(arguments.pop("inputs"), arguments.pop("other", None), **arguments)


def test_half_a_closed_form_is_refused():
    relu = dual_activation("relu")
    with pytest.raises(ValueError, match="both are needed"):
        DualActivation("half", relu.function, relu.derivative, product=relu.product)
