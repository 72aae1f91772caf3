"""In the lazy regime weights, features and the tangent kernel barely move, and how barely depends on what is asked.

A gradient step changes a hidden matrix by a few outer products, so its spectral norm stands out by n^1/2 over its
Frobenius norm; the textbook's O(n^-1/2) is a bound over all layers and both norms, tight in the spectral norm.
The kernel moves by Theta(1/n) where the activation is smooth, and the network leaves its linearisation by as little.
"""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import TUTORIAL
from theorychecks.kernels import analytic_kernels
from theorychecks.observables import LinearisationError, ResidualModeError
from theorychecks.strategies import activations, depths, mixtures, regression_data

RATES = {tc.STANDARD: tc.scaled(0.3, width=-1), tc.NTK: tc.scaled(0.3)}
WIDTHS = tc.widths(64, 65536, factor=4)
UNCENTRED_BUDGET = 64
"""Nothing subtracts the initial function, and its random size multiplies every change: noise, met with seeds."""
NORMS = ("frobenius", "spectral")
BOTH_NORMS = tc.Together((tc.WeightChange(norm="frobenius"), tc.WeightChange(norm="spectral")))
MIXTURE = tc.GaussianMixture(dimension=8)
"""A random n x d matrix has spectral norm n^1/2 (1 + (d/n)^1/2): the correction's constant, 8^1/2, is in the class."""
MANY_CLASSES = tc.GaussianMixture(dimension=8, classes=8)
"""The size of a random initial function varies less from seed to seed, the more outputs it has."""


def exponent(value: float) -> tc.PowerLaw:
    """Exponents of this regime are half-integers, so the nearest rival is half a power away."""
    return tc.PowerLaw(value, rival=value + 0.5)


@tc.claim(
    id="LZ-1/standard",
    source="Yang and Hu 2021, arXiv:2011.14522, Theorem 4.1 (public notes on it); exponents by layer derived here",
    paper=TUTORIAL,
)
@given(depth=depths(2, 4), activation=activations(), data=mixtures())
@example(depth=3, activation=tc.TANH, data=MIXTURE)
def test_weights_move_by_role_and_norm_under_standard_parametrization(depth, activation, data):
    """Under standard parametrization with rate 1/n and on the squared error a centred network's input matrix moves by
    Theta(n^-3/2) of its size, a hidden one by Theta(1/n) in Frobenius and Theta(n^-1/2) in spectral norm, the readout
    by Theta(n^-1/2). Under maximal update the orders are others.
    """
    network = tc.MLP(depth, activation, tc.STANDARD, centred=True)
    lazy = tc.Training(network, learning_rate=tc.scaled(0.3, width=-1), data=data, loss=tc.MSE, steps=4)
    moved = tc.Sweep(BOTH_NORMS, lazy, widths=WIDTHS)
    rich = moved.under(tc.MAXIMAL_UPDATE)

    for role, norms, predicted in (
        ("input", NORMS, exponent(-3 / 2)),
        ("hidden", "frobenius", exponent(-1)),
        ("hidden", "spectral", exponent(-1 / 2)),
        ("output", NORMS, exponent(-1 / 2)),
    ):
        tc.check(moved.of(role=role, norm=norms), predicted)
        tc.check_refuted(rich.of(role=role, norm=norms), predicted)


@tc.claim(
    id="LZ-1/NTK",
    source="Lee et al. 2019, arXiv:1902.06720, Fig. 1 (abstract; the figure from memory); exponents derived here",
    paper=TUTORIAL,
)
@given(depth=depths(2, 4), activation=activations())
@example(depth=3, activation=tc.TANH)
def test_weights_move_by_role_and_norm_under_ntk_parametrization(depth, activation):
    """Under NTK parametrization and on the squared error a centred network's input matrix and readout move by
    Theta(n^-1/2) of their size, a hidden matrix by Theta(1/n) in Frobenius and Theta(n^-1/2) in spectral norm. In
    mean-field parametrization the orders are others.
    """
    network = tc.MLP(depth, activation, tc.NTK, centred=True)
    lazy = tc.Training(network, learning_rate=tc.scaled(0.3), data=MIXTURE, loss=tc.MSE, steps=4)
    moved = tc.Sweep(BOTH_NORMS, lazy, widths=WIDTHS)
    rich = moved.under(tc.MEAN_FIELD)

    for role, norms, predicted in (
        ("input", NORMS, exponent(-1 / 2)),
        ("hidden", "frobenius", exponent(-1)),
        ("hidden", "spectral", exponent(-1 / 2)),
        ("output", NORMS, exponent(-1 / 2)),
    ):
        tc.check(moved.of(role=role, norm=norms), predicted)
        tc.check_refuted(rich.of(role=role, norm=norms), predicted)


