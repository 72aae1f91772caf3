"""The dense engine does what a plain loop over seeds, autograd and torch's optimizers do."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from theorychecks.engines import dense
from theorychecks.networks import (
    CROSS_ENTROPY,
    ERF,
    GELU,
    LINEAR,
    MAXIMAL_UPDATE,
    MEAN_FIELD,
    MLP,
    MSE,
    NTK,
    RELU,
    SGD,
    STANDARD,
    TANH,
    Adam,
    GaussianMixture,
    Muon,
    Optimizer,
    Ridge,
    SignDescent,
    Teacher,
    Training,
    scaled,
)

WIDTH = 24
SEEDS = (0, 5)
DATA = GaussianMixture(dimension=5, classes=3, samples=6, test_samples=4)
# A sum of nearly equal gradients has tiny singular values, which Muon makes ones, rounding and all; so has a weight's
# change that a ridge adds to the gradient. So here it has no momentum, and no ridge towards the initial weights.
DESCENT, MOMENTUM, ADAM = SGD(), SGD(momentum=0.8), Adam()
SIGNS, MUON = SignDescent(beta1=0.8, beta2=0.6), Muon(momentum=0.0)
RATES = {"sgd": 0.02, "adam": 0.003, "sign descent": 0.003, "muon": 0.01}
EVERY_OPTIMIZER = pytest.mark.parametrize(
    "optimizer",
    [DESCENT, MOMENTUM, ADAM, SIGNS, MUON],
    ids=["sgd", "momentum", "adam", "sign descent", "muon"],
)
ENTRY_BY_ENTRY = pytest.mark.parametrize(
    "optimizer", [DESCENT, MOMENTUM, ADAM, SIGNS], ids=["sgd", "momentum", "adam", "sign descent"]
)
# The others jump where an entry or a singular value crosses zero, and a jump makes rounding large.
CONTINUOUS = pytest.mark.parametrize("optimizer", [DESCENT, ADAM], ids=["sgd", "adam"])


def training(
    depth=2, activation=TANH, parametrization=STANDARD, *, optimizer=DESCENT, loss=MSE, centred=False, **options
):
    options = {"data": DATA, "steps": 4, "learning_rate": scaled(RATES[optimizer.name]), "dtype": "float64"} | options
    network = MLP(depth, activation, parametrization, centred=centred)
    return Training(network, loss=loss, optimizer=optimizer, **options)


def references(naive, described, *, seeds=SEEDS, **options):
    return [naive.train(described, WIDTH, seed, **options) for seed in seeds]


@EVERY_OPTIMIZER
@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY])
@pytest.mark.parametrize("activation", [RELU, TANH, ERF, GELU, LINEAR])
@pytest.mark.parametrize("parametrization", [STANDARD, NTK, MEAN_FIELD, MAXIMAL_UPDATE], ids=lambda p: p.name)
def test_it_equals_autograd_in_every_parametrization(naive, optimizer, loss, activation, parametrization):
    described = training(2, activation, parametrization, optimizer=optimizer, loss=loss)
    run = dense.train(described, WIDTH, SEEDS, times=(0, 2, 4))
    naive.assert_same(run, references(naive, described, times=(2,)))


@EVERY_OPTIMIZER
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY])
def test_it_equals_autograd_at_every_depth_centred_or_not(naive, optimizer, centred, depth, loss):
    described = training(depth, RELU, NTK, optimizer=optimizer, loss=loss, centred=centred)
    naive.assert_same(dense.train(described, WIDTH, SEEDS), references(naive, described))


@EVERY_OPTIMIZER
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_it_equals_autograd_on_minibatches(naive, optimizer, centred, batch_size):
    described = training(optimizer=optimizer, centred=centred, batch_size=batch_size, steps=7, loss=CROSS_ENTROPY)
    naive.assert_same(dense.train(described, WIDTH, SEEDS), references(naive, described))


@ENTRY_BY_ENTRY
@pytest.mark.parametrize("towards", ["init", "zero"])
@pytest.mark.parametrize("batch_size", [None, 2])
def test_it_equals_autograd_under_a_ridge(naive, optimizer, towards, batch_size):
    described = training(optimizer=optimizer, ridge=Ridge(strength=0.7, towards=towards), batch_size=batch_size)
    naive.assert_same(dense.train(described, WIDTH, SEEDS), references(naive, described))


def test_muon_equals_autograd_under_a_decay(naive):
    described = training(optimizer=MUON, ridge=Ridge(strength=0.7, towards="zero"))
    naive.assert_same(dense.train(described, WIDTH, SEEDS), references(naive, described))


@ENTRY_BY_ENTRY
@pytest.mark.parametrize("ridge", [Ridge(strength=0.0), Ridge(strength=0.5), Ridge(strength=0.5, towards="zero")])
def test_a_rate_factor_multiplies_one_seeds_rates(naive, optimizer, ridge):
    described = training(optimizer=optimizer, ridge=ridge)
    factors = torch.tensor([0.5, 3.0], dtype=torch.float64)
    run = dense.train(described, WIDTH, SEEDS, rate_factors=factors)
    expected = [naive.train(described, WIDTH, s, rate_factor=f) for s, f in zip(SEEDS, factors.tolist(), strict=True)]
    naive.assert_same(run, expected)


@EVERY_OPTIMIZER
def test_exponents_by_role_and_another_root_seed_are_followed(naive, optimizer):
    rate = scaled(RATES[optimizer.name], width=-0.5, input=0.5, hidden=-0.25, output=0.25)
    described = training(3, GELU, optimizer=optimizer, learning_rate=rate)
    run = dense.train(described, WIDTH, SEEDS, root_seed=9)
    naive.assert_same(run, references(naive, described, root_seed=9))
    with pytest.raises(AssertionError):
        naive.assert_same(run, references(naive, described, root_seed=8))


BROKEN = {
    "a multiplier": {"parametrization": NTK.altered("hidden", multiplier=0.01)},
    "an initial size": {"parametrization": NTK.altered("output", init=0.01)},
    "a rate": {"parametrization": NTK.altered("input", sgd=0.01, adam=0.01, muon=0.01)},
    "the base rate": {"learning_rate": scaled(0.0201)},
    "the loss": {"loss": CROSS_ENTROPY},
    "the batches": {"batch_size": 3},
    "the centring": {"centred": True},
    "the ridge": {"ridge": Ridge(strength=0.01)},
    "the activation": {"activation": ERF},
    "the draw of the data": {"data": GaussianMixture(dimension=5, classes=3, samples=6, test_samples=4, seed=1)},
}


@pytest.mark.parametrize("broken", BROKEN)
@EVERY_OPTIMIZER
def test_a_network_with_one_thing_changed_is_another_network(naive, broken, optimizer):
    changed = training(optimizer=optimizer, **{"parametrization": NTK} | BROKEN[broken])
    run = dense.train(training(parametrization=NTK, optimizer=optimizer), WIDTH, SEEDS)
    with pytest.raises(AssertionError):
        naive.assert_same(run, references(naive, changed), relative=1e-5)


def test_a_step_that_returns_no_divisor_is_refused():
    @dataclass(frozen=True)
    class Forgetful(Optimizer):
        heavy_ball = None
        copies = 0

        def exponent(self, parametrization, role):
            return 0.0

        def step(self, gradient, state, count):
            return gradient

    described = replace(training(), optimizer=Forgetful())
    with pytest.raises(TypeError, match=r"Forgetful\.step returns a direction and a divisor .*; got a Tensor"):
        dense.train(described, WIDTH, SEEDS)


def test_a_moment_decay_changes_adam(naive):
    other = training(optimizer=Adam(betas=(0.8, 0.999)))
    run = dense.train(other, WIDTH, SEEDS)
    naive.assert_same(run, references(naive, other))
    with pytest.raises(AssertionError):
        naive.assert_same(run, references(naive, training(optimizer=ADAM)), relative=1e-5)


def test_norms_and_products_are_those_of_the_matrices():
    run = dense.train(training(3, GELU, NTK), WIDTH, SEEDS)
    for matrix in range(4):
        start, end = run.weights(matrix, 0), run.weights(matrix, 4)
        vectors = torch.randn(2, 3, start.shape[2], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        torch.testing.assert_close(run.apply_initial(matrix, vectors), torch.einsum("sij,spj->spi", start, vectors))
        torch.testing.assert_close(
            run.apply_change(matrix, vectors, 4), torch.einsum("sij,spj->spi", end - start, vectors)
        )
        for norm, order in (("frobenius", "fro"), ("spectral", 2)):
            size = torch.linalg.matrix_norm(start, ord=order)
            torch.testing.assert_close(run.weight_norm(matrix, norm), size, rtol=2e-4, atol=0.0)
            size = torch.linalg.matrix_norm(end, ord=order)
            torch.testing.assert_close(run.weight_norm(matrix, norm, 4), size, rtol=2e-4, atol=0.0)
            moved = torch.linalg.matrix_norm(end - start, ord=order)
            torch.testing.assert_close(run.weight_change_norm(matrix, norm, 4), moved, rtol=2e-4, atol=0.0)


def test_an_unknown_norm_is_refused_by_name():
    run = dense.train(training(), WIDTH, SEEDS)
    with pytest.raises(ValueError, match="'frobenius' or 'spectral'; got 'nuclear'"):
        run.weight_norm(0, "nuclear")


@EVERY_OPTIMIZER
@pytest.mark.parametrize("width", [64, 256])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_seeds_in_two_groups_changes_no_bit(optimizer, width, dtype):
    described = training(2, RELU, optimizer=optimizer, dtype=dtype, loss=CROSS_ENTROPY, data=GaussianMixture())
    whole = dense.train(described, width, range(8))
    parts = [dense.train(described, width, range(3)), dense.train(described, width, range(3, 8))]
    assert torch.equal(whole.losses, torch.cat([part.losses for part in parts], dim=1))
    for matrix in range(3):
        assert torch.equal(whole.weights(matrix, 4), torch.cat([part.weights(matrix, 4) for part in parts]))
    assert not torch.equal(whole.losses[:, :3], whole.losses[:, 3:6])


@CONTINUOUS
@pytest.mark.parametrize("dtype, rounding", [("float32", 2e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("width, data", [(257, DATA), (256, Teacher(dimension=8))], ids=["odd width", "one output"])
def test_training_seeds_in_two_groups_changes_rounding_at_most(optimizer, dtype, rounding, width, data):
    # For shapes like these, matrix products sum in an order that depends on how many seeds there are.
    described = training(2, RELU, optimizer=optimizer, dtype=dtype, data=data)
    whole = dense.train(described, width, range(8))
    parts = [dense.train(described, width, range(3)), dense.train(described, width, range(3, 8))]
    losses = torch.cat([part.losses for part in parts], dim=1)
    torch.testing.assert_close(whole.losses, losses, rtol=rounding, atol=rounding)
    for matrix in range(3):
        weights = torch.cat([part.weights(matrix, 4) for part in parts])
        torch.testing.assert_close(whole.weights(matrix, 4), weights, rtol=rounding, atol=rounding)


def test_the_same_call_gives_the_same_bits():
    described = training(3, GELU, optimizer=ADAM, dtype="float32")
    first, second = dense.train(described, 64, SEEDS), dense.train(described, 64, SEEDS)
    assert torch.equal(first.losses, second.losses)
    for matrix in range(4):
        assert torch.equal(first.weights(matrix, 4), second.weights(matrix, 4))
    other = dense.train(described, 64, SEEDS, root_seed=1)
    assert not torch.equal(first.losses, other.losses)


def test_global_random_state_is_neither_read_nor_moved():
    described = training(dtype="float32")
    torch.manual_seed(1)
    first = dense.train(described, WIDTH, SEEDS)
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    second = dense.train(described, WIDTH, SEEDS)
    assert torch.equal(first.losses, second.losses)
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())


def test_two_parametrizations_start_from_the_same_draw():
    standard = dense.train(training(parametrization=STANDARD), WIDTH, SEEDS)
    maximal = dense.train(training(parametrization=MAXIMAL_UPDATE), WIDTH, SEEDS)
    torch.testing.assert_close(standard.weights(1, 0), maximal.weights(1, 0), rtol=1e-14, atol=0.0)
    torch.testing.assert_close(standard.weights(2, 0) / math.sqrt(WIDTH), maximal.weights(2, 0), rtol=1e-14, atol=0.0)


def test_initial_weights_have_the_size_that_their_layer_names():
    layers = MLP(2, RELU, STANDARD).layers(200, inputs=50, outputs=10)
    weights = dense.initial_weights(layers, range(4), dtype=torch.float64)
    for layer, matrices in zip(layers, weights, strict=True):
        assert matrices.shape == (4, layer.fan_out, layer.fan_in)
        # The standard error of a standard deviation is s / sqrt(2 N).
        error = layer.init / math.sqrt(2 * matrices.numel())
        assert abs(matrices.std().item() - layer.init) < 4 * error
        assert abs(matrices.mean().item()) < 4 * layer.init / math.sqrt(matrices.numel())
    assert not torch.equal(weights[1][0], weights[1][1])


@EVERY_OPTIMIZER
@pytest.mark.parametrize("dtype, huge", [("float32", 1e25), ("float64", 1e200)])
def test_a_diverging_seed_shows_in_its_losses_and_leaves_its_neighbours_alone(optimizer, dtype, huge):
    described = training(2, RELU, optimizer=optimizer, dtype=dtype)
    factors = torch.tensor([1.0, huge, 1.0], dtype=torch.float64)
    calm = dense.train(described, WIDTH, (0, 1, 2), rate_factors=torch.ones(3))
    run = dense.train(described, WIDTH, (0, 1, 2), rate_factors=factors)
    assert torch.isfinite(run.losses[0]).all()
    assert not torch.isfinite(run.losses[-1, 1])
    assert torch.isfinite(calm.losses).all()
    assert torch.equal(run.losses[:, [0, 2]], calm.losses[:, [0, 2]])
    for matrix in range(3):
        for norm in ("frobenius", "spectral"):
            moved = run.weight_change_norm(matrix, norm, 4)
            assert torch.isfinite(moved[[0, 2]]).all()
            torch.testing.assert_close(
                moved[[0, 2]], calm.weight_change_norm(matrix, norm, 4)[[0, 2]], rtol=2e-4, atol=0
            )


def test_no_steps_leave_the_network_as_it_starts():
    run = dense.train(training(steps=0), WIDTH, SEEDS)
    assert run.losses.shape == (1, 2)
    assert run.times == (0,)
    assert torch.equal(run.weight_change_norm(1, "frobenius", 0), torch.zeros(2, dtype=torch.float64))


def test_times_asked_for_are_recorded_and_others_are_refused():
    run = dense.train(training(), WIDTH, SEEDS, times=(3, 1))
    assert run.times == (0, 1, 3)
    run.weights(1, 3)
    with pytest.raises(ValueError, match=r"time 2 were not recorded; recorded are \[0, 1, 3\]"):
        run.weights(1, 2)
    with pytest.raises(ValueError, match="time 4 were not recorded"):
        run.outputs(4)
    assert dense.train(training(), WIDTH, SEEDS).times == (0, 4)


@pytest.mark.parametrize("time", [-1, 5])
def test_times_outside_the_training_are_refused(time):
    with pytest.raises(ValueError, match=f"between 0 and steps=4; got {time}"):
        dense.train(training(), WIDTH, SEEDS, times=(time,))


@pytest.mark.parametrize(
    "seeds, message", [((), "at least one seed"), ((0, -1), "got -1"), ((0.5,), "got 0.5"), ((True,), "got True")]
)
def test_seeds_are_whole_numbers_from_zero_and_there_are_some(seeds, message):
    with pytest.raises(ValueError, match=message):
        dense.train(training(), WIDTH, seeds)


def test_changes_of_narrow_matrices_are_precise_however_small():
    # One hidden layer at a rate of one over the width: the input matrix moves by less than its own rounding.
    described = {"steps": 4, "learning_rate": scaled(0.3, width=-1)}
    width = 2**18
    single, exact = (
        dense.train(training(1, dtype=dtype, **described), width, range(8)) for dtype in ("float32", "float64")
    )
    for matrix in (0, 1):
        moved = [run.weight_change_norm(matrix, "frobenius", 4).double().log().mean().item() for run in (single, exact)]
        assert moved[0] == pytest.approx(moved[1], abs=0.3)
    rounding = torch.finfo(torch.float32).eps * exact.weight_norm(0, "frobenius").mean()
    assert exact.weight_change_norm(0, "frobenius", 4).mean() < 10 * rounding
