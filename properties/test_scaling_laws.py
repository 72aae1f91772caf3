"""How the loss falls in training time on targets with power-law spectra, lazily and with features that are learned."""

import functools

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.power_law_features import Task, losses

LAZY, RICH = 0.001, 30.0
"""Strengths of feature learning."""
TIMES = {LAZY: (10.0, 25.0, 63.0, 158.0, 398.0, 1000.0), RICH: (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)}
"""The rich network's plateau ends at about 0.3."""
IN_TIME = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=1, fewest_units=1)
"""A plateau of length t0 puts t - t0 in the place of t, which is a correction of order t0 / t."""
SEEDS = {LAZY: 24, RICH: 6}
"""Curves of rich networks hardly differ."""
FEATURES, NEURONS = 96, 192
EASY = 1.5
"""Above one, features that are learned change no exponent; more neurons keep the kernel's spectrum over the times."""


@functools.lru_cache(maxsize=32)
def curves(alpha, beta, strength, neurons, place, seeds):
    """Losses at all times, [time, seed]."""
    draw, task = tc.Draw(seeds, place), Task(alpha=alpha, beta=beta, features=FEATURES)
    generators = [draw.generator(seed) for seed in seeds]
    return losses(task, strength, TIMES[strength], neurons=neurons, generators=generators)


@tc.quantity(along="time", name="loss at strength {strength}", shared=True)
def loss_in_time(time, draw, *, alpha, beta, strength, neurons=NEURONS):
    """Each seed's features are one curve."""
    return curves(alpha, beta, strength, neurons, draw.place, tuple(draw.seeds))[TIMES[strength].index(time)]


@tc.claim(
    id="FL-9",
    source="Bordelon, Atanasov, Pehlevan 2024, arXiv:2409.17858 (abstract; both exponents and the two-layer linear "
    "model in public notes on its figure 1); that plain gradient descent has them too, measured here (its "
    "Appendix G, not seen, treats linear networks)",
)
@given(beta=st.sampled_from([0.4, 0.5]))
@example(beta=0.4)
def test_learned_features_improve_the_scaling_law_of_hard_targets(beta):
    """Two-layer linear networks on features of variance k^-3, fitting targets whose power beyond feature k falls as
    k^(-3 beta), beta = 0.4 or 0.5, have a population loss that falls in time as t^-beta where they are lazy, and as
    t^(-2 beta / (1 + beta)) where they learn features. Of easy targets, beta = 1.5, the latter is not true.
    """
    slow, fast = -beta, -2 * beta / (1 + beta)
    lazy, rich = (loss_in_time(alpha=3.0, beta=beta, strength=own).over(TIMES[own], seeds=SEEDS[own]) for own in TIMES)
    easy = loss_in_time(alpha=3.0, beta=EASY, strength=RICH, neurons=768).over(TIMES[RICH], seeds=SEEDS[RICH])
    lazily, richly = (
        tc.PowerLaw(own, within=0.08, rival=other, corrections=IN_TIME) for own, other in ((slow, fast), (fast, slow))
    )
    tc.check(rich, richly)
    tc.check(lazy, lazily)
    tc.check_refuted(easy, tc.PowerLaw(-2 * EASY / (1 + EASY), within=0.08, corrections=IN_TIME))
