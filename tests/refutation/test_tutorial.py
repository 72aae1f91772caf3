"""Claims about the tutorial's sentences, and about catapults and sharpness, fail when their subject is broken."""

import pytest
import torch
from breakages import BREAKAGES, exponent
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import clouds, learning_curves, linear_recursion, sharpness

CONVERGENCE = Claim(
    "test_regimes_in_time",
    "test_weights_stay_near_their_start_until_the_loss_is_gone",
    lambda module: {"depth": 2, "activation": tc.TANH, "parametrization": tc.NTK, "data": module.FITTED},
)
LONGER = Claim(
    "test_regimes_in_time",
    "test_a_large_rate_under_standard_parametrization_learns_features_on_cross_entropy_alone",
    lambda module: {"depth": 2, "activation": tc.TANH},
)
DRIFT = Claim(
    "test_kinks",
    "test_kinks_make_the_tangent_kernel_drift_more_slowly_with_the_width",
    lambda module: {"smooth": tc.TANH, "data": tc.Teacher(dimension=16, samples=16)},
)
FIRST_LAYER = Claim(
    "test_random_features",
    "test_a_trained_first_layer_is_descent_on_the_kernel_of_slopes",
    lambda module: {"activation": tc.TANH, "data": module.FOUR_OUTPUTS},
)
CONVEX = Claim(
    "test_landscape",
    "test_the_loss_of_a_mixture_is_at_most_the_mean_of_losses",
    lambda module: {"loss": module.SQUARED, "activation": tc.TANH, "data": module.TASK},
)
DEFICIT = Claim(
    "test_landscape",
    "test_the_squared_error_of_a_mixture_falls_short_by_the_squared_distance",
    lambda module: {"activation": tc.TANH, "data": module.TASK},
)
CATAPULT = Claim(
    "test_catapult", "test_a_catapult_lies_between_two_and_four_over_the_kernel_at_every_width", lambda module: {}
)
EDGE = Claim(
    "test_sharpness",
    "test_sharpness_ends_at_the_edge_of_stability_under_maximal_update_and_below_it_under_ntk",
    lambda module: {"activation": tc.RELU, "data": module.TASK},
)
UNSTRUCTURED = Claim(
    "test_kernel_bound", "test_network_and_kernel_are_on_a_par_where_nothing_is_to_be_found", lambda module: {}
)
LOWER_BOUND = Claim(
    "test_kernel_bound",
    "test_the_tangent_kernel_bounds_the_network_on_structured_targets_and_not_on_a_random_quadratic_form",
    lambda module: {},
)


def masses_not_shared(patch):
    """A mixture whose two clouds keep all of their mass."""

    def heavy(one, other, share):
        neurons = torch.cat([one.neurons, other.neurons], dim=2)
        return clouds.Clouds(neurons, torch.cat([one.masses, other.masses]))

    patch.setattr(clouds, "mixture", heavy)


def half_the_rate(patch):
    """Steps of half their length, as of a loss with a factor 1/2 too many."""
    right = linear_recursion.step
    patch.setattr(linear_recursion, "step", lambda state, rates, target: right(state, rates / 2, target))


def loss_without_its_half(patch):
    """Curvature of the squared error itself, along a training on half of it."""
    right = sharpness.loss
    patch.setattr(sharpness, "loss", lambda *given: 2 * right(*given))


def readout_alone_is_trained(patch):
    """Gradients of both hidden layers are lost."""
    right = learning_curves._gradients

    def last(*given):
        first, second, readout = right(*given)
        return 0 * first, 0 * second, readout

    patch.setattr(learning_curves, "_gradients", last)


CASES = [
    (CONVEX, masses_not_shared),
    (DEFICIT, masses_not_shared),
    (CATAPULT, half_the_rate),
    pytest.param(EDGE, loss_without_its_half, marks=pytest.mark.slow),
    pytest.param(FIRST_LAYER, BREAKAGES["gradients one step late"].apply, id="first layer, gradients late"),
    pytest.param(DRIFT, BREAKAGES["another activation's derivative"].apply, id="drift, another derivative"),
    pytest.param(CONVERGENCE, exponent("input", sgd=-0.5), id="convergence, input rate", marks=pytest.mark.slow),
    pytest.param(LONGER, exponent("hidden", sgd=0.5), id="longer, hidden rate", marks=pytest.mark.slow),
    pytest.param(UNSTRUCTURED, readout_alone_is_trained, marks=pytest.mark.slow),
    pytest.param(LOWER_BOUND, readout_alone_is_trained, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("claim", "mistake"), CASES)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))


def test_the_same_claims_pass_without_the_mistake(judged):
    assert judged(DEFICIT).outcome == "pass"
