"""A doubled network starts as two copies of one of half its width, with opposite readouts, and trains as any other."""

from functools import partial

import numpy as np
import pytest
import torch

from theorychecks.engines import dense, matrix_free
from theorychecks.engines.choice import choose
from theorychecks.networks import MLP, MSE, NTK, RELU, STANDARD, TANH, Teacher, Training, scaled

DATA = Teacher(dimension=4, outputs=2, samples=5, test_samples=3)


def training(depth, activation=TANH, parametrization=NTK, *, doubled=True, **options):
    options = {"learning_rate": scaled(0.05), "data": DATA, "steps": 3, "dtype": "float64"} | options
    return Training(MLP(depth, activation, parametrization, doubled=doubled), loss=MSE, **options)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("parametrization", [STANDARD, NTK], ids=lambda p: p.name)
def test_it_is_zero_at_initialisation_at_every_input(depth, parametrization):
    run = dense.train(training(depth, parametrization=parametrization), 32, (0, 1))
    for points in ("train", "test"):
        assert run.outputs(0, points).abs().max() < 1e-14
        assert run.outputs(3, points).abs().max() > 1e-3
    plain = dense.train(training(depth, parametrization=parametrization, doubled=False), 32, (0, 1))
    assert plain.outputs(0).abs().max() > 1e-3


@pytest.mark.parametrize("depth", [1, 3])
def test_both_halves_are_the_network_of_half_the_width(depth):
    # Under NTK parametrization preactivations do not depend on the width but through the draw.
    whole = dense.train(training(depth), 32, (0, 1))
    half = dense.train(training(depth, doubled=False), 16, (0, 1))
    for layer in range(1, depth + 1):
        first, second = whole.preactivations(layer, 0).split(16, dim=2)
        torch.testing.assert_close(first, second, rtol=1e-12, atol=0)
        torch.testing.assert_close(first, half.preactivations(layer, 0), rtol=1e-12, atol=0)
    readout = whole.weights(depth, 0)
    assert torch.equal(readout[..., :16], -readout[..., 16:])


@pytest.mark.parametrize("depth, activation", [(1, RELU), (3, TANH)])
def test_it_trains_as_autograd_does(naive, monkeypatch, depth, activation):
    described = training(depth, activation)
    run = dense.train(described, 16, (0, 5))
    monkeypatch.setattr(naive, "initial_weights", partial(dense.initial_weights, doubled=True))
    naive.assert_same(run, [naive.train(described, 16, seed) for seed in (0, 5)])


def test_its_tangent_kernel_changes_by_second_order_only():
    # Along the first gradient step the kernel is even: one step and its mirror image give one kernel.

    def change(doubled, size):
        described = training(2, doubled=doubled, learning_rate=scaled(size), steps=1)
        run = dense.train(described, 16, (3,))
        return float(torch.linalg.matrix_norm(run.tangent_kernel(1) - run.tangent_kernel(0))[0])

    assert np.isclose(change(True, 2e-3) / change(True, 1e-3), 4, rtol=0.02)
    assert np.isclose(change(False, 2e-3) / change(False, 1e-3), 2, rtol=0.02)


def test_an_odd_width_has_no_halves():
    with pytest.raises(ValueError, match="two copies of half its width, which is even; got 15"):
        dense.train(training(1), 15, (0,))
    dense.train(training(1, doubled=False), 15, (0,))


def test_the_dense_engine_is_chosen_and_the_other_one_refused():
    wide = training(2)
    assert choose(wide, 4096, memory_budget=2**40).engine == "dense"
    with pytest.raises(ValueError, match="a doubled network's hidden matrices"):
        choose(wide, 4096, wanted="matrix_free", memory_budget=2**40)
    with pytest.raises(ValueError, match="a doubled network's hidden matrices"):
        matrix_free.train(wide, 4096, (0,))
    assert matrix_free.unable(training(2, doubled=False)) is None
