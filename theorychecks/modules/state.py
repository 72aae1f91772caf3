"""The world as it was: global state that building and training somebody's model may touch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def as_it_was() -> Iterator[None]:
    """Random states of torch, numpy and Python, the default dtype, threads and autograd's mode, restored at the end."""
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's model may draw from it
    dtype, threads, graph = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        with torch.random.fork_rng(), torch.enable_grad():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)  # noqa: NPY002
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(graph)
        torch.use_deterministic_algorithms(deterministic)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def seed_all(seed: int) -> None:
    """Seed all global generators that a model may draw from; inside of `as_it_was`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - as above
    torch.manual_seed(seed % 2**63)


@contextmanager
def weights_as_they_were(module: nn.Module) -> Iterator[None]:
    """Parameters, buffers, gradients and modes of a module, restored at the end: it may be the caller's own."""
    with torch.no_grad():
        tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        values = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    modes = {part: part.training for part in module.modules()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, tensor in tensors.items():
                tensor.copy_(values[name])
        for name, parameter in module.named_parameters():
            parameter.grad = gradients[name]
        for part, training in modes.items():
            part.training = training
