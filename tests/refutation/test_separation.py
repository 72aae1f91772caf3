"""Claims about random features and separation fail when a kernel, a feature or a step is wrong by one idea."""

from dataclasses import replace

import numpy as np
import pytest
from breakages import BREAKAGES
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import (
    harmonics,
    one_step_network,
    random_features,
    risk_estimate,
    signal_propagation,
    spherical_descent,
)


def even_part_only(patch):
    """A kernel without its odd harmonics, where the spectrum has them."""
    right = harmonics.kernel_matrix

    def even(profile, rows, columns):
        return (right(profile, rows, columns) + right(profile, rows, -np.asarray(columns))) / 2

    patch.setattr(harmonics, "kernel_matrix", even)


def features_without_gain(patch):
    """Features lack the activation's gain, sqrt(2) for ReLU."""
    right = random_features.neural_features

    def small(inputs, features, draws, activation, rng):
        return right(inputs, features, draws, activation, rng) / activation.gain

    patch.setattr(random_features, "neural_features", small)


def features_share_their_weights(patch):
    """A quarter of the features repeat others, tell nothing new and leave the variance larger; the mean is the same."""
    right = random_features.gaussian_features

    def repeated(kernel, features, draws, rng):
        found = right(kernel, features, draws, rng)
        repeats = features // 4
        found[..., features - repeats :] = found[..., :repeats]
        return found

    patch.setattr(random_features, "gaussian_features", repeated)


def effective_ridge_below_the_ridge(patch):
    """The sign of what features add to the ridge."""
    right = random_features.effective_ridge
    patch.setattr(
        random_features, "effective_ridge", lambda kernel, count, ridge: 2 * ridge - right(kernel, count, ridge)
    )


def tanh_off_criticality(patch):
    """The weights' variance is off by one per cent, and so off criticality."""
    right = signal_propagation.tanh_variances
    patch.setattr(
        signal_propagation,
        "tanh_variances",
        lambda start, depths, weight_variance=1.01: right(start, depths, weight_variance=weight_variance),
    )


def rate_falls_with_the_dimension(power, *, beyond):
    """The learning rate has a power of the dimension too much in its denominator."""

    def apply(patch):
        right = spherical_descent.samples_to_overlap

        def slow(dimension, degree, activation, *, rate, **others):
            return right(dimension, degree, activation, rate=rate * (dimension / beyond) ** -power, **others)

        patch.setattr(spherical_descent, "samples_to_overlap", slow)

    return apply


def loss_without_its_degree(patch):
    """The target is of degree one, whatever is asked for."""
    right = spherical_descent.samples_to_overlap
    patch.setattr(
        spherical_descent,
        "samples_to_overlap",
        lambda dimension, degree, activation, **others: right(dimension, 1, spherical_descent.sine(), **others),
    )


def higher_degree_in_the_activation(patch):
    """Of the next degree of the same parity; its share of the kernel acts as a ridge."""
    right = spherical_descent.matched

    def more(degree):
        own = right(degree)
        return replace(own, coefficient=lambda j: own.coefficient(j) + 0.45 * (j == degree + 2))

    patch.setattr(spherical_descent, "matched", more)


def every_other_sample_counts(patch):
    """Numbers of samples are half of what they are."""
    right = risk_estimate.first_below_half
    patch.setattr(risk_estimate, "first_below_half", lambda errors: right(errors) / 2)


def easy_inputs_become_rare(patch):
    """The share of easy inputs falls as the number of bits grows, to the power -3/8."""
    right = one_step_network.parities
    patch.setattr(
        one_step_network,
        "parities",
        lambda count, bits, share, rng: right(count, bits, share * (bits / 9) ** -0.375, rng),
    )


def of_few_bits(module):
    """Up to 41 bits in place of 97, which take a twentieth of the time."""
    module.BITS = (5, 9, 17, 29, 41)
    return {}


def of_fewer_corners(module):
    """Up to 5 of 10 bits in place of 6 of 12."""
    module.KERNEL_BITS = (3, 4, 5)
    return {"kernel": "exponential"}


