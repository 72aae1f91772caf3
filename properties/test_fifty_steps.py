"""Controlled divergence through training: fifty steps on fresh batches under cross-entropy.

Outputs grow with the width; activations do not, and at the edge, rate n^-1/2, features behind hidden matrices move as
far at any width. Gradients are read and not judged, see the paper's section.
"""

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from theorychecks.strategies import activations, depths

HAAS = "Haas et al. 2025, arXiv:2505.22491"
WIDTHS, WIDER = tc.widths(256, 4096), tc.widths(512, 8192)
STEPS, BATCH = 50, 4
RATE = 0.2
"""At width 64: one step makes outputs of about two there, and no activation grows beyond three times its size."""
WRONG = 0.25
"""Share of labels that are drawn anew: some of each batch are never fitted, and their gradient stays."""
BUDGET = 8
SEEDS_OF_DATA = st.integers(0, 99)


def trained(
    alpha: float,
    *,
    depth: int,
    activation: tc.Activation,
    data: int,
    steps: int = STEPS,
    rate: float = RATE,
) -> tc.Training:
    """A centred network under standard parametrization at a rate that falls as n^-alpha."""
    return tc.Training(
        tc.MLP(depth, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(rate * 64**alpha, width=-alpha),
        data=tc.GaussianMixture(dimension=8, samples=STEPS * BATCH, label_noise=WRONG, seed=data),
        loss=tc.CROSS_ENTROPY,
        steps=steps,
        batch_size=BATCH,
    )


@tc.observable
def through_training(run):
    """Activations and outputs, the largest of all steps, and after the last one what hidden matrices are sent back.

    That is the loss of a sample differentiated in what a hidden matrix produces, in units of n^-1/2, its size at the
    start.
    """
    found = {
        "activations": run.peak_activations.amax(dim=0),
        "outputs": run.peak_outputs.amax(dim=0),
        "last outputs": run.outputs(run.steps, "test").square().mean(dim=(1, 2)).sqrt(),
    }
    upstream = run.loss_gradients(run.steps) * run.training.data.samples
    for k, layer in enumerate(run.layers):
        if layer.role == "hidden":
            sent = (upstream[..., None] * run.output_gradients(k, run.steps)).sum(dim=2)
            found[f"gradients at {layer.name}"] = sent.square().mean(dim=(1, 2)).sqrt() * run.width**0.5
    return found


@tc.claim(
    id="H2/controlled",
    source=f"{HAAS}, abstract of v2 for the regime, Proposition 2 (public notes on it) for its rates; the number of "
    "steps is chosen here",
    evidence=True,
    paper=LARGE_RATES,
)
@given(alpha=st.sampled_from([0.5, 0.625, 0.75]), depth=depths(2, 3), activation=activations(), data=SEEDS_OF_DATA)
@example(alpha=0.5, depth=3, activation=tc.TANH, data=0)
def test_activations_stay_bounded_through_fifty_steps_while_outputs_diverge(alpha, depth, activation, data):
    """Under standard parametrization and cross-entropy at rate n^-alpha, alpha = 1/2, 5/8 and 3/4, activations of
    centred networks with two or three hidden layers over fifty steps on fresh batches, a quarter of whose labels are
    drawn anew, are O(1), and the largest outputs are Omega(n^(1-alpha)). At a constant rate two steps unbound the
    activations, and at 1/n outputs are not Omega(n^(1-alpha)).
    """
    setting = {"depth": depth, "activation": activation, "data": data}
    controlled = tc.Sweep(through_training, trained(alpha, **setting), widths=WIDTHS, budget=BUDGET)
    catastrophic = tc.Sweep(through_training, trained(0.0, steps=2, rate=5 * RATE, **setting), widths=WIDTHS)
    # Outputs at rate 1/n still grow at the narrowest widths, and the control must tell that from a power.
    stable = tc.Sweep(through_training, trained(1.0, **setting), widths=WIDER, budget=BUDGET)
    bounded, diverge = tc.UpperBound(0, within=0.15, rival=1 / 2), tc.LowerBound(1 - alpha, within=0.1, rival=0)

    tc.check(controlled.of(name="activations"), bounded)
    tc.check(controlled.of(name="outputs"), diverge)
    tc.check_refuted(catastrophic.of(name="activations"), bounded)
    tc.check_refuted(stable.of(name="outputs"), diverge)


@tc.observable
def first_outputs(run):
    """After one step, on the batch that the second one sees."""
    return run.peak_outputs[1]


@tc.claim(
    id="H2/desaturation",
    source=f"measured here; {HAAS}, the authors' thread: outputs diverge, saturating to one-hot, and all else stays "
    "stable throughout training; for how long outputs diverge is not said",
    trend=True,
    evidence=True,
    paper=LARGE_RATES,
)
@given(data=SEEDS_OF_DATA)
@example(data=0)
def test_outputs_of_relu_networks_diverge_at_first_and_return(data):
    """Under standard parametrization at rate n^-1/2 and cross-entropy, with a quarter of the labels drawn anew, outputs
    of centred ReLU networks with two hidden layers are Theta(n^1/2) after one step, and after fifty grow between widths
    256 and 4,096 by a power of at most 0.2; those of tanh networks grow by more.
    """
    setting = {"depth": 2, "data": data, "rate": 2 * RATE}
    homogeneous, bounded = (
        tc.Sweep(through_training, trained(1 / 2, activation=chosen, **setting), widths=WIDTHS, budget=3 * BUDGET)
        for chosen in (tc.RELU, tc.TANH)
    )
    two_steps = trained(1 / 2, activation=tc.RELU, steps=2, **setting)
    first = tc.Sweep(first_outputs, two_steps, widths=WIDER, budget=8 * BUDGET)
    no_growth = tc.UpperBound(0, within=0.2, rival=1 / 2)

    tc.check(first, tc.PowerLaw(1 / 2, within=0.1, rival=0))
    tc.check(homogeneous.of(name="last outputs"), no_growth)
    tc.check_refuted(bounded.of(name="last outputs"), no_growth)


@tc.observable
def features_moved(run):
    """How far features have moved after the last step, relative to their size at the start, by layer."""
    moved = {}
    for layer in range(1, run.training.network.depth + 1):
        start, end = (run.preactivations(layer, time, "test") for time in (0, run.steps))
        moved[f"layer {layer}"] = (end - start).norm(dim=(1, 2)) / start.norm(dim=(1, 2))
    return moved


@tc.claim(
    id="H7/fifty steps",
    source=f"{HAAS}, abstract of v2: features evolve in all hidden layers at the edge (theorem not seen); that those "
    "of the input matrix do not is Proposition 4 (public notes on it)",
    evidence=True,
    paper=LARGE_RATES,
)
@given(depth=depths(2, 3), activation=activations(), data=SEEDS_OF_DATA)
@example(depth=3, activation=tc.TANH, data=0)
def test_features_persist_behind_every_hidden_matrix_at_the_edge(depth, activation, data):
    """Under standard parametrization at rate n^-1/2 and cross-entropy, after fifty steps of a centred network on fresh
    batches, a quarter of whose labels are drawn anew, features behind each hidden matrix have moved by Theta(1) of
    their size; those of the input matrix have not, and at rate 1/n those behind hidden matrices have not either.
    """
    setting = {"depth": depth, "activation": activation, "data": data}
    edge, lazy = (
        tc.Sweep(features_moved, trained(alpha, **setting), widths=WIDTHS, budget=BUDGET) for alpha in (1 / 2, 1)
    )
    persist = tc.Plateau(within=0.15, rival=-1 / 2)

    for layer in range(2, depth + 1):
        tc.check(edge.of(name=f"layer {layer}"), persist)
        tc.check_refuted(lazy.of(name=f"layer {layer}"), persist)
    tc.check_refuted(edge.of(name="layer 1"), persist)
