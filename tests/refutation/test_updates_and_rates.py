"""Claims on alignment, spectral norms, architectures, stable rates and samples fail when their subject is broken."""

import functools

import pytest
from breakages import BREAKAGES
from claims_under_test import Claim, aligned, refuted

import theorychecks as tc
from properties.subjects import product_of_weights, wasserstein


def tanh(**others):
    return lambda module: {"depth": 3, "activation": tc.TANH, **others}


def residual(module):
    """A residual network under plain gradients, at widths that take seconds."""
    module.WIDTHS = tc.widths(16, 256)
    return {"model": module.RESIDUAL_SGD}


def rates_over_the_root_of_the_width(patch):
    """Of every model, all rates have a power of the width too few."""
    right = tc.Model

    def model(build, optimizer, *others, **named):
        return right(build, functools.partial(optimizer, rates=slower(optimizer.keywords["rates"])), *others, **named)

    def slower(rates):
        return lambda ratio: {role: rate * ratio**-0.5 for role, rate in rates(ratio).items()}

    patch.setattr(tc, "Model", model)


def hidden_rate_under_maximal_update_too_small(patch):
    patch.setattr(tc, "MAXIMAL_UPDATE", tc.MAXIMAL_UPDATE.altered("hidden", sgd=0.5), raising=False)


def strength_to_another_power(patch):
    """Off by a tenth, which the search for the rate still finds."""
    right = product_of_weights.weights

    def wrong(layers, *, strength, generators):
        return right(layers, strength=strength**0.9, generators=generators)

    patch.setattr(product_of_weights, "weights", wrong)


def distances_along_one_coordinate(patch):
    right = wasserstein.squared_wasserstein
    patch.setattr(
        wasserstein, "squared_wasserstein", lambda first, second, **period: right(first[:, :1], second[:, :1], **period)
    )


ALIGNED = Claim("test_alignment", "test_updates_make_of_their_inputs_what_their_spectral_norms_allow", aligned())
SPECTRAL = Claim(
    "test_parametrizations",
    "test_maximal_update_moves_matrices_in_spectral_norm",
    tanh(data=tc.GaussianMixture(dimension=8)),
)
FULL_ALIGNMENT = Claim(
    "test_parametrizations",
    "test_standard_parametrization_for_full_alignment_diverges_through_its_initial_readout",
    tanh(loss=tc.MSE, data=tc.GaussianMixture()),
)
ARCHITECTURE = Claim(
    "test_architectures",
    "test_features_of_a_decoder_and_a_residual_network_move_when_rich_and_hardly_when_lazy",
    residual,
)
STABLE = Claim(
    "test_products_of_weights",
    "test_the_largest_stable_rate_grows_as_the_square_and_then_as_a_root_of_the_strength",
    lambda module: {"product": module.FACTORS[2]},
)
SAMPLES = Claim(
    "test_mean_field",
    "test_empirical_measures_approach_their_law_slowly_in_many_dimensions",
    lambda module: {"dimension": 5},
)


@pytest.mark.parametrize(
    "claim, mistake",
    [
        pytest.param(ALIGNED, BREAKAGES["gradients of hidden layers transposed"].apply, id="A3"),
        pytest.param(SPECTRAL, hidden_rate_under_maximal_update_too_small, id="S2"),
        pytest.param(FULL_ALIGNMENT, BREAKAGES["loss averaged over the root of the width"].apply, id="H19"),
        pytest.param(ARCHITECTURE, rates_over_the_root_of_the_width, id="LZ-11 of a residual network"),
        pytest.param(STABLE, strength_to_another_power, id="FL-6"),
        pytest.param(SAMPLES, distances_along_one_coordinate, id="MF-9"),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