def with_sine(module):
    return {"activation": "sine"}


def with_tanh(module):
    return {"activation": tc.TANH}


EXERCISE = Claim(
    "test_random_features",
    "test_a_trained_readout_is_random_feature_regression",
    lambda module: {"depth": 1, "activation": tc.TANH, "data": module.FOUR_OUTPUTS},
)
CASES = {
    "learning rate that falls with the dimension": (
        rate_falls_with_the_dimension(1 / 2, beyond=32),
        Claim(
            "test_information_exponent",
            "test_information_exponent_one_takes_samples_in_proportion_to_the_dimension",
            with_sine,
            fewer=8,
        ),
    ),
    "samples used twice at a rate that falls": (
        rate_falls_with_the_dimension(1 / 4, beyond=256),
        Claim(
            "test_information_exponent",
            "test_two_steps_a_sample_take_samples_in_proportion_to_the_dimension",
            lambda module: {"rate": 0.2},
            fewer=8,
        ),
    ),
    "loss of degree one for two": (
        loss_without_its_degree,
        Claim("test_information_exponent", "test_information_exponent_two_takes_a_logarithm_more", with_sine, fewer=8),
    ),
    "loss of degree one for three": (
        loss_without_its_degree,
        Claim(
            "test_information_exponent",
            "test_information_exponent_three_takes_the_square_of_the_dimension",
            lambda module: {"activation": "matched"},
            fewer=8,
        ),
    ),
    "activation with a part of higher degree": (
        higher_degree_in_the_activation,
        Claim(
            "test_kernel_separation",
            "test_the_tangent_kernel_of_the_same_network_learns_a_degree_with_half_of_its_harmonics",
            lambda module: {"degree": 1},
        ),
    ),
    "every other sample counts": (
        every_other_sample_counts,
        Claim(
            "test_parities",
            "test_a_kernel_learns_a_parity_of_half_of_the_bits_from_no_less_than_half_of_the_corners",
            of_fewer_corners,
        ),
    ),
    "easy inputs that become rare": (
        easy_inputs_become_rare,
        Claim(
            "test_parities",
            "test_a_network_learns_a_parity_of_half_of_the_bits_from_samples_at_most_in_proportion_to_them",
            of_few_bits,
            fewer=2,
        ),
    ),
    "kernel without odd harmonics": (
        even_part_only,
        Claim(
            "test_separation",
            "test_samples_to_half_error_follow_the_eigenvalues",
            lambda module: {"kernel": "exponential", "setting": (12, 3)},
        ),
    ),
    "features without gain": (
        features_without_gain,
        Claim(
            "test_random_feature_regression",
            "test_random_feature_ridge_regression_tends_to_kernel_ridge_regression",
            lambda module: {"activation": tc.RELU, "data": module.TWELVE},
        ),
    ),
    "features that share their weights": (
        features_share_their_weights,
        Claim(
            "test_random_feature_regression",
            "test_ridgeless_gaussian_features_are_unbiased_with_a_known_variance",
            with_tanh,
        ),
    ),
    "effective ridge below the ridge": (
        effective_ridge_below_the_ridge,
        Claim("test_random_feature_regression", "test_random_features_have_an_effective_ridge", with_tanh),
    ),
    "layers without gain": (
        BREAKAGES["gain missing in the layers"].apply,
        Claim(
            "test_random_features",
            "test_kernels_at_initialisation_come_near_their_limit",
            lambda module: {"depth": 2, "activation": tc.TANH, "data": module.TEACHER},
        ),
    ),
    "gradients one step late": (BREAKAGES["gradients one step late"].apply, EXERCISE),
    "one step too few": (BREAKAGES["one step too few"].apply, EXERCISE),
    "weights off criticality": (
        tanh_off_criticality,
        Claim(
            "test_criticality", "test_variances_under_tanh_fall_like_one_over_depth", lambda module: {"largest": 3.0}
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(name, judged):
    mistake, claim = CASES[name]
    refuted(judged(claim, mistake))
