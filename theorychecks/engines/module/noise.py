"""Noise: how much the gradient of a model's loss differs from one batch to the next, at the same weights."""

from __future__ import annotations

import torch
from torch import Tensor

from theorychecks.engines.module.derivatives import gradients
from theorychecks.engines.module.refusals import unanswerable
from theorychecks.engines.module.run import ModuleRun


def gradient_noise(run: ModuleRun) -> dict[str, Tensor]:
    """Standard deviation of the gradient over the batches that a training takes, before it, by parameter, [seed].

    It is the root mean square over the parameter's entries.

    Raises:
        Unanswerable: if there is one batch, or all are the same.
    """
    count, model = run.steps, run.model
    if count > 1:
        ensemble = run.trainer.ensemble(run.width, run.root_seed, run.seeds, batches=count)
        found = [gradients(model, ensemble.on_batch(number), run.state(0)) for number in range(count)]
        noise = {name: _deviation(torch.stack([each[name] for each in found])) for name in found[0]}
        if any(bool(each.any()) for each in noise.values()):
            return noise
    raise unanswerable(
        model,
        "differences between gradients of its batches are",
        f"its {count} batches are all the same" if count > 1 else "it has one batch",
        "Give several, batches(generator) -> [(inputs, targets), ...], drawn anew for each step.",
    )


def _deviation(found: Tensor) -> Tensor:
    """Of gradients [batch, seed, ...] about their mean, over batches and entries, [seed]."""
    # A scale of the whole model has no dimensions of its own.
    return found.var(dim=0).reshape(found.shape[1], -1).mean(dim=1).sqrt()