@tc.claim(
    id="LZ-1/bound",
    source="Lee et al. 2019, arXiv:1902.06720, Theorem 2.1 (abstract; its number from a discussion of the authors' "
    "package, its rate from memory); for every layer "
    "derived here",
    evidence=True,
    paper=TUTORIAL,
)
@given(depth=depths(1, 4), activation=activations(), parametrization=st.sampled_from(list(RATES)))
@example(depth=3, activation=tc.TANH, parametrization=tc.NTK)
def test_every_weight_moves_by_at_most_one_over_root_width(depth, activation, parametrization):
    """Under standard parametrization at rate 1/n, and under NTK parametrization, no layer moves by more than O(n^-1/2)
    of its size, in either norm, in two steps on the squared error of eight classes, where the initial function is
    random.
    """
    network = tc.MLP(depth, activation, parametrization)
    lazy = tc.Training(network, learning_rate=RATES[parametrization], data=MANY_CLASSES, loss=tc.MSE, steps=2)
    bound = tc.UpperBound(-1 / 2, rival=0)

    moved = tc.Sweep(BOTH_NORMS, lazy, widths=WIDTHS, budget=UNCENTRED_BUDGET)

    tc.check(moved, bound)
    tc.check_refuted(moved.under(tc.MAXIMAL_UPDATE).of(norm="spectral"), bound)


SMOOTH = (tc.TANH, tc.ERF)
TEACHER = tc.Teacher(dimension=4, samples=4, test_samples=8)
SMALL = regression_data(dimension=4, samples=4, test_samples=8, outputs=1)
LINEARISED = tc.Together((tc.TangentKernelDrift(), LinearisationError()))
FASTER = tc.PowerLaw(-1, rival=-1 / 2)
ROOT = tc.PowerLaw(-1 / 2, rival=0)
FLAT = tc.Plateau(rival=-1 / 2)


def doubled(activation: tc.Activation, data: tc.Teacher, *, rate: float = 0.3, steps: int = 8) -> tc.Training:
    """One hidden layer that starts at f_0 = 0; in double precision, since a change of 1/n drowns in single."""
    network = tc.MLP(1, activation, tc.NTK, doubled=True)
    return tc.Training(network, learning_rate=tc.scaled(rate), data=data, loss=tc.MSE, steps=steps, dtype="float64")


def linearised(activation: tc.Activation, data: tc.Teacher) -> tc.Sweep:
    """Kernel drift and linearisation error of the same networks."""
    return tc.Sweep(LINEARISED, doubled(activation, data), widths=tc.widths(128, 131072, factor=4))


@tc.claim(
    id="LZ-2",
    source="Dyer and Gur-Ari 2019, arXiv:1909.11304 (abstract; the rate from memory); Huang and Yau 2020, "
    "arXiv:1909.08156, for smooth activations and as a bound (public notes on it)",
    paper=TUTORIAL,
)
@given(activation=activations(smooth=True), data=SMALL)
@example(activation=tc.TANH, data=TEACHER)
def test_the_tangent_kernel_moves_by_one_over_width(activation, data):
    """Under NTK parametrization the tangent kernel of a doubled network with one hidden layer and smooth activation
    moves by Theta(1/n) of its size during training on the squared error; under maximal update and mean field it does
    not.
    """
    drift = linearised(activation, data).of(observable="tangent kernel drift")

    tc.check(drift, FASTER)
    tc.check_refuted(drift.under(tc.MAXIMAL_UPDATE), FASTER)
    tc.check_refuted(drift.under(tc.MEAN_FIELD), FASTER)


@tc.claim(
    id="LZ-3",
    source="Huang and Yau 2020, arXiv:1909.08156, for smooth activations and as a bound: its hierarchy cut off at the "
    "initial kernel (public notes on Theorem 2.6); Theta derived here",
    paper=TUTORIAL,
)
@given(activation=activations(smooth=True), data=SMALL)
@example(activation=tc.TANH, data=TEACHER)
def test_a_wide_network_follows_its_linearisation(activation, data):
    """Under NTK parametrization and on the squared error a doubled network with one hidden layer and smooth activation
    differs at test points from its linearisation, trained by the same steps, by Theta(1/n); under maximal update and
    mean field it does not.
    """
    error = linearised(activation, data).of(observable="linearisation error")

    tc.check(error, FASTER)
    tc.check_refuted(error.under(tc.MAXIMAL_UPDATE), FASTER)
    tc.check_refuted(error.under(tc.MEAN_FIELD), FASTER)


