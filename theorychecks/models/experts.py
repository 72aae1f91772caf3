"""Anatomy along the number of experts: three experts that are modules stand for all, and what else grows is told.

Experts of a mixture are modules with numbers in their names, or matrices of one parameter, [expert, ...]; a router has
as many outputs as there are experts. Nothing else grows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from theorychecks.models.blocks import Blocks, Places
from theorychecks.models.calls import Calls, own_parameters
from theorychecks.models.cancelled import cancelled_among, drawn_where_zero
from theorychecks.models.checks import called
from theorychecks.models.depth import DepthAnatomy, everywhere_in, is_inside, own_everywhere, path_of, shapes_of
from theorychecks.models.errors import ModelError
from theorychecks.models.fading import fading
from theorychecks.models.hooks import LOGITS, call_of, plain, starred
from theorychecks.models.lengths import Length, admit, other_parameters
from theorychecks.models.model import Batch, Model, copied
from theorychecks.models.part import Part, Role, check_roles, overridden
from theorychecks.models.roles import first_names, within
from theorychecks.models.state import RandomState, buffers_as_they_were, drawing_from


@dataclass(frozen=True)
class ExpertsAnatomy(DepthAnatomy):
    """The parts that a mixture has whatever the number of its experts; `blocks` are experts that are modules.

    Roles are "hidden" in experts, "input" in routers and "fixed" elsewhere, and "vector" of vectors; of what a router
    makes of its logits nothing is known, and it is "unchecked".

    Attributes:
        sizes: dimensions of parameters, some of which grow, by name.
        mixtures: modules that return what experts were mixed to, from the inside out.
        few: of these, those whose rows have as many experts, however many there are.
        jumps: features that may jump where rows are routed anew: what such mixtures return, or those of matrices in
            one parameter, and all behind.
    """

    sizes: Mapping[str, tuple[Length, ...]] = field(kw_only=True)
    mixtures: tuple[str, ...] = field(kw_only=True)
    few: frozenset[str] = field(kw_only=True)
    jumps: frozenset[str] = field(kw_only=True)

    @property
    def innermost(self) -> tuple[str, ...]:
        """Mixtures without another one inside."""
        return tuple(
            name for name in self.mixtures if not any(other != name and within(other, name) for other in self.mixtures)
        )

    def at(self, model: Model, module: nn.Module, depth: int) -> ExpertsAnatomy:
        """The same with the names that parts have at a number of experts.

        Raises:
            ModelError: if the model is another architecture there.
        """
        self.blocks.check_count(model, module, (self.widths[0], depth))
        places = _places(self.blocks, module)
        given = shapes_of(module, places)
        if other := sorted(set(given) ^ set(self.sizes)):
            raise other_parameters(model, (self.widths[0], depth), other)
        for name, lengths in self.sizes.items():
            if len(given[name]) != len(lengths) or not admit(lengths, given[name], depth, self.widths):
                raise ModelError(
                    f"{model.title}: `{name}` has shape {tuple(given[name])} at experts {depth}, and grows from "
                    f"{tuple(length.narrow for length in lengths)} at {self.widths[0]} to about "
                    f"{tuple(round(length.at(depth, self.widths)) for length in lengths)}. Let build(experts) keep "
                    "what grows in proportion to the number of experts."
                )
        return self.named(module, places, depth)

    def check_reached(self, model: Model, module: nn.Module, batch: Batch, width: int) -> None:
        """Refuse a model of which a batch does not reach all experts.

        Raises:
            ModelError: naming one of them.
        """
        _check_reached(model, module, self.blocks, self.sizes, batch, width)


def experts_anatomy(
    model: Model,
    fewer: nn.Module,
    more: nn.Module,
    numbers: tuple[int, int],
    batch: Batch,
    *,
    again: nn.Module | None = None,
) -> ExpertsAnatomy:
    """Compare a model at two numbers of experts; see `anatomy`.

    Raises:
        ModelError: if there are no more experts, or the two differ in anything else.
    """
    blocks = Blocks.more_of(model, fewer, more, numbers)
    places, there = _places(blocks, fewer), _places(blocks, more)
    sizes = _sizes(model, fewer, more, (places, there), numbers)
    _check_reached(model, fewer, blocks, sizes, batch, numbers[0])
    _check_reached(model, more, blocks, sizes, batch, numbers[1])
    with called(model, numbers[0]):
        calls = Calls.of(model, fewer, batch)
    with called(model, numbers[1]):
        other_calls = Calls.of(model, more, batch)
    redrawn = calls if again is None else Calls.of(model, again, batch)
    names = everywhere_in(calls.outputs, places)
    for other, where, number in ((redrawn, places, numbers[0]), (other_calls, there, numbers[1])):
        if differs := sorted(set(names) ^ set(everywhere_in(other.outputs, where))):
            raise ModelError(
                f"{model.title} calls other modules at experts {number} than at {numbers[0]}, or for another seed: "
                f"{', '.join(differs[:4])}. Let build(experts) keep all but their number fixed, and give a batch of so "
                "many rows that each expert is called."
            )
    growing = {name for name, lengths in sizes.items() if any(length.grows for length in lengths)}
    own = own_parameters(fewer, calls.called)
    everywhere = own_everywhere(own, places)
    batched = {user for user, names in everywhere.items() if _batched(user, names, sizes)}
    aliases, parts, seen = first_names(fewer), list[Part](), dict[str, int]()
    for module, locals_ in own.items():
        for local in locals_:
            actual = aliases[path_of(module, local)]
            name, user = places.everywhere(actual), places.everywhere(module)
            if name is not None and user is not None:
                seen[name] = seen.get(name, 0) + 1
                expert = is_inside(actual, places) or (name in growing and user in batched)
                matrix = sum(length.narrow > 1 for length in sizes[name]) > 1
                role: Role = "hidden" if expert else "input" if name in growing else "fixed"
                parts.append(Part(name, user, role if matrix else "vector", expert or name in growing, matrix=matrix))
    vectors = [places.here(part.name) for part in parts if part.role == "vector"]
    cancelled = tuple(everywhere_in(cancelled_among(model, fewer, vectors, batch), places))
    own_matrices = {part.name for part in parts if part.module in batched and part.grows}
    mixed = [
        name
        for name, _ in fewer.named_parameters()
        if is_inside(name, places) or places.everywhere(name) in own_matrices
    ]
    with drawn_where_zero(fewer, mixed):
        faint = fading(model, fewer, mixed, batch)
    routers = {part.module for part in parts if part.role == "input"} - batched
    linear = _linear(model, fewer, sorted({places.here(name) for name in growing} - set(mixed)), batch)
    holding = {part.module for part in parts if part.module in batched}
    holding |= {first for first, _, _ in blocks.names.values()}
    mixtures = tuple(
        dict.fromkeys(
            plain(name)
            for name in names
            if not is_inside(places.here(plain(name)), places) and any(within(held, plain(name)) for held in holding)
        )
    )
    routed = {
        starred(every)
        for name, shape in calls.outputs.items()
        if redrawn.outputs.get(name) != shape and (every := places.everywhere(name)) is not None
    }
    sparse = _sparse(blocks, (places, there), (calls, other_calls))
    few = frozenset(m for m in mixtures if any(within(first, m) for first in sparse))
    starts = [names.index(name) for name in names if plain(name) in {*few, *batched}]
    modules = {}
    for name in names:
        actual, module = places.here(name), plain(name)
        role = "fixed"
        grown = other_calls.outputs[there.here(name)] != calls.outputs[actual]
        if is_inside(places.here(module), places):
            role = "hidden"
        elif LOGITS in name:
            owner = module.removesuffix(LOGITS).strip()
            role = "unchecked" if owner in mixtures or any(within(r, owner) for r in routers) else "attention logits"
        elif any(within(module, router) or within(router, module) for router in routers) and module not in mixtures:
            role = "input" if grown and actual in linear else "unchecked"
        elif grown:
            role = "unchecked"
        part = Part(
            name,
            name,
            role,
            role in ("hidden", "input"),
            fades=actual in faint.features,
            faint=call_of(actual) in faint.calls,
            routed=starred(name) in routed,
        )
        modules[name] = overridden(part, model)
    parts = [overridden(replace(p, role="unchecked") if p.name in cancelled else p, model) for p in parts]
    check_roles(model, [*parts, *modules.values()])
    totals = [sum(parameter.numel() for parameter in module.parameters()) for module in (fewer, more)]
    each = (totals[1] - totals[0]) / (numbers[1] - numbers[0])
    return ExpertsAnatomy(
        modules=modules,
        parameters=tuple(parts),
        own=everywhere,
        tied=frozenset(name for name, count in seen.items() if count > 1),
        readouts=(),
        cancelled=cancelled,
        random=calls.random,
        routed=bool(routed),
        lengths={},
        widths=numbers,
        fixed={},
        fed=frozenset(),
        blocks=blocks,
        shapes=shapes_of(fewer, places),
        weights=(each, totals[0] - each * numbers[0]),
        sizes=sizes,
        mixtures=mixtures,
        few=few,
        jumps=frozenset(names[min(starts) :]) if starts else frozenset(),
    )


def _check_reached(
    model: Model,
    module: nn.Module,
    blocks: Blocks,
    sizes: Mapping[str, tuple[Length, ...]],
    batch: Batch,
    number: int,
) -> None:
    """Refuse a model of which some experts have no part in the loss of a batch, while others do.

    Raises:
        ModelError: naming one of them.
    """
    places = _places(blocks, module)
    with drawing_from(RandomState.now()), buffers_as_they_were(module), called(model, number), torch.enable_grad():
        loss = model.outputs_and_loss(module, copied(batch))[1]
        parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    gradients = dict(zip(parameters, found, strict=True))
    reached = dict[str, dict[str, bool]]()
    for path in places.blocks:
        own = [gradient for name, gradient in gradients.items() if within(name, path)]
        kind = starred(path)
        reached.setdefault(kind, {})[path] = any(_moves(gradient) for gradient in own)
    for name, gradient in gradients.items():
        every = places.everywhere(name)
        lengths = sizes.get(every, ()) if every is not None else ()
        if gradient is not None and len(lengths) > 2 and lengths[0].grows:
            each = gradient.flatten(1).abs().sum(dim=1) > 0
            reached[name] = {f"{name}[{place}]": bool(moved) for place, moved in enumerate(each)}
    for kind in reached.values():
        missed = [path for path, moved in kind.items() if not moved]
        if missed and len(missed) < len(kind):
            raise ModelError(
                f"{model.title}: {len(missed)} of {len(kind)} experts are reached by no row of the batch at experts "
                f"{number}, `{missed[0]}` first: they learn nothing, and tell nothing of those that do. Give a batch "
                "of many more rows than there are experts, take fewer experts, or draw the router so that it tells "
                "rows apart."
            )


def _sparse(blocks: Blocks, places: tuple[Places, Places], calls: tuple[Calls, Calls]) -> list[str]:
    """First experts of kinds whose calls return no more in all where there are more of them."""
    found = list[str]()
    for kind, (first, _, _) in blocks.names.items():
        fewer, more = (
            sum(
                call.outputs[path].numel()
                for path in where.blocks
                if path.removeprefix(kind.prefix).isdigit() and path in call.outputs
            )
            for where, call in zip(places, calls, strict=True)
        )
        # In between where the numbers of experts themselves lie.
        if more < (fewer * math.sqrt(len(places[1].blocks) / len(places[0].blocks))):
            found.append(first)
    return found


def _moves(gradient: Tensor | None) -> bool:
    return gradient is not None and bool(gradient.any())


def _places(blocks: Blocks, module: nn.Module) -> Places:
    """Where a model has its experts, none of which follows another."""
    return replace(blocks.places(module), follows={})


def _sizes(
    model: Model, fewer: nn.Module, more: nn.Module, places: tuple[Places, Places], numbers: tuple[int, int]
) -> dict[str, tuple[Length, ...]]:
    """Dimensions of parameters by their names at every number of experts.

    Raises:
        ModelError: if nothing grows, the two have other parameters, or more than one dimension of one grows.
    """
    first, second = (shapes_of(module, where) for module, where in zip((fewer, more), places, strict=True))
    if differs := sorted(set(first) ^ set(second)):
        raise other_parameters(model, numbers, differs)
    for name, shape in first.items():
        if len(shape) != len(second[name]) or sum(b > a for a, b in zip(shape, second[name], strict=True)) > 1:
            raise ModelError(
                f"{model.title}: `{name}` has shape {tuple(shape)} at experts {numbers[0]} and {tuple(second[name])} "
                f"at {numbers[1]}: more grows than the number of experts. Keep the sizes of experts, and of what they "
                "are given, fixed in build(experts)."
            )
    sizes = {name: tuple(map(Length, shape, second[name])) for name, shape in first.items()}
    if not places[0].blocks and not any(length.grows for lengths in sizes.values() for length in lengths):
        raise ModelError(
            f"{model.title} has the same shapes at experts {numbers[0]} and {numbers[1]}: build ignores its experts. "
            "Use the argument of build(experts) for their number, each with weights of its own."
        )
    return sizes


def _batched(user: str, names: Collection[str], sizes: Mapping[str, tuple[Length, ...]]) -> bool:
    """Whether a module uses a parameter that has a matrix for each expert."""
    dimensions = [sizes[path_of(user, name)] for name in names if path_of(user, name) in sizes]
    return any(len(lengths) > 2 and any(length.grows for length in lengths) for lengths in dimensions)


def _linear(model: Model, module: nn.Module, names: list[str], batch: Batch) -> frozenset[str]:
    """What becomes smaller by as much as routers do: their logits, and not what a softmax makes of them."""
    with drawn_where_zero(module, names):
        return fading(model, module, names, batch).features
