"""The gap between a kernel and a network can be exponential: parities of half of the bits."""

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import linalg

import theorychecks as tc
from properties.papers import TUTORIAL
from properties.subjects import harmonics, one_step_network, risk_estimate
from properties.test_separation import PROFILES

TARGETS, TEST_SAMPLES = 8, 200
KERNEL_BITS = (3, 4, 5, 6)
"""Ten seeds at each: with fewer an ordering at four of them could not fail the claim."""
MOST = 0.8
"""Of the corners; a regression that needs more counts as one that needs as many, and more the higher it ends."""


def parity(bits):
    """Of all the bits of each input."""
    return bits.prod(axis=1)


def sum_of_bits(bits):
    """A linear function of as many bits."""
    return bits.sum(axis=1) / math.sqrt(bits.shape[1])


@tc.quantity(along="bits of the target", name="samples to half error, {kernel}, {target.__name__}")
def kernel_samples(bits, draw, *, kernel, target):
    """Ridgeless regression on distinct corners of the hypercube of twice as many dimensions.

    The error is that on corners never seen, times their share of all: on those seen there is none.
    """
    k = int(bits)
    corners = 1.0 - 2.0 * ((np.arange(4**k)[:, None] >> np.arange(2 * k)) & 1)
    most = int(MOST * 4**k)
    by_agreement = PROFILES[kernel](np.linspace(-1, 1, 2 * k + 1))

    def one(rng):
        shuffled = rng.permutation(corners)
        inputs, tests = shuffled[:most], shuffled[most : most + TEST_SAMPLES]
        chosen = [rng.choice(2 * k, k, replace=False) for _ in range(TARGETS)]
        values, wanted = (np.stack([target(of[:, own]) for own in chosen], axis=1) for of in (inputs, tests))
        agreeing = (np.concatenate([inputs, tests]) @ inputs.T + 2 * k).astype(np.int64) // 2
        matrix = by_agreement[agreeing]
        unseen = 1 - np.arange(1, most + 1) / len(corners)
        errors = unseen * risk_estimate.learning_curve(matrix[:most], matrix[most:], values, wanted)
        found = risk_estimate.first_below_half(errors)
        return found if found <= most else float(2 * most * errors[-1])

    return [one(draw.rng(seed)) for seed in draw.seeds]


def half_of_the_corners(bits):
    """What a table of the values seen needs for half error."""
    return 4.0**bits / 2


def degree_by_degree(bits):
    """Samples of a kernel that learns each degree only when all lower ones are learned.

    With C parities of degree k and R lower ones, n = R + C L samples learn a share L of each parity, and the
    estimate of the risk is (1 - L) (1 + R / (C L)), since lower degrees take up samples; at one half,
    L^2 + (R/C - 1/2) L = R/C.
    """
    own = math.comb(2 * int(bits), int(bits))
    lower = (4 ** int(bits) - own) / 2
    ratio = lower / own
    return lower + own * (math.sqrt((ratio - 0.5) ** 2 + 4 * ratio) - ratio + 0.5) / 2


@tc.claim(
    id="SP-7/exponential",
    source="Hsu 2025, arXiv:2508.13346 (abstract, introduction) and Daniely and Malach 2020, arXiv:2002.07400 "
    "(abstract, a review), that no kernel learns all of N orthogonal functions from much fewer than N samples; half of "
    "the corners, and the number for a kernel that learns degree by degree, derived here from the estimate of SP-1; "
    "an estimate of the error that scattered more, from 8 seeds and for k = 3 to 6, left seed 1 of 0, 1, 2 undecided",
    paper=TUTORIAL,
    evidence=True,
)
@given(kernel=st.sampled_from(sorted(PROFILES)))
@example(kernel="exponential")
@example(kernel="NTK of two ReLU layers")
def test_a_kernel_learns_a_parity_of_half_of_the_bits_from_no_less_than_half_of_the_corners(kernel):
    """On the hypercube of 2 k dimensions ridgeless regression, with the exponential kernel or the NTK of two ReLU
    layers, falls to half error, on average over all corners, those seen included, on parities of k random bits only
    after more than half of all 4^k corners, k = 3 to 6: a table of the values seen does better. Of sums of as many bits
    this is not true. With the exponential kernel the number is, within 10 per cent, that of a kernel that learns degree
    by degree, k = 4 to 6; the NTK, whose eigenvalues of odd degrees are small, does not meet this number at both of k =
    3 and 5.
    """
    table, equal = tc.Ordering("above"), tc.Equal(0.1)
    own, linear = (kernel_samples(kernel=kernel, target=target) for target in (parity, sum_of_bits))
    tc.check(own.over(KERNEL_BITS, seeds=10), table, against=half_of_the_corners)
    tc.check_refuted(linear.over((3, 4, 5), seeds=10), table, against=half_of_the_corners)
    if kernel == "exponential":
        tc.check(own.over((4, 5, 6), seeds=10), equal, against=degree_by_degree)
    else:
        tc.check_refuted(own.over((3, 5), seeds=10), equal, against=degree_by_degree)


