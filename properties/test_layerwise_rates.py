"""Each layer has a largest stable learning rate of its own, and which it is depends on what must stay bounded.

Except in the claim about Adam, one role is trained and the others stand still, in networks with one or two hidden
layers under standard parametrization. Trained alone, the input matrix moves features by n^-1/2 and a hidden matrix by
n^1/2 for every unit of the rate; outputs move by 1, n and n. Under MSE outputs feed back, so that they set the
threshold whatever is asked for; under cross-entropy they do not.
"""

import math
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from theorychecks.networks import Loss
from theorychecks.strategies import activations

STILL = -math.inf
"""A rate of n^-infinity: the role is not trained."""
ROLES = ("input", "hidden", "output")
DEPTHS = {"input": 1, "hidden": 2, "output": 1}
"""The fewest hidden layers that a network with this role has."""
WIDTHS = tc.widths(128, 2048)
WIDE = tc.widths(256, 8192)
UNBOUNDED = activations(among=(tc.RELU, tc.GELU))
"""With a bounded one, as tanh, no change of the input matrix takes outputs beyond a limit."""
SEEDS_OF_DATA = st.integers(0, 99)
BY_ACTIVATIONS = tc.MaxStableLearningRate("activations")
BY_OUTPUTS = tc.MaxStableLearningRate("outputs")
BY_LOSS = tc.MaxStableLearningRate("loss")
EFFECTIVE = tc.UpdateSize("effective")
SQUARED = {"input": (1.0, 0.0), "hidden": (1.0, -1.0), "output": (1.0, -1.0)}
"""Where searches begin under MSE."""


def exponent(value: float) -> tc.PowerLaw:
    """Exponents of single layers are half-integers: the margin tells each from both of its neighbours."""
    return tc.PowerLaw(value, within=0.2, rival=value - 0.5)


def only(
    role: str, base: float, width: float, loss: Loss, *, activation: tc.Activation, data: int, depth: int = 2
) -> tc.Training:
    """Six steps on fresh batches with one role trained, searching from base * n^width."""
    still = {other: STILL for other in ROLES if other != role}
    return tc.Training(
        # Centred where the first outputs multiply every update.
        tc.MLP(depth, activation, tc.STANDARD, centred=loss is tc.MSE),
        learning_rate=tc.scaled(base, width=width, **still),
        data=tc.GaussianMixture(samples=96, spread=2.0, label_noise=0.2, seed=data),
        loss=loss,
        steps=6,
        batch_size=16,
    )


def threshold(observable: tc.Observable, training: tc.Training) -> tc.Sweep:
    """One hidden layer is cheap at any width, and its C outputs correct a threshold by 2 (C/n)^1/2 (Wishart)."""
    return tc.Sweep(observable, training, widths=WIDTHS if training.network.depth > 1 else WIDE, budget=32)


def by_loss(**options: Any) -> dict[str, tc.Sweep]:
    """Thresholds of single roles under MSE."""
    return {
        role: threshold(BY_LOSS, only(role, *start, tc.MSE, depth=DEPTHS[role], **options))
        for role, start in SQUARED.items()
    }


