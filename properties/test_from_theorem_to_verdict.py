"""From theorem to verdict: one claim, worked out step by step; read it from top to bottom, and run it as it stands.

    pytest properties/test_from_theorem_to_verdict.py

Step 1, the theorem. A hidden layer of n neurons with weights w_i ~ N(0, I) sees an input x of length one. Its kernel
there is an average over neurons, K_n = (1/n) sum_i relu(w_i . x)^2. The neurons are independent, so the law of large
numbers gives the limit K = E relu(z)^2 = 1/2 with z ~ N(0, 1) (Cho and Saul 2009), and the variance of a sum gives how
far a network is from it: E (K_n - K)^2 = s^2/n with s^2 = E relu(z)^4 - K^2 = 3/2 - 1/4 = 5/4.

Step 2, what can be false. "K_n tends to K" says nothing about any width that a computer has. A rate does: the distance
falls as n^-1/2. So does a constant: the distance is sqrt(5/4) n^-1/2. Both are statements about numbers at finite
widths, and both are claimed below.
"""

import math

import numpy as np
import pytest

import theorychecks as tc

# Step 3, what is measured: a positive number for every width and every seed. One network's |K_n - K| is a poor choice,
# since it is close to zero by chance now and then; the root mean square over some networks is the distance that the
# theorem speaks of. The preactivations w_i . x are independent normal numbers, and are drawn as such.
NETWORKS = 256
LIMIT = 1 / 2
SPREAD = math.sqrt(5 / 4)


@tc.quantity(along="width", name="distance of the kernel from its limit")
def distance(width, draw, *, networks=NETWORKS, in_common=0.0):
    """Root mean square of K_n - K over networks, whose neurons have a part of their variance in common."""
    found = []
    for seed in draw.seeds:
        rng = draw.rng(seed)
        own, common = rng.standard_normal((networks, int(width))), rng.standard_normal((networks, 1))
        preactivations = math.sqrt(1 - in_common) * own + math.sqrt(in_common) * common
        kernels = np.mean(np.maximum(preactivations, 0) ** 2, axis=1)
        found.append(np.sqrt(np.mean((kernels - LIMIT) ** 2)))
    return np.array(found)


# Step 4, where. An exponent needs widths that span a factor of 8 at least, and the further they go the less can finite
# widths mislead it. This is cheap, so they go from 64 to 4,096. The budget is the most that may be spent; a verdict
# that is clear earlier costs less.
WIDTHS = tc.widths(64, 4096)
INDEPENDENT = distance().over(WIDTHS, budget=64)

# Step 5, the control: a set-up that differs in one premise of the theorem, and in which its conclusion is false. Here a
# tenth of the variance of all neurons is in common. They are no longer independent, the average tends to a random
# number, and its distance from K does not vanish. Without such a control a test that can never fail would pass as well.
DEPENDENT = distance(in_common=0.1).over(WIDTHS, budget=64)

# Step 6, the predictions in numbers. An exponent has a margin, since no measured one is ever exactly -1/2, and a rival:
# the nearest exponent that would mean something else. n^-1 is what a bias would give, and a margin that reached it
# would be refused. The constant has a margin of a tenth.
RATE = tc.PowerLaw(-1 / 2, within=0.15, rival=-1)
CONSTANT = tc.Equal(0.1)


def theory(width):
    """The distance that the theorem gives."""
    return SPREAD / math.sqrt(width)


# Step 7, the claim: an id, a source that says what was taken from where, one sentence, predictions that must be
# SUPPORTED and controls that must be REFUTED.
@tc.claim(
    id="TV-1",
    source="the law of large numbers; the limit is Cho and Saul 2009 (from memory), the variance is derived here",
)
def test_the_kernel_of_a_layer_is_within_one_over_root_width_of_its_limit():
    """The kernel of a random ReLU layer at an input of length one lies sqrt(5/4) n^-1/2 from its limit, within a tenth,
    in root mean square over networks.
    """
    tc.check(INDEPENDENT, RATE)
    tc.check(INDEPENDENT, CONSTANT, against=theory, label="distance over that of the theorem")
    tc.check_refuted(DEPENDENT, RATE)
    tc.check_refuted(DEPENDENT, CONSTANT, against=theory, label="distance over that of the theorem")


# Step 8, the verdict. The interval of the exponent holds the truth with the confidence that the report names, finite
# widths included. SUPPORTED: all of it lies inside [-0.65, -0.35]. REFUTED: none of it does. Otherwise the claim is
# INCONCLUSIVE, which says what would decide it. `theorychecks show TV-1` shows the last verdict with a figure. The
# remaining steps are plain tests: what other verdicts look like, for this theorem.
def test_a_wrong_theorem_is_refuted():
    """Who takes the variance for the distance predicts n^-1, and is told so."""
    with pytest.raises(tc.ClaimFailure, match="is refuted, a prediction must be supported"):
        tc.check(INDEPENDENT, tc.PowerLaw(-1, within=0.1, rival=-1 / 2))


def test_too_little_decides_nothing_and_says_what_would():
    """Four seeds of two networks each leave an interval that is wider than the margin; the message says what to add."""
    few = distance(networks=2).over(WIDTHS, seeds=4)
    with pytest.raises(tc.ClaimUndecided, match=r"-limited: .*would decide"):
        tc.check(few, RATE)


def test_a_range_that_can_never_decide_is_refused_before_anything_is_measured():
    """Five narrow widths give no exponent to three hundredths, whatever the seeds; the message says what would."""
    with pytest.raises(ValueError, match=r"cannot support a margin of 0\.03: .* it needs values up to"):
        tc.check(distance().over(tc.widths(16, 256), seeds=64), tc.PowerLaw(-1 / 2, within=0.03, rival=-1))
