"""Adam and normalisation layers let outputs diverge while activations stay, at other rates than gradient descent does.

A step of Adam moves what a hidden matrix produces by the rate times the width whatever the loss, and hidden features
along the readout's signs, which their n^-1/2 entries add up: at a rate of 1/n features move by Theta(1) and outputs by
Theta(n^1/2). A normalisation keeps what enters a nonlinearity at any rate, so that outputs grow no further than the
readout and its aligned features make them.
"""

from dataclasses import replace
from typing import Literal, get_args

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from properties.subjects.normalised_network import NormalisedTrial
from theorychecks.networks import Loss
from theorychecks.strategies import activations, depths

HAAS = "Haas et al. 2025, arXiv:2505.22491"
THREAD = f"{HAAS}, the authors' thread: Adam and normalisation layers seem to enable controlled divergence"
BOUNDED = activations(among=(tc.TANH, tc.ERF))
"""With ReLU and GELU a step of Adam on the readout, of Theta(1), outweighs n^1/2 up to a thousand neurons."""
UNBOUNDED = activations(among=(tc.RELU, tc.GELU))
SEEDS_OF_DATA = st.integers(0, 99)
BATCH = 8
ADAM, DESCENT = tc.Adam(), tc.SGD()
FOUR_STEPS = tc.widths(256, 4096)
THREE_STEPS = tc.widths(64, 1024)
WIDER = tc.widths(128, 2048)
"""Where outputs are far above those before training, which the network is not rid of by centring."""


