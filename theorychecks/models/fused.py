"""Fused: layers of which some outputs grow with the width and others do not, told by how a model splits them.

A projection onto queries, and onto keys and values of a fixed number of heads, is one matrix with rows of two roles:
growing rows are hidden ones, and fixed rows output-like. Shapes alone do not say which are which.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from theorychecks.models.hooks import Call, Watched
from theorychecks.models.model import Batch, Model, copied
from theorychecks.models.state import RandomState, buffers_as_they_were, drawing_from


class Fixed(NamedTuple):
    """Outputs of a layer that do not grow.

    Attributes:
        dim: along which they lie, counted from the last one, -1.
        places: where; those that lie at the end are counted from there, and negative.
    """

    dim: int
    places: tuple[int, ...]

    def mask(self, tensor: Tensor) -> Tensor:
        """Which outputs they are, of a shape that broadcasts."""
        length = tensor.shape[self.dim]
        mask = torch.zeros(length, dtype=torch.bool, device=tensor.device)
        mask[[place % length for place in self.places]] = True
        return mask.reshape(-1, *[1] * (-self.dim - 1))

    def growing(self, tensor: Tensor) -> Tensor:
        """What is left without them."""
        (kept,) = torch.nonzero(~self.mask(tensor).flatten(), as_tuple=True)
        return tensor.index_select(self.dim, kept)


class Split(NamedTuple):
    """What a layer returned, and views of it that the model has taken, in order."""

    whole: Tensor
    views: list[Tensor]


class _Splitting(TorchFunctionMode):
    """Sees every view that is taken of what layers returned."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Split] = {}
        self._names: dict[int, str] = {}

    def visit(self, call: Call) -> None:
        """Follow the one tensor that a call has returned, unless it was made by a call inside of it."""
        tensor = call.output
        if isinstance(tensor, Tensor) and tensor.layout == torch.strided and tensor.ndim:
            name = self._names.setdefault(tensor.untyped_storage().data_ptr(), call.name)
            if name == call.name:
                self.found[name] = Split(tensor, [])

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Torch calls this in the place of each of its functions."""
        returned = func(*args, **dict(kwargs or {}))
        for view in tree_leaves(returned):
            if isinstance(view, Tensor) and view.layout == torch.strided:
                split = self.found.get(self._names.get(view.untyped_storage().data_ptr(), ""))
                if split is not None and view.dtype == split.whole.dtype:
                    split.views.append(view)
        return returned


def splits(model: Model, module: nn.Module, batch: Batch) -> dict[str, Split]:
    """How what layers return is split in one forward pass, by call."""
    watched, splitting = Watched(module), _Splitting()
    with (
        torch.no_grad(),
        drawing_from(RandomState.now()),
        buffers_as_they_were(module),
        watched.calls(splitting.visit),
        splitting,
    ):
        model.outputs_and_loss(module, copied(batch))
    return splitting.found


def fixed_outputs(narrow: Mapping[str, Split], wide: Mapping[str, Split], widths: tuple[int, int]) -> dict[str, Fixed]:
    """Outputs of a fixed number in layers of which others grow, where the model takes them as one view.

    Args:
        narrow: splits at the first width.
        wide: splits at the second.
        widths: both, to tell what grows in proportion from what a fixed number is added to.
    """
    found = {name: _fixed(narrow[name], wide[name], widths) for name in narrow if name in wide}
    return {name: fixed for name, fixed in found.items() if fixed is not None}


def _fixed(narrow: Split, wide: Split, widths: tuple[int, int]) -> Fixed | None:
    first, second = narrow.whole.shape, wide.whole.shape
    dims = [dim - len(first) for dim, (a, b) in enumerate(zip(first, second, strict=False)) if a < b]
    if len(dims) != 1 or len(first) != len(second) or len(narrow.views) != len(wide.views):
        return None
    (dim,) = dims
    before, after = first[dim], second[dim]
    places = set[int]()
    for one, other in zip(narrow.views, wide.views, strict=True):
        if one.numel() == other.numel() and one.numel() < narrow.whole.numel():
            here, there = _places(narrow.whole, one, dim), _places(wide.whole, other, dim)
            if here == there:
                places |= here
            elif {place - before for place in here} == {place - after for place in there}:
                places |= {place - before for place in here}
    count = len({place % before for place in places})
    if not 0 < count < before:
        return None
    grows = math.log(widths[1] / widths[0])
    # A part of what grows in proportion may be fixed too, as the dimensions are that rotary embeddings turn.
    misses = [abs(math.log((after - some) / (before - some)) - grows) for some in (count, 0)]
    return Fixed(dim, tuple(sorted(places))) if misses[0] < misses[1] else None


def _places(whole: Tensor, view: Tensor, dim: int) -> set[int]:
    """Where along a dimension a view of a tensor lies."""
    memory = torch.full((whole.untyped_storage().nbytes() // whole.element_size(),), -1)
    places = torch.arange(whole.shape[dim]).reshape(-1, *[1] * (-dim - 1))
    memory.as_strided(whole.shape, whole.stride(), whole.storage_offset()).copy_(places)
    found = memory.as_strided(view.shape, view.stride(), view.storage_offset())
    return {int(place) for place in set(found.flatten().tolist()) if place >= 0}
