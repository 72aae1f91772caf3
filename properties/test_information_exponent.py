"""How many fresh samples online SGD takes to find a direction: a matter of the loss's information exponent.

The information exponent k is the degree of the first term of the population loss in the overlap with the direction.
The target is the Hermite polynomial of degree k of one coordinate of a normal input, so that the population loss of a
neuron at overlap m is -|c_k| m^k, with c_k the activation's coefficient of that degree.
"""

import functools

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects import spherical_descent

ACTIVATIONS = ("matched", "sine")
DIMENSIONS = (32, 64, 128, 256, 512)
IN_DIMENSION = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=1, fewest_units=32)
"""Noise around the mean path enters by its square, of order 1/d."""
BGJ = "Ben Arous, Gheissari, Jagannath 2021, arXiv:2003.10409 (abstract seen; Theorems 1.3 and 1.4 from memory)"
FIRST, SECOND = 0.3, {"matched": 0.05, "sine": 0.2}
THIRD = {"matched": 0.25, "sine": 0.7}
"""Learning rates by degree, in units of 1/d, and of d^(-3/2) for degree three."""


@functools.cache
def activation_of(name, degree):
    """The neuron's activation: the target's own polynomial, or one that has all degrees."""
    return spherical_descent.matched(degree) if name == "matched" else spherical_descent.sine()


def samples_of(dimension, draw, *, degree, activation, rate, most, reuse=False):
    """Samples to overlap 1/2, each seed with a direction, a start and a stream of samples of its own."""
    return spherical_descent.samples_to_overlap(
        dimension,
        degree,
        activation_of(activation, degree),
        rate=rate,
        rngs=[draw.rng(seed) for seed in draw.seeds],
        most=most,
        reuse=reuse,
    )


@tc.quantity(along="dimension", name="samples to overlap 1/2, degree {degree}, {activation}")
def samples_at_fixed_rate(dimension, draw, *, degree, activation, rate):
    """At learning rate `rate / d`; a run that needs more than 200 d samples counts as infinite."""
    d = int(dimension)
    return samples_of(d, draw, degree=degree, activation=activation, rate=rate, most=200 * d)


@tc.quantity(along="dimension", name="samples to overlap 1/2, degree {degree}, {activation}, rate d^-3/2", cost=2.0)
def samples_at_falling_rate(dimension, draw, *, degree, activation, rate):
    """At learning rate `rate / d^(3/2)`; a run that needs more than 12 d^2 samples counts as infinite."""
    d = int(dimension)
    return samples_of(d, draw, degree=degree, activation=activation, rate=rate * d**-0.5, most=12 * d * d)


@tc.quantity(along="dimension", name="samples to overlap 1/2, degree 3, sine, each used twice")
def samples_with_reuse(dimension, draw, *, rate):
    """At learning rate `rate / d`."""
    d = int(dimension)
    return samples_of(d, draw, degree=3, activation="sine", rate=rate, most=200 * d, reuse=True)


@tc.quantity(along="dimension", name="growth of the squared overlap until it is 1/4, degree {degree}, {activation}")
def growth_of_search(dimension, draw, *, degree, activation):
    """exp(2 s samples / d), with s the rate at which the logarithm of a small overlap grows under degree two."""
    rate = SECOND[activation]
    found = samples_at_fixed_rate(degree=degree, activation=activation, rate=rate)(dimension, draw)
    search = spherical_descent.search_rate(activation_of(activation, 2), rate)
    return np.exp(2 * search * np.asarray(found) / dimension)


@tc.claim(
    id="SP-5/one",
    source=f"{BGJ} for the order d; a constant over d as the rate, and the class of corrections chosen here",
)
@given(activation=st.sampled_from(ACTIVATIONS))
@example(activation="matched")
@example(activation="sine")
def test_information_exponent_one_takes_samples_in_proportion_to_the_dimension(activation):
    """Online spherical SGD on the correlation loss, at a rate of a constant over d, takes a neuron, whose activation is
    sin(z + pi / 4) or the target's polynomial, to overlap 1/2 with the direction of a target that is the Hermite
    polynomial of degree 1, of information exponent 1, after Theta(d) samples, d = 32 to 512; with the polynomial of
    degree 2, from a start on the target's side, their number is not Theta(d).
    """
    law = tc.PowerLaw(1, corrections=IN_DIMENSION, within=0.1, rival=3 / 2)
    first, second = (
        samples_at_fixed_rate(degree=degree, activation=activation, rate=rate).over(DIMENSIONS, seeds=seeds)
        for degree, rate, seeds in ((1, FIRST, 384), (2, SECOND[activation], 1024))
    )
    tc.check(first, law)
    tc.check_refuted(second, law)


