"""What a trained network gains over the tangent kernel: much where the target has a structure; elsewhere it may lose.

Both learn from the same samples, and each is taken at its best: the network over learning rates and times of stopping,
the kernel, that of an infinitely wide network of this depth at initialisation, over ridges.
"""

from dataclasses import dataclass

import torch

import theorychecks as tc
from properties.papers import TUTORIAL
from properties.subjects.harmonics import harmonics
from properties.subjects.learning_curves import Problem, network_errors, tangent_kernel_errors
from properties.subjects.targets import HarmonicTarget

DIMENSIONS = (12, 16)
SAMPLES_A_HARMONIC = 1.28
"""Of degree 3, of which kernel regression learns about a third then, and nearly all of degree 2."""
WIDTH, STEPS, BATCH = 96, 2000, 128
RATES = (0.3, 0.6, 1.0)
MARKS = tuple(STEPS * share // 16 for share in (1, 2, 4, 6, 8, 12, 16))
RIDGES = (0.0, 0.01, 0.1, 1.0, 10.0)
"""The kernel's largest eigenvalue is some 1,000."""


@dataclass(frozen=True)
class Target:
    """Harmonics of some degrees, along so many directions."""

    name: str
    directions: int
    degrees: tuple[int, ...]


NONE = 512
"""Directions: at 32 a dimension there is nothing to be found."""
CUBIC, MIXED, QUADRATIC = (
    Target(f"random harmonics of degree {text}", NONE, degrees)
    for text, degrees in (("3", (3,)), ("2 and 3", (2, 3)), ("2", (2,)))
)
ONE, PLANE = Target("one direction, degree 3", 1, (3,)), Target("two directions, degrees 2 and 3", 2, (2, 3))


def problem(target, dimension, draw):
    """Data of each seed's own."""
    drawn = [
        HarmonicTarget(
            dimension=dimension,
            samples=round(SAMPLES_A_HARMONIC * harmonics(dimension, 3)),
            degrees=target.degrees,
            directions=target.directions,
            seed=int(draw.rng(seed, "data").integers(2**31)),
        )
        for seed in draw.seeds
    ]
    parts = [(*data.draw(), data.test_targets()) for data in drawn]
    inputs, targets, test_inputs, wanted = (
        torch.stack(list(map(torch.as_tensor, part))) for part in zip(*parts, strict=True)
    )
    return Problem(inputs, targets[..., 0], test_inputs, wanted[..., 0])


LEARNERS = ("network", "kernel")


@tc.quantity(along="dimension", name="best test error, {learner}, {target}")
def best_error(dimension, draw, *, learner, target):
    """On 1.28 samples for each harmonic of degree 3."""
    task = problem(target, int(dimension), draw)
    if learner == "kernel":
        return tangent_kernel_errors(task, RIDGES).min(axis=0)
    how = {"width": WIDTH, "steps": STEPS, "batch": BATCH, "marks": MARKS}
    curves = [
        network_errors(task, rate=rate, generators=[draw.generator(seed, rate) for seed in draw.seeds], **how)
        for rate in RATES
    ]
    return torch.cat(curves).nan_to_num(nan=torch.inf).amin(dim=0)


def errors(target, dimensions=DIMENSIONS):
    """Of the network and of its tangent kernel."""
    return tuple(best_error(learner=learner, target=target).over(dimensions, seeds=10) for learner in LEARNERS)


@tc.claim(
    id="NTK/unstructured",
    source="the tutorial, on separation; targets, sizes and the margin chosen and measured here",
    paper=TUTORIAL,
    trend=True,
    evidence=True,
)
def test_network_and_kernel_are_on_a_par_where_nothing_is_to_be_found():
    """On random harmonics of degree 3, and of degrees 2 and 3, in 12 and 16 dimensions, with 1.28 samples for each
    harmonic of degree 3, the best test error of a trained ReLU network of width 96 with two hidden layers is that of
    the tangent kernel of an infinitely wide one at initialisation, within 25 per cent. On a harmonic of degree 3 along
    one direction it is not.
    """
    on_a_par = tc.Equal(0.25)
    for target in (CUBIC, MIXED):
        network, kernel = errors(target)
        tc.check(network, on_a_par, against=kernel)
    network, kernel = errors(ONE)
    tc.check_refuted(network, on_a_par, against=kernel)


@tc.claim(
    id="NTK/lower bound",
    source="the tutorial, on common confusions; targets and sizes chosen, and the counter-example found, here: the "
    "network's error is 1.7 to 1.9 times the kernel's in 16 dimensions, and in 12 it is 1.03 to 1.3 times as large",
    paper=TUTORIAL,
    trend=True,
    evidence=True,
)
def test_the_tangent_kernel_bounds_the_network_on_structured_targets_and_not_on_a_random_quadratic_form():
    """On harmonics of degree 3 along one direction, and of degrees 2 and 3 along two, in 12 and 16 dimensions, with
    1.28 samples for each harmonic of degree 3, a trained ReLU network of width 96 with two hidden layers has a smaller
    best test error than the tangent kernel of an infinitely wide one at initialisation. On a random harmonic of degree
    2 in 16 dimensions it has a larger one.
    """
    better, worse = tc.Ordering("below"), tc.Ordering("above")
    for target in (ONE, PLANE):
        network, kernel = errors(target)
        tc.check(network, better, against=kernel)
    (structured, its_kernel), (network, kernel) = errors(ONE), errors(QUADRATIC, (16,))
    tc.check(network, worse, against=kernel)
    # Each kind of target is the other's control.
    tc.check_refuted(network, better, against=kernel)
    tc.check_refuted(structured, worse, against=its_kernel)
