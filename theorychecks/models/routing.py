"""Routing: what a model calls whose weights choose that, as told from several draws, no one of which may call all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import nn

from theorychecks.models.calls import Calls, passed
from theorychecks.models.checks import called
from theorychecks.models.errors import ModelError
from theorychecks.models.hooks import plain, starred
from theorychecks.models.model import Batch, Model
from theorychecks.models.state import RandomState, drawing_from

MOST_DRAWS: Final = 32
"""An expert that each of so many draws misses very likely has rows in less than a tenth of runs, and is refused."""

_REDRAWN: Final = 3
"""Further passes with other random numbers."""


class Draw(NamedTuple):
    """A model as one seed draws it at one width, and one forward pass of it."""

    module: nn.Module
    calls: Calls


@dataclass(frozen=True)
class Followed:
    """Forward passes of a model at two widths.

    Attributes:
        narrow: draws at the first width, of which those from the third on call what none before them has called.
        wide: likewise at the second, from the second draw on.
        names: what is returned at both widths, in the order of a forward pass.
        called: modules that are called at both, likewise.
        users: all that are called anywhere.
        routed: names, with stars, of what other rows are given to in other draws, or none.
    """

    narrow: Sequence[Draw]
    wide: Sequence[Draw]
    names: Sequence[str]
    called: Sequence[str]
    users: Sequence[str]
    routed: frozenset[str]

    def new_in(self, draws: Sequence[Draw]) -> Iterator[tuple[Draw, frozenset[str]]]:
        """Draws at one width that call what none before them has called, and that: modules, calls and what they return.

        The first one calls nothing that has been called before.
        """
        seen = frozenset[str]()
        for draw in draws:
            new = frozenset({*draw.calls.called, *draw.calls.outputs, *draw.calls.inputs}) - seen
            seen |= new
            if new:
                yield draw, new

    def grown(self) -> dict[str, int]:
        """How many sizes of what is returned are larger in the wide model, by name."""
        return _grown([each.calls.outputs for each in self.narrow], [each.calls.outputs for each in self.wide])

    def grown_inputs(self) -> dict[str, int]:
        """Likewise, of what calls are given, by call."""
        return _grown([each.calls.inputs for each in self.narrow], [each.calls.inputs for each in self.wide])


def follow(
    model: Model,
    narrow: nn.Module,
    wide: nn.Module,
    widths: tuple[int, int],
    batch: Batch,
    *,
    again: nn.Module | None,
    draw: Callable[[int, int], nn.Module] | None,
) -> Followed:
    """Follow forward passes of a model until all that it calls anywhere has been called at both widths.

    Args:
        model: which.
        narrow: at the first width.
        wide: at the second.
        widths: both.
        batch: what all are called with.
        again: at the first width from another seed, if given.
        draw: builds the model at a width from a seed; no further draws are made without it.

    Raises:
        ModelError: if what is called depends on the width, or its order on the seed; or if an expert is called by none.
    """

    def followed(module: nn.Module) -> Draw:
        return Draw(module, Calls.of(model, module, batch))

    with called(model, widths[0]):
        sides = ([followed(narrow)], list[Draw]())
    with called(model, widths[1]):
        sides[1].append(followed(wide))
    if again is not None:
        sides[0].append(followed(again))
    skipped = _skipped(model, sides[0][0], batch)
    for seed in range(2, MOST_DRAWS):
        idle = _idle(narrow, sides, skipped)
        lacking = [not _names(sides[1 - k]) <= _names(sides[k]) or bool(idle[k]) for k in (0, 1)]
        if draw is None or not any(lacking):
            break
        for side, width, lacks in zip(sides, widths, lacking, strict=True):
            if lacks:
                one = followed(draw(width, seed))
                if not one.calls.outputs.keys() <= _names(side):
                    side.append(one)
    draws, routed = [*sides[0], *sides[1]], _routed(sides, skipped)
    for unreached, width in zip(_idle(narrow, sides, skipped), widths, strict=True):
        if unreached:
            raise ModelError(
                f"{model.title}: no row of the batch reaches {', '.join(f'`{name}`' for name in unreached[:4])}"
                f"{f' and {len(unreached) - 4} more' if len(unreached) > 4 else ''}, for any of {MOST_DRAWS} seeds at "
                f"{model.axis} {width}. Give a batch of more rows, take fewer experts, or see that the router can "
                "choose each of them."
            )
    names = _merged([list(each.calls.outputs) for each in draws], narrow)
    both = _names(sides[0]) & _names(sides[1])
    where = (f"for another seed at {model.axis} {widths[0]}", f"at {model.axis} {widths[1]}")

    def unrouted(one: Draw) -> list[str]:
        # Rows that come to an expert later come to it in another place.
        return [name for name in one.calls.outputs if starred(name) not in routed]

    expected = unrouted(sides[0][0])
    for side, there in zip(sides, where, strict=True):
        for each in side:
            if (found := unrouted(each)) != expected:
                other = sorted(set(found) ^ set(expected)) or ["their order"]
                raise _other_calls(model, other, there, widths[0])
    users = _merged([each.calls.called for each in draws], narrow)
    shared = [set[str]().union(*(each.calls.called for each in side)) for side in sides]
    return Followed(
        sides[0],
        sides[1],
        [name for name in names if name in both],
        [name for name in users if name in shared[0] & shared[1]],
        users,
        routed,
    )


def _names(draws: Sequence[Draw]) -> set[str]:
    return set[str]().union(*(each.calls.outputs for each in draws))


def _routed(sides: Sequence[Sequence[Draw]], skipped: Collection[str]) -> frozenset[str]:
    """What is called on other rows by other draws of one width, or by some of them only and not skipped by chance."""
    found = set[str]()
    for draws in sides:
        for name in _names(draws):
            # By chance an expert may have as many rows as before.
            shapes = {each.calls.outputs.get(name) for each in draws}
            if len(shapes if starred(name) not in skipped else shapes - {None}) > 1:
                found.add(starred(name))
    return frozenset(found)


def _skipped(model: Model, draw: Draw, batch: Batch) -> frozenset[str]:
    """What one module calls with some random numbers and not with others, as it does what stochastic depth skips.

    Experts are among it where random numbers come before their router, and are told then by their numbers of rows.
    """
    if not draw.calls.random:
        return frozenset()
    names = [set(draw.calls.outputs)]
    with drawing_from(RandomState.now()):
        names += [set(passed(model, draw.module, batch).outputs) for _ in range(_REDRAWN)]
    ever, always = names[0].union(*names), names[0].intersection(*names)
    return frozenset(map(starred, ever - always))


def _idle(module: nn.Module, sides: Sequence[Sequence[Draw]], skipped: Collection[str]) -> list[list[str]]:
    """Experts with weights to train that no draw calls, at each width: others of their name but for a number have rows.

    In a model that is not routed a module that is never called is no expert.
    """
    routed = {plain(name) for name in _routed(sides, skipped)}
    experts = [
        name
        for name, part in module.named_modules()
        if starred(name) in routed and any(parameter.requires_grad for parameter in part.parameters())
    ]
    found = list[list[str]]()
    for draws in sides:
        called, idle = set[str]().union(*(each.calls.called for each in draws)), list[str]()
        for name in experts:
            if name not in called and not any(name.startswith(f"{outer}.") for outer in idle):
                idle.append(name)
        found.append(idle)
    return found


def _merged(orders: Sequence[Sequence[str]], module: nn.Module) -> list[str]:
    """Names in the order of all draws; of two that no draw has together, the one first whose module is built first."""
    last = dict[str, int]()
    for place, (name, _) in enumerate(module.named_modules()):
        path = name.split(".")
        last |= {".".join(path[:length]): place for length in range(len(path) + 1)}

    def place_of(name: str) -> tuple[int, int]:
        # Children return before what holds them.
        return last.get(plain(name), len(last)), -plain(name).count(".")

    found = list(orders[0])
    for order in orders[1:]:
        if list(order) == found:
            continue
        spot = 0
        for at, name in enumerate(order):
            if name not in found:
                following = next((found.index(other) for other in order[at:] if other in found), len(found))
                while spot < following and place_of(found[spot]) < place_of(name):
                    spot += 1
                found.insert(spot, name)
            spot = found.index(name) + 1
    return found


def _grown(narrow: Sequence[Mapping[str, torch.Size]], wide: Sequence[Mapping[str, torch.Size]]) -> dict[str, int]:
    """How many sizes are larger in the wide model, but for those that change from seed to seed, by name."""
    first = {name: shape for shapes in reversed(narrow) for name, shape in shapes.items()}
    varying = dict[str, set[int]]()
    for shapes in narrow:
        for name, shape in shapes.items():
            places = {place for place, (a, b) in enumerate(zip(first[name], shape, strict=False)) if a != b}
            varying.setdefault(starred(name), set()).update(places)
    there = {name: shape for shapes in reversed(wide) for name, shape in shapes.items()}
    return {
        name: sum(
            b > a and place not in varying[starred(name)]
            for place, (a, b) in enumerate(zip(shape, there[name], strict=False))
        )
        for name, shape in first.items()
        if name in there
    }


def _other_calls(model: Model, other: Sequence[str], where: str, width: int) -> ModelError:
    return ModelError(
        f"{model.title} calls other modules {where} than at {width}: {', '.join(other[:4])}. "
        f"A gate compares one architecture: keep depth and wiring fixed in build({model.axis}), and let what is called "
        "depend on nothing but where inputs are routed. Where a dropout comes before a router, gate the model without."
    )