WIDE = (32, 90, 256, 724, 2048)


@tc.claim(
    id="SP-5/two",
    source=f"{BGJ} for the order d log d; the factor of the logarithm derived here",
    evidence=True,
)
@given(activation=st.sampled_from(ACTIVATIONS))
@example(activation="matched")
@example(activation="sine")
def test_information_exponent_two_takes_a_logarithm_more(activation):
    """Online spherical SGD on the correlation loss, at a rate of a constant over d and from a start on the target's
    side, takes a neuron, whose activation is sin(z + pi / 4) or the target's polynomial, to overlap 1/2 with the
    direction of a target that is the Hermite polynomial of degree 2, of information exponent 2, after d log d / (2 s) +
    O(d) samples, d = 32 to 2,048, where s is the rate at which a small overlap grows in d samples: so exp(2 s samples /
    d) is Theta(d). With the polynomial of degree 1 it is not.
    """
    law = tc.PowerLaw(1, corrections=IN_DIMENSION, within=0.2, rival=1 / 2)
    second, first = (growth_of_search(degree=degree, activation=activation).over(WIDE, seeds=768) for degree in (2, 1))
    tc.check(second, law)
    tc.check_refuted(first, law)


IN_SEARCH = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=32, sign="negative")
"""The way from a small overlap to 1/2 is shorter than that to infinity by a share of order d^-1/2 (derived here)."""


@tc.claim(
    id="SP-5/three",
    source=f"{BGJ} for d^(k-1) and rates below d^(-k/2); Damian, Nichani, Ge, Lee 2023, arXiv:2305.10633 (abstract) "
    "that this is tight for online SGD; the class of corrections derived here",
    evidence=True,
)
@given(activation=st.sampled_from(ACTIVATIONS))
@example(activation="matched")
@example(activation="sine")
def test_information_exponent_three_takes_the_square_of_the_dimension(activation):
    """Online spherical SGD on the correlation loss, at a rate in proportion to d^-3/2 and from a start on the target's
    side, takes a neuron, whose activation is sin(z + pi / 4) or the target's polynomial, to overlap 1/2 with the
    direction of a target that is the Hermite polynomial of degree 3, of information exponent 3, after Theta(d^2)
    samples, d = 32 to 512; with the polynomial of degree 1, at the same rate, their number is not Theta(d^2).
    """
    law = tc.PowerLaw(2, corrections=IN_SEARCH, within=0.2, rival=3 / 2)
    third, first = (
        samples_at_falling_rate(degree=degree, activation=activation, rate=THIRD[activation]).over(
            DIMENSIONS, seeds=seeds
        )
        for degree, seeds in ((3, 1024), (1, 512))
    )
    tc.check(third, law)
    tc.check_refuted(first, law)


LARGE = (256, 512, 1024, 2048, 4096)
"""Where the drift that reuse adds exceeds the noise, whose share falls as 27 / d."""


@tc.claim(
    id="SP-5/reuse",
    source="Lee, Oko, Suzuki, Wu 2024, arXiv:2406.01581 (abstract: d up to logarithms, by reuse of a batch); two steps "
    "a sample as in Arnaboldi, Dandi, Krzakala, Pesce, Stephan 2024, arXiv:2405.15459 (abstract)",
    evidence=True,
)
@given(rate=st.sampled_from((0.2, 0.25)))
@example(rate=0.2)
def test_two_steps_a_sample_take_samples_in_proportion_to_the_dimension(rate):
    """With two gradients of each sample, the second taken after a step along the first, and at a rate of a constant
    over d, spherical SGD takes a neuron with sin(z + pi / 4) from a start on the target's side to overlap 1/2 with the
    direction of a target that is the Hermite polynomial of degree 3, of information exponent 3, after Theta(d) samples,
    d = 256 to 4,096; with one gradient a sample, d = 32 to 256 and at rates in proportion to d^-3/2, their number is
    not Theta(d).
    """
    law = tc.PowerLaw(1, corrections=IN_DIMENSION, within=0.1, rival=3 / 2)
    twice = samples_with_reuse(rate=rate).over(LARGE, seeds=128)
    once = samples_at_falling_rate(degree=3, activation="sine", rate=THIRD["sine"])
    tc.check(twice, law)
    tc.check_refuted(once.over((32, 54, 91, 153, 256), seeds=48), law)
