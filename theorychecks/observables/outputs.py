"""What a network says: its outputs, the probabilities that a softmax makes of them, and the loss's gradient there."""

from __future__ import annotations

import torch
from torch import Tensor

from theorychecks.engines import Points, Run
from theorychecks.observables.observable import BY_NAME, Observable, Reading, Trial, from_run, root_mean_square


def output_size_by_step() -> Observable:
    """Size of the outputs, RMS(f_t), for t = 1 to the last step, on the batch that step t would see.

    Where the network is centred this is the change since initialisation.
    """

    def read(run: Run) -> dict[str, Tensor]:
        return {f"step {t}": run.peak_outputs[t] for t in range(1, run.training.steps + 1)}

    return from_run("outputs by step", read, title="outputs")


def output_size(points: Points = "train") -> Observable:
    """Size of the outputs after the last step, RMS(f_T)."""
    return from_run(
        f"outputs at {points} inputs", lambda run: root_mean_square(run.outputs(run.training.steps, points))
    )


def output_gradient_size() -> Observable:
    """Size of a sample's derivative of the loss in the outputs, RMS(dL/df), largest over time, on training inputs.

    Of the loss of a sample, not of the batch's mean: softmax(f) - y under cross-entropy, f - y under MSE.
    """

    def observe(trial: Trial) -> dict[str, Reading]:
        times = range(trial.training.steps + 1)
        run = trial.run(times=times)
        sizes = [root_mean_square(loss_gradient(run, t)) * trial.training.data.samples for t in times]
        return {"": Reading(torch.stack(sizes).amax(dim=0))}

    return Observable("largest loss gradient in the outputs", observe, key=BY_NAME)


def loss_gradient(run: Run, time: int) -> Tensor:
    """Derivative of the loss over all training inputs in the outputs at a recorded time, [seed, P, C]."""
    outputs = run.outputs(time)
    targets = torch.as_tensor(run.training.data.draw().targets, dtype=outputs.dtype, device=outputs.device)
    return run.training.loss.gradient(outputs, targets)


def largest_probability(points: Points = "train") -> Observable:
    """The largest entry of softmax(f_T), averaged over inputs."""

    def read(run: Run) -> Tensor:
        return torch.softmax(_classes(run, points), dim=-1).amax(dim=-1).mean(dim=-1)

    return from_run(f"largest probability ({points})", read, title="largest probability")


def confidence(points: Points = "train") -> Observable:
    """How surely the network decides, -log(1 - p) with p the largest entry of softmax(f_T), averaged over inputs.

    It is the margin of the largest output over the log-sum-exp of the others, up to log(1 + exp(-margin)), and does
    not saturate as p does.
    """

    def read(run: Run) -> Tensor:
        logs = torch.log_softmax(_classes(run, points), dim=-1)
        others = logs.sort(dim=-1).values[..., :-1]
        return -torch.logsumexp(others, dim=-1).mean(dim=-1)

    return from_run(f"confidence ({points})", read, title="-log(1 - largest probability)")


def class_probabilities(points: Points = "test") -> Observable:
    """softmax(f_T) at each input, a reading for each entry in the order of inputs, then of classes."""

    def read(run: Run) -> dict[str, Tensor]:
        probabilities = torch.softmax(_classes(run, points), dim=-1)
        _, inputs, classes = probabilities.shape
        return {f"input {q}, class {c}": probabilities[:, q, c] for q in range(inputs) for c in range(classes)}

    return from_run(f"class probabilities ({points})", read, title="class probabilities")


def _classes(run: Run, points: Points) -> Tensor:
    """Outputs after the last step, [seed, P, C] with two classes or more."""
    outputs = run.outputs(run.training.steps, points)
    if outputs.shape[-1] < 2:
        raise ValueError("a softmax is between two outputs or more; got one. Take data with more classes.")
    return outputs
