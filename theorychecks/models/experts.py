"""Anatomy along the number of experts: three experts that are modules stand for all, and what else grows is told.

Experts of a mixture are modules with numbers in their names, or matrices of one parameter, [expert, ...]; a router has
as many outputs as there are experts. Nothing else grows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from torch import nn

from theorychecks.models.blocks import Blocks, Places
from theorychecks.models.calls import Calls, own_parameters
from theorychecks.models.cancelled import cancelled_among, drawn_where_zero
from theorychecks.models.checks import called
from theorychecks.models.depth import DepthAnatomy, everywhere_in, is_inside, own_everywhere, path_of, shapes_of
from theorychecks.models.errors import ModelError
from theorychecks.models.fading import fading
from theorychecks.models.hooks import LOGITS, call_of, plain, starred
from theorychecks.models.lengths import Length, admit, other_parameters
from theorychecks.models.model import Batch, Model
from theorychecks.models.part import Part, Role, check_roles, overridden
from theorychecks.models.reached import check_reached
from theorychecks.models.roles import first_names, within


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
        check_reached(model, module, _places(self.blocks, module), self.sizes, batch, width)


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
        ModelError: if there are no more experts, some are not reached, or the two differ in anything else.
    """
    blocks = Blocks.more_of(model, fewer, more, numbers)
    places = _places(blocks, fewer), _places(blocks, more)
    sizes = _sizes(model, fewer, more, places, numbers)
    for module, where, number in zip((fewer, more), places, numbers, strict=True):
        check_reached(model, module, where, sizes, batch, number)
    calls = list[Calls]()
    for module, number in zip((fewer, more), numbers, strict=True):
        with called(model, number):
            calls.append(Calls.of(model, module, batch))
    redrawn = calls[0] if again is None else Calls.of(model, again, batch)
    names = everywhere_in(calls[0].outputs, places[0])
    for other, where, number in ((redrawn, places[0], numbers[0]), (calls[1], places[1], numbers[1])):
        if differs := sorted(set(names) ^ set(everywhere_in(other.outputs, where))):
            raise ModelError(
                f"{model.title} calls other modules at experts {number} than at {numbers[0]}, or for another seed: "
                f"{', '.join(differs[:4])}. Let build(experts) keep all but their number fixed, and give a batch of so "
                "many rows that each expert is called."
            )
    compared = _Compared(model, fewer, batch, blocks, places, sizes, (calls[0], calls[1], redrawn), tuple(names))
    totals = [sum(parameter.numel() for parameter in module.parameters()) for module in (fewer, more)]
    each = (totals[1] - totals[0]) / (numbers[1] - numbers[0])
    return compared.anatomy(numbers, (each, totals[0] - each * numbers[0]))


