"""Layers: which of a model's modules are matrices, in the order of one forward pass, and why others are not."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from theorychecks.engines import Norm
from theorychecks.engines.matrix import Tally
from theorychecks.engines.module.operators import Operator, candidates, fitted
from theorychecks.engines.spectral import norm_of
from theorychecks.models import Anatomy, Model, Part
from theorychecks.models.checks import called
from theorychecks.models.hooks import LOGITS, Call, Watched, plain
from theorychecks.models.model import Batch, copied, tensors_in
from theorychecks.models.state import buffers_as_they_were, with_notes
from theorychecks.networks.parametrization import ROLES, LayerRole


@dataclass(frozen=True)
class Given:
    """What a module was called with: one tensor, among whatever else.

    Attributes:
        leaves: all of it, but for the tensor.
        place: of the tensor among the leaves.
        spec: how they make up positional and keyword arguments.
    """

    leaves: tuple[Any, ...]
    place: int
    spec: TreeSpec

    def instead(self, vectors: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments with another tensor."""
        leaves = [*self.leaves[: self.place], vectors, *self.leaves[self.place + 1 :]]
        return cast("tuple[tuple[Any, ...], dict[str, Any]]", tree_unflatten(leaves, self.spec))


@dataclass(frozen=True)
class ModuleLayer:
    """One call of a module that multiplies what it is given by a matrix, and may add to the product.

    A matrix that several modules share, as a tied embedding is, makes a layer in each of them, of the role that it has
    there; a module that is called several times is as many layers.

    Attributes:
        role: by which sides of the matrix grow with the width; see `theorychecks.models.roles`.
        name: the module's path, with the number of the call from the second on.
        fan_in: numbers behind each output: of a convolution, the channels that an output channel sees times the
            kernel's size; of an embedding, how many rows it has.
        fan_out: the matrix is fan_out x fan_in: of a convolution, the output channels.
        multiplier: a factor of the module's own on its matrix. One that the model puts behind the module belongs to
            the model.
        module: the module's path.
        parameter: its weight, by the first of its names.
        local: that name in the module.
        call: which of the module's calls it is, from 1.
    """

    role: LayerRole
    name: str
    fan_in: int
    fan_out: int
    multiplier: float
    module: str
    parameter: str
    local: str
    call: int
    operator: Operator = field(repr=False)
    given: Given = field(repr=False, compare=False)

    def vectors(self, given: Tensor, weight: Tensor) -> Tensor:
        """What the module is given, as vectors: whole numbers that it looks up become vectors with a single one."""
        return self.operator.vectors(given, weight)

    def matrix(self, weights: Tensor) -> Tensor:
        """W of weights [seed, ...], [seed, fan_out, fan_in]."""
        return self.multiplier * self.operator.matrix(weights)

    def norm(self, weights: Tensor, norm: Norm, tally: Tally) -> Tensor:
        """Norm of W, [seed]; where it has several blocks, that of the matrix which they make up."""
        matrices = self.matrix(weights)
        blocks = matrices.reshape(-1, self.fan_out // self.operator.groups, self.fan_in)
        sizes = norm_of(blocks, norm, tally).reshape(len(weights), -1)
        return sizes.amax(dim=1) if norm == "spectral" else torch.linalg.vector_norm(sizes, dim=1)

    def product(self, model: nn.Module, weight: Tensor, vectors: Tensor) -> Tensor:
        """What the module makes of vectors with another weight, both of one seed, without what it adds to them."""
        part = model.get_submodule(self.module)
        if self.operator.numbered and vectors.is_floating_point():
            return self.multiplier * self.operator.product(part, weight, vectors)
        without = _forward(part, self.local, self.given, torch.zeros_like(weight), vectors)
        return _forward(part, self.local, self.given, weight, vectors) - without


class Layers(NamedTuple):
    """What one forward pass of a model shows.

    Attributes:
        layers: in their order.
        left_out: by parameter, why there are no others.
        outputs: the shape of the first tensor that it returns besides its loss; None if there is none.
        unreached: modules that it did not call, as experts that no row was routed to.
    """

    layers: tuple[ModuleLayer, ...]
    left_out: Mapping[str, str]
    outputs: torch.Size | None
    unreached: tuple[str, ...] = ()


def layers_of(model: Model, anatomy: Anatomy, module: nn.Module, batch: Batch, width: int) -> Layers:
    """Follow one forward pass of a model, and try each matrix in it on random vectors.

    Raises:
        ModelError: for any error of the model.
    """
    left_out, alone = _without_layer(anatomy)
    watched, found = Watched(module, random=anatomy.random), list[ModuleLayer]()
    counts, reached = dict[str, int](), set[str]()

    def visit(call: Call) -> None:
        name = plain(call.name)
        reached.add(name)
        if name not in alone or _key(alone[name], anatomy) in left_out:
            return
        counts[name] = counts.get(name, 0) + 1
        layer = watched.quietly(lambda: _layer(call, alone[name], anatomy, counts[name]))
        if isinstance(layer, str):
            left_out[_key(alone[name], anatomy)] = layer
            found[:] = [other for other in found if other.module != name]
        else:
            found.append(layer)

    with torch.no_grad(), buffers_as_they_were(module), called(model, width), watched.calls(visit):
        outputs, _ = model.outputs_and_loss(module, copied(batch))
    shapes = (tensor.shape for tensor in tensors_in(outputs).values())
    unreached = tuple(name for name in anatomy.own if name not in reached)
    return Layers(tuple(found), left_out, next(shapes, None), unreached)


def _without_layer(anatomy: Anatomy) -> tuple[dict[str, str], dict[str, Part]]:
    """Why parameters make no layer, and by module those that are its only matrix."""
    left_out, alone = dict[str, str](), dict[str, Part]()
    for name in anatomy.own:
        used = anatomy.used_in(name)
        matrices = [part for part in used if part.role in ROLES]
        for part in used:
            if part not in matrices:
                left_out[_key(part, anatomy)] = _OTHERS.get(part.role, f"its role is {part.role!r}")
            elif anatomy.holds_layers(name):
                left_out[_key(part, anatomy)] = f"`{name or 'the model'}` uses it beside the layers inside of it"
            elif len(matrices) > 1:
                left_out[_key(part, anatomy)] = f"`{name}` uses {len(matrices)} matrices, whose products are hidden"
            else:
                alone[name] = part
    left_out |= {name: "no weight makes attention logits" for name in anatomy.modules if LOGITS in name}
    return left_out, alone


_OTHERS: Final = {
    "vector": "it is a vector",
    "fixed": "it does not grow with the width",
    "unchecked": "what follows takes it out again, or it was declared unchecked",
}


def _key(part: Part, anatomy: Anatomy) -> str:
    """A parameter's name, with the module where it has several uses."""
    return f"{part.name} in {part.module}" if part.name in anatomy.tied else part.name


def _layer(call: Call, part: Part, anatomy: Anatomy, count: int) -> ModuleLayer | str:
    """A call as a layer, or why it is none."""
    leaves, spec = tree_flatten((call.arguments, call.keywords))
    tensors = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
    returned = list(tensors_in(call.output).values())
    if len(tensors) != 1 or len(returned) != 1:
        return f"`{part.module}` makes {len(returned)} tensors of {len(tensors)}, and not one of one"
    place = tensors[0]
    given = Given((*leaves[:place], None, *leaves[place + 1 :]), place, spec)
    local = dict(zip((p.name for p in anatomy.used_in(part.module)), anatomy.own[part.module], strict=True))[part.name]
    weight = cast(Tensor, operator.attrgetter(local)(call.part)).detach()
    operators = candidates(call.part, weight, leaves[place], returned[0])
    if isinstance(operators, str):
        return operators
    try:
        fits = fitted(operators, call.part, weight, leaves[place], lambda w, v: _forward(call.part, local, given, w, v))
    except Exception as error:
        return f"its module, called with another weight, raises {type(error).__name__}: {error}"
    if fits is None:
        return "what its module returns is not its product with what the module is given, and something added"
    kind, multiplier = fits
    fan_out, fan_in = kind.matrix(weight[None]).shape[1:]
    return ModuleLayer(
        cast(LayerRole, part.role),
        call.name or "the model",
        fan_in,
        fan_out,
        multiplier,
        part.module,
        part.name,
        local,
        count,
        kind,
        given,
    )


def _forward(part: nn.Module, local: str, given: Given, weight: Tensor, vectors: Tensor) -> Tensor:
    arguments, keywords = given.instead(vectors)
    weight = with_notes(weight, cast(Tensor, operator.attrgetter(local)(part)))
    return next(iter(tensors_in(functional_call(part, {local: weight}, arguments, keywords)).values()))