@tc.claim(
    id="H14/activations",
    source="Haas et al. 2025, arXiv:2505.22491, for rates n^1/2, n^-1/2 and n^-1 by role (the authors' code); these "
    "derived here, for one trained layer and by criterion",
    evidence=True,
    paper=LARGE_RATES,
)
@given(activation=activations(), data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_under_cross_entropy_activations_bound_the_input_at_root_width_and_hidden_layers_at_one_over_it(
    activation, data
):
    """Under standard parametrization, SGD and cross-entropy, with one role trained, activations stay bounded up to a
    rate of Theta(n^1/2) for the input matrix and of Theta(n^-1/2) for the hidden one; under MSE, in a centred network,
    both rates are of other orders.
    """
    loss, options = tc.CROSS_ENTROPY, {"activation": activation, "data": data}
    input_alone = threshold(BY_ACTIVATIONS, only("input", 100.0, 1 / 2, loss, **options))
    hidden_alone = threshold(BY_ACTIVATIONS, only("hidden", 30.0, -1 / 2, loss, **options))

    tc.check(input_alone, exponent(1 / 2))
    tc.check(hidden_alone, exponent(-1 / 2))
    # The loss swapped, and centred as it is under MSE: outputs feed back.
    for role, law in {"input": exponent(1 / 2), "hidden": exponent(-1 / 2)}.items():
        squared = only(role, *SQUARED[role], tc.MSE, **options)
        tc.check_refuted(threshold(BY_ACTIVATIONS, squared), law)


@tc.claim(
    id="H14/outputs",
    source="Haas et al. 2025, arXiv:2505.22491, for rates n^1/2, n^-1/2 and n^-1 by role (the authors' code); these "
    "derived here, for one trained layer and by criterion",
    paper=LARGE_RATES,
)
@given(activation=UNBOUNDED, data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_finite_outputs_bound_the_input_by_a_constant_and_other_layers_by_one_over_width(activation, data):
    """Under standard parametrization, SGD and cross-entropy, with one role trained and an unbounded activation, outputs
    stay bounded up to a rate of Theta(1) for the input matrix, of Theta(1/n) for the hidden one and of Theta(1/n) for
    the readout; the largest rates at which activations do are of other orders for the first two.
    """
    loss, options = tc.CROSS_ENTROPY, {"activation": activation, "data": data}
    starts = {"input": (300.0, 0.0), "hidden": (100.0, -1.0), "output": (20.0, -1.0)}
    bounded = {
        role: threshold(BY_OUTPUTS, only(role, *start, loss, depth=DEPTHS[role], **options))
        for role, start in starts.items()
    }

    tc.check(bounded["input"], exponent(0))
    tc.check(bounded["hidden"], exponent(-1))
    tc.check(bounded["output"], exponent(-1))
    # The criterion swapped; nothing that activations do bounds the readout.
    for role, start, law in (("input", (100.0, 1 / 2), exponent(0)), ("hidden", (30.0, -1 / 2), exponent(-1))):
        other = only(role, *start, loss, depth=DEPTHS[role], **options)
        tc.check_refuted(threshold(BY_ACTIVATIONS, other), law)


@tc.claim(
    id="H14/squared",
    source="Haas et al. 2025, arXiv:2505.22491, for rates n^1/2, n^-1/2 and n^-1 by role (the authors' code); these "
    "derived here, for one trained layer and by criterion",
    evidence=True,
    paper=LARGE_RATES,
)
@given(activation=activations(), data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_under_squared_error_the_input_is_bounded_by_a_constant_and_other_layers_by_one_over_width(activation, data):
    """Under standard parametrization, SGD and MSE, with one role of a centred network trained, the loss falls up to a
    rate of Theta(1) for the input matrix, of Theta(1/n) for the hidden one and of Theta(1/n) for the readout; under
    cross-entropy the largest rates at which activations stay bounded are of other orders for the first two.
    """
    options = {"activation": activation, "data": data}
    falls = by_loss(**options)

    tc.check(falls["input"], exponent(0))
    tc.check(falls["hidden"], exponent(-1))
    tc.check(falls["output"], exponent(-1))
    # Loss and criterion swapped: under cross-entropy activations bound the rate.
    for role, start, law in (("input", (100.0, 1 / 2), exponent(0)), ("hidden", (30.0, -1 / 2), exponent(-1))):
        other = only(role, *start, tc.CROSS_ENTROPY, depth=DEPTHS[role], **options)
        tc.check_refuted(threshold(BY_ACTIVATIONS, other), law)


@tc.claim(
    id="H15",
    source="Haas et al. 2025, arXiv:2505.22491, reference lines of the authors' code; derived here for one step",
    paper=LARGE_RATES,
)
@given(activation=activations(), data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_adam_updates_of_hidden_and_output_layers_grow_in_proportion_to_the_width(activation, data):
    """Under standard parametrization and cross-entropy a step of Adam at a constant rate makes effective updates in a
    centred network with two hidden layers that are Theta(1) in the input matrix, and Theta(n) in the hidden matrix and
    the readout: bounded ones need rates of n^0, n^-1 and n^-1. Those of a step of gradient descent are not Theta(1) in
    the input matrix, nor Theta(n) in the hidden one.
    """
    network = tc.MLP(2, activation, tc.STANDARD, centred=True)
    mixture = tc.GaussianMixture(seed=data)
    training = tc.Training(
        network,
        learning_rate=tc.scaled(1e-5),
        data=mixture,
        loss=tc.CROSS_ENTROPY,
        steps=1,
        optimizer=tc.Adam(),
        dtype="float64",
    )
    moved = tc.Sweep(EFFECTIVE, training, widths=tc.widths(256, 4096))
    by_gradients = tc.Sweep(EFFECTIVE, training, widths=tc.widths(64, 16384, factor=4)).with_training(
        optimizer=tc.SGD()
    )

    # Adam's matrices are stored, so the range is short.
    proportional = tc.PowerLaw(1, within=0.1, rival=1 / 2)

    tc.check(moved.of(role="input"), tc.Plateau(within=0.08, rival=-1 / 2))
    tc.check(moved.of(role="hidden"), proportional)
    tc.check(moved.of(role="output"), proportional)
    # Gradient descent with the same constant rate: n^-1/2, n^1/2 and n.
    tc.check_refuted(by_gradients.of(role="input"), tc.Plateau(within=0.08, rival=-1 / 2))
    tc.check_refuted(by_gradients.of(role="hidden"), proportional)
