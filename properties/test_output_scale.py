"""A network is lazy also at a fixed width, if its output is scaled up: laziness is a matter of scale, not of size.

A network alpha h is trained on R(alpha h) / alpha^2, so that its function moves as fast at every alpha, and its weights
the less, the larger alpha is. At large widths what counts is alpha n^1/2. The same trainings at small steps tell what
gradient flow conserves.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from theorychecks.observables import BalanceDrift, LinearisationError
from theorychecks.strategies import activations, depths, regression_data

TEACHER = tc.Teacher(dimension=4, samples=4, test_samples=8)
SMALL = regression_data(dimension=4, samples=4, test_samples=8, outputs=1)
LAZINESS = tc.Together((tc.TangentKernelDrift(), LinearisationError(), tc.WeightChange("input")))


def scaled_output(network: tc.MLP, alpha: float, width: int, data: tc.Teacher, *, dtype: str) -> tc.Training:
    """The network alpha h on the loss R(alpha h) / alpha^2: the readout's multiplier and all learning rates say so."""
    own = network.parametrization
    output = replace(own.output, multiplier=own.output.multiplier - math.log(alpha, width))
    return tc.Training(
        network.under(replace(own, name=f"{own.name} times {alpha:.3g}", output=output)),
        learning_rate=tc.scaled(0.25 / alpha**2),
        data=data,
        loss=tc.MSE,
        steps=16,
        dtype=dtype,
    )


ALPHAS = tuple(2.0**k for k in range(4, 11))
FIXED_WIDTH = 256


@tc.quantity(along="output scale", shared=True)
def laziness(alpha, draw, *, network, data):
    """How far weights, tangent kernel and function leave their linearisation, at one width."""
    return draw.read(LAZINESS, scaled_output(network, alpha, FIXED_WIDTH, data, dtype="float64"), FIXED_WIDTH)


@tc.claim(
    id="LZ-4",
    source="Chizat, Oyallon, Bach 2019, arXiv:1812.07956, Theorem 2.2, for O and an initial function of zero "
    "(abstract, and an exposition that states and proves it); rates derived here",
)
@given(depth=depths(1, 3), activation=activations(smooth=True), data=SMALL)
@example(depth=1, activation=tc.TANH, data=TEACHER)
def test_networks_become_lazy_with_their_output_scale(depth, activation, data):
    """At a fixed width and time, with smooth activation and an initial function of zero, input weights move by
    Theta(1/alpha). The tangent kernel and the linearised model are off by Theta(1/alpha) in a centred network, and by
    Theta(1/alpha^2) in a doubled one, where the first order is odd under exchanging its copies and cancels. With a
    random initial function, which alpha multiplies too, none of this holds.
    """

    def theta(exponent: float) -> tc.PowerLaw:
        corrections = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=FIXED_WIDTH**-0.5)
        return tc.PowerLaw(exponent, corrections=corrections)

    centred, paired, random = (
        laziness(network=tc.MLP(depth, activation, tc.NTK, **start), data=data).over(ALPHAS)
        for start in ({"centred": True}, {"doubled": True}, {})
    )

    tc.check(centred, theta(-1))
    tc.check(paired.of(observable="relative weight change"), theta(-1))
    tc.check_refuted(random, theta(-1))
    for quantity in ("tangent kernel drift", "linearisation error"):
        tc.check(paired.of(observable=quantity), theta(-2))
        tc.check_refuted(random.of(observable=quantity), theta(-2))


def drift(network: tc.MLP, alpha: float, width: int, data: tc.Teacher, draw: tc.Draw) -> np.ndarray:
    """Drift of the tangent kernel at an output scale, [seed]."""
    training = scaled_output(network, alpha, width, data, dtype="float32")
    return draw.values(tc.TangentKernelDrift(), training, width).numpy()


@tc.quantity(along="width", name="tangent kernel drift", cost=1.0)
def drift_at_scales(width, draw, *, network, data, scales, power):
    """The drift at output scales in units of a power of the width."""
    return {f"at {scale:g}": drift(network, scale * width**power, int(width), data, draw) for scale in scales}


