"""Derivatives of an ensemble's outputs and losses: in what layers return, in outputs, and in weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import psutil
import torch
from torch import Tensor, nn
from torch.func import functional_call

from theorychecks.engines import Unanswerable
from theorychecks.engines.module.ensemble import Ensemble
from theorychecks.engines.module.forward import follow, loss_of, moved_loss, moved_output, outputs_of
from theorychecks.engines.module.layers import ModuleLayer
from theorychecks.models import Model
from theorychecks.models.model import Batch
from theorychecks.models.recording import State
from theorychecks.models.stacked import Within
from theorychecks.networks.randomness import generator

_APART: Final = 1e3
"""In units of the precision: how far outputs of single samples may lie from those of the batch, by rounding."""
_AT_ONCE: Final = 64 * 2**20
"""Bytes of gradients that seeds read together may have."""


@torch.enable_grad()
def gradients(model: Model, ensemble: Ensemble, state: State) -> dict[str, Tensor]:
    """Derivatives of the loss in each parameter, [seed, ...]."""
    leaves = _leaves(state.parameters)
    losses = ensemble.each(State(leaves, state.buffers), loss_of(model), graph=True)
    return dict(zip(leaves, _gradients(losses, list(leaves.values())), strict=True))


@torch.enable_grad()
def gradients_in_outputs(model: Model, ensemble: Ensemble, state: State, outputs: Tensor) -> Tensor:
    """Derivatives of the loss in the outputs, [seed, ...]."""
    shift = torch.zeros_like(outputs).requires_grad_()
    return _gradients(ensemble.each(state, moved_loss(model), shift, graph=True), [shift])[0]


class OutputDerivatives:
    """Derivatives of what the models of an ensemble say on their first batches.

    Args:
        model: how they are called.
        ensemble: them.
        start: their weights before training, by which it is told whether samples act on each other.
        outputs: the shape of what one model says.
    """

    def __init__(self, model: Model, ensemble: Ensemble, start: State, outputs: torch.Size) -> None:
        self.model, self.ensemble = model, ensemble
        samples = ensemble.samples
        self.count = samples if outputs and outputs[0] == samples else 1
        self.entries = math.prod(outputs) // max(self.count, 1)
        self.shape = outputs[1:]
        self.apart = self.count == samples and self._apart(start)

    @torch.enable_grad()
    def in_returned(self, layer: ModuleLayer, state: State) -> Tensor:
        """Of each sample's outputs in what a layer returns of that sample, [seed, sample, ...outputs, ...returned].

        Raises:
            Unanswerable: if samples act on each other, as under batch normalisation, or memory is too small.
        """
        if not self.apart:
            raise Unanswerable(
                f"derivatives of each sample's outputs are asked for, and in {self.model.title} samples act on each "
                "other, or cannot be told apart: what one of them gives alone is not what it gives in the batch. Read "
                "the tangent kernel or gradients of the loss, which take the batch as a whole; or take norms that do "
                "not mix samples, and give batches whose first dimension is the sample."
            )
        returned = self.ensemble.each_sample(state, follow(self.model, [layer])).returned[0]
        self._check_memory(returned.numel() * self.entries * returned.element_size(), "derivatives of all outputs")
        shift = torch.zeros_like(returned).requires_grad_()
        outputs = self.ensemble.each_sample(state, moved_output(self.model, layer), shift, graph=True).flatten(2)
        rows = [_gradients(outputs[..., entry], [shift])[0] for entry in range(self.entries)]
        made = torch.stack(rows, dim=2)
        # A batch of one sample has a first dimension that says nothing.
        own = returned.shape[3:] if returned.shape[2] == 1 else returned.shape[2:]
        return made.reshape(*made.shape[:2], *self.shape, *own)

    @torch.enable_grad()
    def tangent_kernel(self, state: State, weights: Mapping[str, float], entries: int) -> Tensor:
        """Inner products of output gradients in weights, each counted so much, [seed, row, row].

        Rows are samples, and of each so many of its outputs, chosen once at random where it has more.
        """
        chosen = _chosen(self.entries, entries)
        names = [name for name, weight in weights.items() if weight]
        seeds, rows = self.ensemble.seeds, self.count * len(chosen)
        size = sum(state.parameters[name][0].numel() * state.parameters[name].element_size() for name in names)
        self._check_memory(rows * size, f"gradients of {rows} outputs")
        together = max(_AT_ONCE // max(rows * size, 1), 1)
        kernels = []
        for part in (slice(k, min(k + together, seeds)) for k in range(0, seeds, together)):
            own = State(*({name: tensor[part] for name, tensor in tensors.items()} for tensors in state))
            jacobian = (self._by_sample if self.apart else self._by_batch)(self.ensemble.part(part), own, names, chosen)
            terms = [weights[name] * (gradient @ gradient.mT) for name, gradient in jacobian.items()]
            kernels.append(torch.stack(terms).sum(dim=0))
        return torch.cat(kernels)

    def _by_sample(
        self, ensemble: Ensemble, state: State, names: Sequence[str], chosen: Sequence[int]
    ) -> dict[str, Tensor]:
        """Gradients of each sample's outputs by parameter, [seed, row, entry]: each sample has weights of its own."""
        own = _leaves(
            {
                name: state.parameters[name].unsqueeze(1).expand(-1, self.count, *state.parameters[name].shape[1:])
                for name in names
            }
        )
        outputs_of_module = outputs_of(self.model)

        def action(module: nn.Module, batch: Batch, parameters: Mapping[str, Tensor]) -> Tensor:
            given = {f"module.{name}": tensor for name, tensor in parameters.items()}
            found: Tensor = functional_call(Within(module), given, (lambda inner: outputs_of_module(inner, batch),))
            return found

        outputs = ensemble.each_sample(state, action, own, graph=True).flatten(2)
        found = [_gradients(outputs[..., entry], list(own.values())) for entry in chosen]
        return {
            name: torch.stack([row[place] for row in found], dim=2).flatten(3).flatten(1, 2)
            for place, name in enumerate(names)
        }

    def _by_batch(
        self, ensemble: Ensemble, state: State, names: Sequence[str], chosen: Sequence[int]
    ) -> dict[str, Tensor]:
        """The same where samples act on each other: all weights are the batch's."""
        own = _leaves({name: state.parameters[name] for name in names})
        given = State({**state.parameters, **own}, state.buffers)
        outputs = ensemble.each(given, outputs_of(self.model), graph=True).flatten(1)
        places = [sample * self.entries + entry for sample in range(self.count) for entry in chosen]
        found = [_gradients(outputs[:, place], list(own.values())) for place in places]
        return {name: torch.stack([row[place] for row in found], dim=1).flatten(2) for place, name in enumerate(names)}

    def _apart(self, start: State) -> bool:
        """Whether a sample alone gives what it gives in the batch."""
        as_one = self.ensemble.as_one
        try:
            alone = self.ensemble.each_sample(start, outputs_of(self.model)).flatten(2)
        except Exception:
            # Whatever a model cannot do with one sample: batch normalisation, say, refuses it.
            self.ensemble.as_one = as_one
            return False
        outputs = self.ensemble.each(start, outputs_of(self.model)).flatten(2)
        rounding = _APART * torch.finfo(outputs.dtype).eps
        return alone.shape == outputs.shape and bool((alone - outputs).norm() <= rounding * outputs.norm())

    def _check_memory(self, needed: int, what: str) -> None:
        free = psutil.virtual_memory().available
        if needed > free:
            raise Unanswerable(
                f"{what} of {self.model.title} are asked for, which take {needed / 1e9:.1f} GB, and "
                f"{free / 1e9:.1f} GB are free. Take a smaller first batch, fewer entries of its outputs, or narrower "
                "widths."
            )


def _chosen(count: int, most: int) -> list[int]:
    """Places of at most so many of a sample's outputs, the same ones whenever there are as many."""
    if count <= most:
        return list(range(count))
    return sorted(torch.randperm(count, generator=generator("entries", count))[:most].tolist())


def _leaves(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensor.detach().requires_grad_() if tensor.is_floating_point() else tensor
        for name, tensor in parameters.items()
    }


def _gradients(values: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """Of the sum of values, of which each belongs to one seed and sample, with the graph kept for others."""
    if not values.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    return list(torch.autograd.grad(values.sum(), leaves, retain_graph=True, materialize_grads=True))
