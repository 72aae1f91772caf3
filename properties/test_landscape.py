"""The landscape of a network with one hidden layer is convex in the measure of its neurons, and not in their weights.

What is mixed is the neurons of two clouds, each with a share of the mass. Clouds are of all kinds: untrained, trained
on the task, and trained on its negative, which is as far as a cloud can be from fitting.
"""

import itertools

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import TUTORIAL
from properties.subjects.clouds import (
    LOGISTIC,
    SQUARED,
    SQUARED_TANH,
    interpolated,
    mixture,
    outputs,
    random_clouds,
    trained,
)
from theorychecks.strategies import activations, regression_data

TASK = tc.Teacher(dimension=4, samples=8)
SHARES = (0.25, 0.5, 0.75)
NEURONS = (16, 64, 256)
STEPS, RATE = 100, 0.5
CONVEX = "Chizat and Bach 2018, arXiv:1805.09545, Section 1 (pages seen)"
BETWEEN = {"mixed": mixture, "interpolated": interpolated}


def task_of(data, loss):
    """Inputs, and targets that suit the loss: numbers for the squared error, signs for the others."""
    drawn = data.draw()
    inputs, targets = torch.from_numpy(drawn.inputs), torch.from_numpy(drawn.targets[:, 0])
    return inputs, targets if loss is SQUARED else targets.sign()


def six_clouds(neurons, activation, inputs, targets, loss, draw):
    """For all seeds together, two untrained clouds, two trained on the targets, and two on their negative."""
    dimension = inputs.shape[1]
    start = [random_clouds(neurons, dimension, [draw.generator(seed, k) for seed in draw.seeds]) for k in range(6)]
    goals = (targets, targets, -targets, -targets)
    return start[:2] + [
        trained(clouds, activation, inputs, goal, loss, rate=RATE, steps=STEPS)
        for clouds, goal in zip(start[2:], goals, strict=True)
    ]


@tc.quantity(along="particles", name="loss {between} over the mean of losses, the largest, {loss}", cost=1.0)
def largest_excess(particles, draw, *, between, loss, activation, data):
    """Over all pairs of six clouds and three shares."""
    inputs, targets = task_of(data, loss)
    clouds = six_clouds(int(particles), activation, inputs, targets, loss, draw)

    def value(of):
        return loss.value(outputs(of, activation, inputs), targets).mean(dim=1)

    ratios = [
        value(BETWEEN[between](one, other, share)) / torch.lerp(value(one), value(other), share)
        for one, other in itertools.combinations(clouds, 2)
        for share in SHARES
    ]
    return torch.stack(ratios).amax(dim=0)


@tc.quantity(along="particles", name="squared error halfway and an eighth of the squared distance, {between}")
def with_distance(particles, draw, *, between, activation, data):
    """Of what lies halfway between two untrained clouds, over the mean of their losses."""
    inputs, targets = task_of(data, SQUARED)
    one, other = (
        random_clouds(int(particles), inputs.shape[1], [draw.generator(seed, k) for seed in draw.seeds])
        for k in range(2)
    )
    f, g, halfway = (outputs(clouds, activation, inputs) for clouds in (one, other, BETWEEN[between](one, other, 0.5)))
    low, high, middle = (SQUARED.value(values, targets).mean(dim=1) for values in (f, g, halfway))
    return (middle + (f - g).square().mean(dim=1) / 8) / ((low + high) / 2)


@tc.claim(
    id="MF/convex",
    source=f"{CONVEX}, for a convex loss of an integral over neurons; the six clouds, and what is not convex, chosen "
    "and measured here",
    paper=TUTORIAL,
)
@given(
    loss=st.sampled_from([SQUARED, LOGISTIC]),
    activation=activations(),
    data=regression_data(dimension=4, samples=8, test_samples=8, outputs=1, largest_cosine=1.0),
)
@example(loss=SQUARED, activation=tc.TANH, data=TASK)
@example(loss=LOGISTIC, activation=tc.RELU, data=TASK)
def test_the_loss_of_a_mixture_is_at_most_the_mean_of_losses(loss, activation, data):
    """For squared error and logistic loss the loss of a mixture of two clouds of neurons, at shares of 1/4, 1/2 and
    3/4, lies below the mixture of their losses, among all pairs of untrained, fitted and misfitted clouds of 16 to 256.
    Somewhere among these interpolated weights have a larger loss, and so has the mixture for squared error of tanh,
    which is not convex.
    """
    setting = {"activation": activation, "data": data}
    below = tc.Ordering("below")
    mixed, weights = (largest_excess(between=between, loss=loss, **setting) for between in BETWEEN)

    tc.check(mixed.over(NEURONS, seeds=12), below)
    tc.check_refuted(weights.over(NEURONS, seeds=12), below)
    tc.check_refuted(largest_excess(between="mixed", loss=SQUARED_TANH, **setting).over(NEURONS, seeds=12), below)


@tc.claim(id="MF/convex/deficit", source=f"derived here from {CONVEX}", paper=TUTORIAL)
@given(
    activation=activations(),
    data=regression_data(dimension=4, samples=8, test_samples=8, outputs=1, largest_cosine=1.0),
)
@example(activation=tc.TANH, data=TASK)
def test_the_squared_error_of_a_mixture_falls_short_by_the_squared_distance(activation, data):
    """Half the squared error of half an untrained cloud and half another is below the mean of theirs by an eighth of
    the mean squared distance of their functions, exactly; that of halfway interpolated weights is not.
    """
    exact = tc.Identity(2.0**8, dtype="float64")
    mixed, weights = (with_distance(between=between, activation=activation, data=data) for between in BETWEEN)

    tc.check(mixed.over(NEURONS, seeds=12), exact)
    tc.check_refuted(weights.over(NEURONS, seeds=12), exact)
