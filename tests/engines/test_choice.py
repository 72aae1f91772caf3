"""The engine is the one that is faster, of those that can and fit; and what machines do is measured once."""

import dataclasses
import json

import pytest
import torch

from theorychecks.engines import dense, matrix_free
from theorychecks.engines.choice import ENGINES, REFERENCE_RATES, choose
from theorychecks.engines.cost import Cost, Rates
from theorychecks.engines.matrix import Tally
from theorychecks.networks import (
    MLP,
    MSE,
    SGD,
    STANDARD,
    TANH,
    Adam,
    GaussianMixture,
    Muon,
    Ridge,
    SignDescent,
    Training,
    scaled,
)

PLENTY = 2**50


def described(depth=3, *, samples=8, steps=4, **options):
    data = GaussianMixture(dimension=8, samples=samples, test_samples=4)
    network = MLP(depth, TANH, STANDARD)
    return Training(network, learning_rate=scaled(0.1, width=-1), data=data, loss=MSE, steps=steps, **options)


def rates(dense_rate, free_rate):
    return lambda: {"dense": Rates(1e9, ((64, 8, dense_rate),)), "matrix_free": Rates(1e9, ((64, 8, free_rate),))}


def test_the_faster_one_is_taken():
    engines = [choose(described(), width, memory_budget=PLENTY).engine for width in (64, 256, 4096, 2**20)]
    assert engines == ["dense", "dense", "matrix_free", "matrix_free"]
    assert choose(described(), 4096, memory_budget=PLENTY, rates=rates(1e15, 1e9)).engine == "dense"
    assert choose(described(), 4096, memory_budget=PLENTY, rates=rates(1e9, 1e15)).engine == "matrix_free"


def test_long_trainings_and_large_batches_are_for_dense():
    assert choose(described(steps=400), 4096, memory_budget=PLENTY).engine == "dense"
    assert choose(described(samples=1024), 2048, memory_budget=PLENTY).engine == "dense"


def test_rates_are_not_asked_for_where_they_do_not_matter():
    def refuse():
        raise AssertionError("rates were asked for")

    asked = {"memory_budget": PLENTY, "rates": refuse}
    assert choose(described(), 256, **asked).engine == "dense"
    assert choose(described(optimizer=Adam()), 4096, **asked).engine == "dense"
    assert choose(described(), 4096, wanted="matrix_free", **asked).engine == "matrix_free"
    assert choose(described(), 4096, retrains=True, **asked).engine == "dense"
    with pytest.raises(AssertionError, match="asked for"):
        choose(described(), 4096, **asked)


def test_memory_decides_where_stored_matrices_do_not_fit():
    slow = rates(1e15, 1e9)
    budget = matrix_free.cost(described(), 8192).bytes
    assert dense.cost(described(), 8192).bytes > budget
    assert choose(described(), 8192, memory_budget=budget, rates=slow).engine == "matrix_free"
    with pytest.raises(MemoryError, match=r"width 8,192 takes .* with the engine dense, .*the widest that fits is \d"):
        choose(described(), 8192, wanted="dense", memory_budget=budget)
    with pytest.raises(MemoryError, match="with the engine dense or matrix_free"):
        choose(described(), 8192, memory_budget=budget - 1)


def test_the_widest_that_fits_fits_and_the_next_does_not():
    training, budget = described(), 10**9
    with pytest.raises(MemoryError) as caught:
        choose(training, 2**20, wanted="dense", memory_budget=budget)
    widest = int(str(caught.value).split("widest that fits is ")[1].split(".")[0].replace(",", ""))
    assert dense.cost(training, widest).bytes <= budget < dense.cost(training, widest + 1).bytes


def test_chunks_stay_in_the_caches_of_a_cpu_and_fill_a_gpu():
    small = choose(described(), 256, memory_budget=PLENTY)
    assert small.together * 2 * 256**2 * 4 < 2 * 4 * 2**20
    assert choose(described(), 256, memory_budget=PLENTY, on_cpu=False).together > 1000 * small.together
    budget = 3 * dense.cost(described(), 256).bytes
    assert choose(described(), 256, memory_budget=budget, on_cpu=False).together == 3
    assert choose(described(), 4096, memory_budget=PLENTY).together >= 1
    assert choose(described(), 64, group=50, memory_budget=PLENTY).together % 50 == 0


