"""Kernels of random networks: how they come near their limit and fluctuate, and what a trained readout makes of them.

A kernel of finite width is a mean over random features. With one hidden layer the features are independent, so the
kernel has no bias; with more it has one, and its fluctuations grow with depth over width.
"""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import TUTORIAL
from properties.subjects.deep_relu import kernels_at_one_input, nngp_between_two_inputs, second_layer_bias
from properties.subjects.descent_on_kernel import distance_from_descent_on
from properties.subjects.random_features import first_layer_kernel
from theorychecks.kernels import analytic_kernels
from theorychecks.strategies import activations, depths, regression_data

TEACHER = tc.Teacher(dimension=8, outputs=2, samples=6, test_samples=16, largest_cosine=0.5)
FOUR_OUTPUTS = tc.Teacher(dimension=8, outputs=4, samples=6, test_samples=32, largest_cosine=0.5)
FAR = tc.widths(64, 65536, factor=4)
HALF = tc.PowerLaw(-1 / 2)


def at_one_place(draw):
    """The seeds at a place that does not depend on the axis value: these numbers are kept."""
    return tc.Draw(draw.seeds, (draw.place[0], "side", 1.0), draw.resources, draw.tally)


def limits(run, activation):
    """Both kernels at infinite width, of training and then test inputs, [(P + Q) C, (P + Q) C]."""
    draw, gain = run.training.data.draw(), activation.gain
    inputs = np.concatenate([draw.inputs, draw.test_inputs]) / gain
    depth, outputs = run.training.network.depth, np.eye(run.training.data.outputs)
    found = analytic_kernels(inputs, depth=depth, activation=activation.name, weight_variance=gain**2)
    return {"NNGP": np.kron(found.nngp, outputs), "NTK": np.kron(found.ntk, outputs)}


def own_kernels(run):
    """A network's two kernels at initialisation, on training inputs, [seed, P C, P C]."""
    last = run.layers[-1]
    features = run.features(len(run.layers) - 1, 0).double().numpy() * last.multiplier * last.init
    nngp = np.kron(features @ np.swapaxes(features, 1, 2), np.eye(run.training.data.outputs))
    return {"NNGP": nngp, "NTK": run.tangent_kernel(0).double().numpy()}


@tc.observable
def kernel_deviation(run):
    """Of the kernels at initialisation from those of infinitely wide networks, relative."""
    limit, size = limits(run, run.training.network.activation), run.training.data.samples * run.training.data.outputs
    found = {}
    for name, kernel in own_kernels(run).items():
        wide = limit[name][:size, :size]
        found[name] = torch.as_tensor(np.sqrt(np.mean((kernel - wide) ** 2, axis=(1, 2)) / np.mean(wide**2)))
    return found


@tc.quantity(along="width", name="deviation from the limit, a layer for {neurons} neurons", cost=2.0)
def deviation_in_proportion(width, draw, *, neurons):
    """Of ReLU networks that are the deeper, the wider they are, at one input; RMS over 100 of them."""
    depth = int(width) // neurons
    found = [kernels_at_one_input(int(width), depth, 100, draw.rng(seed)) for seed in draw.seeds]
    return {
        "NNGP": [np.sqrt(((each.nngp - 1) ** 2).mean()) for each in found],
        "NTK": [np.sqrt(((each.ntk / (depth + 1) - 1) ** 2).mean()) for each in found],
    }


@tc.claim(
    id="LZ-7",
    source="Jacot, Gabriel, Hongler 2018, arXiv:1806.07572, Proposition 1 and Theorem 1 (their text read), for the "
    "limit; the rate derived here, by the central limit theorem",
)
@given(depth=depths(1, 3), activation=activations(), data=regression_data(outputs=2))
@example(depth=2, activation=tc.TANH, data=TEACHER)
def test_kernels_at_initialisation_come_near_their_limit(depth, activation, data):
    """At initialisation, under NTK parametrization, the NNGP and the tangent kernel of a network differ from those of
    the infinitely wide one by Theta(n^-1/2) on training inputs, at fixed depth; those of ReLU networks with a layer for
    every 16 neurons do not.
    """
    network = tc.MLP(depth, activation, tc.NTK)
    untrained = tc.Training(network, learning_rate=tc.scaled(1.0), data=data, loss=tc.MSE, steps=0)
    deviation = tc.Sweep(kernel_deviation, untrained, widths=FAR, budget=64)

    tc.check(deviation, HALF)
    tc.check_refuted(deviation_in_proportion(neurons=16).over(tc.widths(64, 1024)), HALF)


