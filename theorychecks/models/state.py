"""The world as it was: global state that building and training somebody's model may touch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn


class RandomState(NamedTuple):
    """States of all global generators that a model may draw from."""

    torch: Tensor
    python: tuple[Any, ...]
    numpy: Any

    @classmethod
    def now(cls) -> RandomState:
        """As they are."""
        return cls(torch.get_rng_state(), random.getstate(), np.random.get_state())  # noqa: NPY002 - the user's may

    def set(self) -> None:
        """Make them so again."""
        torch.set_rng_state(self.torch)
        random.setstate(self.python)
        np.random.set_state(self.numpy)  # noqa: NPY002

    def is_now(self) -> bool:
        """Whether nothing has been drawn since."""
        now = RandomState.now()
        arrays = zip(self.numpy, now.numpy, strict=True)
        return (
            torch.equal(self.torch, now.torch)
            and self.python == now.python
            and all(np.array_equal(a, b) for a, b in arrays)
        )


def with_notes(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A tensor in the place of a parameter, with what its owner has noted on that, as the package mup notes shapes."""
    if notes := vars(parameter):
        tensor = tensor.view_as(tensor)
        vars(tensor).update(notes)
    return tensor


@contextmanager
def drawing_from(state: RandomState) -> Iterator[None]:
    """Inside of the block, random numbers are drawn from a state; behind it, from where they were before."""
    before = RandomState.now()
    state.set()
    try:
        yield
    finally:
        before.set()


@contextmanager
def as_it_was() -> Iterator[None]:
    """Random states of torch, numpy and Python, the default dtype, threads and autograd's mode, restored at the end.

    Inside, compiled modules run eagerly: hooks would not see into them, and each width would be compiled anew.
    """
    before = RandomState.now()
    dtype, threads, graph = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    deterministic, warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    try:
        with torch.random.fork_rng(), torch.enable_grad(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        before.set()
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(graph)
        torch.use_deterministic_algorithms(deterministic, warn_only=warns)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def seed_all(seed: int) -> None:
    """Seed all global generators that a model may draw from; inside of `as_it_was`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - as above
    torch.manual_seed(seed % 2**63)


@contextmanager
def buffers_as_they_were(module: nn.Module) -> Iterator[None]:
    """Buffers of a module, restored at the end, with those that a forward pass makes or replaces."""
    before = [(part, dict(part._buffers)) for part in module.modules()]
    values = [(buffer, buffer.clone()) for _, buffers in before for buffer in buffers.values() if buffer is not None]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in values:
                buffer.copy_(value)
        for part, buffers in before:
            part._buffers.clear()
            part._buffers.update(buffers)


@contextmanager
def weights_as_they_were(module: nn.Module) -> Iterator[None]:
    """Parameters, buffers, gradients and modes of a module, restored at the end: it may be the caller's own."""
    parameters = dict(module.named_parameters())
    values = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    gradients = {name: parameter.grad for name, parameter in parameters.items()}
    modes = {part: part.training for part in module.modules()}
    for parameter in parameters.values():
        # A training that sets gradients to zero in place would spoil the caller's.
        parameter.grad = None
    try:
        with buffers_as_they_were(module):
            yield
    finally:
        for name, parameter in parameters.items():
            with torch.no_grad():
                parameter.copy_(values[name])
            parameter.grad = gradients[name]
        for part, training in modes.items():
            part.training = training
