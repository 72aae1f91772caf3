"""Blocks: which modules of a model there are more of as its depth grows, and three of them that stand for all.

A block is a child of some module, with a number in its name; blocks of one kind have the same type, and parameters of
the same names and shapes. What there is as often at every depth, an embedding in the same `nn.Sequential` say, is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import torch
from torch import nn

from theorychecks.models.errors import ModelError
from theorychecks.models.model import Model

FEWEST: Final = 4
"""Blocks of a kind at the first depth: powers of the depth show from here on, and three of them stand for all."""
_NUMBERED: Final = re.compile(r"(.*?)(\d+)")


class Kind(NamedTuple):
    """Modules with numbers in their names that are alike.

    Attributes:
        prefix: of their paths, "blocks." or "layer_".
        type: their class.
        shapes: of their parameters, by name.
    """

    prefix: str
    type: type[nn.Module]
    shapes: tuple[tuple[str, torch.Size], ...]


@dataclass(frozen=True)
class Places:
    """Where a model of one depth has what models of all depths have.

    Attributes:
        modules: paths at this depth, by those at every depth: {"blocks.(middle)": "blocks.8"}.
        blocks: paths of all blocks.
        follows: the block of which one learns what it adds to the stream, by the one that comes next.
    """

    modules: Mapping[str, str]
    blocks: tuple[str, ...]
    follows: Mapping[str, str]

    def here(self, name: str) -> str:
        """The name at this depth of a module, a call or a parameter."""
        return next((path + name[len(all_over) :] for all_over, path in self._by_length if _in(name, all_over)), name)

    def everywhere(self, name: str) -> str | None:
        """The name at every depth of what has this name here; None in a block that stands for no others."""
        for all_over, path in self._by_length:
            if _in(name, path):
                return all_over + name[len(path) :]
        return None if any(_in(name, block) for block in self.blocks) else name

    @cached_property
    def _by_length(self) -> list[tuple[str, str]]:
        return sorted(self.modules.items(), key=lambda pair: -len(pair[1]))


@dataclass(frozen=True)
class Blocks:
    """Kinds of modules of which there are more in a deeper model.

    Attributes:
        counts: how many there are at the first depth.
        beside: paths at the first depth of what else has a number beside them, by kind.
    """

    counts: Mapping[Kind, int]
    beside: Mapping[Kind, Sequence[str]]

    @classmethod
    def of(cls, model: Model, shallow: nn.Module, deep: nn.Module, depths: tuple[int, int]) -> Blocks:
        """Compare two depths.

        Raises:
            ModelError: if the deeper model has no more blocks, or the other one fewer than four of a kind.
        """
        blocks = cls.more_of(model, shallow, deep, depths)
        if not blocks.counts:
            raise ModelError(
                f"{model.title} has no more blocks at depth {depths[1]} than at {depths[0]}: build ignores its depth, "
                "or makes no modules of it. Use the argument of build(depth) for the number of blocks, each with "
                "weights of its own: nn.ModuleList(Block() for _ in range(depth))."
            )
        return blocks

    @classmethod
    def more_of(cls, model: Model, shallow: nn.Module, deep: nn.Module, depths: tuple[int, int]) -> Blocks:
        """What there is more of in the second of two models; there may be nothing.

        Raises:
            ModelError: if the first one has fewer than four of a kind.
        """
        fewer, more = _kinds(shallow), _kinds(deep)
        growing = [kind for kind, paths in fewer.items() if len(more.get(kind, ())) > len(paths)]
        outer = [kind for kind in growing if not any(_holds(other, kind, fewer) for other in growing)]
        counts = {kind: len(fewer[kind]) for kind in outer if kind.shapes}
        for kind, count in counts.items():
            if count < FEWEST:
                raise ModelError(
                    f"{model.title} has {count} blocks `{fewer[kind][0]}` ... at {model.axis} {depths[0]}, and a power "
                    f"of the {model.axis} shows from {FEWEST} on. Begin where there are as many."
                )
        prefixes = {kind.prefix for kind in outer}
        beside = {kind: paths for kind, paths in fewer.items() if kind.prefix in prefixes and kind not in outer}
        return cls(counts, beside)

    @property
    def names(self) -> dict[Kind, tuple[str, str, str]]:
        """What the first, the middle and the last block are called at every depth, by kind."""
        found, used = dict[Kind, tuple[str, str, str]](), dict[str, int]()
        for kind in self.counts:
            used[kind.prefix] = number = used.get(kind.prefix, 0) + 1
            suffix = str(number) if number > 1 else ""
            first, middle, last = (f"{kind.prefix}({place}{suffix})" for place in ("first", "middle", "last"))
            found[kind] = first, middle, last
        return found

    def places(self, module: nn.Module) -> Places:
        """Where a model has blocks that stand for all, and what stands beside them."""
        found, names, follows, blocks = _kinds(module), dict[str, str](), dict[str, str](), list[str]()
        for kind, (first, middle, last) in self.names.items():
            paths = found.get(kind, [])
            if not paths:
                continue
            blocks += paths
            names |= {first: paths[0], middle: paths[len(paths) // 2], last: paths[-1]}
            in_order = _in_order(found, kind.prefix)
            for path in (paths[0], paths[len(paths) // 2]):
                after = in_order[in_order.index(path) + 1 :]
                follows |= {after[0]: path} if after else {}
        for kind, shallow in self.beside.items():
            names |= dict(zip(shallow, found.get(kind, []), strict=False))
        return Places(names, tuple(blocks), follows)

    def check_count(self, model: Model, module: nn.Module, depths: tuple[int, int]) -> None:
        """Refuse a model whose blocks are not in proportion to its depth.

        Raises:
            ModelError: with how many there are.
        """
        found = _kinds(module)
        for kind, count in self.counts.items():
            wanted, there = count * depths[1] / depths[0], len(found.get(kind, ()))
            if not wanted / 2 < there < 2 * wanted:
                raise ModelError(
                    f"{model.title} has {there} blocks `{kind.prefix}*` of one kind at {model.axis} {depths[1]}, "
                    f"and {count} at {depths[0]}, which makes about {wanted:.0f}. Let build({model.axis}) keep their "
                    "number in proportion, and the blocks as they are."
                )


def _kinds(module: nn.Module) -> dict[Kind, list[str]]:
    """Paths of modules with numbers in their names, by kind and in order."""
    found = dict[Kind, list[tuple[int, str]]]()
    for path, part in module.named_modules():
        for name, child in part.named_children():
            if (numbered := _NUMBERED.fullmatch(name)) is not None:
                prefix = f"{path}.{numbered[1]}" if path else numbered[1]
                shapes = tuple((own, parameter.shape) for own, parameter in child.named_parameters())
                kind = Kind(prefix, type(child), shapes)
                found.setdefault(kind, []).append((int(numbered[2]), f"{path}.{name}" if path else name))
    return {kind: [path for _, path in sorted(paths)] for kind, paths in found.items()}


def _in_order(kinds: Mapping[Kind, Sequence[str]], prefix: str) -> list[str]:
    """What has parameters among the modules with one prefix, by number."""
    paths = [path for kind, found in kinds.items() if kind.prefix == prefix and kind.shapes for path in found]
    return sorted(paths, key=lambda path: int(path[len(prefix) :]))


def _holds(outer: Kind, inner: Kind, kinds: Mapping[Kind, Sequence[str]]) -> bool:
    return outer != inner and any(_in(path, block) for block in kinds[outer] for path in kinds[inner])


def _in(name: str, path: str) -> bool:
    """Whether a name is that of a module at a path, of something in it, or of what it returns."""
    return name == path or (name.startswith(path) and name[len(path)] in ". [")
