"""Ensemble: models of several seeds, called with weights that are given: as one, or one after the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from theorychecks.models import Adjustment, Anatomy
from theorychecks.models.adjustment import NONE
from theorychecks.models.model import Batch, copied
from theorychecks.models.recording import State
from theorychecks.models.stacked import Within, stacked
from theorychecks.models.state import as_it_was, buffers_as_they_were, drawing_from, with_notes
from theorychecks.models.training import Drawn, forward_adjusted


class Ensemble:
    """Models of several seeds and their first batches; their own weights are never looked at.

    Args:
        starts: as they are drawn, one for each seed; of models that are called as one, with a module for all of them.
        anatomy: the models' parts.
        as_one: whether to call them by `torch.func.vmap`, where that works.
        own_batches: whether each seed has a batch of its own.
        adjustment: what is done to their forward passes.
    """

    def __init__(
        self, starts: Sequence[Drawn], anatomy: Anatomy, *, as_one: bool, own_batches: bool, adjustment: Adjustment
    ) -> None:
        self.starts, self.anatomy, self.adjustment = starts, anatomy, adjustment
        self.as_one, self.own_batches = as_one, own_batches

    def part(self, which: slice) -> Ensemble:
        """Some of the seeds."""
        options = {"as_one": self.as_one, "own_batches": self.own_batches}
        return Ensemble(self.starts[which], self.anatomy, **options, adjustment=self.adjustment)

    def on_batch(self, number: int) -> Ensemble:
        """The same models on another of their batches, 0 for the first."""
        starts = [replace(start, batches=[start.batches[number]]) for start in self.starts]
        options = {"as_one": self.as_one, "own_batches": self.own_batches}
        return Ensemble(starts, self.anatomy, **options, adjustment=self.adjustment)

    @property
    def seeds(self) -> int:
        """How many models there are."""
        return len(self.starts)

    @property
    def samples(self) -> int:
        """How many samples a batch has: the length of its first tensor with dimensions; zero if there is none."""
        leaves = tree_flatten(self.starts[0].batches[0])[0]
        return next((len(leaf) for leaf in leaves if isinstance(leaf, Tensor) and leaf.ndim), 0)

    def each(
        self, state: State, action: Callable[..., Any], *extras: Any, graph: bool = False, adjusted: bool = True
    ) -> Any:
        """What an action returns for each seed's model, its weights put in, [seed, ...].

        Args:
            state: the weights, [seed, ...] each.
            action: from a module, its batch and its part of the extras to tensors.
            extras: tensors [seed, ...], or things made of such.
            graph: whether what is returned is to be differentiated.
            adjusted: whether forward passes are adjusted as they are in training.
        """
        adjustment = self.adjustment if adjusted else NONE
        with as_it_was(), warnings.catch_warnings(), torch.set_grad_enabled(graph):
            warnings.filterwarnings("ignore", message="There is a performance drop")
            if self.as_one:
                try:
                    return self._as_one(state, action, extras, adjustment)
                except RuntimeError:
                    # Training may be vectorised where this is not; what is wrong with the model a loop says better.
                    self.as_one = False
            return self._one_by_one(state, action, extras, adjustment)

    def each_sample(self, state: State, action: Callable[..., Any], *extras: Any, graph: bool = False) -> Any:
        """Likewise for batches of one sample each, [seed, sample, ...]; extras are [seed, sample, ...]."""

        def samples(module: nn.Module, batch: Batch, *own: Any) -> Any:
            leaves, spec = tree_flatten(batch)
            cut = [isinstance(leaf, Tensor) and leaf.ndim > 0 and len(leaf) == self.samples for leaf in leaves]
            apart = [leaf.unsqueeze(1) if flag else leaf for leaf, flag in zip(leaves, cut, strict=True)]

            def one(given: Sequence[Any], *part: Any) -> Any:
                filled = iter(given)
                found = [next(filled) if flag else leaf for leaf, flag in zip(leaves, cut, strict=True)]
                return action(module, tree_unflatten(found, spec), *part)

            given = [leaf for leaf, flag in zip(apart, cut, strict=True) if flag]
            if self.as_one:
                return vmap(one)(given, *own)
            rows = [one(*tree_map(lambda tensor, k=k: tensor[k], (given, *own))) for k in range(self.samples)]
            return tree_map(lambda *row: torch.stack(row), *rows)

        return self.each(state, samples, *extras, graph=graph)

    def _as_one(self, state: State, action: Callable[..., Any], extras: tuple[Any, ...], adjustment: Adjustment) -> Any:
        base = self.starts[0].module

        def one(own: State, batch: Batch, *part: Any) -> Any:
            return _inside(base, own, partial(_handed, action, batch, part))

        batches = [start.batches[0] for start in self.starts]
        batch = stacked(batches) if self.own_batches else copied(batches[0])
        dimensions = (0, 0 if self.own_batches else None, *[0] * len(extras))
        with buffers_as_they_were(base), forward_adjusted(base, adjustment):
            return vmap(one, in_dims=dimensions)(_with_buffers_of_its_own(state), batch, *extras)

    def _one_by_one(
        self, state: State, action: Callable[..., Any], extras: tuple[Any, ...], adjustment: Adjustment
    ) -> Any:
        rows = []
        for k, start in enumerate(self.starts):
            own, part = tree_map(lambda tensor, k=k: tensor[k], (_with_buffers_of_its_own(state), extras))
            drawing = drawing_from(start.state) if self.anatomy.random else nullcontext()
            kept, adjusted = buffers_as_they_were(start.module), forward_adjusted(start.module, adjustment)
            with kept, adjusted, drawing:
                rows.append(_inside(start.module, own, partial(_handed, action, copied(start.batches[0]), part)))
        return tree_map(lambda *row: torch.stack(row), *rows)


def _handed(action: Callable[..., Any], batch: Batch, part: tuple[Any, ...], module: nn.Module) -> Any:
    return action(module, batch, *part)


def _inside(module: nn.Module, state: State, action: Callable[[nn.Module], Any]) -> Any:
    own = dict(module.named_parameters())
    parameters = {name: with_notes(tensor, own[name]) for name, tensor in state.parameters.items()}
    given = {f"module.{name}": tensor for name, tensor in {**parameters, **state.buffers}.items()}
    return functional_call(Within(module), given, (action,))


def _with_buffers_of_its_own(state: State) -> State:
    """A forward pass may write into buffers."""
    return State(state.parameters, {name: tensor.clone() for name, tensor in state.buffers.items()})
