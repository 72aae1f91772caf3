"""Each claim fails when its subject is broken by hand: one exponent of one role is off by one half."""

import importlib.util
from pathlib import Path

import pytest

import theorychecks as tc

PROPERTIES = Path(__file__).parents[2] / "properties"


def claim(file, test):
    """The function under a claim's decorators, which takes its setting as arguments."""
    spec = importlib.util.spec_from_file_location(file, PROPERTIES / f"{file}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, getattr(module, test).hypothesis.inner_test


BROKEN_STANDARD = {
    "hidden learning rate": tc.STANDARD.altered("hidden", sgd=-0.5),
    "input learning rate": tc.STANDARD.altered("input", sgd=-0.5),
    "output init": tc.STANDARD.altered("output", init=0.5),
}


@pytest.mark.parametrize("broken", BROKEN_STANDARD.values(), ids=BROKEN_STANDARD)
def test_weight_change_under_a_broken_standard_parametrization_is_refuted(monkeypatch, broken):
    module, test = claim("test_lazy_regime", "test_weights_move_by_role_and_norm_under_standard_parametrization")
    monkeypatch.setattr(tc, "STANDARD", broken, raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(depth=3, activation=tc.TANH, data=module.MIXTURE)


BROKEN_NTK = {
    "hidden learning rate": tc.NTK.altered("hidden", sgd=-0.5),
    "output learning rate": tc.NTK.altered("output", sgd=0.5),
}


@pytest.mark.parametrize("broken", BROKEN_NTK.values(), ids=BROKEN_NTK)
def test_weight_change_under_a_broken_ntk_parametrization_is_refuted(monkeypatch, broken):
    _, test = claim("test_lazy_regime", "test_weights_move_by_role_and_norm_under_ntk_parametrization")
    monkeypatch.setattr(tc, "NTK", broken, raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(depth=3, activation=tc.TANH)


def test_the_bound_is_refuted_where_one_layer_learns_too_fast():
    module, test = claim("test_lazy_regime", "test_every_weight_moves_by_at_most_one_over_root_width")
    broken = tc.NTK.altered("hidden", sgd=-0.5)
    module.RATES[broken] = module.RATES[tc.NTK]
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(depth=3, activation=tc.TANH, parametrization=broken)


def test_the_readout_loses_its_alignment_when_it_starts_too_small():
    # From the second step on the gradient is carried by what the readout has learned, not by its initial weights.
    module, test = claim("test_alignment", "test_initial_weights_see_hidden_updates_as_random_and_the_readout_does_not")
    broken = tc.MAXIMAL_UPDATE.altered("output", init=0.5)
    module.RATES[broken] = module.RATES[tc.MAXIMAL_UPDATE]
    with pytest.raises(tc.ClaimFailure, match="output is refuted, a prediction must be supported"):
        test(depth=2, activation=tc.RELU, parametrization=broken, data=module.MIXTURE)


def test_effective_alignment_does_not_depend_on_learning_rates():
    # A ratio that divides out the size of the update holds under any stable exponents: no wrong rate refutes claim A1,
    # only updates that are not aligned do, as its control has them.
    module, test = claim("test_alignment", "test_updates_are_aligned_with_their_inputs")
    slower = tc.STANDARD.altered("hidden", sgd=0.5)
    module.RATES[slower] = module.RATES[tc.STANDARD]
    test(depth=2, activation=tc.RELU, parametrization=slower, data=module.MIXTURE)


def test_the_stable_rate_under_mse_is_refuted_when_the_readout_learns_too_slowly(monkeypatch):
    _, test = claim("test_learning_rates", "test_mean_squared_error_is_stable_up_to_one_over_width")
    monkeypatch.setattr(tc, "STANDARD", tc.STANDARD.altered("output", sgd=0.5), raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(depth=1, activation=tc.RELU)


def test_the_stable_rate_under_cross_entropy_is_refuted_when_hidden_layers_learn_too_slowly(monkeypatch):
    _, test = claim("test_learning_rates", "test_cross_entropy_keeps_activations_bounded_up_to_one_over_root_width")
    monkeypatch.setattr(tc, "STANDARD", tc.STANDARD.altered("hidden", sgd=0.5), raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(depth=3, activation=tc.RELU)


def test_the_stable_rate_of_one_layer_is_refuted_when_its_input_learns_too_fast(monkeypatch):
    _, test = claim("test_learning_rates", "test_one_hidden_layer_keeps_activations_bounded_at_any_width")
    monkeypatch.setattr(tc, "STANDARD", tc.STANDARD.altered("input", sgd=-0.5), raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(activation=tc.RELU)


BROKEN_KERNEL_REGIME = {
    "output learning rate": tc.NTK.altered("output", sgd=0.5),
    "output init": tc.NTK.altered("output", init=0.5),
}


@pytest.mark.parametrize("broken", BROKEN_KERNEL_REGIME.values(), ids=BROKEN_KERNEL_REGIME)
def test_kernel_regression_is_refuted_when_the_readout_scales_wrongly(monkeypatch, broken):
    module, test = claim("test_kernel_limits", "test_a_wide_network_is_kernel_regression")
    monkeypatch.setattr(tc, "NTK", broken, raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(depth=1, activation=tc.TANH, data=module.TEACHER)


def test_the_ensemble_is_refuted_when_the_readout_learns_too_slowly(monkeypatch):
    module, test = claim("test_kernel_limits", "test_the_mean_of_an_ensemble_is_regression_with_the_limit_kernel")
    monkeypatch.setattr(tc, "NTK", tc.NTK.altered("output", sgd=0.5), raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(activation=tc.TANH, data=module.SMALL_TEACHER)


def test_kernel_ridge_regression_is_refuted_when_the_readout_starts_too_small(monkeypatch):
    module, test = claim("test_kernel_limits", "test_anchored_ridge_is_kernel_ridge_regression")
    monkeypatch.setattr(tc, "NTK", tc.NTK.altered("output", init=0.5), raising=False)
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        test(depth=1, activation=tc.TANH, data=module.TEACHER)
