"""What depth does to residual networks and to plain ones: which blocks learn, what is random, and where features go."""

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.feature_speed import alignment, limit
from properties.subjects.residual_network import (
    Rates,
    ResidualNetworks,
    block_changes,
    gaussian_blocks,
    stream_change,
    trained,
)
from theorychecks.strategies import activations

SEEDS_OF_DATA = st.integers(0, 99)
BLOCKS = (4, 8, 16, 32, 64, 128, 256)
IN_DEPTH = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=4)
"""The stream of L independent blocks is off by L^-1/2, and its steps are off by 1/L."""
STREAM = 32
"""Neurons of the stream and of every block; exponents in the depth hold at any width."""
STEP = 0.1
"""How far three steps of Adam move what a block's first matrix produces, at multiplier 1/L."""


INSIDE, DISTANCE, END = "update inside of blocks", "distance from linearisation", "change of the stream"


@tc.quantity(along="depth", name="multiplier L^-{power}", cost=1.0)
def deep_training(depth, draw, *, power, activation, optimizer, data):
    """What three steps at rates L^(power - 1) in the blocks, and of order one elsewhere, change of a network."""
    blocks, task = int(depth), tc.GaussianMixture(dimension=8, samples=8, seed=data)
    inputs, targets, _ = (torch.from_numpy(array) for array in task.draw())
    own = [draw.generator(seed) for seed in draw.seeds]
    start = ResidualNetworks(
        read_in=gaussian_blocks(1, (STREAM, 8), 8**-0.5, own)[0],
        up=gaussian_blocks(blocks, (STREAM, STREAM), activation.gain * STREAM**-0.5, own),
        down=gaussian_blocks(blocks, (STREAM, STREAM), STREAM**-0.5, own),
        read_out=gaussian_blocks(1, (task.classes, STREAM), 1.0, own)[0],
        activation=activation,
        branch=blocks**-power,
        readout=1 / STREAM,
    )
    inside = STEP / STREAM * blocks ** (power - 1)
    rates = Rates(read_in=STEP, up=inside, down=inside, read_out=STEP)
    after = trained(start, inputs, targets, optimizer=optimizer, rates=rates, steps=3)
    update, distance = block_changes(start, after, inputs)
    return {INSIDE: update, DISTANCE: distance, END: stream_change(start, after, inputs)}


def both_multipliers(**options):
    """Networks with multiplier 1/L, and with L^-1/2."""
    return [deep_training(power=power, **options).over(BLOCKS, budget=48) for power in (1.0, 0.5)]


def in_depth(exponent):
    """Exponents in the depth, told from the half-integer above."""
    return tc.PowerLaw(exponent, within=0.1, rival=exponent + 0.5, corrections=IN_DEPTH)


DEY = (
    "Dey, Zhang, Noci, Li, Bordelon, Bergsma, Pehlevan, Hanin, Hestness 2025, arXiv:2505.01618 (abstract; multiplier, "
    "rates and the distance from linearisation, of one weight, in the authors' code)"
)
BY_ENTRIES = st.sampled_from([tc.Adam(epsilon=1e-300), tc.SignDescent()])
"""Optimizers whose steps have entries of one size, however small gradients are in a deep network."""


@tc.claim(id="DP-1", source=f"{DEY}; exponents derived here")
@given(activation=activations(), optimizer=BY_ENTRIES, data=SEEDS_OF_DATA)
@example(activation=tc.RELU, optimizer=tc.Adam(epsilon=1e-300), data=0)
def test_blocks_learn_at_any_depth_with_multiplier_one_over_depth(activation, optimizer, data):
    """In residual networks of L two-layer blocks, trained for three steps by Adam or sign descent with a multiplier
    L^-a, a = 1 or 1/2, at rates L^(a-1) in the blocks, the effective update inside of blocks is Theta(1) with the
    multiplier 1/L and Theta(L^-1/2) with L^-1/2; the end of the stream moves by Theta(1) with either.
    """
    full, root = both_multipliers(activation=activation, optimizer=optimizer, data=data)

    tc.check(full.of(name=INSIDE), in_depth(0))
    tc.check(root.of(name=INSIDE), in_depth(-1 / 2))
    tc.check(full.of(name=END), in_depth(0))
    tc.check(root.of(name=END), in_depth(0))
    tc.check_refuted(root.of(name=INSIDE), in_depth(0))
    tc.check_refuted(full.of(name=INSIDE), in_depth(-1 / 2))


