"""Mending: what a diagnosis is sure of, as code that undoes it, to be pasted beside a model's build and optimizer."""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from theorychecks.gates.culprit import Culprit, Kind
from theorychecks.models import Anatomy
from theorychecks.models.hooks import starred

_MATRIX: Final = 2
"""The fewest dimensions, longer than one, of what is drawn by its fan."""
_HEAD: Final = """\
# What is sure, as code to paste; at the narrowest width it changes nothing.
from fnmatch import fnmatchcase

import torch


def factor(name, factors):
    return next((by for like, by in factors.items() if fnmatchcase(name, like)), 1)
"""
_INITS: Final = """

@torch.no_grad()
def mend_inits(model):  # at the end of build
    {sizes}
    factors = {factors}
    for name, parameter in model.named_parameters():
        parameter.mul_(factor(name, factors))
"""
_RATES: Final = """

def mend_rates(model, optimizer):  # at the end of optimizer, before a schedule is made of it
    {sizes}
    factors = {factors}
    names = {{parameter: name for name, parameter in model.named_parameters()}}
    optimizer.param_groups = [
        {{**group, "params": [parameter], "lr": group["lr"] * factor(names[parameter], factors)}}
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]
"""


def mending(culprits: Sequence[Culprit], anatomy: Anatomy) -> str:
    """Code that undoes the inits and learning rates that are off for sure; nothing where there are none.

    Patterns in it are names of the parameters that are off, and of no others.

    Args:
        culprits: of a model along its width.
        anatomy: its parts.
    """
    sizes = _sizes(anatomy)
    inits = _factors(culprits, "init", lambda part: _drawn(anatomy, part), anatomy)
    rates = _factors(culprits, "learning rate", lambda part: [part], anatomy)
    if not sizes or not (inits or rates):
        return ""
    blocks = [(_INITS, inits), (_RATES, rates)]
    functions = [form.format(sizes=sizes, factors=_shown(found)) for form, found in blocks if found]
    return "".join([_HEAD, *functions]).rstrip()


def _factors(
    culprits: Sequence[Culprit], kind: Kind, named: Callable[[str], Sequence[str]], anatomy: Anatomy
) -> dict[str, str]:
    """What undoes culprits of a kind, by pattern of the parameters that their parts stand for."""
    found = dict[str, str]()
    for culprit in culprits:
        if culprit.sure and culprit.kind == kind:
            meant = [name for part in culprit.parts for name in named(part) if name in anatomy.lengths]
            found |= dict.fromkeys(_patterns(meant, anatomy), _remedy(culprit.exponent))
    return found


def _patterns(meant: Sequence[str], anatomy: Anatomy) -> list[str]:
    """Patterns of these names and of no others: one with stars for several, where there is one."""
    found = list[str]()
    for pattern in dict.fromkeys(map(starred, meant)):
        own = [name for name in meant if starred(name) == pattern]
        matched = {name for name in anatomy.lengths if fnmatchcase(name, pattern)}
        found += [pattern] if len(own) > 1 and matched == set(own) else map(glob.escape, own)
    return found


def _remedy(exponent: float) -> str:
    """What undoes a power of the width, by half-integers."""
    ratio, power = "base / width" if exponent > 0 else "width / base", max(round(2 * abs(exponent)), 1) / 2
    return ratio if power == 1 else f"({ratio}) ** {power:g}"


def _drawn(anatomy: Anatomy, module: str) -> list[str]:
    """Parameters whose init sets the size of what a module returns: its matrices, or its vectors where it has none."""
    own = [f"{module}.{name}" if module else name for name in anatomy.own.get(module, ())]
    matrices = [name for name in own if sum(each.narrow > 1 for each in anatomy.lengths.get(name, ())) >= _MATRIX]
    return matrices or own


def _sizes(anatomy: Anatomy) -> str:
    """A line that reads the width off a module, by a dimension in proportion to it; empty where there is none."""
    first, second = anatomy.widths
    for name, lengths in anatomy.lengths.items():
        for place, length in enumerate(lengths):
            if length.grows and length.narrow * second == length.wide * first:
                return f"base, width = {length.narrow}, model.get_parameter({_quoted(name)}).shape[{place}]"
    return ""


def _shown(factors: Mapping[str, str]) -> str:
    if len(factors) == 1:
        ((like, by),) = factors.items()
        return f"{{{_quoted(like)}: {by}}}"
    return "\n".join(["{", *(f"        {_quoted(like)}: {by}," for like, by in factors.items()), "    }"])


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