def arc_cosine(cosine, depth):
    """The NNGP of infinitely wide ReLU layers, by the recursion of Cho and Saul (2009)."""
    for _ in range(depth):
        angle = np.arccos(cosine)
        cosine = (np.sin(angle) + cosine * (np.pi - angle)) / np.pi
    return cosine


@tc.quantity(along="width", name="mean NNGP between two inputs")
def mean_nngp(width, draw, *, cosine, depth):
    """Over 8,000 networks."""
    own, n = at_one_place(draw), int(width)
    return [nngp_between_two_inputs(cosine, n, depth, 8000, own.rng(seed, n)).mean() for seed in draw.seeds]


@tc.claim(id="LZ-7/unbiased", source="derived here: independent features; measured here")
@given(cosine=st.sampled_from([0.5, 0.0, -0.5]))
@example(cosine=0.5)
def test_one_hidden_layer_has_an_unbiased_kernel(cosine):
    """With one hidden ReLU layer the mean of the NNGP over networks is that of the limit, at widths 16 and 32 within 2
    per cent; with three it is not, at a cosine of -1/2.
    """
    exact = tc.Equal(0.02)
    shallow, deep = mean_nngp(cosine=cosine, depth=1), mean_nngp(cosine=-0.5, depth=3)
    tc.check(shallow.over((16, 32), budget=128), exact, against=arc_cosine(cosine, 1))
    tc.check_refuted(deep.over((16, 32), budget=128), exact, against=arc_cosine(-0.5, 3))


NEAR = tc.widths(16, 1024)
WHOLE_POWERS = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=1)
"""Means of smooth functions of means over neurons have expansions in whole powers of 1/n."""


@tc.quantity(along="width", name="bias of the NNGP", cost=1.0)
def relative_bias(width, draw, *, cosine):
    """Of the mean over 400 networks."""
    return [abs(second_layer_bias(cosine, int(width), 400, draw.rng(seed)).mean()) for seed in draw.seeds]


@tc.quantity(along="width", name="standard deviation of the NNGP", cost=1.0)
def relative_spread(width, draw, *, cosine):
    """Of single networks, by 100 of them."""
    found = [nngp_between_two_inputs(cosine, int(width), 2, 100, draw.rng(seed)) for seed in draw.seeds]
    return [each.std() / arc_cosine(cosine, 2) for each in found]


@tc.claim(
    id="LZ-7/bias",
    source="derived here and measured here, -1.5 / n of the limit between opposite inputs; the rate in general in "
    "Roberts, Yaida, Hanin 2022, arXiv:2106.10165, from memory",
)
@given(cosine=st.sampled_from([-1.0, -0.5, 0.0]))
@example(cosine=-1.0)
def test_a_second_layer_has_a_bias_of_one_over_width(cosine):
    """Between two inputs with a cosine of 0, -1/2 or -1, the mean NNGP of a ReLU network with two hidden layers differs
    from its limit by Theta(1/n) of it; what single networks scatter by does not fall so.
    """
    law = tc.PowerLaw(-1, corrections=WHOLE_POWERS)
    tc.check(relative_bias(cosine=cosine).over(NEAR), law)
    tc.check_refuted(relative_spread(cosine=cosine).over(NEAR), law)


@tc.quantity(along="width", name="variance of the log kernel at depth {share:g} of the width", cost=2.0)
def log_variance(width, draw, *, share):
    """Of networks whose depth is a share of their width."""
    return fluctuation(int(width), int(share * width), draw)


@tc.quantity(along="depth", name="variance of the log kernel at width {width}", cost=1.0)
def log_variance_at_one_width(depth, draw, *, width):
    """Where depth over width grows with the depth."""
    return fluctuation(width, int(depth), draw)


