"""How far a trained network is from its kernel's regression, and the kernel from itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.engines.run import Weighting
from theorychecks.kernels.analytic import analytic_kernels
from theorychecks.kernels.regression import first_order_regression, kernel_regression
from theorychecks.networks import Training
from theorychecks.observables.observable import Observable, Readings, check_option, readings, root_mean_square
from theorychecks.statistics.averages import size_of_mean
from theorychecks.statistics.parts import Parts

KernelName = Literal["initial", "analytic"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class TangentKernelDrift(Observable):
    """Relative change of the tangent kernel on training inputs, ||K_T - K_0||_F / ||K_0||_F."""

    title = "tangent kernel drift"
    parts = ()

    def read(self, run: Run) -> Readings:
        """One ratio."""
        start = run.tangent_kernel(0)
        change = run.tangent_kernel(run.steps) - start
        return readings(run, root_mean_square(change) / root_mean_square(start))


@dataclass(frozen=True)
class KernelGap(Observable):
    """Distance of the trained function from kernel (ridge) regression, RMS over test inputs.

    The regression's ridge has the strength of the training's own, which agrees with it only if it pulls towards the
    initial weights; without one this is the interpolating solution. The training must run to convergence.
    The initial function is handled as the training does: subtracted where the network is centred, otherwise propagated.

    Attributes:
        kernel: "initial" takes each network's own kernel at initialisation, "analytic" the infinite-width NTK, which
            needs the NTK parametrization.
    """

    kernel: KernelName = "initial"
    title = "distance to kernel regression"
    parts = ("kernel",)

    def __post_init__(self) -> None:
        check_option(self.kernel, get_args(KernelName), "a kernel is")

    def read(self, run: Run) -> Readings:
        """One distance."""
        train, cross = _initial_kernels(run) if self.kernel == "initial" else _analytic_kernels(run.training)
        distance = _as_tensor(np.sqrt(np.mean(_gap(run, train, cross) ** 2, axis=(1, 2))))
        return readings(run, {Parts(kernel=f"{self.kernel} kernel"): distance})


@dataclass(frozen=True)
class EnsembleKernelGap(Observable):
    """Distance of an ensemble's mean from regression with the analytic kernel, over test inputs.

    The first-order effect of K_0 - K is subtracted from each network; for one hidden layer its mean is exactly zero,
    and what is left is the bias. The squared norm of the mean is estimated without bias, as the product of the means of
    two halves of the ensemble; where that is negative the run counts as zero (derived here).

    Attributes:
        networks: an even number, the size of the ensemble behind each value.
    """

    networks: int = 64
    parts = ()

    def __post_init__(self) -> None:
        if self.networks < 2 or self.networks % 2:
            raise ValueError(f"an ensemble is split into halves, so its size is even; got {self.networks}")

    @property
    def title(self) -> str:
        """How large the ensemble is."""
        return f"distance of an ensemble of {self.networks} to kernel regression"

    def read(self, run: Run) -> Readings:
        """One distance an ensemble."""
        train, cross = _analytic_kernels(run.training)
        own_train, own_cross = _initial_kernels(run)
        targets = _flat_targets(run)
        first_order = first_order_regression(
            train, cross, own_train - train, own_cross - cross, targets, ridge=_ridge(run.training)
        )
        gap = _gap(run, train, cross)
        left_over = (gap - first_order.reshape(gap.shape)).reshape(-1, self.networks, *gap.shape[1:])
        return readings(run, _as_tensor(size_of_mean(left_over)))


def _gap(run: Run, train: Array, cross: Array) -> Array:
    """Trained minus predicted function at test inputs, [seed, Q, C].

    Raises:
        ValueError: for an optimizer that is not gradient descent, with or without momentum.
    """
    if run.training.optimizer.heavy_ball is None:
        raise ValueError(
            f"regression with the tangent kernel describes gradient descent; got {run.training.optimizer!r}. Use SGD()."
        )
    steps, ridge = run.steps, _ridge(run.training)
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
    train = run.tangent_kernel(0, weighting=weighting)
    return _as_array(train), _as_array(run.tangent_kernel(0, rows="test", weighting=weighting))


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
