"""Claims of controlled divergence and of parametrizations fail when networks are broken by hand."""

import pytest
from breakages import exponent, of_the_initial_weights, updates
from claims_under_test import Claim, refuted

import theorychecks as tc
from theorychecks.engines.trained import TrainedRun

CONTROLLED, PARAMETRIZATIONS = "test_controlled_divergence", "test_parametrizations"


def at_one_half(module):
    return {"alpha": 0.5, "depth": 2, "activation": tc.TANH}


OUTPUTS = Claim(CONTROLLED, "test_outputs_diverge_as_the_rate_times_the_width", at_one_half)
FEATURES = Claim(CONTROLLED, "test_features_move_by_layer", at_one_half)
COMPOUND = Claim(CONTROLLED, "test_under_mse_outputs_compound", lambda module: {"steps": 2, "activation": tc.TANH})
CLASSES = Claim(
    PARAMETRIZATIONS,
    "test_four_parametrizations_are_two",
    lambda module: {"pair": "standard and NTK", "optimizer": tc.SGD(), "activation": tc.TANH},
)
ENTRIES = Claim(
    PARAMETRIZATIONS,
    "test_gradient_entries_shrink_by_parametrization_and_role",
    lambda module: {"parametrization": tc.STANDARD, "depth": 2, "activation": tc.TANH, "data": module.MIXTURE},
)
SPECTRAL = Claim(
    PARAMETRIZATIONS,
    "test_maximal_update_meets_the_spectral_condition",
    lambda module: {"depth": 2, "activation": tc.TANH, "data": module.MIXTURE},
)


def readout_multiplier_of_ntk_off(patch):
    patch.setattr(tc, "NTK", tc.NTK.altered("output", multiplier=0.5), raising=False)


def frobenius_for_spectral(patch):
    norm = TrainedRun.weight_norm
    patch.setattr(TrainedRun, "weight_norm", lambda run, k, _, time=0: norm(run, k, "frobenius", time))


@pytest.mark.parametrize(
    "claim, mistake",
    [
        pytest.param(OUTPUTS, exponent("output", init=-0.5), id="H5 with a readout too large"),
        pytest.param(FEATURES, exponent("hidden", sgd=0.5), id="H7 with a hidden rate too small"),
        pytest.param(FEATURES, exponent("input", sgd=-0.5), id="H6 with an input rate too large"),
        pytest.param(COMPOUND, updates(of_the_initial_weights), id="H11 with stale gradients"),
        pytest.param(CLASSES, readout_multiplier_of_ntk_off, id="E1 with a readout's multiplier off"),
        pytest.param(ENTRIES, exponent("output", init=0.5), id="E4 with a readout too small"),
        pytest.param(SPECTRAL, frobenius_for_spectral, id="S1 with the wrong norm"),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))


@pytest.mark.slow
@pytest.mark.parametrize("claim", [OUTPUTS, FEATURES, ENTRIES, SPECTRAL])
def test_claims_pass_without_a_mistake(claim, judged):
    assert judged(claim).outcome == "pass"
