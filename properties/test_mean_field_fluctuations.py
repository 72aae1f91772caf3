"""Without noise, functions of N particles differ among themselves and from their limit by N^-1/2, means at most by 1/N.

Squared quantities are read by their roots, which halves the exponent and its noise alike. A value is read off several
systems at once where one system alone would give a number near zero now and then.
"""

from functools import lru_cache

import torch
from hypothesis import example, given

import theorychecks as tc
from theorychecks.dynamics.particles import Particles, batches, quasi_random_field, trajectory
from theorychecks.strategies import activations, regression_data

TEACHER = tc.Teacher(dimension=8, samples=6, test_samples=16, largest_cosine=0.5)
COUNTS = tc.widths(64, 4096, factor=2)
LARGER = tc.widths(256, 8192, factor=2)
"""Where losses are near linear in the distance: below, gaps fall faster, as N^-0.77 from 64 to 128 with GELU."""
SYSTEMS = 16
"""Read together for one value: their root mean square scatters little, and is never near zero by chance."""
HALF = tc.PowerLaw(-1 / 2)
STEPS = 10
LATE = 50
"""By then the loss is a thousandth of what it was, or less."""
GENTLE, BRISK, EDGE = 0.1, 0.25, 1.45
"""Rate times sharpness at the start: training doubles the sharpness or more, and from EDGE it meets the edge of 2."""


def teachers():
    """Regression data of the canonical size, many draws."""
    return regression_data(samples=6, test_samples=16, dimension=8, outputs=1)


def descent(activation, data, share, *, power=1.0):
    """Noiseless gradient descent with this rate times sharpness at the start."""
    unit = Particles(activation=activation, data=data, rate=1.0)
    sharpness = float(unit.sharpness(unit.initial(4096, [torch.Generator().manual_seed(0)])))
    return Particles(activation=activation, data=data, rate=share / sharpness, power=power)


def root_mean_square(values, dim):
    """Over these dimensions."""
    return values.square().mean(dim=dim).sqrt()


def joined(parts):
    """Readings by name, from those of batches of seeds."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def starts(dynamics, count, draw, group):
    """Batches of initial states; a value's systems are neighbours."""
    for seeds in batches(draw.seeds, group * count, len(dynamics.points.inputs)):
        yield dynamics.initial(count, [draw.generator(seed, k) for seed in seeds for k in range(group)])


@lru_cache(maxsize=8)
def limit_of(dynamics, steps):
    """The limit's function at test inputs after so many steps, and its loss; it takes a while.

    Without a limit function, as in NTK parametrization, one very wide network stands in its place.
    """
    if dynamics.power == 1:
        field = quasi_random_field(dynamics, 2**15, steps)
        return field.outputs[-1], field.losses[-1]
    wide = dynamics.initial(2**15, [torch.Generator().manual_seed(0)])
    end = trajectory(dynamics, wide, [steps])[steps]
    return dynamics.outputs(end, dynamics.points.test_inputs)[0], dynamics.losses(end)[0]


@tc.quantity(along="particles", cost=1.0)
def fluctuation(particles, draw, *, dynamics, steps=STEPS):
    """How far functions and losses of N particles lie from each other and from the limit after so many steps."""
    limit, loss = limit_of(dynamics, steps)
    parts = []
    for state in starts(dynamics, int(particles), draw, SYSTEMS):
        end = trajectory(dynamics, state, [steps])[steps]
        outputs = dynamics.outputs(end, dynamics.points.test_inputs)
        gaps = dynamics.losses(end) - loss
        parts.append(
            {
                "seed deviation": outputs.unflatten(0, (-1, SYSTEMS)).var(dim=1).mean(dim=1).sqrt(),
                "distance to the limit": root_mean_square((outputs - limit).unflatten(0, (-1, SYSTEMS)), (1, 2)),
                "loss gap": root_mean_square(gaps.unflatten(0, (-1, SYSTEMS)), 1),
            }
        )
    return joined(parts)


def fluctuations(dynamics, steps=STEPS, counts=COUNTS):
    """Over the numbers of particles."""
    return fluctuation(dynamics=dynamics, steps=steps).over(counts, budget=256)


@tc.quantity(along="particles", cost=1.0)
def weak_error(particles, draw, *, dynamics):
    """The size of E f_2N - E f_N: a system less the mean of its halves, in which noise of first order cancels."""
    batch, parts = 32, []
    for state in starts(dynamics, 2 * int(particles), draw, batch):
        first, second = state.chunk(2, dim=2)
        whole, *halves = (
            dynamics.outputs(trajectory(dynamics, part.contiguous(), [STEPS])[STEPS], dynamics.points.test_inputs)
            for part in (state, first, second)
        )
        parts.append(tc.size_of_mean((whole - sum(halves) / 2).unflatten(0, (-1, batch))))
    return torch.cat([torch.as_tensor(part) for part in parts])