@tc.claim(
    id="LZ-2/bound",
    source="Lee et al. 2019, arXiv:1902.06720, Theorem 2.1 (abstract; its number from a discussion of the authors' "
    "package, its rate from memory)",
    paper=TUTORIAL,
)
@given(depth=depths(1, 3), activation=activations())
@example(depth=1, activation=tc.RELU)
def test_kernel_and_linearisation_are_off_by_at_most_one_over_root_width(depth, activation):
    """Under NTK parametrization and on the squared error, with ReLU, tanh, erf or GELU and one to three hidden layers,
    the tangent kernel of a centred network moves by O(n^-1/2) of its size, and the network leaves its linearisation by
    O(n^-1/2); under maximal update neither is so.
    """
    network = tc.MLP(depth, activation, tc.NTK, centred=True)
    training = tc.Training(network, learning_rate=tc.scaled(0.3), data=TEACHER, loss=tc.MSE, steps=4)
    off = tc.Sweep(LINEARISED, training, widths=tc.widths(64, 65536, factor=4))
    bound = tc.UpperBound(-1 / 2, rival=0)

    tc.check(off, bound)
    tc.check_refuted(off.under(tc.MAXIMAL_UPDATE), bound)


def decaying(activation: tc.Activation, data: tc.Teacher, *, rate: float, steps: int) -> tc.Training:
    """A doubled network at a learning rate in units of 1 / (the largest eigenvalue of the infinite-width kernel)."""
    inputs = data.draw().inputs / activation.gain
    kernel = analytic_kernels(inputs, depth=1, activation=activation.name, weight_variance=activation.gain**2).ntk
    largest = float(np.linalg.eigvalsh(kernel)[-1]) / data.samples
    return doubled(activation, data, rate=rate / largest, steps=steps)


@tc.claim(
    id="LZ-10",
    source="Lee et al. 2019, arXiv:1902.06720 (abstract: the dynamics are those of a linear model); the rate of the "
    "deviation derived here",
    paper=TUTORIAL,
)
@given(activation=activations(among=SMOOTH), data=SMALL)
@example(activation=tc.TANH, data=TEACHER)
def test_modes_of_the_residual_decay_by_themselves(activation, data):
    """Under NTK parametrization the residual of a doubled network with one hidden layer, tanh or erf, along each
    eigenvector of its initial tangent kernel is (1 - eta lambda)^t of its start after 12 steps, with lambda the
    eigenvalue over the number of samples, up to Theta(1/n) in root mean square over eigenvectors, at a rate eta of 0.3
    over the largest one of the infinite-width kernel; at 3.5 over that eigenvalue, beyond 2, where the largest mode
    grows 2.5-fold a step, the deviation is not Theta(1/n) at widths from 128 to 131,072.
    """
    widths = tc.widths(128, 131072, factor=4)
    deviation = tc.Sweep(ResidualModeError(), decaying(activation, data, rate=0.3, steps=12), widths=widths)

    tc.check(deviation, FASTER)
    tc.check_refuted(
        tc.Sweep(ResidualModeError(), decaying(activation, data, rate=3.5, steps=12), widths=widths), FASTER
    )


FLOW_TIME = 4


@tc.quantity(along="learning rate", name="deviation of residual modes from exponential decay", cost=-1.0, shared=True)
def deviation_from_flow(rate, draw, *, parametrization, activation, data):
    """At a fixed rate times steps, with 4,096 neurons."""
    training = decaying(activation, data, rate=rate, steps=round(FLOW_TIME / rate)).under(parametrization)
    return draw.read(ResidualModeError("exponential"), training, 4096)