@dataclass(frozen=True)
class _Compared:
    """A model at two numbers of experts.

    Attributes:
        model: whose roles take the place of what is inferred.
        fewer: the module with fewer experts.
        batch: what it is called with.
        blocks: experts that are modules.
        places: where there are which, with fewer and with more.
        sizes: dimensions of parameters.
        calls: with fewer, with more, and with fewer from another seed.
        names: of what is returned, at every number of experts.
    """

    model: Model
    fewer: nn.Module
    batch: Batch
    blocks: Blocks
    places: tuple[Places, Places]
    sizes: Mapping[str, tuple[Length, ...]]
    calls: tuple[Calls, Calls, Calls]
    names: tuple[str, ...]

    def anatomy(self, numbers: tuple[int, int], weights: tuple[float, float]) -> ExpertsAnatomy:
        """The model's parts, at the two numbers, with so many weights for each expert and besides."""
        model, here = self.model, self.places[0]
        vectors = [here.here(part.name) for part in self.parts if part.role == "vector"]
        cancelled = tuple(everywhere_in(cancelled_among(model, self.fewer, vectors, self.batch), here))
        parts = [replace(part, role="unchecked") if part.name in cancelled else part for part in self.parts]
        parts = [overridden(part, model) for part in parts]
        modules = {name: overridden(part, model) for name, part in self._modules().items()}
        check_roles(model, [*parts, *modules.values()])
        names = [part.name for part in parts]
        return ExpertsAnatomy(
            modules=modules,
            parameters=tuple(parts),
            own=self.own,
            tied=frozenset(name for name in names if names.count(name) > 1),
            readouts=(),
            cancelled=cancelled,
            random=self.calls[0].random,
            routed=any(part.routed for part in modules.values()),
            lengths={},
            widths=numbers,
            fixed={},
            fed=frozenset(),
            blocks=self.blocks,
            shapes=shapes_of(self.fewer, here),
            weights=weights,
            sizes=self.sizes,
            mixtures=self.mixtures,
            few=self.few,
            jumps=self._jumps,
        )

    @cached_property
    def growing(self) -> frozenset[str]:
        """Parameters of which there is a part for each expert."""
        return frozenset(name for name, lengths in self.sizes.items() if any(length.grows for length in lengths))

    @cached_property
    def own(self) -> dict[str, tuple[str, ...]]:
        """Parameters that each module uses itself."""
        return own_everywhere(own_parameters(self.fewer, self.calls[0].called), self.places[0])

    @cached_property
    def batched(self) -> frozenset[str]:
        """Modules that use a parameter with a matrix for each expert."""
        return frozenset(user for user, names in self.own.items() if _batched(user, names, self.sizes))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Parameters in each of their uses."""
        aliases, here, parts = first_names(self.fewer), self.places[0], list[Part]()
        for user, names in self.own.items():
            for local in names:
                actual = aliases[here.here(path_of(user, local))]
                name = here.everywhere(actual)
                if name is None:
                    continue
                expert = is_inside(actual, here) or (name in self.growing and user in self.batched)
                matrix = sum(length.narrow > 1 for length in self.sizes[name]) > 1
                role: Role = "hidden" if expert else "input" if name in self.growing else "fixed"
                grows = expert or name in self.growing
                parts.append(Part(name, user, role if matrix else "vector", grows, matrix=matrix))
        return tuple(parts)

    @cached_property
    def mixtures(self) -> tuple[str, ...]:
        """Modules with experts inside, from the inside out."""
        experts = {*self.batched, *(first for first, _, _ in self.blocks.names.values())}
        outside = [
            plain(name) for name in self.names if not is_inside(self.places[0].here(plain(name)), self.places[0])
        ]
        return tuple(dict.fromkeys(name for name in outside if any(within(expert, name) for expert in experts)))

    @cached_property
    def few(self) -> frozenset[str]:
        """Mixtures whose experts get no more rows in all where there are more of them."""
        sparse = list[str]()
        for kind, (first, _, _) in self.blocks.names.items():
            fewer, more = (
                sum(
                    calls.outputs[path].numel()
                    for path in where.blocks
                    if path.removeprefix(kind.prefix).isdigit() and path in calls.outputs
                )
                for where, calls in zip(self.places, self.calls, strict=False)
            )
            # Half way, in logarithms, to as many as there are more experts.
            if more < fewer * math.sqrt(len(self.places[1].blocks) / len(self.places[0].blocks)):
                sparse.append(first)
        return frozenset(name for name in self.mixtures if any(within(first, name) for first in sparse))

    @property
    def _jumps(self) -> frozenset[str]:
        """What comes from the first mixture on of which rows may be routed anew."""
        starts = [place for place, name in enumerate(self.names) if plain(name) in {*self.few, *self.batched}]
        return frozenset(self.names[starts[0] :]) if starts else frozenset()

    def _modules(self) -> dict[str, Part]:
        here = self.places[0]
        users = {part.name for part in self.parts if part.module in self.batched and part.grows}
        mixed = [
            name for name, _ in self.fewer.named_parameters() if is_inside(name, here) or here.everywhere(name) in users
        ]
        with drawn_where_zero(self.fewer, mixed):
            faint = fading(self.model, self.fewer, mixed, self.batch)
        routing = sorted({here.here(name) for name in self.growing} - set(mixed))
        with drawn_where_zero(self.fewer, routing):
            # Logits become smaller by as much as routers do, and what a softmax makes of them does not.
            logits = fading(self.model, self.fewer, routing, self.batch).features
        first, _, redrawn = self.calls
        routed = {
            starred(every)
            for name, shape in first.outputs.items()
            if redrawn.outputs.get(name) != shape and (every := here.everywhere(name)) is not None
        }
        modules = {}
        for name in self.names:
            role, actual = self._role(name, logits), here.here(name)
            fades, given = actual in faint.features, call_of(actual) in faint.calls
            grows, chosen = role in ("hidden", "input"), starred(name) in routed
            modules[name] = Part(name, name, role, grows, fades=fades, faint=given, routed=chosen)
        return modules

    def _role(self, name: str, logits: Collection[str]) -> Role:
        """Of what is returned; that of a router is its logits, and nothing is known of what it makes of them."""
        module, (here, there) = plain(name), self.places
        routers = {part.module for part in self.parts if part.role == "input"} - self.batched
        grows = self.calls[1].outputs[there.here(name)] != self.calls[0].outputs[here.here(name)]
        if is_inside(here.here(module), here):
            return "hidden"
        if LOGITS in name:
            owner = module.removesuffix(LOGITS).strip()
            chooses = owner in self.mixtures or any(within(router, owner) for router in routers)
            return "unchecked" if chooses else "attention logits"
        if module not in self.mixtures and any(within(module, r) or within(r, module) for r in routers):
            return "input" if grows and here.here(name) in logits else "unchecked"
        return "unchecked" if grows else "fixed"


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