@tc.claim(
    id="MF-1",
    source="Rotskoff and Vanden-Eijnden 2018, arXiv:1805.00915 (abstract); Sirignano and Spiliopoulos 2018, "
    "arXiv:1808.09372 (abstract); the root, and the control, derived here",
)
@given(activation=activations(), data=teachers())
@example(activation=tc.TANH, data=TEACHER)
def test_functions_of_different_seeds_differ_by_one_over_root_particles(activation, data):
    """In the mean-field scaling the standard deviation of the trained function over seeds is Theta(N^-1/2); in NTK
    scaling it is not.
    """
    tc.check(fluctuations(descent(activation, data, GENTLE)).of(name="seed deviation"), HALF)
    ntk = descent(activation, data, GENTLE, power=0.5)
    tc.check_refuted(fluctuations(ntk).of(name="seed deviation"), HALF)


@tc.claim(
    id="MF-3",
    source="Mei, Montanari and Nguyen 2018, arXiv:1804.06561, as a bound (from memory); Theta derived here",
)
@given(activation=activations(), data=teachers())
@example(activation=tc.TANH, data=TEACHER)
def test_functions_approach_the_limit_at_one_over_root_particles(activation, data):
    """In the mean-field scaling the root mean square distance of a trained function to that of the limit is
    Theta(N^-1/2); in NTK scaling, where one very wide network stands for the limit, it is not.
    """
    tc.check(fluctuations(descent(activation, data, GENTLE)).of(name="distance to the limit"), HALF)
    ntk = descent(activation, data, GENTLE, power=0.5)
    tc.check_refuted(fluctuations(ntk).of(name="distance to the limit"), HALF)


@tc.claim(
    id="MF-4",
    source="Mei, Montanari and Nguyen 2018, arXiv:1804.06561, as a bound (from memory); Theta derived here: the loss "
    "of the limit has a slope before it is fitted, so the gap is of the order of the distance and not of its square",
    evidence=True,
)
@given(activation=activations(), data=teachers())
@example(activation=tc.TANH, data=TEACHER)
def test_the_loss_of_a_run_deviates_by_one_over_root_particles(activation, data):
    """In the mean-field scaling, before the data are fitted, the training loss of a single run lies Theta(N^-1/2) from
    that of the limit; in NTK scaling it does not.
    """
    tc.check(fluctuations(descent(activation, data, GENTLE), counts=LARGER).of(name="loss gap"), HALF)
    ntk = descent(activation, data, GENTLE, power=0.5)
    tc.check_refuted(fluctuations(ntk, counts=LARGER).of(name="loss gap"), HALF)


@tc.claim(
    id="MF-5",
    source="Chen, Rotskoff, Bruna and Vanden-Eijnden 2020, arXiv:2008.09623 (introduction), which allows faster decay "
    "at long times; that steps at the edge of stability undo it was measured here",
)
@given(activation=activations(), data=teachers())
@example(activation=tc.TANH, data=TEACHER)
def test_without_noise_fluctuations_stay_small_at_late_times(activation, data):
    """Without noise, after 50 steps at a rate times sharpness of 0.25 at the start, the standard deviation over seeds
    of the function at test points is O(N^-1/2); at 1.45, where training meets the edge of stability, it is not, with
    ReLU and on one data set.
    """
    bound = tc.UpperBound(-1 / 2, rival=0)
    tc.check(fluctuations(descent(activation, data, BRISK), LATE).of(name="seed deviation"), bound)
    edge = descent(tc.RELU, TEACHER, EDGE)
    tc.check_refuted(fluctuations(edge, LATE).of(name="seed deviation"), bound, label="at the edge of stability")


@tc.claim(
    id="MF-2",
    source="Bordelon and Pehlevan 2023, arXiv:2304.03408, power series in 1/N (abstract); estimator derived here",
    trend=True,
)
@given(activation=activations(smooth=True), data=teachers())
@example(activation=tc.TANH, data=TEACHER)
def test_mean_functions_approach_the_limit_faster_than_single_ones(activation, data):
    """With a smooth activation and in the mean-field scaling the mean function over seeds changes by O(1/N) when the
    number N of particles is doubled, and so lies that far from its limit; single functions lie further from it.
    """
    dynamics = descent(activation, data, GENTLE)
    bound = tc.UpperBound(-1, within=0.2, rival=-1 / 2)
    # A quarter of it leaves two of eight master seeds open.
    tc.check(weak_error(dynamics=dynamics).over(tc.widths(64, 1024, factor=2), budget=64), bound)
    tc.check_refuted(fluctuations(dynamics).of(name="distance to the limit"), bound)