def fluctuation(width, depth, draw):
    """Over 250 networks a seed, none of which has all neurons of a layer off."""
    found = [kernels_at_one_input(width, depth, 250, draw.rng(seed)) for seed in draw.seeds]
    assert all(each.nngp.min() > 0 for each in found), "a network with all neurons off has no log kernel"
    return {
        "NNGP": [np.log(each.nngp).var(ddof=1) for each in found],
        "NTK": [np.log(each.ntk).var(ddof=1) for each in found],
    }


@tc.claim(
    id="LZ-8",
    source="Hanin, Nica 2019, arXiv:1909.05989, ratio of moments of order exp(5 L/n) (abstract, and a public summary "
    "for the 5); the variance of the logarithm, and its margin, measured here",
)
@given(share=st.sampled_from([1 / 4, 1 / 8, 1 / 16]))
@example(share=1 / 4)
def test_kernels_fluctuate_by_depth_over_width(share):
    """The variance of the logarithm of a deep ReLU network's kernels at one input depends on depth over width alone,
    1/16 to 1/4, to 15 per cent between widths 64 and 256, and not on the width alone.
    """
    same = tc.Collapse(0.15)
    tc.check(log_variance(share=share).over((64, 128, 256), budget=64), same)
    tc.check_refuted(log_variance_at_one_width(width=64).over((4, 8, 16), budget=64), same)


NETWORKS = 1024
WIDTH_AT = {1: 32, 2: 32, 3: 64}
"""By depth."""


@tc.observable
def squared_size(run):
    """Mean square of the last hidden layer's features, one in the limit of wide layers."""
    depth = run.training.network.depth
    return run.training.network.activation.gain**2 * run.features(depth, 0).double().square().mean((1, 2))


@tc.quantity(along="depth", name="variance of the squared features, {activation}")
def excess_variance(depth, draw, *, activation, dimension):
    """Var(q) / E(q)^2 of 1,024 networks, where E(q) = 1 is known."""
    point = tc.Sphere(dimension=dimension, samples=1, test_samples=1)
    network = tc.MLP(int(depth), activation, tc.NTK)
    untrained = tc.Training(network, learning_rate=tc.scaled(1.0), data=point, loss=tc.MSE, steps=0)
    wanted = [seed * NETWORKS + k for seed in draw.seeds for k in range(NETWORKS)]
    many = replace(at_one_place(draw), seeds=wanted)
    values = many.values(squared_size, untrained, WIDTH_AT[depth]).reshape(-1, NETWORKS)
    return ((values - 1) ** 2).mean(dim=1)


def product_of_layers(depth):
    """The law, at the widths above."""
    return (1 + 5 / WIDTH_AT[depth]) ** depth - 1


@tc.claim(
    id="LZ-9",
    source="derived here: 2 relu(g)^2 has mean one and variance five; the constant agrees with Hanin, Nica 2019, "
    "arXiv:1909.05989 (a public summary)",
)
@given(dimension=st.integers(2, 8))
@example(dimension=4)
def test_squared_features_have_the_variance_of_a_product_of_layers(dimension):
    """In a ReLU network without biases the mean square q of the last of L hidden layers has
    Var(q) / E(q)^2 = (1 + 5/n)^L - 1 at finite width, here to 10 per cent at one and two layers of 32 neurons and three
    of 64; in a linear network it has not.
    """
    relu, linear = (
        excess_variance(activation=activation, dimension=dimension).over(tuple(WIDTH_AT), budget=32)
        for activation in (tc.RELU, tc.LINEAR)
    )
    tc.check(relu, tc.Equal(0.1), against=product_of_layers)
    tc.check_refuted(linear, tc.Equal(0.1), against=product_of_layers)


@tc.observable
def one_plus_distance(run):
    """From descent on the network's own random-feature kernel, and on the analytic tangent kernel."""
    features = run.features(len(run.layers) - 1, 0).double(), run.features(len(run.layers) - 1, 0, "test").double()
    rows = torch.cat(features, dim=1) * run.layers[-1].multiplier
    nngp = np.kron((rows @ features[0].mT).numpy() * run.layers[-1].multiplier, np.eye(run.training.data.outputs))
    return {
        "random-feature kernel": 1 + distance_from_descent_on(run, nngp),
        "NTK": 1 + distance_from_descent_on(run, limits(run, run.training.network.activation)["NTK"]),
    }