@tc.claim(id="DP-1/lazy", source=f"{DEY}; exponents derived here")
@given(activation=activations(smooth=True), optimizer=BY_ENTRIES, data=SEEDS_OF_DATA)
@example(activation=tc.TANH, optimizer=tc.Adam(epsilon=1e-300), data=0)
def test_blocks_are_linearised_at_large_depth_with_multiplier_one_over_root_depth(activation, optimizer, data):
    """In the same networks with a smooth activation the change of blocks is off by Theta(1) from first order in their
    own weights with the multiplier 1/L, relative to that order, and by Theta(L^-1/2) with L^-1/2.
    """
    full, root = both_multipliers(activation=activation, optimizer=optimizer, data=data)

    tc.check(full.of(name=DISTANCE), in_depth(0))
    tc.check(root.of(name=DISTANCE), in_depth(-1 / 2))
    tc.check_refuted(root.of(name=DISTANCE), in_depth(0))
    tc.check_refuted(full.of(name=DISTANCE), in_depth(-1 / 2))


UNITS = (32, 64, 128, 256, 512, 1024)
"""L M, the hidden units of all blocks together."""
EMBEDDING = 16
"""D, which stays as it is."""
IN_UNITS = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=32)
"""Of the output's expansion in its fluctuations, and of the steps of depth 1/L."""
ALL_UNITS = 512
RATE = 1.0


def unit_deviation(blocks, hidden, draw, *, activation, data, deviation):
    """Root mean square difference of what two networks with independent blocks make of four steps of gradient descent.

    What comes before and after the blocks is the same for all; entries of V have this standard deviation.
    """
    fixed = np.random.default_rng((data, 20))
    read_in, read_out = fixed.standard_normal((EMBEDDING, 4)) / 2, fixed.standard_normal((8, EMBEDDING))
    inputs, tests, targets = (fixed.standard_normal(shape) for shape in ((8, 4), (32, 4), (8, 8)))
    own = [draw.generator(seed, network) for network in ("first", "second") for seed in draw.seeds]
    start = ResidualNetworks(
        read_in=torch.from_numpy(read_in).expand(len(own), -1, -1),
        up=gaussian_blocks(blocks, (hidden, EMBEDDING), EMBEDDING**-0.5, own),
        down=gaussian_blocks(blocks, (EMBEDDING, hidden), deviation, own),
        read_out=torch.from_numpy(read_out).expand(len(own), -1, -1),
        activation=activation,
        branch=1 / (blocks * hidden),
        readout=1 / EMBEDDING,
    )
    units = RATE * blocks * hidden
    # The gradient in U has a factor V.
    rates = Rates(up=units / deviation**2, down=units * EMBEDDING)
    batch = torch.from_numpy(inputs), torch.from_numpy(targets)
    first, second = (
        trained(start, *batch, optimizer=tc.SGD(), rates=rates, steps=4).outputs(torch.from_numpy(tests)).chunk(2)
    )
    return (first - second).square().mean(dim=(1, 2)).sqrt()


