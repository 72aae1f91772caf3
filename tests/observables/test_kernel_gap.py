"""The distance to kernel regression is zero for a model that is linear in what it trains, and right for others."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.kernels import analytic_kernels, first_order_regression, kernel_regression
from theorychecks.networks import ERF, MLP, MSE, NTK, RELU, SGD, STANDARD, TANH, Adam, Ridge, Teacher, Training, scaled
from theorychecks.observables import EnsembleKernelGap, KernelGap

DATA = Teacher(dimension=4, samples=4, test_samples=3)
# At width 64 the input layer then learns at 64^-20 of the readout's rate: not at all, and only the readout is trained.
READOUT_ONLY = scaled(1.0, input=-20)


def deferred(depth=1, activation=RELU, *, parametrization=NTK, width=64, seeds=(0, 1, 2), centred=False, **options):
    options = {"learning_rate": READOUT_ONLY, "data": DATA, "steps": 1500, "dtype": "float64"} | options
    network = MLP(depth, activation, parametrization, centred=centred)
    return DeferredRun(Training(network, loss=MSE, **options), width, seeds, 0)


def gap(observable, described):
    (reading,) = observable.read(described).values()
    return reading.values.numpy()


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_network_whose_readout_alone_is_trained_is_its_kernels_regression(centred, ridge, outputs):
    data = Teacher(dimension=4, outputs=outputs, samples=4, test_samples=3)
    described = deferred(centred=centred, ridge=Ridge(strength=ridge), data=data)
    assert (gap(KernelGap(), described) < 1e-6).all()
    # Stopped early, or with the input layer trained too, it is not.
    assert (gap(KernelGap(), deferred(centred=centred, ridge=Ridge(strength=ridge), data=data, steps=2)) > 1e-3).all()
    nonlinear = deferred(centred=centred, ridge=Ridge(strength=ridge), data=data, learning_rate=scaled(0.5))
    assert (gap(KernelGap(), nonlinear) > 1e-3).all()


def test_under_a_ridge_the_regression_does_not_depend_on_the_rates():
    # The minimum of loss + ridge |theta - theta_0|^2 / 2 is the same however fast it is reached.
    faster = deferred(ridge=Ridge(strength=0.1), learning_rate=scaled(0.1, input=-20, output=0.5))
    assert (gap(KernelGap(), faster) < 1e-6).all()


def jacobian_in_all_weights(run, seed, x):
    multipliers = [layer.multiplier for layer in run.layers]
    weights = tuple(run.weights(k, 0)[seed] / multipliers[k] for k in range(len(run.layers)))

    def function(weights):
        h = torch.as_tensor(x)
        for k, weight in enumerate(weights):
            h = multipliers[k] * (h if k == 0 else torch.tanh(h)) @ weight.T
        return h.reshape(-1)

    jacobians = torch.func.jacrev(function)(weights)
    return torch.cat([j.reshape(j.shape[0], -1) for j in jacobians], dim=1).numpy()


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("strength", [0.0, 0.2])
def test_it_compares_with_the_linearised_model_in_parameter_space(centred, strength):
    data = Teacher(dimension=4, outputs=2, samples=4, test_samples=3)
    described = deferred(
        2,
        TANH,
        width=16,
        data=data,
        learning_rate=scaled(0.1),
        steps=20,
        centred=centred,
        ridge=Ridge(strength=strength),
    )
    found = gap(KernelGap(), described)
    run, draw = described, data.draw()
    for seed in range(3):
        train = jacobian_in_all_weights(run, seed, draw.inputs)
        test = jacobian_in_all_weights(run, seed, draw.test_inputs)
        residual = draw.targets.reshape(-1) - run.outputs(0)[seed].reshape(-1).numpy()
        # Least squares on [J / sqrt(P); sqrt(ridge) I] minimises the mean loss plus the ridge; without one, the solution
        # of least norm.
        rows = [train / 2, math.sqrt(strength) * np.eye(train.shape[1])]
        right = [residual / 2, np.zeros(train.shape[1])]
        theta = np.linalg.lstsq(np.vstack(rows), np.concatenate(right), rcond=1e-12)[0]
        linearised = run.outputs(0, "test")[seed].reshape(-1).numpy() + test @ theta
        trained = run.outputs(20, "test")[seed].reshape(-1).numpy()
        assert found[seed] == pytest.approx(math.sqrt(np.mean((trained - linearised) ** 2)), rel=1e-6)


def ntk(given, rows, columns=None):
    columns = None if columns is None else columns / given.gain
    kernels = analytic_kernels(
        rows / given.gain, columns, depth=1, activation=given.name, weight_variance=given.gain**2
    )
    return kernels.ntk


def test_the_analytic_gap_is_the_distance_to_regression_with_the_ntk():
    described = deferred(1, ERF, learning_rate=scaled(0.2), steps=10, ridge=Ridge(strength=0.1))
    found = gap(KernelGap("analytic"), described)
    run, draw = described, DATA.draw()
    train, cross = ntk(ERF, draw.inputs), ntk(ERF, draw.test_inputs, draw.inputs)
    for seed in range(3):
        residual = draw.targets - run.outputs(0)[seed].numpy()
        predicted = cross @ np.linalg.solve(train + 0.1 * 4 * np.eye(4), residual)
        moved = (run.outputs(10, "test") - run.outputs(0, "test"))[seed].numpy()
        assert found[seed] == pytest.approx(math.sqrt(np.mean((moved - predicted) ** 2)), rel=1e-9)
    assert not np.allclose(found, gap(KernelGap("initial"), described), rtol=0.01)


def test_a_wide_network_is_near_the_analytic_regression_and_a_narrow_one_is_not():
    options = {"learning_rate": scaled(0.5), "steps": 150, "ridge": Ridge(strength=0.1), "centred": True}
    wide = gap(KernelGap("analytic"), deferred(1, ERF, width=4096, **options))
    narrow = gap(KernelGap("analytic"), deferred(1, ERF, width=16, **options))
    assert wide.max() < 0.05
    assert narrow.min() > 2 * wide.max()


def test_the_analytic_kernel_needs_the_ntk_convention():
    for observable in (KernelGap("analytic"), EnsembleKernelGap(2)):
        with pytest.raises(ValueError, match=r"got 'standard'\. Use kernel='initial', or one of those"):
            observable.read(deferred(parametrization=STANDARD, steps=1, seeds=(0, 1), learning_rate=scaled(0.01)))


def test_options_are_checked():
    with pytest.raises(ValueError, match="'initial' or 'analytic'; got 'final'"):
        KernelGap("final")
    for networks in (0, 1, 3):
        with pytest.raises(ValueError, match=f"its size is even; got {networks}"):
            EnsembleKernelGap(networks)
    assert EnsembleKernelGap(8).networks == 8
    assert KernelGap().networks == 1


def test_a_diverged_seed_has_no_gap_and_raises_nothing():
    described = deferred(1, RELU, learning_rate=scaled(1e30), steps=8, dtype="float32")
    assert not np.isfinite(gap(KernelGap(), described)).any()
    assert np.isfinite(gap(KernelGap(), deferred(steps=8))).all()


def first_order_effects(described):
    """The control variate of every network."""
    run, draw = described, DATA.draw()
    train, cross = ntk(ERF, draw.inputs), ntk(ERF, draw.test_inputs, draw.inputs)
    own_train, own_cross = run.tangent_kernel(0).numpy(), run.tangent_kernel(0, rows="test").numpy()
    ridge = run.training.ridge.strength * 4
    targets = draw.targets.reshape(-1)
    right = first_order_regression(train, cross, own_train - train, own_cross - cross, targets, ridge=ridge)
    wrong = first_order_regression(train, cross, own_train - 0.9 * train, own_cross - cross, targets, ridge=ridge)
    return right, wrong


def test_the_control_variate_of_an_ensemble_has_mean_zero():
    described = deferred(
        1, ERF, width=256, seeds=tuple(range(400)), steps=0, learning_rate=scaled(0.1), ridge=Ridge(strength=0.1)
    )
    right, wrong = first_order_effects(described)

    def standard_errors_from_zero(values):
        return np.abs(values.mean(axis=0)) / (values.std(axis=0, ddof=1) / math.sqrt(len(values)))

    assert np.all(standard_errors_from_zero(right) < 5)
    assert np.any(standard_errors_from_zero(wrong) > 5)


def test_an_ensembles_gap_is_the_product_of_its_halves():
    described = deferred(1, ERF, seeds=tuple(range(8)), learning_rate=scaled(0.1), steps=3, ridge=Ridge(strength=0.1))
    found = gap(EnsembleKernelGap(4), described)
    run, draw = described, DATA.draw()
    train, cross = ntk(ERF, draw.inputs), ntk(ERF, draw.test_inputs, draw.inputs)
    own_train, own_cross = run.tangent_kernel(0).numpy(), run.tangent_kernel(0, rows="test").numpy()
    left_over = []
    for seed in range(8):
        start = run.outputs(0)[seed].numpy()
        predicted = kernel_regression(train, cross, draw.targets - start, ridge=0.4)
        moved = (run.outputs(3, "test") - run.outputs(0, "test"))[seed].numpy()
        # The derivative of the regression along the kernel's own change, by central differences.
        step = 1e-5
        ahead, behind = (
            kernel_regression(
                train + s * (own_train[seed] - train), cross + s * (own_cross[seed] - cross), draw.targets, ridge=0.4
            )
            for s in (step, -step)
        )
        left_over.append(moved - predicted - (ahead - behind) / (2 * step))
    first, second = np.array(left_over).reshape(2, 2, 2, 3).mean(axis=2).transpose(1, 0, 2)
    products = np.mean(first * second, axis=1)
    np.testing.assert_allclose(found, np.sqrt(np.maximum(products, 0)), rtol=1e-6)
    assert found.shape == (2,)
    assert (found > 0).any()


def test_momentum_ends_at_the_regression_and_adam_is_refused():
    assert (gap(KernelGap(), deferred(optimizer=SGD(momentum=0.5))) < 1e-6).all()
    for observable in (KernelGap(), KernelGap("analytic"), EnsembleKernelGap(2)):
        with pytest.raises(ValueError, match=r"describes gradient descent; got Adam\(.*\)\. Use SGD\(\)"):
            gap(observable, deferred(seeds=(0, 1), steps=1, optimizer=Adam()))


def test_an_ensemble_is_nearer_to_the_regression_than_its_members():
    described = deferred(
        1, ERF, seeds=tuple(range(64)), learning_rate=scaled(0.5), steps=200, ridge=Ridge(strength=0.1), centred=True
    )
    ensemble = gap(EnsembleKernelGap(64), described)
    single = gap(KernelGap("analytic"), described)
    assert ensemble[0] < 0.5 * single.mean()
    assert dense.train(replace(described.training, steps=0), 64, (0,)).outputs(0).abs().max() == 0
