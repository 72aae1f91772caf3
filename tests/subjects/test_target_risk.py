"""Classifiers follow the gradient of the logistic risk, stop at their target, and scale as two-homogeneous ones do."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from properties.subjects import target_risk
from properties.subjects.symmetric_mixture import SymmetricMixture


def problem(seeds=3, dimension=6, samples=8):
    return SymmetricMixture(dimension=dimension).draw(samples, [np.random.default_rng([1, s]) for s in range(seeds)])


def begun(seeds=3, dimension=6, neurons=10, output_scale=0.3):
    generators = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
    return target_risk.balanced(neurons, dimension, output_scale=output_scale, generators=generators)


def test_weights_are_balanced_and_half_of_the_readout_is_positive():
    networks = begun(neurons=400)
    torch.testing.assert_close(networks.readout.abs(), networks.hidden.norm(dim=2))
    assert ((networks.readout > 0).sum(dim=1) == 200).all()
    assert abs(networks.hidden.square().sum(dim=2).mean() - 1) < 0.05


def test_a_step_is_that_of_automatic_differentiation():
    inputs, labels = problem()
    start = begun()
    moved = target_risk.train_to_risk(start, inputs, labels, levels=(1e-9,), rate=0.1, most_steps=1).networks
    rates = target_risk.step_size(start, 0.1)
    for seed in range(3):
        hidden, readout = start.hidden[seed].clone().requires_grad_(), start.readout[seed].clone().requires_grad_()
        outputs = 0.3 * (inputs[seed] @ hidden.T).relu() @ readout
        softplus(-labels[seed] * outputs).mean().backward()
        torch.testing.assert_close(moved.hidden[seed], (hidden - rates[seed] * hidden.grad).detach())
        torch.testing.assert_close(moved.readout[seed], (readout - rates[seed] * readout.grad).detach())


@pytest.mark.parametrize("alpha", [0.05, 1.5])
def test_an_output_scale_is_the_square_of_an_initial_scale(alpha):
    inputs, labels = problem()
    scaled = target_risk.train_to_risk(begun(output_scale=alpha**2), inputs, labels, levels=(0.3,), rate=0.1)
    one = begun(output_scale=1.0)
    small = replace(one, hidden=alpha * one.hidden, readout=alpha * one.readout)
    plain = target_risk.train_to_risk(small, inputs, labels, levels=(0.3,), rate=0.1)
    torch.testing.assert_close(alpha * scaled.networks.hidden, plain.networks.hidden)
    torch.testing.assert_close(scaled.times, plain.times)
    assert not torch.allclose(scaled.networks.hidden, plain.networks.hidden, rtol=1e-2)


def test_networks_that_do_not_reach_the_target_are_refused():
    inputs, labels = problem(seeds=4)
    options = {"levels": (0.5, 0.2), "rate": 0.02}
    reached = target_risk.train_to_risk(begun(seeds=4), inputs, labels, **options)
    assert reached.at_target is reached.networks
    stopped = target_risk.train_to_risk(begun(seeds=4), inputs, labels, most_steps=1, **options)
    with pytest.raises(RuntimeError, match=r"4 of 4 networks did not reach the risk .* give more steps, or"):
        _ = stopped.at_target
    # One is enough.
    times = torch.where(torch.arange(4) == 2, math.inf, reached.times)
    with pytest.raises(RuntimeError, match="1 of 4 networks did not"):
        _ = replace(reached, times=times).at_target


def test_each_seed_stops_at_the_target_by_itself():
    inputs, labels = problem(seeds=4)
    stopped = target_risk.train_to_risk(begun(seeds=4), inputs, labels, levels=(0.5, 0.2), rate=0.02)
    risk = target_risk.logistic_risk(stopped.networks, inputs, labels)
    assert ((risk <= 0.2) & (risk > 0.195)).all()
    assert (stopped.times[0] < stopped.times[1]).all()
    alone = target_risk.train_to_risk(begun(seeds=1), inputs[:1], labels[:1], levels=(0.5, 0.2), rate=0.02)
    torch.testing.assert_close(alone.times[:, 0], stopped.times[:, 0])


def test_times_are_those_of_the_flow():
    inputs, labels = problem()
    coarse, fine = (
        target_risk.train_to_risk(begun(), inputs, labels, levels=(0.3,), rate=rate).times for rate in (0.1, 0.01)
    )
    torch.testing.assert_close(coarse, fine, rtol=0.05, atol=0)


def test_a_target_that_is_never_met_is_met_at_infinity():
    inputs, labels = problem()
    stopped = target_risk.train_to_risk(begun(), inputs, labels, levels=(0.5, 1e-9), rate=0.1, most_steps=200)
    assert torch.isfinite(stopped.times[0]).all()
    assert torch.isinf(stopped.times[1]).all()


def test_other_samples_may_be_trained_on_and_something_else_watched():
    inputs, labels = problem()
    others = problem(seeds=3, samples=20)
    start, seen = begun(), []

    def fresh(step):
        seen.append(step)
        return others

    online = target_risk.train_to_risk(start, inputs, labels, levels=(0.4,), rate=0.1, fresh=fresh)
    assert seen == list(range(len(seen)))
    offline = target_risk.train_to_risk(start, *others, levels=(1e-9,), rate=0.1, most_steps=1)
    first = target_risk.train_to_risk(start, inputs, labels, levels=(1e-9,), rate=0.1, most_steps=1, fresh=fresh)
    torch.testing.assert_close(first.networks.hidden, offline.networks.hidden)
    assert (target_risk.logistic_risk(online.networks, inputs, labels) <= 0.4).all()
    watched = target_risk.train_to_risk(
        start,
        inputs,
        labels,
        levels=(1.2,),
        rate=0.1,
        watched=lambda n: target_risk.angle_to_own_class(n, inputs, labels),
    )
    assert (target_risk.angle_to_own_class(watched.networks, inputs, labels) <= 1.2).all()


def test_angles_are_those_of_the_arc_cosine():
    rng = np.random.default_rng(3)
    first, second = (torch.from_numpy(rng.standard_normal((50, 4))) for _ in range(2))
    expected = np.arccos((first * second).sum(dim=1).numpy() / (first.norm(dim=1) * second.norm(dim=1)).numpy())
    np.testing.assert_allclose(target_risk.angle(first, second), expected, rtol=1e-9)
    tiny = torch.tensor([[1.0, 1e-9]], dtype=torch.float64)
    np.testing.assert_allclose(target_risk.angle(tiny, torch.tensor([[1.0, 0.0]]).double()), 1e-9, rtol=1e-6)


def test_neurons_are_held_against_the_mean_of_the_class_that_they_vote_for():
    inputs = torch.tensor([[[2.0, 0.0], [4.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    labels = torch.tensor([[1.0, 1.0, -1.0]], dtype=torch.float64)
    np.testing.assert_array_equal(target_risk.class_means(inputs, labels), [[[3.0, 0.0], [0.0, 1.0]]])
    hidden = torch.tensor([[[1.0, 1.0], [1.0, 1.0], [0.0, 5.0]]], dtype=torch.float64)
    networks = target_risk.Classifiers(
        hidden=hidden, readout=torch.tensor([[1.0, -1.0, -1.0]]).double(), output_scale=1.0
    )
    np.testing.assert_allclose(target_risk.angle_to_own_class(networks, inputs, labels), [np.pi / 4])
    other = replace(networks, readout=torch.tensor([[1.0, -1.0, 1.0]]).double())
    np.testing.assert_allclose(target_risk.angle_to_own_class(other, inputs, labels), [np.pi / 4])
    np.testing.assert_allclose(
        target_risk.angle_to_own_class(replace(networks, hidden=hidden[:, [2, 0, 2]]), inputs, labels), [np.pi / 4]
    )


@pytest.mark.parametrize(
    "neurons, scale, wrong", [(3, 1.0, "even in number; got 3"), (4, 0.0, "positive number; got 0")]
)
def test_odd_neurons_and_scales_that_are_not_positive_are_refused(neurons, scale, wrong):
    with pytest.raises(ValueError, match=wrong):
        begun(neurons=neurons, output_scale=scale)


@pytest.mark.parametrize("levels", [(), (0.2, 0.3)])
def test_levels_decrease(levels):
    with pytest.raises(ValueError, match="levels that decrease"):
        target_risk.train_to_risk(begun(), *problem(), levels=levels, rate=0.1)