BITS = (9, 17, 33, 57, 97)
IN_BITS = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=5)
"""A parity of few bits is easier, by how often all of its bits have one sign and by the levels there are."""
SHARES = {"a half of them": lambda bits: 0.5, "a share of k^-1/2": lambda bits: bits**-0.5, "none": lambda bits: 0.0}


def network_error(bits, samples, share, rng):
    """Of one network on uniform inputs, from so many samples of which some are easy."""
    inputs, targets = one_step_network.parities(samples, bits, share, rng)
    tests, wanted = one_step_network.parities(500, bits, 0.0, rng)
    return one_step_network.error_on(tests, wanted, inputs=inputs, targets=targets)


STEP = 2**0.25


@tc.quantity(along="bits of the parity", name="samples of a network to half error, easy: {easy}")
def network_samples(bits, draw, *, easy):
    """Numbers of samples go up from 4 k by a fourth root of two, each with data of its own, until the error is 1/4.

    A run that needs more than 512 k counts as infinite.
    """
    k = int(bits)

    def one(rng):
        samples, error, crossing = 4.0 * k, 1.0, math.inf
        while error >= 0.25 and samples < 512 * k:
            before, samples = min(error, 1.0), samples * STEP
            error = network_error(k, round(samples), SHARES[easy](k), rng)
            if error < 0.5 <= before:
                crossing = samples * STEP ** ((error - 0.5) / (before - error))
        return crossing

    return [one(draw.rng(seed)) for seed in draw.seeds]


SAMPLES_A_BIT = 64


@tc.quantity(along="bits of the parity", name="error of a network, easy: {easy}")
def error_of_network(bits, draw, *, easy):
    """From 64 k samples, on uniform inputs."""
    k = int(bits)
    return [network_error(k, SAMPLES_A_BIT * k, SHARES[easy](k), draw.rng(seed)) for seed in draw.seeds]


@tc.quantity(along="bits of the parity", name="error of a kernel, easy: {easy}")
def error_of_kernel(bits, draw, *, easy):
    """Ridgeless regression with the NTK of two ReLU layers on samples like the network's, repeated ones taken once."""
    k = int(bits)

    def one(rng):
        inputs, _ = one_step_network.parities(SAMPLES_A_BIT * k, k, SHARES[easy](k), rng)
        inputs = np.unique(inputs, axis=0)
        tests, wanted = one_step_network.parities(TEST_SAMPLES, k, 0.0, rng)
        profile = PROFILES["NTK of two ReLU layers"]
        matrix = harmonics.kernel_matrix(profile, np.concatenate([inputs, tests]), inputs)
        weights = linalg.solve(matrix[: len(inputs)], inputs[:, :k].prod(axis=1), assume_a="pos")
        return np.mean((matrix[len(inputs) :] @ weights - wanted) ** 2)

    return [one(draw.rng(seed)) for seed in draw.seeds]


@tc.claim(
    id="SP-7/network",
    source="Daniely and Malach 2020, arXiv:2002.07400 (abstract; the law of the inputs, half of them easy, from a "
    "review of the paper): a network of depth two learns sparse parities by gradient descent, and no linear method "
    "does efficiently; one step and a fitted readout, the order k, and k^2 in the control, derived here; first "
    "claimed as Theta(k), which seed 1 of 0, 1, 2 left undecided: exponents 1.00 [0.85, 1.12], 0.95 [0.80, 1.08] and "
    "0.99 [0.85, 1.11]",
    paper=TUTORIAL,
    evidence=True,
)
def test_a_network_learns_a_parity_of_half_of_the_bits_from_samples_at_most_in_proportion_to_them():
    """Of inputs of 2 k bits half have one sign in the k bits of the parity, k odd. A ReLU network, with one step of
    gradient descent on its hidden weights and a readout fitted by ridge regression, falls to half error on uniform
    inputs after O(k) samples, k = 9 to 97; where a share of k^-1/2 of the inputs is easy, O(k) samples are not enough,
    k = 5 to 41. On 64 k samples its error is below a half, k = 9 to 33, and without easy inputs it is above, as that of
    the NTK of two ReLU layers is with them.
    """
    law = tc.UpperBound(1, corrections=IN_BITS, within=0.2, rival=2)
    many, few = "a half of them", "a share of k^-1/2"
    tc.check(network_samples(easy=many).over(BITS, seeds=24), law)
    tc.check_refuted(network_samples(easy=few).over((5, 9, 15, 25, 41), seeds=12), law)

    below, above, sizes = tc.Ordering("below"), tc.Ordering("above"), (9, 17, 33)
    network, blind = (error_of_network(easy=easy).over(sizes, seeds=16) for easy in (many, "none"))
    kernel = error_of_kernel(easy=many).over(sizes, seeds=16)
    tc.check(network, below, against=0.5)
    tc.check(blind, above, against=0.5)
    tc.check_refuted(blind, below, against=0.5)
    tc.check(kernel, above, against=0.5)
