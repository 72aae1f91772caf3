"""Gradient descent as all engines share it: forward, loss, backward, one matrix at a time.

Gradients are written out, as the layers' are two lines, so that updates go into the weights without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.arguments import whole_number
from theorychecks.engines.run import Limits
from theorychecks.engines.trained import Pass, TrainedRun, forward_pass
from theorychecks.networks import Layer, Training


class Task(NamedTuple):
    """A training at one width, checked and with its data drawn."""

    layers: tuple[Layer, ...]
    inputs: Tensor
    targets: Tensor
    test_inputs: Tensor
    times: tuple[int, ...]

    @classmethod
    def of(
        cls,
        training: Training,
        width: int,
        seeds: Sequence[int],
        times: Sequence[int] | None,
        limits: Limits | None,
        device: str,
    ) -> Task:
        """Check the request and draw the data.

        Raises:
            ValueError: for no seeds, negative seeds, times outside 0..steps, or limits and times at once.
        """
        check_seeds(seeds)
        for time in times or ():
            if isinstance(time, bool) or not isinstance(time, int):
                raise ValueError(f"times are whole numbers of updates; got {time!r}")
        kept = sorted(set((0, training.steps) if times is None else (0, *times) if times else ()))
        if kept and (kept[0] < 0 or kept[-1] > training.steps):
            wrong = kept[0] if kept[0] < 0 else kept[-1]
            raise ValueError(f"times lie between 0 and steps={training.steps}; got {wrong}")
        if limits is not None and kept:
            raise ValueError(
                f"a training with limits may lose seeds and keeps no weights; ask for times=(), not {kept}"
            )
        dtype = getattr(torch, training.dtype)
        inputs, targets, test_inputs = (
            torch.as_tensor(array, dtype=dtype, device=device) for array in training.data.draw()
        )
        layers = training.network.layers(width, inputs=inputs.shape[1], outputs=targets.shape[1])
        return cls(layers, inputs, targets, test_inputs, tuple(kept))


def descend(run: TrainedRun, task: Task, limits: Limits | None) -> None:
    """Train a run's matrices, and record what the task asks for."""
    descent = _Descent(run, task, limits)
    for step in range(run.training.steps + 1):
        if step in task.times:
            run.recorded.append(step)
            for matrix in run.matrices:
                matrix.keep(step, last=step == run.training.steps)
        descent.advance(step)
        if not len(descent.active):
            break


class _Descent:
    """The moving parts of a training."""

    def __init__(self, run: TrainedRun, task: Task, limits: Limits | None) -> None:
        self.run = run
        self.training = run.training
        self.task = task
        self.limits = limits
        self.active = torch.arange(len(run.seeds))
        self.start: Pass | None = None
        if self.training.network.centred:
            self.start = self._forward(slice(None))
            if task.times:
                run.passes[0, "train"] = self.start

    def advance(self, step: int) -> None:
        """Record the loss before a step, then take it, unless it would be one too many."""
        training, batch = self.training, self.training.batch(step)
        whole = batch == slice(0, training.data.samples)
        known = self.start if whole and step == 0 else None
        forward = self._forward(batch) if known is None else known
        if whole and step in self.task.times:
            self.run.passes[step, "train"] = forward
        outputs = forward.outputs if self.start is None else forward.outputs - self.start.outputs[:, batch]
        targets = self.task.targets[batch]
        self._record(step, training.loss.value(outputs, targets), forward, outputs)
        if step == training.steps:
            return
        gradient = training.loss.gradient(outputs, targets)
        if self.limits is not None:
            forward, gradient = self._drop_diverged(step, forward, gradient)
            if not len(self.active):
                return
        for k in range(len(self.run.matrices) - 1, -1, -1):
            matrix = self.run.matrices[k]
            upstream = gradient
            if k > 0:
                slope = training.network.activation.slope(forward.preactivations[k - 1], forward.features[k])
                gradient = matrix.backward(upstream).mul_(slope)
            matrix.descend(upstream, forward.features[k], training.rate(matrix.layer.role, self.run.width))

    def _forward(self, rows: slice) -> Pass:
        products = [matrix.forward for matrix in self.run.matrices]
        return forward_pass(self.training.network, products, self.task.inputs[rows], seeds=len(self.active))

    def _record(self, step: int, losses: Tensor, forward: Pass, outputs: Tensor) -> None:
        sizes = torch.stack([_root_mean_square(h) for h in forward.preactivations]).amax(dim=0)
        self.run.losses[step, self.active] = losses.cpu()
        self.run.peak_outputs[step, self.active] = _root_mean_square(outputs).cpu()
        self.run.peak_activations[step, self.active] = sizes.cpu()

    def _drop_diverged(self, step: int, forward: Pass, gradient: Tensor) -> tuple[Pass, Tensor]:
        """Go on without the seeds that are beyond the limits, once they are a quarter of those left."""
        assert self.limits is not None
        within = (
            torch.isfinite(self.run.losses[step, self.active])
            & (self.run.peak_activations[step, self.active] < self.limits.activations)
            & (self.run.peak_outputs[step, self.active] < self.limits.outputs)
        )
        left = torch.nonzero(within).flatten()
        if len(left) > 0.75 * len(within):
            return forward, gradient
        self.active = self.active[left]
        there = left.to(gradient.device)
        for matrix in self.run.matrices:
            matrix.select(there)
        if self.start is not None:
            self.start = _select(self.start, there)
        return _select(forward, there), gradient[there]


def _select(made: Pass, seeds: Tensor) -> Pass:
    return Pass([h[seeds] for h in made.preactivations], [h[seeds] for h in made.features], made.outputs[seeds])


def _root_mean_square(values: Tensor) -> Tensor:
    sizes: Tensor = torch.linalg.vector_norm(values, dim=(-2, -1))
    return sizes / math.sqrt(values.shape[-2] * values.shape[-1])


def check_seeds(seeds: Sequence[int]) -> None:
    """Refuse no seeds, and what is no seed."""
    if not seeds:
        raise ValueError("training needs at least one seed; got none")
    for seed in seeds:
        whole_number(seed, "a seed", least=0)