@tc.claim(id="LZ-6", source="Geiger et al. 2020, arXiv:1906.08034 (abstract)")
@given(activation=activations(smooth=True), data=SMALL)
@example(activation=tc.TANH, data=TEACHER)
def test_the_crossover_from_rich_to_lazy_depends_on_output_scale_times_root_width(activation, data):
    """Under NTK parametrization the drift of the tangent kernel of a doubled network with one hidden layer and smooth
    activation is the same at widths from 1,024 to 16,384, up to a fifth, as a function of alpha n^1/2, from the rich
    regime, where that is 1, to the lazy one, where it is 16; and not as a function of alpha.
    """
    network = tc.MLP(1, activation, tc.NTK, doubled=True)

    by_root, by_scale = (
        drift_at_scales(network=network, data=data, scales=scales, power=power).over(
            (1024, 4096, 16384), seeds=(64, 32, 8)
        )
        for scales, power in (((1, 4, 16), -1 / 2), ((1 / 32, 1 / 8), 0))
    )
    same = tc.Collapse(within=0.2)

    tc.check(by_root, same)
    tc.check_refuted(by_scale, same)


def crossing(at: Callable[[float], np.ndarray], largest: float, level: float = 0.1) -> list[float]:
    """The output scale at which the drift reaches a level, by seed, coming from a large one.

    Between powers of two the curve is taken for a power law.
    """
    alphas, logs = [largest], [np.log(at(largest))]
    while logs[-1].min() < math.log(level):
        alphas.append(alphas[-1] / 2)
        logs.append(np.log(at(alphas[-1])))
    found = []
    for curve in np.array(logs).T:
        above = int(np.argmax(curve > math.log(level)))
        share = np.interp(math.log(level), curve[above - 1 : above + 1], [0.0, 1.0])
        found.append(alphas[above - 1] / 2.0**share)
    return found


@tc.quantity(along="width", name="output scale of the crossover", cost=1.0)
def crossover(width, draw, *, network, data, largest):
    """Where the tangent kernel moves by a tenth of its size, coming from a large output scale."""
    return crossing(lambda alpha: drift(network, alpha, int(width), data, draw), largest)


@tc.claim(id="LZ-6/threshold", source="Geiger et al. 2020, arXiv:1906.08034 (abstract)")
@given(activation=activations(), start=st.sampled_from(["doubled", "centred"]), data=SMALL)
@example(activation=tc.TANH, start="doubled", data=TEACHER)
def test_the_output_scale_of_the_crossover_falls_as_one_over_root_width(activation, start, data):
    """With one hidden layer and an initial function of zero the output scale at which the tangent kernel moves by a
    tenth of its size is Theta(n^-1/2) under NTK parametrization, and not under mean field, whose readout has that
    factor already.
    """
    predicted = tc.PowerLaw(-1 / 2, rival=0)
    ntk, mean_field = (
        crossover(network=tc.MLP(1, activation, parametrization, **{start: True}), data=data, largest=largest).over(
            tc.widths(128, 32768, factor=4)
        )
        for parametrization, largest in ((tc.NTK, 1), (tc.MEAN_FIELD, 16))
    )

    tc.check(ntk, predicted)
    tc.check_refuted(mean_field, predicted)


@tc.quantity(along="learning rate", name="drift of the balance", cost=-1.0, shared=True)
def balance_drift(rate, draw, *, depth, activation, data):
    """In a fixed time of gradient descent, with 64 neurons a layer."""
    training = tc.Training(
        tc.MLP(depth, activation, tc.NTK),
        learning_rate=tc.scaled(rate),
        data=data,
        loss=tc.MSE,
        steps=round(2 / rate),
        dtype="float64",
    )
    return draw.read(BalanceDrift(), training, 64)


@tc.claim(
    id="EX-1",
    source="Du, Hu, Lee 2018, arXiv:1806.00900, for the norms of layers (abstract), and for single neurons public "
    "slides of Peyre on conservation laws of gradient flows; "
    "the order in the step derived here",
)
@given(depth=depths(1, 3), activation=st.sampled_from([tc.RELU, tc.LINEAR]), data=SMALL)
@example(depth=1, activation=tc.RELU, data=TEACHER)
def test_gradient_descent_conserves_balances_up_to_its_step(depth, activation, data):
    """With ReLU or no activation, which are homogeneous of degree one, a neuron's |incoming weights|^2 - |outgoing
    weights|^2, taken of the trainable weights of NTK parametrization, without multipliers, is conserved by gradient
    flow: in a fixed time of gradient descent it changes by Theta(eta), in root mean square over neurons.
    """
    rates = tuple(2.0**-k for k in range(8, 2, -1))
    predicted = tc.PowerLaw(1, corrections=tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), towards="zero"))

    tc.check(balance_drift(depth=depth, activation=activation, data=data).over(rates), predicted)
    tc.check_refuted(balance_drift(depth=depth, activation=tc.TANH, data=data).over(rates), predicted)
