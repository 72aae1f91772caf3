"""Updates see their inputs fully aligned; initial hidden weights see feature changes as random, the readout does not.

Ratios of sizes divide out the common random factor of a seed, so these are the sharpest exponents of wide networks.
"""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from theorychecks.networks import Data
from theorychecks.observables import OperatorAlignment
from theorychecks.strategies import activations, depths, mixtures

WIDTHS = tc.widths(64, 65536, factor=4)
MIXTURE = tc.GaussianMixture()
EFFECTIVE, EFFECTIVE_BY_CHANCE = tc.Alignment("effective"), tc.Alignment("effective", direction="random")
PROPAGATING, PROPAGATING_BY_CHANCE = tc.Alignment("propagating"), tc.Alignment("propagating", direction="random")
OPERATOR, OPERATOR_BY_CHANCE = OperatorAlignment(), OperatorAlignment(direction="random")
RATES = {tc.STANDARD: tc.scaled(0.3, width=-1), tc.NTK: tc.scaled(0.3), tc.MAXIMAL_UPDATE: tc.scaled(0.3)}
"""The largest learning rates, up to a factor, that are stable at every width."""
REGIMES = st.sampled_from(list(RATES))


def trained(depth: int, activation: tc.Activation, parametrization: tc.Parametrization, data: Data) -> tc.Training:
    """Two steps at a rate that is stable at every width, in numbers that resolve changes of 1e-7."""
    network = tc.MLP(depth, activation, parametrization)
    return tc.Training(network, learning_rate=RATES[parametrization], data=data, loss=tc.MSE, steps=2, dtype="float64")


@tc.quantity(along="width", name="alignment of an input matrix of as many inputs as neurons", cost=2.0)
def square_input_alignment(width, draw, *, depth, activation, data):
    """Under standard parametrization, on the same mixture in as many dimensions as there are neurons in a layer."""
    training = trained(depth, activation, tc.STANDARD, replace(data, dimension=int(width)))
    found = draw.read(EFFECTIVE, training, int(width))
    return next(reading.values for parts, reading in found.items() if parts["role"] == "input")


@tc.claim(
    id="A1",
    source="Haas et al. 2025, arXiv:2505.22491, alignment exponents p = 1 (public notes on it); Everett et al. 2024, "
    "arXiv:2407.05872, full alignment alpha = 1 (a public summary)",
    paper=LARGE_RATES,
)
@given(depth=depths(2, 4), activation=activations(), parametrization=REGIMES, data=mixtures())
@example(depth=2, activation=tc.RELU, parametrization=tc.STANDARD, data=MIXTURE)
def test_updates_are_aligned_with_their_inputs(depth, activation, parametrization, data):
    """After two steps on the squared error at a stable rate, under standard (at 1/n), NTK and maximal-update
    parametrization, RMS(dW x) / (RMS(dW) RMS(x)) grows as Theta(n) for hidden matrices and the readout, whose fan-in is
    n, and stays Theta(1) for the input matrix, whose fan-in is fixed. With random vectors in place of x the first two
    are not Theta(n); with training's own, under standard parametrization, the ratio of an input matrix of fan-in n is
    not Theta(1).
    """
    training = trained(depth, activation, parametrization, data)
    ratios = tc.Sweep(tc.Together((EFFECTIVE, EFFECTIVE_BY_CHANCE)), training, widths=WIDTHS)
    effective, by_chance = EFFECTIVE.title, EFFECTIVE_BY_CHANCE.title
    aligned, flat = tc.PowerLaw(1, rival=1 / 2), tc.Plateau(rival=1 / 2)
    square = square_input_alignment(depth=depth, activation=activation, data=data).over(tc.widths(64, 1024))

    tc.check(ratios.of(observable=effective, role="hidden"), aligned)
    tc.check(ratios.of(observable=effective, role="output"), aligned)
    tc.check(ratios.of(observable=effective, role="input"), flat)
    tc.check_refuted(ratios.of(observable=by_chance, role="hidden"), aligned)
    tc.check_refuted(ratios.of(observable=by_chance, role="output"), aligned)
    tc.check_refuted(square, flat)


@tc.claim(
    id="A2",
    source="Haas et al. 2025, arXiv:2505.22491, alignment exponents q = 1/2 for hidden layers and 1 for the readout "
    "(public notes on it); Yang et al. 2022, arXiv:2203.03466, by the page of the authors' package (read): of a "
    "correlated vector an outer product makes entries of size n, and a matrix of independent entries n^1/2",
    paper=LARGE_RATES,
)
@given(depth=depths(2, 4), activation=activations(), parametrization=REGIMES, data=mixtures())
@example(depth=2, activation=tc.RELU, parametrization=tc.STANDARD, data=MIXTURE)
def test_initial_weights_see_hidden_updates_as_random_and_the_readout_does_not(
    depth, activation, parametrization, data
):
    """After two steps on the squared error at a stable rate, under standard (at 1/n), NTK and maximal-update
    parametrization, RMS(W_0 dx) / (RMS(W_0) RMS(dx)) grows as Theta(n^1/2) for hidden matrices, and as Theta(n) for the
    readout, whose weights carried the gradient that made dx. With random vectors in place of dx the readout's ratio is
    not Theta(n), and RMS(dW x) / (RMS(dW) RMS(x)) of training is not Theta(n^1/2) for hidden matrices.
    """
    training = trained(depth, activation, parametrization, data)
    updates = tc.Together((PROPAGATING, PROPAGATING_BY_CHANCE, EFFECTIVE))
    ratios = tc.Sweep(updates, training, widths=WIDTHS)
    random_like, aligned = tc.PowerLaw(1 / 2, rival=1), tc.PowerLaw(1, rival=1 / 2)

    tc.check(ratios.of(observable=PROPAGATING.title, role="hidden"), random_like)
    tc.check(ratios.of(observable=PROPAGATING.title, role="output"), aligned)
    tc.check_refuted(ratios.of(observable=EFFECTIVE.title, role="hidden"), random_like)
    tc.check_refuted(ratios.of(observable=PROPAGATING_BY_CHANCE.title, role="output"), aligned)


