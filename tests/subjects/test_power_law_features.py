"""Losses of two-layer linear networks are those of their kernel where they are lazy, and of a closed form at one feature."""

import numpy as np
import pytest
import torch
from scipy import integrate

from properties.subjects.power_law_features import Task, losses

TASK = Task(alpha=3.0, beta=0.4, features=8)
TIMES = (1.0, 10.0, 100.0)


def test_a_lazy_network_descends_on_its_initial_kernel():
    found = losses(TASK, 1e-4, TIMES, neurons=32, generators=[torch.Generator().manual_seed(1)])[:, 0]
    first = torch.randn((32, 8), generator=torch.Generator().manual_seed(1), dtype=torch.float64).numpy()
    root = TASK.variances().sqrt().numpy()
    values, vectors = np.linalg.eigh(root[:, None] * (first.T @ first / 32) * root)
    start = vectors.T @ (root * TASK.coefficients().numpy())
    wanted = [float(((np.exp(-values * time) * start) ** 2).sum()) + TASK.beyond() for time in TIMES]
    # Steps of descent have three quarters of the stable length, so the largest modes are not those of the flow.
    np.testing.assert_allclose(found[1:].numpy(), wanted[1:], rtol=0.02)
    assert abs(found[2] - wanted[1]) > 0.1 * wanted[1]


def test_a_rich_network_with_one_feature_grows_along_it():
    """With |w|^2 / N = q and A = a w / |w| the flow is a' = strength sqrt(q) e, and keeps a^2 - q."""
    strength, neurons = 10.0, 64
    task = Task(alpha=3.0, beta=0.4, features=1)
    generator = torch.Generator().manual_seed(2)
    found = losses(task, strength, (0.3,), neurons=neurons, generators=[generator])[0, 0].item()
    first = torch.randn((neurons, 1), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    size = first.square().mean().sqrt().item()

    def flow(_, state):
        readout, feature = state
        error = 1 - readout * feature / strength
        return [strength * feature * error, strength * readout * error]

    readout, feature = integrate.solve_ivp(flow, (0, 0.3), [0.0, size], rtol=1e-9).y[:, -1]
    wanted = (1 - readout * feature / strength) ** 2
    assert found - task.beyond() == pytest.approx(wanted, abs=0.05)
    assert wanted < 0.5


def test_what_lies_beyond_the_features_is_the_rest_of_the_sum():
    whole = Task(alpha=3.0, beta=0.4, features=10**6)
    inside = (whole.variances() * whole.coefficients().square())[8:].sum().item()
    assert TASK.beyond() == pytest.approx(inside + whole.beyond(), rel=1e-9)
