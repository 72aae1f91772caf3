"""Networks drawn anew have the thresholds of networks that are kept, whichever engine trains them."""

import numpy as np
import pytest
import torch

import theorychecks as tc
from properties.subjects import fresh_networks
from properties.subjects.fresh_networks import FreshNetworks
from theorychecks.engines import Limits
from theorychecks.engines.deferred import DeferredRun
from theorychecks.observables.stability import stability_threshold

TRAINING = tc.Training(
    tc.MLP(2, tc.RELU, tc.STANDARD),
    learning_rate=tc.scaled(8.0, width=-1 / 2),
    data=tc.GaussianMixture(samples=16, spread=2.0, label_noise=0.2),
    loss=tc.CROSS_ENTROPY,
    steps=4,
    batch_size=4,
)
SEEDS = range(48)


def thresholds(networks):
    with torch.no_grad():
        return np.log(stability_threshold(networks, "activations").values.numpy())


def test_thresholds_are_those_of_networks_that_are_kept():
    kept, fresh = thresholds(DeferredRun(TRAINING, 128, SEEDS, 0)), thresholds(FreshNetworks(TRAINING, 128, SEEDS, 1))
    assert abs(kept.mean() - fresh.mean()) < 4 * np.hypot(kept.std(), fresh.std()) / len(SEEDS) ** 0.5
    assert abs(kept.mean() - fresh.mean()) < 0.1


def test_both_engines_find_one_threshold(monkeypatch):
    stored = thresholds(FreshNetworks(TRAINING, 256, SEEDS, 0))
    monkeypatch.setattr(fresh_networks, "STORED", 128)
    drawn = thresholds(FreshNetworks(TRAINING, 256, SEEDS, 0))
    assert not np.allclose(stored, drawn)
    assert abs(stored.mean() - drawn.mean()) < 4 * np.hypot(stored.std(), drawn.std()) / len(SEEDS) ** 0.5


def test_no_two_trials_are_of_one_network_and_none_depends_on_other_seeds():
    limits, factors = Limits(), torch.ones(3, dtype=torch.float64)
    networks = FreshNetworks(TRAINING, 32, (0, 1), 0)
    with torch.no_grad():
        together = networks.histories([0, 1, 0], factors, limits).losses[0]
        again = networks.histories([0], factors[:1], limits).losses[0]
        alone = FreshNetworks(TRAINING, 32, (1,), 0).histories([1], factors[:1], limits).losses[0]
    assert len({*together.tolist(), *again.tolist()}) == 4
    torch.testing.assert_close(together[1:2], alone)


def test_a_search_without_an_end_is_refused():
    networks = FreshNetworks(TRAINING, 8, (0,), 0)
    with torch.no_grad(), pytest.raises(ValueError, match="64 trials"):
        networks.histories([0] * 65, torch.ones(65, dtype=torch.float64), Limits())