@tc.claim(
    id="A3",
    source="Yang, Simon, Bernstein 2023, arXiv:2310.17813, Condition 1 (abstract, and a public page that states it); "
    "that an outer product makes entries of size n of a correlated vector from the page of the package of Yang et al. "
    "2022, arXiv:2203.03466 (read)",
    evidence=True,
)
@given(depth=depths(2, 4), activation=activations(), parametrization=REGIMES, data=mixtures())
@example(depth=2, activation=tc.RELU, parametrization=tc.STANDARD, data=MIXTURE)
def test_updates_make_of_their_inputs_what_their_spectral_norms_allow(depth, activation, parametrization, data):
    """After two steps on the squared error at a stable rate, under standard (at 1/n), NTK and maximal-update
    parametrization, RMS(dW x) = Theta(||dW|| (fan_in / fan_out)^1/2 RMS(x)) for every matrix, with the spectral norm;
    of an independent direction hidden matrices and the readout make no constant share of that.
    """
    training = trained(depth, activation, parametrization, data)
    ratios = tc.Sweep(tc.Together((OPERATOR, OPERATOR_BY_CHANCE)), training, widths=WIDTHS)
    flat = tc.Plateau(rival=-1 / 2)

    tc.check(ratios.of(observable=OPERATOR.title), flat)
    tc.check_refuted(ratios.of(observable=OPERATOR_BY_CHANCE.title, role=("hidden", "output")), flat)


LONGER, BATCH = 24, 4


def longer(depth: int, activation: tc.Activation, data: int) -> tc.Training:
    """Steps on fresh batches, a quarter of whose labels are drawn anew, at the edge of controlled divergence."""
    return tc.Training(
        tc.MLP(depth, activation, tc.STANDARD, centred=True),
        # At width 64 this is 0.2: outputs are about two there after one step.
        learning_rate=tc.scaled(1.6, width=-1 / 2),
        data=tc.GaussianMixture(dimension=8, samples=LONGER * BATCH, label_noise=0.25, seed=data),
        loss=tc.CROSS_ENTROPY,
        steps=LONGER,
        batch_size=BATCH,
        dtype="float64",
    )


@tc.observable
def whole_matrix(run):
    """RMS(W x) / (RMS(W) RMS(x)) of hidden matrices after the last step, updates and initial weights taken together."""
    found = {}
    for k, layer in enumerate(run.layers):
        if layer.role == "hidden":
            x, produced = run.features(k, run.steps), run.preactivations(k + 1, run.steps)
            entries = run.weight_norm(k, "frobenius", run.steps) / run.width
            sizes = [each.flatten(1).square().mean(dim=1).sqrt() for each in (produced, x)]
            found[layer.name] = sizes[0] / (entries * sizes[1])
    return found


@tc.claim(
    id="A1/edge",
    source="Haas et al. 2025, arXiv:2505.22491, the authors' README: effective and propagating updates of each matrix "
    "scale as theory says where they are told apart; the coarse measure is that of Everett et al. 2024, "
    "arXiv:2407.05872 (a public summary)",
    evidence=True,
    paper=LARGE_RATES,
)
@given(depth=depths(2, 3), activation=activations(), data=st.integers(0, 99))
@example(depth=2, activation=tc.TANH, data=0)
def test_updates_of_hidden_matrices_are_aligned_at_the_edge_though_whole_matrices_look_random(depth, activation, data):
    """Under standard parametrization at rate n^-1/2 and cross-entropy, after 24 steps of a centred network on fresh
    batches, a quarter of whose labels are drawn anew, hidden matrices have RMS(dW x) / (RMS(dW) RMS(x)) of Theta(n) and
    RMS(W_0 dx) / (RMS(W_0) RMS(dx)) of Theta(n^1/2); taken whole they have RMS(W x) / (RMS(W) RMS(x)) of Theta(n^1/2),
    as if nothing were aligned. With random vectors in place of x the first is not Theta(n).
    """
    # The readout's ratios tend to n as well, but slowly: local exponents of ReLU and GELU are 0.6 to 0.8 up to a
    # thousand neurons, where their outputs have returned from n^1/2 (H2/desaturation).
    training = longer(depth, activation, data)
    updates = tc.Together((EFFECTIVE, EFFECTIVE_BY_CHANCE, PROPAGATING))
    ratios = tc.Sweep(updates, training, widths=WIDTHS)
    whole = tc.Sweep(whole_matrix, training, widths=WIDTHS)
    aligned, random_like = tc.PowerLaw(1, rival=1 / 2), tc.PowerLaw(1 / 2, rival=1)

    tc.check(ratios.of(observable=EFFECTIVE.title, role="hidden"), aligned)
    tc.check(ratios.of(observable=PROPAGATING.title, role="hidden"), random_like)
    tc.check(whole, random_like)
    tc.check_refuted(ratios.of(observable=EFFECTIVE_BY_CHANCE.title, role="hidden"), aligned)
