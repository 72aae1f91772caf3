"""Anatomy along the depth: the parts of a model that has ever more blocks, three of which stand for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import nn

from theorychecks.models.blocks import Blocks, Places
from theorychecks.models.calls import Calls, own_parameters
from theorychecks.models.cancelled import cancelled_among
from theorychecks.models.checks import called
from theorychecks.models.errors import ModelError
from theorychecks.models.hooks import LOGITS, plain, starred
from theorychecks.models.lengths import Length
from theorychecks.models.model import Batch, Model
from theorychecks.models.part import Part, Role, check_roles, overridden
from theorychecks.models.roles import Anatomy, first_names


@dataclass(frozen=True)
class DepthAnatomy(Anatomy):
    """The parts that a model has at every depth; what is in blocks has the first, the middle and the last one.

    Parts grow that are in blocks. Roles are "hidden" in blocks and "fixed" elsewhere, and "vector" of vectors.

    Attributes:
        blocks: which modules there are more of in deeper models.
        shapes: of parameters, by name.
        weights: how many there are in blocks for each unit of depth, and elsewhere.
    """

    blocks: Blocks = field(kw_only=True)
    shapes: Mapping[str, torch.Size] = field(kw_only=True)
    weights: tuple[float, float] = field(kw_only=True)

    def weights_at(self, depth: int) -> float:
        """How many weights a model of this depth has."""
        inside, elsewhere = self.weights
        return inside * depth + elsewhere

    def is_block(self, module: str) -> bool:
        """Whether a module, by its name at every depth, is a block."""
        return any(module in names for names in self.blocks.names.values())

    def at(self, model: Model, module: nn.Module, depth: int) -> DepthAnatomy:
        """The same with the names that parts have at a depth.

        Raises:
            ModelError: if the model is another architecture there.
        """
        self.blocks.check_count(model, module, (self.widths[0], depth))
        places = self.blocks.places(module)
        _check_shapes(model, self.shapes, shapes_of(module, places), (self.widths[0], depth))
        return self.named(module, places, depth)

    def named(self, module: nn.Module, places: Places, depth: int) -> Self:
        """The same with the names that parts have in a module."""

        def here(part: Part) -> Part:
            return replace(part, name=places.here(part.name), module=places.here(part.module))

        return replace(
            self,
            modules={places.here(name): here(part) for name, part in self.modules.items()},
            parameters=tuple(map(here, self.parameters)),
            own={
                places.here(name): tuple(
                    local_name(places.here(path_of(name, own)), places.here(name)) for own in names
                )
                for name, names in self.own.items()
            },
            tied=frozenset(map(places.here, self.tied)),
            cancelled=tuple(map(places.here, self.cancelled)),
            lengths={
                name: tuple(Length(size, size) for size in parameter.shape)
                for name, parameter in module.named_parameters()
            },
            widths=(depth, depth + 1),
            places=places,
        )


def depth_anatomy(
    model: Model,
    shallow: nn.Module,
    deep: nn.Module,
    depths: tuple[int, int],
    batch: Batch,
    *,
    again: nn.Module | None = None,
) -> DepthAnatomy:
    """Compare a model at two depths; see `anatomy`.

    Raises:
        ModelError: if the deeper one has no more blocks, or the two differ in anything else.
    """
    blocks = Blocks.of(model, shallow, deep, depths)
    places = blocks.places(shallow)
    shapes = shapes_of(shallow, places)
    _check_shapes(model, shapes, shapes_of(deep, blocks.places(deep)), depths)
    with called(model, depths[0]):
        calls = Calls.of(model, shallow, batch)
    redrawn = calls if again is None else Calls.of(model, again, batch)
    with called(model, depths[1]):
        deep_calls = Calls.of(model, deep, batch)
    names = everywhere_in(calls.outputs, places)
    for other, where, depth in ((redrawn, places, depths[0]), (deep_calls, blocks.places(deep), depths[1])):
        if differs := set(names) ^ set(everywhere_in(other.outputs, where)):
            raise _other(model, depths[0], depth, "calls other modules", sorted(differs))
    own = own_parameters(shallow, calls.called)
    aliases, parts, seen = first_names(shallow), list[Part](), dict[str, int]()
    for module in calls.called:
        if (user := places.everywhere(module)) is None:
            continue
        for local in own[module]:
            actual = aliases[path_of(module, local)]
            if (name := places.everywhere(actual)) is not None:
                seen[name] = seen.get(name, 0) + 1
                parts.append(Part(name, user, *_role(shallow.get_parameter(actual), inside=is_inside(actual, places))))
    vectors = [places.here(part.name) for part in parts if part.role == "vector"]
    cancelled = tuple(everywhere_in(cancelled_among(model, shallow, vectors, batch), places))
    parts = [overridden(replace(p, role="unchecked") if p.name in cancelled else p, model) for p in parts]
    routed = {
        starred(every)
        for name, shape in calls.outputs.items()
        if redrawn.outputs.get(name) != shape and (every := places.everywhere(name)) is not None
    }
    modules = {}
    for name in names:
        inside = is_inside(places.here(plain(name)), places)
        role: Role = "attention logits" if LOGITS in name else "hidden" if inside else "fixed"
        modules[name] = overridden(Part(name, name, role, inside, routed=starred(name) in routed), model)
    check_roles(model, [*parts, *modules.values()])
    sizes: dict[bool, list[int]] = {True: [], False: []}
    for name, parameter in shallow.named_parameters():
        sizes[is_inside(name, places)].append(parameter.numel())
    return DepthAnatomy(
        modules=modules,
        parameters=tuple(parts),
        own=own_everywhere(own, places),
        tied=frozenset(name for name, count in seen.items() if count > 1),
        readouts=(),
        cancelled=cancelled,
        random=calls.random,
        routed=bool(routed),
        lengths={},
        widths=depths,
        fixed={},
        fed=frozenset(),
        weights=(sum(sizes[True]) / depths[0], sum(sizes[False])),
        blocks=blocks,
        shapes=shapes,
    )


def own_everywhere(own: Mapping[str, tuple[str, ...]], places: Places) -> dict[str, tuple[str, ...]]:
    """Names of parameters that modules use themselves, by the modules' names at every depth."""
    return {
        user: tuple(
            local_name(name, user) for local in names if (name := places.everywhere(path_of(module, local))) is not None
        )
        for module, names in own.items()
        if (user := places.everywhere(module)) is not None
    }


