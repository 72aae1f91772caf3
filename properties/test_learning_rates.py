"""The largest stable learning rate has an exponent only once stability has a criterion.

Under standard parametrization and MSE an error grows with the outputs and feeds back, so outputs set the threshold.
Under cross-entropy the feedback is bounded, outputs may diverge while activations stay, and activations set it: at
n^-1/2 with three hidden layers or more, where hidden matrices amplify, and at a constant with one. Under maximal update
it is a constant for both losses.
"""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from properties.subjects.fresh_networks import FreshNetworks
from theorychecks.networks import Loss
from theorychecks.observables.stability import Criterion, stability_threshold
from theorychecks.strategies import activations, depths

WIDTHS = tc.widths(256, 65536, factor=4)
"""So wide that the few directions that training asks for are few beside the neurons at every width."""
WIDE = tc.widths(128, 32768, factor=4)
NARROW = tc.widths(64, 1024)
"""For controls, which are far off at any width."""
FRESH_NOISY_BATCHES = tc.GaussianMixture(samples=192, spread=2.0, label_noise=0.2)
"""Twelve batches of sixteen, classes overlapping, a fifth of the labels drawn anew: what is fitted hides divergence."""
STARTS = {
    # Where searches start: base and width exponent.
    (tc.STANDARD.name, tc.MSE.name): (12.0, -1.0),
    (tc.STANDARD.name, tc.CROSS_ENTROPY.name): (8.0, -1 / 2),
    (tc.MAXIMAL_UPDATE.name, tc.MSE.name): (1.0, 0.0),
    (tc.MAXIMAL_UPDATE.name, tc.CROSS_ENTROPY.name): (2.0, 0.0),
}


def threshold(width: float, draw: tc.Draw, criterion: Criterion, training: tc.Training) -> np.ndarray:
    """The largest stable rate of networks drawn anew at every rate that is tried, one a seed."""
    root = int(draw.rng(0, training.loss.name).integers(2**31))
    networks = FreshNetworks(training, int(width), draw.seeds, root, device=draw.resources.device, tally=draw.tally)
    return stability_threshold(networks, criterion).values.numpy()


def small_batches(
    loss: Loss, *, depth: int, activation: tc.Activation, parametrization: tc.Parametrization, data: int
) -> tc.Training:
    """Twelve steps on fresh batches of four, classes overlapping and a fifth of the labels drawn anew."""
    base, exponent = STARTS[parametrization.name, loss.name]
    return tc.Training(
        tc.MLP(depth, activation, parametrization),
        learning_rate=tc.scaled(base, width=exponent),
        data=tc.GaussianMixture(samples=48, spread=2.0, label_noise=0.2, seed=data),
        loss=loss,
        steps=12,
        batch_size=4,
    )


@tc.quantity(along="width", name="largest stable rate by activations, {parametrization}", cost=1.0)
def by_activations(
    width: float,
    draw: tc.Draw,
    *,
    losses: tuple[Loss, ...],
    depth: int,
    activation: tc.Activation,
    parametrization: tc.Parametrization,
    data: int,
) -> dict[str, np.ndarray]:
    """Rates by loss, and of two losses the first over the second; only the loss differs."""
    setting = {"depth": depth, "activation": activation, "parametrization": parametrization, "data": data}
    rates = {loss.name: threshold(width, draw, "activations", small_batches(loss, **setting)) for loss in losses}
    if len(losses) == 2:
        first, second = rates.values()
        rates["ratio"] = first / second
    return rates


@tc.quantity(along="width", name="largest stable rate by the loss, {parametrization}", cost=1.0)
def by_loss(
    width: float, draw: tc.Draw, *, depth: int, activation: tc.Activation, parametrization: tc.Parametrization
) -> np.ndarray:
    """Four steps of a centred network on a fixed batch, under MSE."""
    base, exponent = STARTS[parametrization.name, tc.MSE.name]
    training = tc.Training(
        tc.MLP(depth, activation, parametrization, centred=True),
        learning_rate=tc.scaled(base, width=exponent),
        data=tc.GaussianMixture(samples=16),
        loss=tc.MSE,
        steps=4,
    )
    return threshold(width, draw, "loss", training)


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
    source="Yang and Hu 2021, arXiv:2011.14522, Theorem 4.1 (public notes on it); Haas et al. 2025, arXiv:2505.22491 "
    "(abstract)",
    paper=LARGE_RATES,
)
@given(depth=depths(1, 3), activation=activations())
@example(depth=1, activation=tc.RELU)
def test_mean_squared_error_is_stable_up_to_one_over_width(depth, activation):
    """Under standard parametrization and MSE the largest learning rate at which the loss of a centred network falls,
    over four steps on a fixed batch, is Theta(1/n); under maximal update it is not.
    """
    setting = {"depth": depth, "activation": activation}
    predicted = tc.PowerLaw(-1, within=0.1, rival=-1 / 2)

    tc.check(by_loss(parametrization=tc.STANDARD, **setting).over(WIDE), predicted)
    tc.check_refuted(by_loss(parametrization=tc.MAXIMAL_UPDATE, **setting).over(NARROW), predicted)


