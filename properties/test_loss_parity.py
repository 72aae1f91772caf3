"""Squared error against cross-entropy, each at its best rate: on a par under maximal update, not in standard networks.

Under standard parametrization MSE bounds the rate by 1/n, where features stand still; under maximal update both losses
learn features.
"""

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES

WIDTHS = (64, 181, 512)
STEPS, BATCH = 24, 16
BUDGET = 32
FACTORS = tuple(2.0**k for k in range(-3, 4))
GAPS = {
    # The rates in the middle of each search.
    tc.STANDARD: ((tc.MSE, 4.0, -1.0), (tc.CROSS_ENTROPY, 2.0, -1 / 2)),
    tc.MAXIMAL_UPDATE: ((tc.MSE, 0.12, 0.0), (tc.CROSS_ENTROPY, 0.12, 0.0)),
}


@tc.observable
def test_error(run):
    """Fraction of test inputs in a wrong class after the last step, with half an error added: none may be zero."""
    data = run.training.data
    labels = (data.samples + torch.arange(data.test_samples)) % data.classes
    wrong = run.outputs(run.training.steps, "test").argmax(dim=-1) != labels
    return (wrong.sum(dim=-1) + 0.5) / data.test_samples


def gap(parametrization: tc.Parametrization, data: int, width: int, draw: tc.Draw) -> np.ndarray:
    """Test error under MSE over that under cross-entropy, each at the best of seven rates, one a seed."""
    mixture = tc.GaussianMixture(samples=STEPS * BATCH, test_samples=1024, spread=1.0, seed=data)
    best = []
    for loss, base, exponent in GAPS[parametrization]:
        errors = []
        for factor in FACTORS:
            training = tc.Training(
                tc.MLP(3, tc.RELU, parametrization),
                learning_rate=tc.scaled(factor * base, width=exponent),
                data=mixture,
                loss=loss,
                steps=STEPS,
                batch_size=BATCH,
            )
            errors.append(draw.values(test_error, training, width).numpy())
        best.append(np.min(errors, axis=0))
    return best[0] / best[1]


@tc.quantity(along="width", name="test error under MSE over that under cross-entropy", cost=1.5)
def gaps(width: float, draw: tc.Draw, *, data: int) -> dict[str, np.ndarray]:
    """Under either parametrization."""
    return {parametrization.name: gap(parametrization, data, int(width), draw) for parametrization in GAPS}


@tc.claim(
    id="H13/parity",
    source="Haas et al. 2025, arXiv:2505.22491, the authors' thread: gaps between the losses vanish under maximal "
    "update; task, widths and factor chosen here. That MSE gains an edge at scale, or that the gap under standard "
    "parametrization opens with the width, is not seen: at widths 64, 181 and 512 median ratios are 1.06, 1.06 and "
    "1.03 on one mixture and 0.86, 0.95 and 1.00 on another; in standard networks 2.9 to 5.0",
    trend=True,
    evidence=True,
    paper=LARGE_RATES,
)
@given(data=st.integers(0, 99))
@example(data=0)
def test_squared_error_and_cross_entropy_are_on_a_par_under_maximal_update_alone(data):
    """At the best of seven rates for each loss and each network, test errors of three hidden layers of ReLU under MSE
    and under cross-entropy, after one pass of 24 steps over overlapping classes, have a median ratio within a factor
    of 1.35 of one at widths 64, 181 and 512 under maximal update; under standard parametrization they do not.
    """
    both, parity = gaps(data=data).over(WIDTHS, budget=BUDGET), tc.Equal(within=0.35)

    tc.check(both.of(name="maximal update"), parity)
    tc.check_refuted(both.of(name="standard"), parity)