def _role(parameter: nn.Parameter, *, inside: bool) -> tuple[Role, bool]:
    if sum(length > 1 for length in parameter.shape) < 2:
        return "vector", inside
    return "hidden" if inside else "fixed", inside


def everywhere_in(names: Iterable[str], places: Places) -> list[str]:
    """Names at every depth, of those that have one."""
    found = (places.everywhere(name) for name in names)
    return [name for name in found if name is not None]


def is_inside(name: str, places: Places) -> bool:
    """Whether something with a name at one depth is a block, or in one."""
    return any(name == block or name.startswith(f"{block}.") for block in places.blocks)


def shapes_of(module: nn.Module, places: Places) -> dict[str, torch.Size]:
    """Shapes of parameters, by their names at every depth."""
    named = ((places.everywhere(name), parameter.shape) for name, parameter in module.named_parameters())
    return {name: shape for name, shape in named if name is not None}


def _check_shapes(
    model: Model, shallow: Mapping[str, torch.Size], deep: Mapping[str, torch.Size], depths: tuple[int, int]
) -> None:
    if differs := sorted(set(shallow) ^ set(deep)):
        raise _other(model, *depths, "has other parameters", differs)
    for name, shape in shallow.items():
        if deep[name] != shape:
            raise ModelError(
                f"{model.title}: `{name}` has shape {tuple(shape)} at depth {depths[0]} and {tuple(deep[name])} at "
                f"{depths[1]}. Keep all but the number of blocks fixed in build(depth)."
            )


def _other(model: Model, shallow: int, deep: int, does: str, names: list[str]) -> ModelError:
    return ModelError(
        f"{model.title} {does} at depth {deep} than at {shallow}: {', '.join(names[:4])}. A gate along the depth "
        "compares one architecture: keep all but the number of blocks fixed in build(depth), and blocks alike."
    )


def path_of(module: str, name: str) -> str:
    """The name of something in a module, from the whole model's point of view."""
    return f"{module}.{name}" if module else name


def local_name(path: str, module: str) -> str:
    """The name of something in a module, from the module's point of view."""
    return path[len(module) + 1 :] if module else path