@tc.claim(
    id="H2",
    source="Haas et al. 2025, arXiv:2505.22491 (abstract), Proposition 2 (public notes on it); the criterion "
    "measured for this package; with two hidden layers of tanh the exponent is -0.40 [-0.43, -0.38] up to width "
    "65,536, measured here and undecided",
    evidence=True,
    paper=LARGE_RATES,
)
@given(depth=depths(3, 6), activation=activations(), data=st.integers(0, 99))
@example(depth=6, activation=tc.RELU, data=0)
def test_cross_entropy_keeps_activations_bounded_up_to_one_over_root_width(depth, activation, data):
    """Under standard parametrization and cross-entropy with three to six hidden layers the largest learning rate at
    which activations stay bounded, over twelve steps on fresh batches, is Theta(n^-1/2); with one hidden layer it is
    not.
    """
    setting = {"losses": (tc.CROSS_ENTROPY,), "activation": activation, "data": data, "parametrization": tc.STANDARD}
    predicted = tc.PowerLaw(-1 / 2, within=0.1, rival=-1)

    tc.check(by_activations(depth=depth, **setting).over(WIDTHS).of(name="cross-entropy"), predicted)
    # With one hidden layer there is no hidden matrix that could amplify (H3).
    tc.check_refuted(by_activations(depth=1, **setting).over(NARROW).of(name="cross-entropy"), predicted)


@tc.claim(
    id="H2/ratio",
    source="Haas et al. 2025, arXiv:2505.22491, Proposition 2 (public notes on it); the common design chosen here",
    evidence=True,
    paper=LARGE_RATES,
)
@given(activation=activations(), data=st.integers(0, 99))
@example(activation=tc.RELU, data=0)
def test_the_loss_alone_makes_a_root_of_the_width_in_the_largest_stable_rate(activation, data):
    """Under standard parametrization with three hidden layers the largest rates at which activations stay bounded, over
    twelve steps on the same fresh batches, are Theta(1/n) under MSE and Theta(n^-1/2) under cross-entropy, and their
    ratio is Theta(n^-1/2); under maximal update none of the three is of its order.
    """
    setting = {"losses": (tc.MSE, tc.CROSS_ENTROPY), "depth": 3, "activation": activation, "data": data}
    rates = by_activations(parametrization=tc.STANDARD, **setting).over(WIDTHS)
    under_maximal_update = by_activations(parametrization=tc.MAXIMAL_UPDATE, **setting).over(NARROW)
    predicted = {
        "ratio": tc.PowerLaw(-1 / 2),
        "MSE": tc.PowerLaw(-1, within=0.1, rival=-1 / 2),
        "cross-entropy": tc.PowerLaw(-1 / 2, within=0.1, rival=-1),
    }

    for name, law in predicted.items():
        tc.check(rates.of(name=name), law)
        tc.check_refuted(under_maximal_update.of(name=name), law)


@tc.claim(
    id="H3", source="derived here from Yang and Hu 2021, arXiv:2011.14522, Theorem 3.3 (public notes that state it)"
)
@given(activation=activations())
@example(activation=tc.RELU)
def test_one_hidden_layer_keeps_activations_bounded_at_any_width(activation):
    """Under standard parametrization and cross-entropy with one hidden layer the largest learning rate at which
    activations stay bounded is Theta(1); that at which outputs stay below ten is not.
    """
    threshold = tc.Sweep(
        tc.MaxStableLearningRate("activations"), cross_entropy(1, activation, 0), widths=tc.widths(64, 8192)
    )
    predicted = tc.Plateau(within=0.1, rival=-1 / 2)
    outputs = threshold.with_observable(tc.MaxStableLearningRate("outputs", limit=10))

    tc.check(threshold, predicted)
    tc.check_refuted(outputs, predicted)


@tc.claim(
    id="H13",
    source="Haas et al. 2025, arXiv:2505.22491, and Yang and Hu 2021, arXiv:2011.14522 (public notes on both)",
    evidence=True,
    paper=LARGE_RATES,
)
@given(depth=depths(1, 3), activation=activations(), data=st.integers(0, 99))
@example(depth=2, activation=tc.RELU, data=0)
def test_under_maximal_update_the_largest_stable_rate_is_a_constant_for_both_losses(depth, activation, data):
    """Under maximal update the largest stable learning rate is Theta(1), by the loss of four steps of a centred network
    under MSE and by activations over twelve under cross-entropy; under standard parametrization, with three hidden
    layers, neither is.
    """
    setting = {"activation": activation, "parametrization": tc.MAXIMAL_UPDATE}
    entropy = {"losses": (tc.CROSS_ENTROPY,), "data": data}
    constant = tc.Plateau(within=0.1, rival=-1 / 2)
    standard = {"depth": 3, "activation": activation, "parametrization": tc.STANDARD}

    tc.check(by_loss(depth=depth, **setting).over(WIDE), constant)
    tc.check(by_activations(depth=depth, **entropy, **setting).over(WIDE).of(name="cross-entropy"), constant)
    tc.check_refuted(by_loss(**standard).over(NARROW), constant)
    tc.check_refuted(by_activations(**entropy, **standard).over(NARROW).of(name="cross-entropy"), constant)
