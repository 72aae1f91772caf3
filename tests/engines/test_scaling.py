"""Under the exponents that a parametrization has for an optimizer, one step does what the parametrization is for."""

import math

import numpy as np
import pytest

from theorychecks.engines import dense
from theorychecks.networks import (
    MAXIMAL_UPDATE,
    MEAN_FIELD,
    MLP,
    MSE,
    NTK,
    SGD,
    TANH,
    Adam,
    GaussianMixture,
    Muon,
    SignDescent,
    Training,
    scaled,
)

WIDTHS = (64, 256, 1024)
ADAM = Adam(epsilon=1e-30)
NEWTON_SCHULZ = Muon(orthogonalisation="newton-schulz")
ROLES = pytest.mark.parametrize("role", ["input", "hidden", "output"])


def exponent(parametrization, optimizer, role, *, added=0.0, outputs=False):
    """Of what one small step of a role's matrix changes in what it produces, or in the outputs, between the widths."""
    rates = {"input": -math.inf, "hidden": -math.inf, "output": -math.inf} | {role: added}
    training = Training(
        # A matrix that stands still is dear to Muon, too.
        MLP(2 if role == "hidden" else 1, TANH, parametrization),
        learning_rate=scaled(1e-3, **rates),
        data=GaussianMixture(),
        loss=MSE,
        steps=1,
        optimizer=optimizer,
    )
    sizes = []
    for width in WIDTHS:
        run = dense.train(training, width, range(3))
        if outputs or role == "output":
            change = run.outputs(1) - run.outputs(0)
        else:
            layer = {"input": 1, "hidden": 2}[role]
            change = run.preactivations(layer, 1) - run.preactivations(layer, 0)
        sizes.append(change.square().mean(dim=(1, 2)).log().mean().item() / 2)
    return np.polyfit(np.log(WIDTHS), sizes, 1)[0]


@ROLES
@pytest.mark.parametrize("optimizer", [SGD(), ADAM, SignDescent(), Muon(), NEWTON_SCHULZ], ids=repr)
@pytest.mark.parametrize("parametrization", [MAXIMAL_UPDATE, MEAN_FIELD], ids=lambda p: p.name)
def test_every_layer_learns_features_at_every_width(parametrization, optimizer, role):
    assert abs(exponent(parametrization, optimizer, role)) < 0.12
    # With its learning rate off by a root of the width, either way, it does not.
    assert exponent(parametrization, optimizer, role, added=-1 / 2) < -0.38
    assert exponent(parametrization, optimizer, role, added=1 / 2) > 0.38


@ROLES
@pytest.mark.parametrize("optimizer", [SGD(), Muon()], ids=repr)
def test_ntk_parametrization_is_the_regime_of_kernels(optimizer, role):
    # Features move by n^-1/2, and each layer's part in the change of the outputs is of order one.
    feature_change = 0.0 if role == "output" else -1 / 2
    assert exponent(NTK, optimizer, role) == pytest.approx(feature_change, abs=0.12)
    assert exponent(NTK, optimizer, role, outputs=True) == pytest.approx(0, abs=0.15)


def test_adam_at_one_learning_rate_is_not():
    assert exponent(NTK, ADAM, "hidden") == pytest.approx(1 / 2, abs=0.12)
