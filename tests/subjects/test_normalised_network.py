"""Without normalisation it is the dense engine; with it, a network written in torch's own modules."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from properties.subjects.normalised_network import NormalisedTrial
from theorychecks.engines import Limits
from theorychecks.engines.deferred import DeferredRun
from theorychecks.engines.dense import initial_weights
from theorychecks.networks import (
    CROSS_ENTROPY,
    MLP,
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
from theorychecks.observables.stability import stability_threshold

SEEDS, WIDTH, STEPS = (0, 1, 2), 24, 5
DESCENT, ADAM = SGD(), Adam()
OPTIMIZERS = pytest.mark.parametrize("optimizer", [DESCENT, ADAM], ids=["sgd", "adam"])


def training(optimizer=DESCENT):
    return Training(
        MLP(2, TANH, STANDARD),
        learning_rate=scaled(0.3 if isinstance(optimizer, SGD) else 0.02),
        data=GaussianMixture(samples=12, dimension=6),
        loss=CROSS_ENTROPY,
        steps=STEPS,
        batch_size=4,
        optimizer=optimizer,
        dtype="float64",
    )


@pytest.mark.parametrize("optimizer", [DESCENT, SGD(momentum=0.5), ADAM, SignDescent(), Muon(momentum=0.0)], ids=repr)
def test_without_normalisation_it_is_the_dense_engine(optimizer):
    factors = torch.tensor([1.0, 2.0, 0.5, 1.0])
    again = [0, 1, 2, 0]
    plain = NormalisedTrial(training(optimizer), WIDTH, SEEDS, 7, normalised=False).histories(again, factors, Limits())
    dense = DeferredRun(training(optimizer), WIDTH, SEEDS, 7).histories(again, factors, Limits())
    for found, expected in zip(plain, dense, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    normalised = NormalisedTrial(training(optimizer), WIDTH, SEEDS, 7).histories(again, factors, Limits())
    assert not torch.allclose(normalised.losses, dense.losses, rtol=0.01)


@OPTIMIZERS
@pytest.mark.parametrize("gains", [True, False], ids=["gains trained", "gains of one"])
def test_with_normalisation_it_is_a_network_of_modules(optimizer, gains):
    described = training(optimizer)
    found = NormalisedTrial(described, WIDTH, (3,), 0, trained_gains=gains).sizes([3], torch.ones(1))
    inputs, targets, _ = (torch.as_tensor(array) for array in described.data.draw())
    layers = described.network.layers(WIDTH, inputs=6, outputs=4)
    weights = [w[0].clone().requires_grad_() for w in initial_weights(layers, [3], dtype=torch.float64)]
    norms = [torch.nn.RMSNorm(WIDTH, eps=0.0, dtype=torch.float64) for _ in range(2)]
    parameters = [*weights, *(norm.weight for norm in norms if gains)]
    rate = described.learning_rate.base
    adam = torch.optim.Adam(parameters, lr=rate, eps=ADAM.epsilon)
    chosen = adam if optimizer is ADAM else torch.optim.SGD(parameters, lr=rate)
    for step in range(STEPS + 1):
        rows = described.batch(step)
        x, sizes, produced = inputs[rows], [], []
        for weight, norm in zip(weights, norms, strict=False):
            h = x @ weight.T
            z = norm(h)
            produced.append(h.square().mean().sqrt().item())
            sizes.append(z.square().mean().sqrt().item())
            x = torch.tanh(z)
        outputs = x @ weights[-1].T
        loss = torch.nn.functional.cross_entropy(outputs, targets[rows])
        assert found.losses[step].item() == pytest.approx(loss.item(), rel=1e-8)
        assert found.activations[step].item() == pytest.approx(max(sizes), rel=1e-8)
        assert found.produced[step].item() == pytest.approx(max(produced), rel=1e-8)
        assert found.outputs[step].item() == pytest.approx(outputs.square().mean().sqrt().item(), rel=1e-8)
        chosen.zero_grad()
        loss.backward()
        chosen.step()


def test_normalisation_begins_with_inputs_of_size_one():
    found = NormalisedTrial(training(), WIDTH, SEEDS, 0).histories(list(SEEDS), torch.ones(3), Limits())
    torch.testing.assert_close(found.peak_activations[0], torch.ones(3, dtype=torch.float64), rtol=1e-12, atol=0)


def test_a_rate_search_takes_it_for_any_other_trial():
    plain = NormalisedTrial(training(), WIDTH, SEEDS, 0, normalised=False)
    expected = stability_threshold(DeferredRun(training(), WIDTH, SEEDS, 0), "activations")
    np.testing.assert_allclose(stability_threshold(plain, "activations").values, expected.values)
    normalised = stability_threshold(NormalisedTrial(training(), WIDTH, SEEDS, 0), "activations")
    assert not np.allclose(normalised.values, expected.values)


@pytest.mark.parametrize(
    "changes",
    [{"ridge": Ridge(strength=0.1)}, {"network": MLP(2, TANH, STANDARD, centred=True)}],
    ids=["ridge", "centred"],
)
def test_what_it_does_not_know_is_refused(changes):
    with pytest.raises(ValueError, match="without ridge and centring"):
        NormalisedTrial(replace(training(), **changes), WIDTH, SEEDS, 0)
