"""Networks of the matrix-free engine have the law of the dense engine's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from theorychecks.engines import dense, matrix_free
from theorychecks.networks import (
    CROSS_ENTROPY,
    MAXIMAL_UPDATE,
    MLP,
    MSE,
    RELU,
    SGD,
    STANDARD,
    TANH,
    GaussianMixture,
    Ridge,
    Training,
    scaled,
)
from theorychecks.observables import Alignment, FeatureChange
from theorychecks.observables.observable import Observable

NETWORKS = 2000
CHUNK = 100
FAMILY_LEVEL = 0.001
# The decay takes a good part of the weights away within ten steps, and relu kills directions in some networks only.
DECAYING = Ridge(strength=10.0, towards="zero")
SETTINGS = {
    "MSE under standard": (STANDARD, MSE, scaled(0.5, width=-1), TANH, {}),
    "cross-entropy under standard": (STANDARD, CROSS_ENTROPY, scaled(0.5, width=-1 / 2), TANH, {}),
    "MSE under maximal update": (MAXIMAL_UPDATE, MSE, scaled(0.2), TANH, {}),
    "relu, batches, momentum and decay": (
        STANDARD,
        MSE,
        scaled(0.5, width=-1),
        RELU,
        {"batch_size": 2, "ridge": DECAYING, "optimizer": SGD(momentum=0.5)},
    ),
}
# A decay makes changes of full rank, and their spectral norms cost the cube of the width.
CASES = [
    (name, width, steps)
    for name, (*_, options) in SETTINGS.items()
    for width in (64, 96 if "ridge" in options else 256)
    for steps in (1, 10)
]


def described(name, steps, gain=1.0):
    parametrization, loss, rate, activation, options = SETTINGS[name]
    data = GaussianMixture(dimension=4, classes=2, samples=4)
    network = MLP(3, replace(activation, gain=gain * activation.gain), parametrization)
    return Training(network, learning_rate=rate, data=data, loss=loss, steps=steps, **options)


def readings(observable: Observable, run):
    return {f"{observable.title} {parts}": reading.values for parts, reading in observable.read(run).items()}


def numbers(engine, training, width, *, first=0):
    """Many observables of many networks, [network] by name."""
    steps, found = training.steps, {}
    for start in range(first, first + NETWORKS, CHUNK):
        with torch.no_grad():
            run = engine.train(training, width, range(start, start + CHUNK))
            seen = {
                "loss": run.losses[-1],
                "logit": run.outputs(steps)[:, 0, 0],
                "logit on a test input": run.outputs(steps, "test")[:, 0, 0],
            }
            for observable in (FeatureChange(), Alignment("effective"), Alignment("propagating")):
                seen |= readings(observable, run)
            for matrix, layer in enumerate(run.layers):
                seen[f"size of {layer.name}"] = run.weight_norm(matrix, "frobenius")
                for norm in ("frobenius", "spectral"):
                    seen[f"change of {layer.name}, {norm}"] = run.weight_change_norm(matrix, norm, steps)
                growth = run.weight_norm(matrix, "frobenius", steps) - run.weight_norm(matrix, "frobenius")
                seen[f"growth of {layer.name}"] = growth
        for name, values in seen.items():
            found.setdefault(name, []).append(values.double().numpy())
    return {name: np.concatenate(values) for name, values in found.items()}


def smallest_p(first, second):
    """The least probable of all observables' Kolmogorov-Smirnov distances, and how many there are."""
    assert set(first) == set(second)
    values = {name: stats.ks_2samp(first[name], second[name]).pvalue for name in first}
    return min(values.values()), min(values, key=values.get), len(values)


@pytest.mark.slow
@pytest.mark.parametrize("name, width, steps", CASES)
def test_two_thousand_networks_of_each_engine_are_alike(name, width, steps):
    training = described(name, steps)
    by_dense = numbers(dense, training, width)
    free = numbers(matrix_free, training, width)
    p, least, count = smallest_p(by_dense, free)
    level = FAMILY_LEVEL / (len(CASES) * count)
    print(f"{name}, width {width}, {steps} steps: smallest p of {count} is {p:.2g}, of {least}")
    assert count >= 6
    assert p > level
    # The same comparison sees weights that start five per cent too large.
    wrong = numbers(matrix_free, described(name, steps, gain=1.05), width)
    p, most, _ = smallest_p(
        *({k: v for k, v in each.items() if not k.startswith("size")} for each in (by_dense, wrong))
    )
    print(f"  against 1.05 times the scale: {p:.2g}, of {most}")
    assert p < level


def norms(engine, width, count, *, scale=1.0, seeds=0):
    training = replace(
        described("MSE under standard", 2), network=MLP(2, replace(TANH, gain=scale * TANH.gain), STANDARD)
    )
    found = []
    for start in range(seeds, seeds + count, 50):
        with torch.no_grad():
            run = engine.train(training, width, range(start, min(start + 50, seeds + count)))
            if engine is dense:
                matrices = run.weights(1, 0)
                found.append(torch.linalg.matrix_norm(matrices, ord=2))
            else:
                found.append(run.weight_norm(1, "spectral"))
    return torch.cat(found).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("width, count", [(64, 1000), (512, 300)], ids=["formed", "in coordinates"])
def test_spectral_norms_of_initial_matrices_are_alike(width, count):
    by_dense = norms(dense, width, count)
    assert stats.ks_2samp(by_dense, norms(matrix_free, width, count)).pvalue > FAMILY_LEVEL / 2
    assert stats.ks_2samp(by_dense, norms(matrix_free, width, count, scale=1.02)).pvalue < FAMILY_LEVEL / 2


def test_the_norm_of_a_wide_matrix_has_the_law_of_tracy_and_widom():
    # Johnstone 2001 (math/0106003), Theorem 1.1: centring and scaling of the largest squared singular value; the limit
    # law has mean -1.2065 and standard deviation 1.268.
    width, networks = 1024, 120
    training = replace(described("MSE under standard", 1), network=MLP(2, TANH, STANDARD))
    runs = [matrix_free.train(training, width, range(start, start + 8)) for start in range(0, networks, 8)]
    norms = torch.cat([run.weight_norm(1, "spectral") for run in runs]).double() * width**0.5 / TANH.gain
    edge = (width - 1) ** 0.5 + width**0.5
    spread = edge * ((width - 1) ** -0.5 + width**-0.5) ** (1 / 3)
    seen = (norms**2 - edge**2) / spread
    error = 1.268 / networks**0.5
    assert seen.mean().item() == pytest.approx(-1.2065, abs=4 * error)
    assert seen.std().item() == pytest.approx(1.268, rel=0.3)
