"""Each layer has a largest stable learning rate of its own, and which it is depends on what must stay bounded.

One role is trained and the others stand still, in one or two hidden layers under standard parametrization. Trained
alone, the input matrix moves features by n^-1/2 and a hidden matrix by n^1/2 for every unit of the rate; outputs move
by 1, n and n. Under MSE outputs feed back, so that they set the threshold whatever is asked for; under cross-entropy
they do not.
"""

import math
from typing import Literal

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.normalised_network import NormalisedTrial
from theorychecks.networks import Loss
from theorychecks.observables.stability import stability_threshold
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


def exponent(value: float) -> tc.PowerLaw:
    """Exponents of single layers are half-integers, and each claim names the neighbour that it is taken for."""
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


@tc.observable
def features_kept(run):
    """Size of the last features after the last step, over that before the first."""
    last = run.training.network.depth
    sizes = [torch.linalg.vector_norm(run.features(last, time), dim=(-2, -1)) for time in (run.training.steps, 0)]
    return sizes[0] / sizes[1]


@tc.claim(
    id="H14/activations",
    source="Haas et al. 2025, arXiv:2505.22491, whose layerwise exponents mix two criteria (second-hand); these "
    "derived here, for one trained layer",
    evidence=True,
)
@given(activation=activations(), data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_under_cross_entropy_activations_bound_the_input_at_root_width_and_hidden_layers_at_one_over_it(
    activation, data
):
    """Under standard parametrization, SGD and cross-entropy, with one role trained, activations stay bounded up to a
    rate of Theta(n^1/2) for the input matrix, of Theta(n^-1/2) for the hidden one, and at any rate for the readout.
    """
    loss, options = tc.CROSS_ENTROPY, {"activation": activation, "data": data}
    input_alone = threshold(BY_ACTIVATIONS, only("input", 100.0, 1 / 2, loss, **options))
    hidden_alone = threshold(BY_ACTIVATIONS, only("hidden", 30.0, -1 / 2, loss, **options))
    far_too_large = tc.Sweep(features_kept, only("output", 1e6, 0, loss, **options), widths=WIDTHS, budget=4)
    hidden_too = tc.Sweep(features_kept, only("hidden", 1.0, 0, loss, **options), widths=WIDTHS, budget=4)
    unmoved = tc.Identity(dtype="float32")

    tc.check(input_alone, exponent(1 / 2))
    tc.check(hidden_alone, exponent(-1 / 2))
    tc.check(far_too_large, unmoved)
    tc.check_refuted(hidden_alone, exponent(1 / 2))
    tc.check_refuted(input_alone, exponent(-1 / 2))
    tc.check_refuted(hidden_too, unmoved)


@tc.claim(
    id="H14/outputs",
    source="Haas et al. 2025, arXiv:2505.22491, whose layerwise exponents mix two criteria (second-hand); these "
    "derived here, for one trained layer",
)
@given(activation=UNBOUNDED, data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_finite_outputs_bound_the_input_by_a_constant_and_other_layers_by_one_over_width(activation, data):
    """Under standard parametrization, SGD and cross-entropy, with one role trained and an unbounded activation, outputs
    stay bounded up to a rate of Theta(1) for the input matrix, of Theta(1/n) for the hidden one and of Theta(1/n) for
    the readout.
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
    # The criterion swapped.
    tc.check_refuted(threshold(BY_ACTIVATIONS, only("input", 100.0, 1 / 2, loss, **options)), exponent(0))
    tc.check_refuted(threshold(BY_ACTIVATIONS, only("hidden", 30.0, -1 / 2, loss, **options)), exponent(-1))


@tc.claim(
    id="H14/squared",
    source="Haas et al. 2025, arXiv:2505.22491, whose layerwise exponents mix two criteria (second-hand); these "
    "derived here, for one trained layer",
    evidence=True,
)
@given(activation=activations(), data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_under_squared_error_the_input_is_bounded_by_a_constant_and_other_layers_by_one_over_width(activation, data):
    """Under standard parametrization, SGD and MSE, with one role of a centred network trained, the loss falls up to a
    rate of Theta(1) for the input matrix, of Theta(1/n) for the hidden one and of Theta(1/n) for the readout.
    """
    options = {"activation": activation, "data": data}
    starts = {"input": (1.0, 0.0), "hidden": (1.0, -1.0), "output": (1.0, -1.0)}
    falls = {
        role: threshold(BY_LOSS, only(role, *start, tc.MSE, depth=DEPTHS[role], **options))
        for role, start in starts.items()
    }

    tc.check(falls["input"], exponent(0))
    tc.check(falls["hidden"], exponent(-1))
    tc.check(falls["output"], exponent(-1))
    # The loss swapped: under cross-entropy the hidden matrix is bounded by activations.
    hidden = only("hidden", 30.0, -1 / 2, tc.CROSS_ENTROPY, **options)
    tc.check_refuted(threshold(BY_ACTIVATIONS, hidden), exponent(-1))
    tc.check_refuted(falls["input"], exponent(-1))


@tc.claim(
    id="H15",
    source="Haas et al. 2025, arXiv:2505.22491, reference lines of the authors' code; derived here for one step",
)
@given(activation=activations(), data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_adam_updates_of_hidden_and_output_layers_grow_in_proportion_to_the_width(activation, data):
    """Under standard parametrization a step of Adam of constant size moves what the input matrix produces by Theta(1),
    and what the hidden matrix and the readout produce by Theta(n): bounded updates need rates of n^0, n^-1 and n^-1.
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
    # The role swapped.
    tc.check_refuted(moved.of(role="input"), proportional)


STEPS, BATCH = 12, 16
NARROW = (64, 128, 256)
SHORT = tc.widths(64, 1024)


def twelve_steps(depth: int, optimizer: tc.Optimizer, loss: Loss, base: float, width: float) -> tc.Training:
    """Of a ReLU network on fresh batches with all roles trained, searching from base * n^width."""
    return tc.Training(
        tc.MLP(depth, tc.RELU, tc.STANDARD),
        learning_rate=tc.scaled(base, width=width),
        data=tc.GaussianMixture(samples=STEPS * BATCH, spread=2.0, label_noise=0.2),
        loss=loss,
        steps=STEPS,
        batch_size=BATCH,
        optimizer=optimizer,
    )


@tc.quantity(along="width", name="{observable.title}, {layers}", cost=1.5)
def stable_rate(
    width: float,
    draw: tc.Draw,
    *,
    observable: tc.MaxStableLearningRate,
    training: tc.Training,
    layers: Literal["normalised", "plain"],
) -> tc.Reading:
    """With and without normalisation layers; the same seed begins with the same weights."""
    root = int(draw.rng(0, "root").integers(2**62))
    trial = NormalisedTrial(training, int(width), draw.seeds, root, layers == "normalised")
    return stability_threshold(trial, observable.criterion)


@tc.quantity(along="width", name="fall of the largest stable rate, {training.network.depth} hidden layers", cost=1.5)
def fall(width: float, draw: tc.Draw, *, training: tc.Training) -> torch.Tensor:
    """The largest stable rate over that at four times the width, in units of the two that n^-1/2 makes of it."""
    here, there = (draw.values(BY_ACTIVATIONS, training, int(width) * k) for k in (1, 4))
    return here / there / 2


@tc.claim(
    id="H16",
    source=(
        "Haas et al. 2025, arXiv:2505.22491, the authors' plotting code, for the trend; -1 is derived here for two "
        "hidden layers and approached slowly: local exponents are -0.5 at width 64 and -0.8 at 1,024, measured here"
    ),
    trend=True,
)
def test_with_a_hidden_matrix_adam_is_stable_up_to_a_falling_rate():
    """Under standard parametrization, Adam and cross-entropy, the largest rate at which activations stay bounded falls
    faster than n^-1/2 from width 256 to 1,024 with two hidden layers; with one, it does not.
    """
    two, one = (
        fall(training=twelve_steps(depth, tc.Adam(), tc.CROSS_ENTROPY, base, power)).over((256,), budget=12)
        for depth, base, power in ((2, 8.0, -1.0), (1, 2.0, 0.0))
    )
    tc.check(two, tc.Ordering("above"))
    tc.check_refuted(one, tc.Ordering("above"))


@tc.claim(
    id="H18/Adam",
    source="Haas et al. 2025, arXiv:2505.22491, the authors' page, for the trend; the exponents derived here",
    trend=True,
)
def test_under_adam_squared_error_does_not_feed_back():
    """With one hidden layer under standard parametrization and MSE, activations stay bounded under Adam up to a rate of
    Theta(1), as the size of its steps knows nothing of the outputs; under SGD only up to one that falls.
    """
    constant = tc.Plateau(within=0.2, rival=-1)
    adam = twelve_steps(1, tc.Adam(), tc.MSE, 2.0, 0.0)
    descent = twelve_steps(1, tc.SGD(), tc.MSE, 16.0, -1.0)

    tc.check(tc.Sweep(BY_ACTIVATIONS, adam, widths=tc.widths(128, 8192)), constant)
    tc.check_refuted(tc.Sweep(BY_ACTIVATIONS, descent, widths=tc.widths(128, 8192)), constant)


@tc.claim(
    id="H17",
    source=(
        "Haas et al. 2025, arXiv:2505.22491, for language models: from n^-1 to n^-1/2 (second-hand); the constant is "
        "derived and measured here, for a normalisation behind every hidden layer"
    ),
    trend=True,
)
def test_trainable_normalisation_makes_the_rate_of_adam_a_constant():
    """With a root-mean-square normalisation and trainable gains in each of two hidden layers, Adam keeps what leaves
    the normalisation, the gains, bounded up to a rate of Theta(1) under cross-entropy; without, the rate falls.
    """
    constant = tc.Plateau(within=0.2, rival=-1 / 2)
    gains = twelve_steps(2, tc.Adam(), tc.CROSS_ENTROPY, 4.0, 0.0)
    plain = twelve_steps(2, tc.Adam(), tc.CROSS_ENTROPY, 8.0, -1.0)

    tc.check(stable_rate(observable=BY_ACTIVATIONS, training=gains, layers="normalised").over(SHORT), constant)
    tc.check_refuted(tc.Sweep(BY_ACTIVATIONS, plain, widths=SHORT), constant)


@tc.claim(
    id="H18/normalisation",
    source="Haas et al. 2025, arXiv:2505.22491, the authors' page, for the trend; the orders measured here",
    trend=True,
)
def test_trainable_normalisation_raises_the_rate_of_gradient_descent_under_cross_entropy_alone():
    """With a root-mean-square normalisation and trainable gains in each of three hidden layers, SGD under cross-entropy
    keeps what leaves the normalisation bounded up to a larger rate than it keeps activations without; with two, under
    MSE, it does not keep outputs bounded up to a larger one.
    """
    entropy = twelve_steps(3, tc.SGD(), tc.CROSS_ENTROPY, 2.0, 0.0)
    squared = twelve_steps(2, tc.SGD(), tc.MSE, 16.0, -1.0)

    by_activations, by_outputs = (
        {
            layers: stable_rate(observable=observable, training=training, layers=layers).over(NARROW, budget=10)
            for layers in ("normalised", "plain")
        }
        for observable, training in ((BY_ACTIVATIONS, entropy), (BY_OUTPUTS, squared))
    )

    tc.check(by_activations["normalised"], tc.Ordering("above"), against=by_activations["plain"])
    tc.check_refuted(by_outputs["normalised"], tc.Ordering("above"), against=by_outputs["plain"])
