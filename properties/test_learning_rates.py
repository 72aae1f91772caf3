"""The largest stable learning rate under standard parametrization has an exponent only once stability has a criterion.

Under MSE an error grows with the outputs and feeds back, so outputs set the threshold. Under cross-entropy the feedback
is bounded, outputs may diverge while activations stay, and activations set it: at n^-1/2 where a hidden matrix can
amplify, and at a constant where there is none.
"""

from hypothesis import example, given

import theorychecks as tc
from theorychecks.strategies import activations, depths

FRESH_NOISY_BATCHES = tc.GaussianMixture(samples=192, spread=2.0, label_noise=0.2)
"""Twelve batches of sixteen, classes overlapping and a fifth of the labels wrong: what is fitted hides divergence."""


def mean_squared(depth: int, activation: tc.Activation) -> tc.Training:
    """Four steps on a fixed batch, searching from 1/n."""
    network = tc.MLP(depth, activation, tc.STANDARD, centred=True)
    rate = tc.scaled(1.0, width=-1)
    return tc.Training(network, learning_rate=rate, data=tc.GaussianMixture(samples=16), loss=tc.MSE, steps=4)


def cross_entropy(depth: int, activation: tc.Activation, exponent: float) -> tc.Training:
    """Twelve steps on fresh batches, searching from n^exponent."""
    return tc.Training(
        tc.MLP(depth, activation, tc.STANDARD),
        learning_rate=tc.scaled(8.0, width=exponent),
        data=FRESH_NOISY_BATCHES,
        loss=tc.CROSS_ENTROPY,
        steps=12,
        batch_size=16,
    )


@tc.claim(
    id="H1",
    source="Yang and Hu 2021, arXiv:2011.14522, Theorem 4.1; Haas et al. 2025, arXiv:2505.22491 (both second-hand)",
)
@given(depth=depths(1, 3), activation=activations())
@example(depth=1, activation=tc.RELU)
def test_mean_squared_error_is_stable_up_to_one_over_width(depth, activation):
    """Under standard parametrization and MSE the largest learning rate at which the loss of a centred network falls,
    over four steps on a fixed batch, is Theta(1/n).
    """
    # One hidden layer is cheap at any width, and with tanh its corrections are beyond the class below 256.
    widths = tc.widths(256, 32768) if depth == 1 else tc.widths(64, 2048)
    threshold = tc.Sweep(tc.MaxStableLearningRate("loss"), mean_squared(depth, activation), widths=widths)
    predicted = tc.PowerLaw(-1, within=0.2, rival=-1 / 2)

    tc.check(threshold, predicted)
    # Under maximal update the base of the rate is constant, and the parametrization's own exponents do the rest (H13).
    tc.check_refuted(threshold.under(tc.MAXIMAL_UPDATE), predicted)


@tc.claim(
    id="H2",
    source="Haas et al. 2025, arXiv:2505.22491, Proposition 2 (second-hand); the criterion measured for this package",
    evidence=True,
)
@given(depth=depths(3, 4), activation=activations())
@example(depth=3, activation=tc.RELU)
def test_cross_entropy_keeps_activations_bounded_up_to_one_over_root_width(depth, activation):
    """Under standard parametrization and cross-entropy with three or more hidden layers the largest learning rate at
    which activations stay bounded is Theta(n^-1/2).
    """
    threshold = tc.Sweep(
        tc.MaxStableLearningRate("activations"),
        cross_entropy(depth, activation, -1 / 2),
        widths=tc.widths(128, 4096),
    )
    predicted = tc.PowerLaw(-1 / 2, within=0.2, rival=-1)
    one_layer = tc.Sweep(
        tc.MaxStableLearningRate("activations"), cross_entropy(1, activation, 0), widths=tc.widths(64, 8192)
    )

    tc.check(threshold, predicted)
    tc.check_refuted(one_layer, predicted)


@tc.claim(id="H3", source="derived here from Yang and Hu 2021, arXiv:2011.14522, Theorem 3.3 (second-hand)")
@given(activation=activations())
@example(activation=tc.RELU)
def test_one_hidden_layer_keeps_activations_bounded_at_any_width(activation):
    """Under standard parametrization and cross-entropy with one hidden layer the largest learning rate at which
    activations stay bounded is Theta(1).
    """
    threshold = tc.Sweep(
        tc.MaxStableLearningRate("activations"), cross_entropy(1, activation, 0), widths=tc.widths(64, 8192)
    )
    predicted = tc.Plateau(within=0.1, rival=-1 / 2)
    outputs = threshold.with_observable(tc.MaxStableLearningRate("outputs", limit=10))

    tc.check(threshold, predicted)
    tc.check_refuted(outputs, predicted)
