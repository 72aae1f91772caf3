"""Roles: which of a model's sizes grow with its width, and what each parameter and module therefore is.

A matrix whose both sides grow is hidden, one whose output alone grows is input-like, one whose input alone grows is
output-like, and a vector that grows is vector-like (Yang et al. 2022, arXiv:2203.03466, Table 3 and Appendix B.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor, nn

from theorychecks.models.blocks import Places
from theorychecks.models.calls import own_parameters
from theorychecks.models.cancelled import cancelled_among, drawn_where_zero
from theorychecks.models.errors import ModelError
from theorychecks.models.fading import Fading, fading, fed
from theorychecks.models.fused import Fixed, Split, fixed_outputs, splits
from theorychecks.models.hooks import LOGITS, call_of, plain, starred
from theorychecks.models.lengths import Length, admit, lengths_of, other_parameters
from theorychecks.models.model import OF_TRAINING, Batch, Model
from theorychecks.models.part import Part, Role, check_roles, overridden
from theorychecks.models.routing import follow


@dataclass(frozen=True)
class Anatomy:
    """A model's parts, in the order in which one forward pass comes by them.

    Attributes:
        modules: what calls return, by name and place in it.
        parameters: each in each of its uses.
        own: names of parameters that each module uses itself, relative to it.
        tied: parameters that have several uses, by any of their names.
        readouts: modules behind all that grows, which a model may multiply by numbers that depend on its width.
        cancelled: vectors that whatever follows takes out again, as a normalisation does the bias before it.
        random: whether a forward pass draws random numbers.
        routed: whether the weights choose what modules are called on, as in a sparse mixture of experts.
        lengths: of each parameter's dimensions, by name.
        widths: the two at which they have those.
        fixed: outputs of a fixed number that layers have besides growing ones, by call.
        fed: features that are small where those are.
        places: where a model of one depth has its parts; None where their names are those at every width or depth.
    """

    modules: Mapping[str, Part]
    parameters: tuple[Part, ...]
    own: Mapping[str, tuple[str, ...]]
    tied: frozenset[str]
    readouts: tuple[str, ...]
    cancelled: tuple[str, ...]
    random: bool
    routed: bool
    lengths: Mapping[str, tuple[Length, ...]]
    widths: tuple[int, int]
    fixed: Mapping[str, Fixed]
    fed: frozenset[str]
    places: Places | None = field(default=None, kw_only=True)

    def at(self, _model: Model, _module: nn.Module, _width: int) -> Anatomy:
        """The same with the names that parts have at a width: the same ones."""
        return self

    def weights_at(self, width: int) -> float:
        """How many weights a model of this width has."""
        return sum(math.prod(length.at(width, self.widths) for length in lengths) for lengths in self.lengths.values())

    def check(self, model: Model, module: nn.Module, width: int) -> None:
        """Refuse a module of another architecture.

        Raises:
            ModelError: naming what is other.
        """
        given = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
        if other := sorted(set(given) ^ set(self.lengths)):
            raise other_parameters(model, (self.widths[0], width), other)
        for name, lengths in self.lengths.items():
            if len(given[name]) != len(lengths) or not admit(lengths, given[name], width, self.widths):
                first = self.widths[0]
                raise ModelError(
                    f"{model.title}: `{name}` has shape {given[name]} at {model.axis} {width}, and grows from "
                    f"{tuple(length.narrow for length in lengths)} at {first} to about "
                    f"{tuple(round(length.at(width, self.widths)) for length in lengths)}. "
                    f"Let build({model.axis}) keep what grows in proportion to its {model.axis}."
                )

    def check_reached(self, model: Model, module: nn.Module, batch: Batch, width: int) -> None:
        """Refuse a model of which a batch does not reach all experts, where their number grows."""

    def holds_layers(self, module: str) -> bool:
        """Whether other modules are called inside of a module."""
        return any(other != module and within(other, module) for other in self.own)

    def adds(self, part: Part) -> bool:
        """Whether a parameter is added to what the model carries, as places and class tokens are."""
        return part.role in ("input", "vector") and self.holds_layers(part.module)

    def growing(self, feature: str, tensor: Tensor) -> Tensor:
        """A tensor like a feature without its outputs of a fixed number, where others grow."""
        return self.fixed[feature].growing(tensor) if feature in self.fixed else tensor

    def module_of(self, feature: str) -> Part | None:
        """What a feature is, or the first one of a call."""
        found = (part for name, part in self.modules.items() if call_of(name) == feature)
        return self.modules.get(feature) or next(found, None)

    def routes(self, call: str) -> bool:
        """Whether the weights choose which rows a call has."""
        part = self.module_of(call) if self.routed else None
        return part is not None and part.routed

    @property
    def taking_growing(self) -> set[str]:
        """Modules within the model with parameters of their own that are given something that grows, or add to it."""
        return {part.module for part in self.parameters if part.module and part.grows and part.role != "input"}

    def used_in(self, module: str) -> list[Part]:
        """Parameters that a module uses itself."""
        return [part for part in self.parameters if part.module == module]


def anatomy(
    model: Model,
    narrow: nn.Module,
    wide: nn.Module,
    widths: tuple[int, int],
    batch: Batch,
    *,
    again: nn.Module | None = None,
    draw: Callable[[int, int], nn.Module] | None = None,
) -> Anatomy:
    """Compare a model at two widths, by the shapes of its parameters and of what its modules return.

    Args:
        model: whose roles take the place of what is inferred.
        narrow: the model at the first width.
        wide: the model at the second.
        widths: both, for messages.
        batch: what both are called with.
        again: the model at the first width from another seed, to tell what is routed by its weights.
        draw: builds it at a width from a seed, for what no row of the batch reaches in these.

    Raises:
        ModelError: if nothing grows, the two have other parameters or call other modules, no row of the batch reaches
            some expert, or a role names nothing.
    """
    lengths = lengths_of(model, narrow, wide, widths)
    draws = follow(model, narrow, wide, widths, batch, again=again, draw=draw)
    names, routed = draws.names, draws.routed
    cuts = dict[str, Split](), dict[str, Split]()
    for cut, side in zip(cuts, (draws.narrow, draws.wide), strict=True):
        for one, new in draws.new_in(side):
            cut.update({name: split for name, split in splits(model, one.module, batch).items() if name in new})
    fixed = fixed_outputs(*cuts, widths)
    grown, given_more = draws.grown(), draws.grown_inputs()
    grows = {name: grown[name] > 0 for name in names}
    returning = {call_of(name) for name in names}
    growing = {call_of(name) for name in names if grows[name]}
    fewer = {call for name in names if grown[name] < given_more.get(call := call_of(name), 0)}
    users = own_parameters(narrow, draws.users)
    own = {module: users[module] for module in draws.called}
    uses = [(f"{module}.{name}" if module else name, module) for module in draws.called for name in own[module]]
    aliases = first_names(narrow)
    parts, seen = [], dict[str, int]()
    for alias, module in uses:
        name = aliases[alias]
        seen[name] = seen.get(name, 0) + 1
        leaf = not any(other != module and within(other, module) for other in draws.called)
        # Of two dimensions that grow, rows and entries say, a readout leaves one.
        output_grows = (module in growing or module not in returning) and module not in fewer
        inferred = _role(lengths[name], output_grows if leaf else None)
        matrix = inferred == "output" or sum(length.narrow > 1 for length in lengths[name]) > 1
        if model.axis in OF_TRAINING:
            # Nothing grows, and all matrices are layers.
            inferred = "hidden" if matrix else "vector"
        parts.append(Part(name, module, inferred, any(length.grows for length in lengths[name]), matrix=matrix))
    tied = frozenset(name for name, count in seen.items() if count > 1)
    # What a part that is unchecked does to others is as it was.
    told = [overridden(part, model) for part in parts]
    told = [part if other.role == "unchecked" else other for part, other in zip(parts, told, strict=True)]
    drawn = [part.name for part in told if part.role == "output" and part.name not in tied]
    cancelled, fades = tuple[str, ...](), Fading(frozenset(), frozenset())
    for one, new in draws.new_in(draws.narrow):
        vectors = [part.name for part in parts if part.role == "vector" and part.module in new]
        cancelled += cancelled_among(model, one.module, vectors, batch)
        with drawn_where_zero(one.module, [part.name for part in told if part.role in ("hidden", "output")]):
            found = fading(model, one.module, drawn, batch)
        fades = Fading(*(a | (b & new) for a, b in zip(fades, found, strict=True)))
    given = _given([pair for pair in zip(parts, told, strict=True) if pair[0].name not in tied])
    parts = [overridden(replace(p, role="unchecked") if p.name in cancelled else p, model) for p in parts]
    modules, behind = {}, False
    for place, name in enumerate(names):
        behind = behind or any(part.role == "output" for part in told if within(part.module, plain(name)))
        role: Role = "hidden" if grows[name] else "output" if behind else "input"
        part = Part(
            name,
            name,
            given.get(plain(name), role),
            grows[name],
            fades=name in fades.features,
            faint=call_of(name) in fades.calls,
            contracted=role == "input" and any(grows[other] for other in names[:place]),
            routed=starred(name) in routed,
        )
        if LOGITS in name:
            # More heads are more logits of the same size; where their number stays, the heads themselves grow.
            part = replace(part, role="attention logits", grows=not grows[name])
        modules[name] = part
    modules = {name: overridden(part, model) for name, part in modules.items()}
    check_roles(model, [*parts, *modules.values()])
    return Anatomy(
        modules,
        tuple(parts),
        own,
        tied,
        _readouts(modules, told),
        cancelled,
        draws.narrow[0].calls.random,
        bool(routed),
        lengths,
        widths,
        fixed,
        fed(model, narrow, fixed, batch),
    )


def _readouts(modules: Mapping[str, Part], parts: Sequence[Part]) -> tuple[str, ...]:
    growing = {part.module for part in parts if part.grows and part.role != "output"}
    found: list[str] = []
    for name, part in modules.items():
        if plain(name) in growing - {""} or (plain(name) and part.role == "output" and part.grows):
            # What is read out in between goes through the rest of the model and not to its outputs.
            found.clear()
        elif plain(name) and part.role == "output":
            found.append(call_of(name))
    return tuple(dict.fromkeys(found))


def _role(lengths: tuple[Length, ...], output_grows: bool | None) -> Role:
    """The role of a parameter by its shape, which dimensions grow, and whether what its layer returns grows.

    A dimension of which a part grows, as of fused queries and a fixed number of keys and values, is one that grows.

    Of a parameter that a module with layers inside uses itself, nothing says what it is for: one of which the last
    dimension grows is taken for an embedding (of places, of a class), any other one for a readout.
    """
    grown = [length.grows for length in lengths]
    if not any(grown):
        return "fixed"
    if sum(grown) >= 2:
        return "hidden"
    if output_grows is None:
        output_grows = grown[-1]
    if not output_grows and len(lengths) >= 2:
        return "output"
    return "vector" if sum(length.narrow > 1 for length in lengths) < 2 else "input"


def first_names(module: nn.Module) -> dict[str, str]:
    """The first name of each parameter, by all of its names."""
    first = {id(parameter): name for name, parameter in module.named_parameters()}
    return {name: first[id(parameter)] for name, parameter in module.named_parameters(remove_duplicate=False)}


def within(inner: str, outer: str) -> bool:
    """Whether a module is another one, or inside of it."""
    return not outer or inner == outer or inner.startswith(f"{outer}.")


def _given(parts: Sequence[tuple[Part, Part]]) -> dict[str, Role]:
    """What modules return whose matrices, inferred and told, have another role than their shapes say, one for all."""
    matrices = dict[str, list[tuple[Part, Part]]]()
    for inferred, told in parts:
        if told.role in ("input", "hidden", "output"):
            matrices.setdefault(told.module, []).append((inferred, told))
    return {
        module: "output" if pairs[0][1].role == "output" else "hidden"
        for module, pairs in matrices.items()
        if len({told.role for _, told in pairs}) == 1 and any(inferred.role != told.role for inferred, told in pairs)
    }
