"""How long the plateau lasts on which networks begin that are initialised small."""

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.saddle_escape import escape_times, gaussian
from theorychecks.strategies import activations

SCALES = (16.0, 64.0, 256.0, 1024.0, 4096.0)
"""1 / epsilon, by which the small layers are divided."""
LONG = tuple(2.0**k for k in range(4, 33, 4))
"""Eight decades, which a logarithm takes to be told from a power."""
IN_SCALE = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0, 2.0), unit=1, fewest_units=16)
"""The end of the plateau, where weights are of order one, is missing from the power by a constant."""
SEEDS = 16
PLACES = st.sampled_from(["first", "last"])
OTHERS = st.integers(0, 2)
"""Layers that are not small."""


@tc.quantity(along="inverse scale", name="escape time, {small} small of {depth} layers", shared=True)
def escape_time(inverse_scale, draw, *, small, depth, place, activation):
    """Of gradient flow on eight samples, until a quarter of the loss is gone."""
    layers = range(small) if place == "first" else range(depth - small, depth)
    networks = gaussian(
        depth,
        layers,
        1 / inverse_scale,
        activation=activation,
        neurons=16,
        samples=8,
        dimension=4,
        generators=[draw.generator(seed) for seed in draw.seeds],
    )
    return escape_times(networks, share=0.75, stride=0.1)


RAWAL = (
    "Rawal, DeWeese 2026, arXiv:2605.01288 (abstract: Theta(eps^-(r-2)) by the number r of layers at the bottleneck "
    "scale, not by the depth, also for He-normal weights of which r layers are rescaled by eps)"
)


@tc.claim(id="FL-8", source=RAWAL)
@given(small=st.sampled_from([3, 4]), others=OTHERS, place=PLACES, activation=activations(smooth=True))
@example(small=3, others=1, place="last", activation=tc.TANH)
@example(small=4, others=0, place="last", activation=tc.TANH)
def test_small_layers_set_the_length_of_the_plateau(small, others, place, activation):
    """Of networks with activations that are smooth, zero at zero and steep there (tanh, erf, GELU) and normal weights
    of a size that keeps preactivations, r = 3 or 4 of whose layers, the first or the last, are multiplied by eps,
    gradient flow on linear targets takes a quarter off the loss of outputs of zero after a time Theta(eps^-(r-2)),
    whether none, one or two layers more are not small; with one small layer fewer the time is not Theta of this power.
    """
    options = {"depth": small + others, "place": place, "activation": activation}
    law = tc.PowerLaw(small - 2, corrections=IN_SCALE)

    tc.check(escape_time(small=small, **options).over(SCALES, seeds=SEEDS), law)
    tc.check_refuted(escape_time(small=small - 1, **options).over(SCALES, seeds=SEEDS), law)


@tc.claim(id="FL-8/logarithm", source=f"{RAWAL}; the logarithm at r = 2, where that power ends, derived here")
@given(others=OTHERS, place=PLACES, activation=activations(smooth=True))
@example(others=1, place="last", activation=tc.TANH)
def test_two_small_layers_delay_by_a_logarithm(others, place, activation):
    """With tanh, erf or GELU, linear targets and two layers multiplied by eps the time in which gradient flow takes a
    quarter off the loss of outputs of zero grows like log(1 / eps), not like a power; with three it does not.
    """
    options = {"place": place, "activation": activation}
    two = escape_time(small=2, depth=2 + others, **options).over(LONG, seeds=SEEDS)
    three = escape_time(small=3, depth=3 + others, **options).over(LONG, seeds=SEEDS)

    tc.check(two, tc.LogarithmicGrowth())
    tc.check_refuted(three, tc.LogarithmicGrowth())
