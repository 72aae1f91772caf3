"""Ensemble: models of several seeds, called with weights that are given: as one, or one after the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from theorychecks.modules import Anatomy
from theorychecks.modules.model import Batch, copied
from theorychecks.modules.recording import State
from theorychecks.modules.stacked import Within, stacked
from theorychecks.modules.state import as_it_was, buffers_as_they_were, drawing_from
from theorychecks.modules.training import Drawn


class Ensemble:
    """Models of several seeds and their first batches; their own weights are never looked at.

    Args:
        starts: as they are drawn, one for each seed; one in all where models are called as one, unless batches differ.
        anatomy: the models' parts.
        seeds: how many.
        as_one: whether to call them by `torch.func.vmap`.
        own_batches: whether each seed has a batch of its own.
    """

    def __init__(
        self, starts: Sequence[Drawn], anatomy: Anatomy, *, seeds: int, as_one: bool, own_batches: bool
    ) -> None:
        self.starts, self.anatomy, self.own_batches = starts, anatomy, own_batches
        self.seeds, self.as_one, self.random = seeds, as_one, anatomy.random
        self.states = [start.state for start in starts]
        self.modules = [starts[0].module] if as_one else [start.module for start in starts]
        self.batches = [start.batches[0] for start in starts]
        self.batch_dimension = 0 if own_batches else None

    def part(self, which: slice) -> Ensemble:
        """Some of the seeds."""
        starts = self.starts if self.as_one and not self.own_batches else self.starts[which]
        seeds = len(range(self.seeds)[which])
        return Ensemble(starts, self.anatomy, seeds=seeds, as_one=self.as_one, own_batches=self.own_batches)

    def each(self, state: State, action: Callable[..., Any], *extras: Any, graph: bool = False) -> Any:
        """What an action returns for each seed's model, its weights put in, [seed, ...].

        Args:
            state: the weights, [seed, ...] each.
            action: from a module, its batch and its part of the extras to tensors.
            extras: tensors [seed, ...], or things made of such.
            graph: whether what is returned is to be differentiated.
        """
        with as_it_was(), warnings.catch_warnings(), torch.set_grad_enabled(graph):
            warnings.filterwarnings("ignore", message="There is a performance drop")
            return (self._as_one if self.as_one else self._one_by_one)(state, action, extras)

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

    @property
    def samples(self) -> int:
        """How many samples a batch has: the length of its first tensor with dimensions; zero if there is none."""
        leaves = tree_flatten(self.batches[0])[0]
        return next((len(leaf) for leaf in leaves if isinstance(leaf, Tensor) and leaf.ndim), 0)

    def _as_one(self, state: State, action: Callable[..., Any], extras: tuple[Any, ...]) -> Any:
        base = self.modules[0]

        def one(own: State, batch: Batch, *part: Any) -> Any:
            return _inside(base, own, lambda module: action(module, batch, *part))

        batch = copied(self.batches[0]) if self.batch_dimension is None else stacked(self.batches)
        dimensions = (0, self.batch_dimension, *[0] * len(extras))
        with buffers_as_they_were(base):
            return vmap(one, in_dims=dimensions)(_with_buffers_of_its_own(state), batch, *extras)

    def _one_by_one(self, state: State, action: Callable[..., Any], extras: tuple[Any, ...]) -> Any:
        rows = []
        for k, (module, start, batch) in enumerate(zip(self.modules, self.states, self.batches, strict=True)):
            own, part = tree_map(lambda tensor, k=k: tensor[k], (_with_buffers_of_its_own(state), extras))
            with buffers_as_they_were(module), drawing_from(start) if self.random else nullcontext():
                rows.append(_inside(module, own, partial(_handed, action, copied(batch), part)))
        return tree_map(lambda *row: torch.stack(row), *rows)


def _handed(action: Callable[..., Any], batch: Batch, part: tuple[Any, ...], module: nn.Module) -> Any:
    return action(module, batch, *part)


def _inside(module: nn.Module, state: State, action: Callable[[nn.Module], Any]) -> Any:
    given = {f"module.{name}": tensor for part in state for name, tensor in part.items()}
    return functional_call(Within(module), given, (action,))


def _with_buffers_of_its_own(state: State) -> State:
    """A forward pass may write into buffers."""
    return State(state.parameters, {name: tensor.clone() for name, tensor in state.buffers.items()})