@tc.claim(
    id="LZ-10/flow",
    source="Jacot, Gabriel, Hongler 2018, arXiv:1806.07572, Theorem 2 (its text read) and section 5; rate derived here",
    paper=TUTORIAL,
)
@given(activation=activations(among=SMOOTH), data=SMALL)
@example(activation=tc.TANH, data=TEACHER)
def test_modes_of_the_residual_decay_exponentially_for_small_steps(activation, data):
    """In a doubled network with one hidden layer of 4,096 neurons, tanh or erf, the residual along each eigenvector of
    the initial tangent kernel is exp(-eta lambda t) of its start at a fixed eta t, with lambda the eigenvalue over the
    number of samples, up to Theta(eta) in root mean square over eigenvectors, under NTK parametrization, and not under
    mean field.
    """
    predicted = tc.PowerLaw(1, corrections=tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), towards="zero"))
    lazy, rich = (
        deviation_from_flow(parametrization=each, activation=activation, data=data).over(
            tuple(2.0**-k for k in range(5, 0, -1))
        )
        for each in (tc.NTK, tc.MEAN_FIELD)
    )

    tc.check(lazy, predicted)
    tc.check_refuted(rich, predicted)


def features(parametrization: tc.Parametrization, depth: int, activation: tc.Activation) -> tc.Sweep:
    """How far hidden features of a centred network move, at the rate that the parametrization is known for."""
    training = tc.Training(
        tc.MLP(depth, activation, parametrization, centred=True),
        learning_rate=RATES.get(parametrization, tc.scaled(0.3)),
        data=MIXTURE,
        loss=tc.MSE,
        steps=4,
    )
    return tc.Sweep(tc.FeatureChange(), training, widths=WIDTHS)


def large_rate(depth: int, activation: tc.Activation) -> tc.Sweep:
    """The same under standard parametrization with rate n^-1/2 and cross-entropy, after the first step.

    It has fitted the batch by then, more or less so at different widths: later steps hide the limit up to some 4,096.
    """
    training = tc.Training(
        tc.MLP(depth, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(0.3, width=-1 / 2),
        data=MIXTURE,
        loss=tc.CROSS_ENTROPY,
        steps=1,
    )
    return tc.Sweep(tc.FeatureChange(), training, widths=tc.widths(256, 65536, factor=4))


@tc.claim(
    id="LZ-11/lazy",
    source="Yang and Hu 2021, arXiv:2011.14522, Theorem 4.1 (public notes on it); the exponent derived here",
    paper=TUTORIAL,
)
@given(depth=depths(2, 3), activation=activations(), parametrization=st.sampled_from(list(RATES)))
@example(depth=3, activation=tc.TANH, parametrization=tc.STANDARD)
def test_lazy_networks_learn_no_features(depth, activation, parametrization):
    """Under standard parametrization with rate 1/n, and under NTK parametrization, the features of the second hidden
    layer and of later ones move by Theta(n^-1/2) of their size in a centred network on the squared error; under maximal
    update, and under standard parametrization in one step at rate n^-1/2 and cross-entropy, they do not.
    """
    for layer in range(2, depth + 1):
        tc.check(features(parametrization, depth, activation).of(layer=layer), ROOT)
        tc.check_refuted(features(tc.MAXIMAL_UPDATE, depth, activation).of(layer=layer), ROOT)
        tc.check_refuted(large_rate(depth, activation).of(layer=layer), ROOT)


@tc.claim(
    id="LZ-11/rich",
    source="Yang and Hu 2021, arXiv:2011.14522, Corollary 3.9 (public notes on it); Haas et al. 2025, arXiv:2505.22491 "
    "(abstract: features evolve in all hidden layers at the edge; the first layer's exponent in the authors' code)",
    paper=TUTORIAL,
)
@given(depth=depths(2, 3), activation=activations())
@example(depth=3, activation=tc.TANH)
def test_networks_learn_features_at_every_width(depth, activation):
    """Under maximal update and mean field all hidden features of a centred network move by a constant share of their
    size on the squared error; so do those of the second hidden layer and later ones, in the first step, under standard
    parametrization with rate n^-1/2 and cross-entropy, where those of the first do not.
    """
    tc.check(features(tc.MAXIMAL_UPDATE, depth, activation), FLAT)
    tc.check(features(tc.MEAN_FIELD, depth, activation), FLAT)
    for layer in range(2, depth + 1):
        tc.check(large_rate(depth, activation).of(layer=layer), FLAT)
    tc.check_refuted(large_rate(depth, activation).of(layer=1), FLAT)
    tc.check_refuted(features(tc.STANDARD, depth, activation), FLAT)
    tc.check_refuted(features(tc.NTK, depth, activation), FLAT)
