"""A training knows its rates by role and its batches, and refuses what cannot be trained."""

import math
from dataclasses import dataclass

import pytest

from theorychecks.networks import (
    MAXIMAL_UPDATE,
    MEAN_FIELD,
    MLP,
    MSE,
    NTK,
    RELU,
    SGD,
    STANDARD,
    Adam,
    GaussianMixture,
    LearningRate,
    Muon,
    Optimizer,
    Parametrization,
    Ridge,
    Scaling,
    SignDescent,
    Sphere,
    Training,
    scaled,
)


def training(parametrization=STANDARD, **options):
    options = {"learning_rate": scaled(0.5), "data": Sphere(samples=6), "loss": MSE, "steps": 3} | options
    return Training(MLP(2, RELU, parametrization), **options)


# Rates of input, hidden and output matrices at width 16 and base 0.5, worked out by hand.
BY_HAND = [
    (STANDARD, SGD(), (0.5, 0.5, 0.5)),
    (NTK, SGD(), (0.5, 0.5, 0.5)),
    (MEAN_FIELD, SGD(), (8, 8, 8)),
    (MAXIMAL_UPDATE, SGD(), (8, 0.5, 0.03125)),
    (STANDARD, Adam(), (0.5, 0.5, 0.5)),
    (NTK, Adam(), (0.5, 0.5, 0.5)),
    (MEAN_FIELD, Adam(), (0.5, 0.125, 0.5)),
    (MAXIMAL_UPDATE, Adam(), (0.5, 0.03125, 0.03125)),
    (MEAN_FIELD, SignDescent(), (0.5, 0.125, 0.5)),
    (MAXIMAL_UPDATE, SignDescent(), (0.5, 0.03125, 0.03125)),
    (STANDARD, Muon(), (0.5, 0.5, 0.5)),
    (NTK, Muon(), (0.5, 0.5, 0.5)),
    (MEAN_FIELD, Muon(), (2, 2, 2)),
    (MAXIMAL_UPDATE, Muon(), (2, 0.5, 0.125)),
]


@pytest.mark.parametrize("parametrization, optimizer, expected", BY_HAND)
def test_rates_by_role_are_those_worked_out_by_hand(parametrization, optimizer, expected):
    described = training(parametrization, optimizer=optimizer)
    assert tuple(described.rate(role, 16) for role in ("input", "hidden", "output")) == pytest.approx(expected)


def test_an_optimizer_that_could_change_is_refused():
    @dataclass
    class Changing(Optimizer):
        heavy_ball = None
        copies = 0
        exponent = SGD.exponent
        step = SGD.step

    with pytest.raises(
        TypeError, match=r"does not change, .*; got .*Changing\(\)\. Write @dataclass\(frozen=True\) above"
    ):
        training(optimizer=Changing())


UNSAID = Parametrization(name="mine", input=Scaling(muon=0.0), hidden=Scaling(), output=Scaling(muon=0.0))


def test_a_rate_whose_scaling_nobody_has_said_is_refused_before_training():
    assert training(UNSAID).rate("hidden", 16) == training(UNSAID, optimizer=SignDescent()).rate("hidden", 16) == 0.5
    known = "nobody has said .* of muon scales .* for hidden matrices under 'mine'; it is known under standard, NTK, "
    with pytest.raises(ValueError, match=known + r"mean field, maximal update\. Use one of these, .*Scaling\(muon="):
        training(UNSAID, optimizer=Muon())
    with pytest.raises(ValueError, match="under 'mine'"):
        training(optimizer=Muon()).under(UNSAID)


def test_a_learning_rates_exponents_add_to_the_parametrizations():
    rate = scaled(0.5, width=-1, input=1, hidden=0.5, output=-0.5)
    described = training(MAXIMAL_UPDATE, learning_rate=rate)
    assert described.rate("input", 16) == pytest.approx(8)
    assert described.rate("hidden", 16) == pytest.approx(0.5 / 4)
    assert described.rate("output", 16) == pytest.approx(0.5 * 16**-2.5)
    assert rate == LearningRate(base=0.5, width=-1, input=1, hidden=0.5, output=-0.5)


