"""Learning curves of networks and kernels, held against torch's own optimizer and the package's regression."""

import numpy as np
import pytest
import torch

from properties.subjects.learning_curves import Problem, network_errors, tangent_kernel_errors
from theorychecks.kernels import analytic_kernels, kernel_regression


def problem(seeds=2, samples=12, tests=5, dimension=3):
    own = torch.Generator().manual_seed(3)

    def numbers(*shape):
        return torch.randn(shape, generator=own, dtype=torch.float64)

    return Problem(
        numbers(seeds, samples, dimension),
        numbers(seeds, samples),
        numbers(seeds, tests, dimension),
        numbers(seeds, tests),
    )


def by_torch(task, seed, *, width, rate, steps, batch):
    """The same network as a module with an optimizer of three groups."""
    own = torch.Generator().manual_seed(seed)
    inputs, targets, test_inputs, test_targets = (part[seed].float() for part in task)
    sizes = {(width, 3): 3**-0.5, (width, width): (2 / width) ** 0.5, (1, width): 2**0.5 / width}
    first, second, last = (
        torch.nn.Parameter(size * torch.randn(shape, generator=own)) for shape, size in sizes.items()
    )

    def function(x):
        return torch.relu(torch.relu(x @ first.T) @ second.T) @ last.T

    groups = [{"params": [p], "lr": rate * width**power} for p, power in ((first, 1), (second, 0), (last, -1))]
    optimizer = torch.optim.SGD(groups, lr=rate)
    for step in range(steps):
        start = step * batch % (len(inputs) - batch + 1)
        rows = slice(start, start + batch)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(function(inputs[rows])[:, 0], targets[rows]).div(2).backward()
        optimizer.step()
    missed = (function(test_inputs)[:, 0] - test_targets).square().sum() / test_targets.square().sum()
    return missed.item()


@pytest.mark.parametrize("seed", [0, 1])
def test_networks_are_trained_as_torch_trains_them(seed):
    task, how = problem(), {"width": 6, "rate": 0.1, "batch": 4}
    generators = [torch.Generator().manual_seed(k) for k in range(2)]
    found = network_errors(task, **how, steps=7, marks=(3, 7), generators=generators)
    assert found.shape == (2, 2)
    for place, steps in enumerate((3, 7)):
        assert found[place, seed].item() == pytest.approx(by_torch(task, seed, **how, steps=steps), rel=1e-4)


def test_kernels_are_regressed_with_as_the_package_does():
    task = problem()
    found = tangent_kernel_errors(task, (0.1, 2.0))
    for seed in range(2):
        inputs, targets, test_inputs, wanted = (part[seed].numpy() for part in task)
        whole = analytic_kernels(
            np.concatenate([inputs, test_inputs]) / 2**0.5, depth=2, activation="relu", weight_variance=2
        ).ntk
        for place, ridge in enumerate((0.1, 2.0)):
            predicted = kernel_regression(whole[:12, :12], whole[12:, :12], targets, ridge=ridge)
            missed = ((predicted - wanted) ** 2).sum() / (wanted**2).sum()
            assert found[place, seed] == pytest.approx(missed, rel=1e-8)