@tc.quantity(along="units", name="deviation between seeds, {hidden} units a block", cost=1.0)
def deviation_by_units(units, draw, *, hidden, activation, data):
    """With so many units in each block, and a depth that follows."""
    root = EMBEDDING**0.5
    return unit_deviation(int(units) // hidden, hidden, draw, activation=activation, data=data, deviation=root)


@tc.quantity(along="units", name="deviation between seeds, four blocks, weights by the fan-in", cost=1.0)
def deviation_of_shallow(units, draw, *, activation, data):
    """Four blocks of ever more units, whose output has the variance of a single one."""
    hidden = int(units) // 4
    return unit_deviation(4, hidden, draw, activation=activation, data=data, deviation=hidden**0.5)


@tc.quantity(along="units of a block", name="deviation between seeds, {all_units} units in all")
def deviation_by_split(hidden, draw, *, all_units, activation, data):
    """So many units in all, split into blocks of ever more."""
    root = EMBEDDING**0.5
    return unit_deviation(all_units // int(hidden), int(hidden), draw, activation=activation, data=data, deviation=root)


@tc.quantity(along="depth", name="deviation between seeds, {hidden} units a block")
def deviation_by_depth(depth, draw, *, hidden, activation, data):
    """As many units in each block of ever deeper networks."""
    return unit_deviation(int(depth), hidden, draw, activation=activation, data=data, deviation=EMBEDDING**0.5)


@tc.claim(
    id="DP-2",
    source="Chizat 2025, arXiv:2509.10167 (abstract: an error of O(1/L + 1/sqrt(L M)) after a fixed number of steps; "
    "model and rates from public notes); that the second term is what differs between seeds, and the control, "
    "derived here",
)
@given(hidden=st.sampled_from([1, 2, 4]), activation=activations(smooth=True), data=SEEDS_OF_DATA)
@example(hidden=1, activation=tc.TANH, data=0)
def test_depth_averages_as_width_does(hidden, activation, data):
    """With a smooth activation, in residual networks of L blocks of M hidden units on a stream of fixed size, at the
    scale 1/(L M), outputs after four steps of gradient descent deviate between seeds by Theta((L M)^-1/2) at M = 1, 2
    and 4, and by as much, within 15 per cent, however L M = 512 is split into blocks of 1 to 8 units; not so where M
    alone is the same, nor where a block's output has the variance of a single unit's. Both margins were widened after
    pilot runs; 0.15 is less than a third of the way to 0, the exponent where units do not average, and 15 per cent a
    fifth of what four times the units change.
    """
    options = {"activation": activation, "data": data}
    law = tc.PowerLaw(-1 / 2, within=0.15, rival=0, corrections=IN_UNITS)
    split = deviation_by_split(all_units=ALL_UNITS, **options).over((1, 2, 4, 8), budget=256)
    alone = deviation_by_depth(hidden=4, **options).over((32, 128), budget=128)

    tc.check(deviation_by_units(hidden=hidden, **options).over(UNITS, budget=96), law)
    tc.check(split, tc.Collapse(0.15))
    tc.check_refuted(alone, tc.Collapse(0.15))
    tc.check_refuted(deviation_of_shallow(**options).over(UNITS, budget=96), law)


LAYERS = (4, 8, 16, 32, 64, 128)
NEURONS = 32
"""A layer has so many for each layer of its network: width first, then depth."""


@tc.quantity(along="depth", name="cosine of feature update and backward pass, {architecture}", cost=2.0)
def feature_alignment(depth, draw, *, architecture, scale=1.0):
    """At the last layer of plain networks, or of residual ones whose branches have the factor scale L^-1/2."""
    layers = int(depth)
    branch = scale * layers**-0.5 if architecture == "residual" else None
    return np.concatenate(
        [alignment(NEURONS * layers, layers, 1, draw.rng(seed), branch=branch) for seed in draw.seeds]
    )


@tc.claim(
    id="DP-3",
    source="Chizat, Netrapalli 2024, arXiv:2311.18718 (abstract and captions of figures); the constant derived here",
)
@given(scale=st.sampled_from([0.5, 1.0, 1.5]))
@example(scale=1.0)
def test_features_turn_away_from_the_backward_pass_in_deep_plain_networks(scale):
    """In wide ReLU networks of L layers at initialisation the cosine between the change of the last features in a small
    step of gradient descent and the backward pass there is (3 L / (2 L^2 + 1))^1/2 within 5 per cent, a quarter of
    what the factor 3/2 makes of it, and Theta(L^-1/2), at one input and one rate for all layers; in residual networks
    whose branches have a factor of order L^-1/2 it is Theta(1).
    """
    plain = feature_alignment(architecture="plain").over(LAYERS, budget=256)
    residual = feature_alignment(architecture="residual", scale=scale).over(LAYERS, budget=32)

    tc.check(plain, in_depth(-1 / 2))
    tc.check(plain, tc.Equal(0.05), against=limit)
    tc.check(residual, in_depth(0))
    tc.check_refuted(residual, in_depth(-1 / 2))
    tc.check_refuted(residual, tc.Equal(0.05), against=limit)
