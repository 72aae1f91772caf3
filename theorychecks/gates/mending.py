"""Mending: what a diagnosis is sure of, as code that undoes it, to be pasted beside a model's build and optimizer."""

from __future__ import annotations

import glob
import json
import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final, NamedTuple

from theorychecks.gates.culprit import Culprit
from theorychecks.models import Anatomy
from theorychecks.models.hooks import starred

_MATRIX: Final = 2
"""The fewest dimensions of what is drawn by its fan."""
_HEAD: Final = """\
# What is sure, as code to paste. Functions of an earlier round stay: rename them, call both, and keep one BASE.{tied}
from fnmatch import fnmatchcase

import torch

BASE = {base}  # a width at which your inits and learning rates are right; here the narrowest that was gated


def factors(model, powers):  # of width / BASE, by parameter
    while hasattr(model, "_orig_mod") or isinstance(model, torch.nn.parallel.DistributedDataParallel):
        model = model._orig_mod if hasattr(model, "_orig_mod") else model.module
    named, found = dict(model.named_parameters()), {{}}
    width = {width}
    for like, power in powers.items():
        matched = [parameter for name, parameter in named.items() if fnmatchcase(name, like)]
        if not matched:
            raise ValueError(f"no parameter is called {{like}}")
        found |= dict.fromkeys(matched, (width / BASE) ** power)
    return found
"""
_TIED: Final = """
# Left out: {names}, of several uses (tied weights), which no one factor suits."""
_INITS: Final = """

@torch.no_grad()
def mend_inits(model):  # at the end of build
    powers = {powers}
    for parameter, factor in factors(model, powers).items():
        parameter.mul_(factor)
"""
_RATES: Final = """

def mend_rates(model, *optimizers):  # at the end of optimizer, before a schedule is made of it
    powers = {powers}{decay}
    left = factors(model, powers)
    for optimizer in optimizers:
        groups, optimizer.param_groups = optimizer.param_groups, []
        for group in groups:
            group.pop("param_names", None)
            split = {{}}
            for parameter in group["params"]:
                split.setdefault(left.pop(parameter, 1), []).append(parameter)
            for factor, each in split.items():
                optimizer.param_groups.append({{**group, "params": each, "lr": group["lr"] * factor}})
    if left:
        raise ValueError("some of these parameters are in none of the optimizers given: give all that there are")
"""
_DECAY: Final = """
    # AdamW, Muon and SGD decay by lr * weight_decay a step: to keep that, divide weight_decay by the factor as well."""
_MULTIPLIER: Final = "its multiplier"
"""What shows as a learning rate does where an init is zero, and is as well undone by one."""


class _Remedy(NamedTuple):
    """What undoes a culprit in a parameter: a power of the width, and what else would show alike."""

    power: float
    alike: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.power:g},{f'  # {self.alike[0]} would show alike' if self.alike else ''}"


def mending(culprits: Sequence[Culprit], anatomy: Anatomy, *, decays: bool, grouped: bool) -> str:
    """Code that undoes the inits and learning rates that are off for sure; nothing where there are none.

    Patterns in it are names of the parameters that are off, and of no others. Left out are parameters of several uses,
    inits of modules of several matrices, of which one alone may be off, and learning rates that cannot be told apart
    from an epsilon or a decay, or that one optimizer has for all.

    Args:
        culprits: of a model along its width.
        anatomy: its parts.
        decays: whether its weights do.
        grouped: whether parameters may have learning rates of their own, as in a step of LBFGS they may not.
    """
    sure = [culprit for culprit in culprits if culprit.sure and culprit.axis == "width"]
    inits = _meant([culprit for culprit in sure if culprit.kind == "init"], lambda part: _drawn(anatomy, part))
    rates = _meant(
        [culprit for culprit in sure if culprit.kind == "learning rate" and set(culprit.alike) <= {_MULTIPLIER}],
        lambda part: [part] if grouped else [],
    )
    tied = [name for name in dict.fromkeys([*inits, *rates]) if name in anatomy.tied or name not in anatomy.lengths]
    blocks = [(_INITS, _powers(inits, anatomy)), (_RATES, _powers(rates, anatomy))]
    width, decay = _width(anatomy), _DECAY if decays else ""
    functions = [form.format(powers=powers, decay=decay) for form, powers in blocks if powers]
    if not width or not functions:
        return ""
    left_out = _TIED.format(names=", ".join(tied)) if tied else ""
    return "".join([_HEAD.format(base=anatomy.widths[0], width=width, tied=left_out), *functions]).rstrip()


def _meant(culprits: Sequence[Culprit], named: Callable[[str], Sequence[str]]) -> dict[str, _Remedy]:
    """What undoes culprits, by parameter that their parts stand for."""
    found = dict[str, _Remedy]()
    for culprit in culprits:
        power = -max(round(2 * abs(culprit.exponent)), 1) / 2 * math.copysign(1, culprit.exponent)
        remedy = _Remedy(power, culprit.alike)
        found |= {name: remedy for part in culprit.parts for name in named(part)}
    return found


def _powers(remedies: Mapping[str, _Remedy], anatomy: Anatomy) -> str:
    """A dictionary of powers by pattern, as code; empty where there are none."""
    named = {name: remedy for name, remedy in remedies.items() if name in anatomy.lengths and name not in anatomy.tied}
    lines = [
        f"        {_quoted(pattern)}: {remedy}"
        for remedy in dict.fromkeys(named.values())
        for pattern in _patterns([name for name in named if named[name] == remedy], anatomy)
    ]
    return "\n".join(["{", *lines, "    }"]) if lines else ""


def _patterns(meant: Sequence[str], anatomy: Anatomy) -> list[str]:
    """Patterns of these names and of no others: one with stars for several, where there is one."""
    found = list[str]()
    for pattern in dict.fromkeys(map(starred, meant)):
        own = [name for name in meant if starred(name) == pattern]
        matched = {name for name in anatomy.lengths if fnmatchcase(name, pattern)}
        found += [pattern] if len(own) > 1 and matched == set(own) else map(glob.escape, own)
    return found


def _drawn(anatomy: Anatomy, module: str) -> list[str]:
    """The matrix whose init sets the size of what a module returns; nothing where it has several, or none."""
    own = [f"{module}.{name}" if module else name for name in anatomy.own.get(module, ())]
    # What has no lengths is another's under a second name.
    matrices = [name for name in own if name not in anatomy.lengths or len(anatomy.lengths[name]) >= _MATRIX]
    return matrices if len(matrices) == 1 else []


def _width(anatomy: Anatomy) -> str:
    """The width, read off a dimension in proportion to it, of its own size where there is one; empty without any."""
    first, second = anatomy.widths
    found = [
        (Fraction(first, length.narrow), f"named[{_quoted(name)}].shape[{place}]")
        for name, lengths in anatomy.lengths.items()
        for place, length in enumerate(lengths)
        if length.grows and length.narrow * second == length.wide * first
    ]
    share, size = min(found, key=lambda each: each[0] != 1, default=(Fraction(1), ""))
    return size if share == 1 else f"{size} * {share}"


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