@tc.observable
def readout_distance(run):
    """From descent on the analytic kernels."""
    found = limits(run, run.training.network.activation)
    return {name: distance_from_descent_on(run, kernel) for name, kernel in found.items()}


def readout_only(depth, activation, data, **options):
    """The readout trained alone: a rate that falls like width^-100 trains nothing."""
    network = tc.MLP(depth, activation, tc.NTK, centred=True)
    rate = tc.scaled(0.5, input=-100, hidden=-100)
    return tc.Training(network, learning_rate=rate, data=data, loss=tc.MSE, steps=20, **options)


@tc.claim(
    id="exercise",
    source="linear in its readout, derived here; Rahimi, Recht 2007 for the limit, from memory",
    paper=TUTORIAL,
    evidence=True,
)
@given(depth=depths(1, 2), activation=activations(), data=regression_data(outputs=4))
@example(depth=1, activation=tc.TANH, data=FOUR_OUTPUTS)
def test_a_trained_readout_is_random_feature_regression(depth, activation, data):
    """A centred network under NTK parametrization, of which only the readout is trained, is gradient descent on its
    random-feature kernel, to rounding at widths from 64 to 512; it differs from that on the NNGP by Theta(n^-1/2), and
    from that on the tangent kernel not so.
    """
    exact = readout_only(depth, activation, data, dtype="float64")
    narrow = tc.Sweep(one_plus_distance, exact, widths=tc.widths(64, 512), seeds=4)
    same = tc.Identity(ulps=1e6, dtype="float64")
    tc.check(narrow.of(name="random-feature kernel"), same)
    tc.check_refuted(narrow.of(name="NTK"), same)

    reach = tc.widths(256, 65536, factor=4)
    wide = tc.Sweep(readout_distance, readout_only(depth, activation, data), widths=reach, budget=64)
    tc.check(wide.of(name="NNGP"), HALF)
    tc.check_refuted(wide.of(name="NTK"), HALF)


@tc.observable
def first_layer_distance(run):
    """From descent on the kernel of the first layer alone, and on those of the readout and of both."""
    draw, activation = run.training.data.draw(), run.training.network.activation
    first = first_layer_kernel(np.concatenate([draw.inputs, draw.test_inputs]), activation)
    kernels = {"first layer": np.kron(first, np.eye(run.training.data.outputs)), **limits(run, activation)}
    return {name: distance_from_descent_on(run, kernel) for name, kernel in kernels.items()}


@tc.claim(
    id="exercise/first layer",
    source="the tangent kernel's part of one layer, Jacot, Gabriel, Hongler 2018, arXiv:1806.07572, Theorem 1 (its "
    "text read); the rate derived here; the other reading of the tutorial's second exercise, whose formulas the copy "
    "lacks",
    paper=TUTORIAL,
)
@given(activation=activations(), data=regression_data(outputs=4))
@example(activation=tc.TANH, data=FOUR_OUTPUTS)
def test_a_trained_first_layer_is_descent_on_the_kernel_of_slopes(activation, data):
    """A centred network with one hidden layer under NTK parametrization, of which only the first layer is trained,
    differs by Theta(n^-1/2) from gradient descent on the kernel E[phi'(w.x) phi'(w.x')] x.x'. It comes near descent on
    the NNGP, or on the whole tangent kernel, at no such rate, nor near descent on the kernel of slopes under mean-field
    parametrization.
    """
    network = tc.MLP(1, activation, tc.NTK, centred=True)
    rate = tc.scaled(0.5, output=-np.inf)
    training = tc.Training(network, learning_rate=rate, data=data, loss=tc.MSE, steps=20)
    distance = tc.Sweep(first_layer_distance, training, widths=tc.widths(256, 65536, factor=4), budget=64)

    tc.check(distance.of(name="first layer"), HALF)
    tc.check_refuted(distance.of(name=("NNGP", "NTK")), HALF)
    tc.check_refuted(distance.under(tc.MEAN_FIELD, learning_rate=rate).of(name="first layer"), HALF)