OPTIONS = {
    "plain": {},
    "adam": {"optimizer": Adam()},
    "signs": {"optimizer": SignDescent()},
    "muon": {"optimizer": Muon()},
    "momentum": {"optimizer": SGD(momentum=0.9)},
    "ridge": {"ridge": Ridge(strength=0.1)},
    "batches": {"batch_size": 4},
    "double": {"dtype": "float64"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_what_dense_training_costs_is_known_before(options):
    training, tally = described(**options), Tally()
    dense.train(training, 96, (0, 1, 2), tally=tally)
    assert tally.flops == 3 * dense.cost(training, 96).flops
    weights = dense.initial_weights(training.network.layers(96, inputs=8, outputs=4), (0,), dtype=torch.float32)
    assert dense.cost(training, 96).normals == sum(matrix.numel() for matrix in weights)


@pytest.mark.parametrize("steps, samples, depth", [(4, 8, 3), (10, 8, 3), (2, 16, 2), (1, 64, 4)])
def test_what_matrix_free_training_costs_is_known_to_a_factor(steps, samples, depth):
    training, tally = described(depth, steps=steps, samples=samples), Tally()
    run = matrix_free.train(training, 1024, (0,), tally=tally)
    expected = matrix_free.cost(training, 1024)
    assert 0.3 * expected.flops < tally.flops < 1.2 * expected.flops
    right, left = matrix_free.directions(training)
    for matrix in run.matrices[1:-1]:
        assert (matrix.products.right.used <= right).all()
        assert (matrix.products.left.used <= left).all()
    # In this training features move by little more than rounding, but gradients do not.
    assert run.matrices[1].products.left.used.item() == left


def test_costs_grow_as_they_should():
    training = described()
    free, stored = ([engine.cost(training, width) for width in (1024, 4096)] for engine in (matrix_free, dense))
    assert free[1].flops / free[0].flops == pytest.approx(4, rel=1e-6)
    assert free[1].bytes / free[0].bytes == pytest.approx(4, rel=1e-6)
    assert 15 < stored[1].flops / stored[0].flops < 16
    # Beside four copies of the weights: nothing for plain gradients, otherwise the gradient and the optimizer's own.
    optimizers = (SGD(), Muon(momentum=0.0), SGD(momentum=0.5), SignDescent(), Muon(), Adam())
    costs = [dense.cost(dataclasses.replace(training, optimizer=optimizer), 1024).bytes for optimizer in optimizers]
    copy = dense.cost(training, 1024).normals * 4
    assert [(bytes - costs[0]) / copy for bytes in costs] == [0, 1, 2, 2, 2, 3]


def test_rates_between_those_measured_lie_between_them():
    known = Rates(1e8, ((64, 8, 1e9), (4096, 8, 1e11)))
    cost = Cost(1e9, 0.0, 0)
    assert known.seconds(cost, 64, 8) == pytest.approx(1, rel=1e-3)
    assert known.seconds(cost, 4096, 8) == pytest.approx(0.01, rel=1e-3)
    assert known.seconds(cost, 512, 8) == pytest.approx(0.1, rel=1e-3)
    assert known.seconds(cost._replace(normals=1e8), 64, 8) == pytest.approx(2, rel=1e-3)


def test_every_engine_has_its_reference_rates():
    assert set(REFERENCE_RATES) == set(ENGINES)
    assert json.dumps({name: dataclasses.asdict(known) for name, known in REFERENCE_RATES.items()})


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_dense_as_its_hidden_weights_are_rounded(dtype):
    half = described(dtype=dtype)
    assert choose(half, 16384, memory_budget=PLENTY).engine == "dense"
    with pytest.raises(ValueError, match=f"{dtype} rounds every weight"):
        choose(half, 16384, wanted="matrix_free", memory_budget=PLENTY)
