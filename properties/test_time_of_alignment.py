"""The time until the risk falls, by the number of samples: on the sum of their losses, in proportion to its inverse."""

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects import target_risk
from properties.subjects.symmetric_mixture import SymmetricMixture
from properties.test_feature_learning_strength import PAPER, RATE, Clouds, start

SAMPLES = (10, 20, 40, 80, 160)
FALLEN = 0.6
"""Of the risk, which begins at log 2 and stands still until neurons have aligned and grown."""
NO_SIGNAL = 1e-6
"""Half the distance of two clouds that are one: labels are random."""
IN_SAMPLES = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,))
"""The mean of n samples has a squared norm of kappa^2 + sigma^2 d / n."""


@tc.quantity(along="samples", name="time on the sum of losses, {mixture}", shared=True)
def time_until_the_risk_falls(samples, draw, *, mixture, neurons, alpha):
    """By gradient flow on the sum of the losses, at this initial scale."""
    task = Clouds("clouds", mixture, int(samples), int(samples) // 2, neurons)
    inputs, labels = task.draw(draw)
    begun = start(task, inputs, alpha, draw)
    stopped = target_risk.train_to_risk(begun, inputs, labels, levels=(FALLEN,), rate=RATE)
    # The subject follows the mean of the losses, so many times as slowly.
    return stopped.times[0] / samples


@tc.claim(
    id="FL-5/samples",
    source="Yeom, Ha, Lee 2026, arXiv:2602.00827 (public notes on it: an alignment phase of length "
    "Theta(log(1/alpha)/n)) for separable data; FL-5 has the logarithm; the "
    "control derived here: signed inputs without signal sum to root n",
    paper=PAPER,
)
@given(
    spread=st.sampled_from([0.1, 0.15, 0.2]),
    neurons=st.sampled_from([16, 32, 64]),
    alpha=st.sampled_from([1e-2, 1e-3, 1e-4]),
)
@example(spread=0.15, neurons=32, alpha=1e-3)
def test_the_risk_falls_after_a_time_in_proportion_to_one_over_the_samples_on_the_sum_of_losses(spread, neurons, alpha):
    """On the sum of the logistic losses of n samples of two separable clouds, the time until the risk falls is
    Theta(1/n). With random labels, whose sum of signed inputs has size n^1/2, it is not.
    """
    inverse = tc.PowerLaw(-1, within=0.1, rival=-1 / 2, corrections=IN_SAMPLES)
    setting = {"neurons": neurons, "alpha": alpha}
    separable = time_until_the_risk_falls(mixture=SymmetricMixture(spread=spread), **setting)
    random = time_until_the_risk_falls(mixture=SymmetricMixture(spread=spread, separation=NO_SIGNAL), **setting)
    tc.check(separable.over(SAMPLES, seeds=16), inverse)
    tc.check_refuted(random.over(SAMPLES, seeds=8), inverse)
