"""How far a trained network is from its kernel's regression, and the kernel from itself."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.kernels.analytic import analytic_kernels
from theorychecks.kernels.empirical import Weighting, tangent_kernel
from theorychecks.kernels.regression import first_order_regression, kernel_regression
from theorychecks.networks import Training
from theorychecks.observables.observable import BY_NAME, Observable, Reading, Trial, from_run, root_mean_square
from theorychecks.statistics.averages import size_of_mean

KernelName = Literal["initial", "analytic"]
Array = NDArray[np.float64]


def tangent_kernel_drift() -> Observable:
    """Relative change of the tangent kernel on training inputs, ||K_T - K_0||_F / ||K_0||_F."""

    def read(run: Run) -> Tensor:
        start = tangent_kernel(run, 0)
        change = tangent_kernel(run, run.training.steps) - start
        return root_mean_square(change) / root_mean_square(start)

    return from_run("tangent kernel drift", read)


def kernel_gap(kernel: KernelName = "initial") -> Observable:
    """Distance of the trained function from kernel (ridge) regression, RMS over test inputs.

    The regression's ridge has the strength of the training's own, which agrees with it only if it pulls towards the
    initial weights; without one this is the interpolating solution. The training must run to convergence.
    The initial function is handled as the training does: subtracted where the network is centred, otherwise propagated.

    Args:
        kernel: "initial" takes each network's own kernel at initialisation, "analytic" the infinite-width NTK, which
            needs the NTK parametrization.
    """
    if kernel not in ("initial", "analytic"):
        raise ValueError(f"a kernel is 'initial' or 'analytic'; got {kernel!r}")

    def read(run: Run) -> dict[str, Tensor]:
        train, cross = _initial_kernels(run) if kernel == "initial" else _analytic_kernels(run.training)
        return {f"{kernel} kernel": _as_tensor(np.sqrt(np.mean(_gap(run, train, cross) ** 2, axis=(1, 2))))}

    return from_run(f"distance to kernel regression ({kernel})", read, title="distance to kernel regression")


def ensemble_kernel_gap(networks: int = 64) -> Observable:
    """Distance of an ensemble's mean from regression with the analytic kernel, over test inputs.

    The first-order effect of K_0 - K is subtracted from each network; for one hidden layer its mean is exactly zero,
    and what is left is the bias. The squared norm of the mean is estimated without bias, as the product of the means of
    two halves of the ensemble; where that is negative the run counts as zero (derived here).

    Args:
        networks: an even number, the size of the ensemble behind each value.
    """
    if networks < 2 or networks % 2:
        raise ValueError(f"an ensemble is split into halves, so its size is even; got {networks}")

    def observe(trial: Trial) -> dict[str, Reading]:
        run = trial.run()
        train, cross = _analytic_kernels(run.training)
        own_train, own_cross = _initial_kernels(run)
        targets = _flat_targets(run)
        first_order = first_order_regression(
            train, cross, own_train - train, own_cross - cross, targets, ridge=_ridge(run.training)
        )
        gap = _gap(run, train, cross)
        left_over = (gap - first_order.reshape(gap.shape)).reshape(-1, networks, *gap.shape[1:])
        return {"": Reading(_as_tensor(size_of_mean(left_over)))}

    return Observable(
        f"distance of an ensemble of {networks} to kernel regression", observe, networks=networks, key=BY_NAME
    )


def _gap(run: Run, train: Array, cross: Array) -> Array:
    """Trained minus predicted function at test inputs, [seed, Q, C].

    Raises:
        ValueError: for an optimizer that is not gradient descent, with or without momentum.
    """
    if run.training.optimizer.heavy_ball is None:
        raise ValueError(
            f"regression with the tangent kernel describes gradient descent; got {run.training.optimizer!r}. Use SGD()."
        )
    steps, ridge = run.training.steps, _ridge(run.training)
    start_train, start_test = _as_array(run.outputs(0)), _as_array(run.outputs(0, "test"))
    seeds, samples, size = start_train.shape
    residual = (_flat_targets(run) - start_train.reshape(seeds, samples * size))[..., None]
    predicted = kernel_regression(train, cross, residual, ridge=ridge)
    return np.asarray(_as_array(run.outputs(steps, "test")) - start_test - predicted.reshape(start_test.shape))


def _ridge(training: Training) -> float:
    """The ridge in units of a sum over samples: the training's loss is a mean."""
    return training.ridge.strength * training.data.samples


def _initial_kernels(run: Run) -> tuple[Array, Array]:
    """Kernels of the regression that the training amounts to.

    Where gradient descent interpolates, each weight moves in proportion to its learning rate; a minimum with a ridge
    does not depend on rates.
    """
    weighting: Weighting = "none" if run.training.ridge.strength else "rates"
    train = tangent_kernel(run, 0, weighting=weighting)
    return _as_array(train), _as_array(tangent_kernel(run, 0, rows="test", weighting=weighting))


def _analytic_kernels(training: Training) -> tuple[Array, Array]:
    network, draw = training.network, training.data.draw()
    if network.parametrization.constants != "multiplier":
        raise ValueError(
            "the analytic NTK belongs to standard normal weights behind constant multipliers, as under NTK and "
            f"MEAN_FIELD; got {network.parametrization.name!r}. Use kernel='initial', or one of those."
        )
    # The package's input layer has unit gain, so that preactivations have the inputs' variance; the kernel's has not.
    gain = network.activation.gain

    def ntk(rows: Array, columns: Array | None = None) -> Array:
        return analytic_kernels(
            rows / gain,
            None if columns is None else columns / gain,
            depth=network.depth,
            activation=network.activation.name,
            weight_variance=gain**2,
        ).ntk

    outputs = np.eye(training.data.outputs)
    train, cross = np.kron(ntk(draw.inputs), outputs), np.kron(ntk(draw.test_inputs, draw.inputs), outputs)
    return np.asarray(train, dtype=np.float64), np.asarray(cross, dtype=np.float64)


def _flat_targets(run: Run) -> Array:
    return np.asarray(run.training.data.draw().targets.reshape(-1))


def _as_array(values: Tensor) -> Array:
    return values.to(torch.float64).cpu().numpy()


def _as_tensor(values: Array) -> Tensor:
    return torch.as_tensor(values)