def test_another_parametrization_keeps_the_base_rate_alone():
    moved = training(learning_rate=scaled(0.5, width=-1, input=1)).under(NTK)
    assert moved.network.parametrization is NTK
    assert moved.learning_rate == scaled(0.5)
    assert (moved.data, moved.loss, moved.steps) == (Sphere(samples=6), MSE, 3)
    given = scaled(0.2, width=-0.5)
    assert training().under(NTK, learning_rate=given).learning_rate == given


def test_batches_are_taken_in_order_and_around():
    described = training(batch_size=2)
    assert [described.batch(step) for step in range(4)] == [slice(0, 2), slice(2, 4), slice(4, 6), slice(0, 2)]
    assert [training().batch(step) for step in range(2)] == [slice(0, 6), slice(0, 6)]
    assert training(batch_size=6).batch(5) == slice(0, 6)


@pytest.mark.parametrize("size", [0, -2, 4, 7])
def test_a_batch_size_divides_the_samples(size):
    with pytest.raises(ValueError, match=f"divides the number of samples, 6; got {size}"):
        training(batch_size=size)


@pytest.mark.parametrize("steps", [-1, 2.0, True])
def test_steps_is_a_whole_number(steps):
    assert training(steps=0).steps == 0
    with pytest.raises(ValueError, match=f"steps is a whole number, 0 or above; got {steps!r}"):
        training(steps=steps)


@pytest.mark.parametrize("base", [0, -0.1, float("nan"), float("inf")])
def test_a_learning_rate_is_positive(base):
    with pytest.raises(ValueError, match=f"a positive number; got {base!r}"):
        scaled(base)


def test_a_bare_number_is_no_learning_rate():
    with pytest.raises(TypeError, match=r"made by scaled\(base, width=...\); got 0.1"):
        training(learning_rate=0.1)


def test_precisions_are_named():
    assert training(dtype="float64").dtype == "float64"
    with pytest.raises(ValueError, match="'float16', 'bfloat16', 'float32', 'float64'; got 'float8'"):
        training(dtype="float8")


def test_a_role_with_an_infinite_exponent_is_not_trained():
    described = training(learning_rate=scaled(3.0, hidden=-math.inf))
    assert described.rate("hidden", 64) == 0.0
    assert described.rate("output", 64) > 0.0


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf")])
def test_a_ridge_is_not_negative(strength):
    assert Ridge(strength=0.0).towards == "init"
    with pytest.raises(ValueError, match=f"zero or positive; got {strength!r}"):
        Ridge(strength=strength)


def test_a_ridge_pulls_somewhere():
    with pytest.raises(ValueError, match="'init' or 'zero'; got 'mean'"):
        Ridge(strength=0.1, towards="mean")


def test_equal_descriptions_are_equal_and_hash_alike():
    assert training() == training()
    assert hash(training()) == hash(training())
    assert training() != training(steps=4)


def test_a_role_that_stands_still_does_so_at_width_one():
    assert training(learning_rate=scaled(0.1, hidden=-math.inf)).rate("hidden", 1) == 0.0


@pytest.mark.parametrize("exponent", [math.nan, math.inf])
def test_an_exponent_that_is_no_number_is_refused(exponent):
    with pytest.raises(ValueError, match="or -infinity for what is not trained"):
        scaled(0.1, hidden=exponent)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"data": GaussianMixture}, r"data is a description like .*; got .*Mixture'>\. Call it: GaussianMixture\("),
        ({"data": [1.0]}, r"data is a description like .*; got \[1\.0\]"),
        ({"optimizer": "adam"}, "an optimizer is an Optimizer like SGD.*; got 'adam'$"),
        ({"optimizer": Adam}, r"an optimizer is an Optimizer like .*; got <class .*Adam'>\. Call it: tc\.Adam\(\)"),
    ],
)
def test_what_describes_nothing_to_train_is_refused(options, said):
    with pytest.raises(TypeError, match=said):
        training(**options)


@pytest.mark.parametrize("network", [MLP, None, 64])
def test_a_network_is_described(network):
    with pytest.raises(TypeError, match=r"a network is described by MLP\(depth, activation, parametrization\); got"):
        Training(network, learning_rate=scaled(0.5), data=Sphere(samples=6), loss=MSE, steps=3)