def four_steps(
    alpha: float,
    *,
    activation: tc.Activation,
    data: int,
    depth: int = 2,
    loss: Loss = tc.CROSS_ENTROPY,
    optimizer: tc.Optimizer = ADAM,
    rate: float = 0.03,
) -> tc.Training:
    """On fresh batches, at a rate given at width 64 that falls as n^-alpha."""
    return tc.Training(
        tc.MLP(depth, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(rate * 64**alpha, width=-alpha),
        data=tc.GaussianMixture(dimension=8, samples=4 * BATCH, seed=data),
        loss=loss,
        steps=4,
        batch_size=BATCH,
        optimizer=optimizer,
    )


@tc.observable
def sizes_and_change(run):
    """The largest activations and outputs of all steps, and how far features behind hidden matrices have moved."""
    found = {"activations": run.peak_activations.amax(dim=0), "outputs": run.peak_outputs.amax(dim=0)}
    for layer in range(2, run.training.network.depth + 1):
        start, end = (run.preactivations(layer, time, "test") for time in (0, run.steps))
        found[f"change of layer {layer}"] = (end - start).norm(dim=(1, 2)) / start.norm(dim=(1, 2))
    return found


BOUNDED_SIZE = tc.UpperBound(0, within=0.15, rival=1 / 2)


@tc.claim(
    id="H16",
    source=f"{THREAD}; the exponents derived here",
    evidence=True,
    paper=LARGE_RATES,
)
@given(activation=BOUNDED, depth=depths(2, 3), data=SEEDS_OF_DATA)
@example(activation=tc.TANH, depth=2, data=0)
def test_under_adam_at_one_over_width_outputs_diverge_and_features_move_by_a_constant(activation, depth, data):
    """Under standard parametrization, Adam at rate 1/n and cross-entropy, activations of centred tanh and erf networks
    with two or three hidden layers are O(1) over four steps, features behind each hidden matrix move by Theta(1) of
    their size, and the largest outputs are Theta(n^1/2); at rate n^-1/2 activations are not O(1), and at n^-3/2 neither
    features nor outputs do so.
    """
    setting = {"activation": activation, "depth": depth, "data": data}
    edge, beyond, stable = (
        tc.Sweep(sizes_and_change, four_steps(alpha, **setting), widths=FOUR_STEPS, budget=8)
        for alpha in (1, 1 / 2, 3 / 2)
    )
    diverge, constant = tc.PowerLaw(1 / 2, within=0.2, rival=0), tc.Plateau(within=0.15, rival=-1 / 2)

    tc.check(edge.of(name="activations"), BOUNDED_SIZE)
    for layer in range(2, depth + 1):
        tc.check(edge.of(name=f"change of layer {layer}"), constant)
        tc.check_refuted(stable.of(name=f"change of layer {layer}"), constant)
    tc.check(edge.of(name="outputs"), diverge)
    tc.check_refuted(beyond.of(name="activations"), BOUNDED_SIZE)
    tc.check_refuted(stable.of(name="outputs"), diverge)


@tc.claim(
    id="H18/Adam",
    source=f"{THREAD}; that it is so under MSE as well is derived here",
    paper=LARGE_RATES,
)
@given(activation=BOUNDED, data=SEEDS_OF_DATA)
@example(activation=tc.TANH, data=0)
def test_under_adam_squared_error_does_not_feed_back(activation, data):
    """Under standard parametrization, Adam at rate 1/n and MSE, activations of centred tanh and erf networks with two
    hidden layers are O(1) over four steps while the largest outputs are Omega(n^1/4); under SGD at n^-1/2 activations
    are not O(1).
    """
    setting = {"activation": activation, "data": data, "loss": tc.MSE}
    adam = tc.Sweep(sizes_and_change, four_steps(1, **setting), widths=FOUR_STEPS, budget=8)
    descent = adam.with_training(optimizer=DESCENT, learning_rate=tc.scaled(2.0, width=-1 / 2))

    tc.check(adam.of(name="activations"), BOUNDED_SIZE)
    tc.check(adam.of(name="outputs"), tc.LowerBound(1 / 4, within=0.1, rival=0))
    tc.check_refuted(descent.of(name="activations"), BOUNDED_SIZE)


Layers = Literal["plain", "normalised, gains trained", "normalised, gains of one"]


@tc.quantity(along="width", name="{training.optimizer} with layers {layers}", cost=1.5)
def sizes(width: float, draw: tc.Draw, *, training: tc.Training, layers: Layers) -> dict[str, torch.Tensor]:
    """The largest of all steps: of what enters nonlinearities, of what matrices produce, and of outputs."""
    root = int(draw.rng(0, "root").integers(2**62))
    trial = NormalisedTrial(
        training, int(width), draw.seeds, root, layers != "plain", trained_gains=layers == "normalised, gains trained"
    )
    found = trial.sizes(list(draw.seeds), torch.ones(len(draw.seeds)))
    return {
        "activations": found.activations.amax(dim=0),
        "products": found.produced.amax(dim=0),
        "outputs": found.outputs[1:].amax(dim=0),
    }


def three_steps(
    rate: float, alpha: float, *, activation: tc.Activation, data: int, loss: Loss, optimizer: tc.Optimizer
) -> tc.Training:
    """Of a network with two hidden layers on fresh batches, at a rate given at width 64 that falls as n^-alpha."""
    return tc.Training(
        tc.MLP(2, activation, tc.STANDARD),
        learning_rate=tc.scaled(rate * 64**alpha, width=-alpha),
        data=tc.GaussianMixture(dimension=8, samples=4 * BATCH, label_noise=0.25, seed=data),
        loss=loss,
        steps=3,
        batch_size=BATCH,
        optimizer=optimizer,
    )


@tc.claim(
    id="H17",
    source=f"{THREAD}; {HAAS}, for language models: trainable gains take the largest stable rate from n^-1 to n^-1/2 "
    "(public notes on it); derived here that normalisation does it, with gains or without",
    evidence=True,
    paper=LARGE_RATES,
)
@given(activation=UNBOUNDED, data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_normalisation_keeps_outputs_at_root_width_under_adam_at_a_rate_of_one_over_it(activation, data):
    """Under standard parametrization with a root-mean-square normalisation in each of two hidden layers, ReLU or GELU,
    its gains trained or not, Adam at rate n^-1/2 and cross-entropy make what matrices produce, and outputs, as large as
    Theta(n^1/2) within three steps on fresh batches, a quarter of whose labels are drawn anew; without a normalisation
    outputs are not Theta(n^1/2), and activations not O(1).
    """
    training = three_steps(0.05, 1 / 2, activation=activation, data=data, loss=tc.CROSS_ENTROPY, optimizer=ADAM)
    found = {
        layers: sizes(training=training, layers=layers).over(THREE_STEPS, budget=32) for layers in get_args(Layers)
    }
    root = tc.PowerLaw(1 / 2, within=0.2, rival=1)
    plain = found.pop("plain")

    for normalised in found.values():
        tc.check(normalised.of(name="products"), root)
        tc.check(normalised.of(name="outputs"), root)
    tc.check_refuted(plain.of(name="outputs"), root)
    tc.check_refuted(plain.of(name="activations"), BOUNDED_SIZE)


@tc.claim(
    id="H18/normalisation",
    source=f"{THREAD}; the exponents derived here",
    paper=LARGE_RATES,
)
@given(activation=UNBOUNDED, data=SEEDS_OF_DATA)
@example(activation=tc.RELU, data=0)
def test_normalisation_keeps_outputs_from_compounding_under_cross_entropy_alone(activation, data):
    """Under standard parametrization with a root-mean-square normalisation and trained gains in each of two hidden
    layers, ReLU or GELU, under SGD and cross-entropy at a constant rate, the largest outputs of three steps on fresh
    batches, a quarter of whose labels are drawn anew, are Omega(n^1/2) and O(n), and what enters nonlinearities is
    O(1); without a normalisation it is not, and under MSE outputs are not O(n).
    """
    trained = three_steps(0.5, 0, activation=activation, data=data, loss=tc.CROSS_ENTROPY, optimizer=DESCENT)
    entropy = sizes(training=trained, layers="normalised, gains trained")
    plain = sizes(training=trained, layers="plain")
    # In numbers that reach beyond 1e38.
    squared = replace(trained, loss=tc.MSE, dtype="float64")
    compounding = sizes(training=squared, layers="normalised, gains trained")
    at_most, at_least = tc.UpperBound(1, within=0.2, rival=3 / 2), tc.LowerBound(1 / 2, within=0.2, rival=0)

    tc.check(entropy.over(WIDER, budget=32).of(name="outputs"), at_most)
    tc.check(entropy.over(WIDER, budget=32).of(name="outputs"), at_least)
    tc.check(entropy.over(WIDER, budget=32).of(name="activations"), BOUNDED_SIZE)
    tc.check_refuted(compounding.over(THREE_STEPS, budget=32).of(name="outputs"), at_most)
    tc.check_refuted(plain.over(WIDER, budget=32).of(name="activations"), BOUNDED_SIZE)
