"""Part: what a parameter, or what a module returns, is to a model, as inferred or as its owner says."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast, get_args

from theorychecks.models.errors import ModelError
from theorychecks.models.model import Model

Role = Literal["input", "hidden", "output", "vector", "fixed", "attention logits", "unchecked"]
ROLES: Final = get_args(Role)
"""What a part may be; of one that is unchecked nothing is predicted."""


@dataclass(frozen=True)
class Part:
    """A parameter in one of its uses, a tensor that a module returns, or the attention logits inside of one.

    Attributes:
        name: the parameter's, or the module's with the number of the call and the place in what it returns.
        module: in which it is used; the module itself.
        role: "input", "hidden", "output", "vector" or "fixed" (which does not grow) of parameters; of modules by what
            they return, "hidden" where that grows, else "output" behind an output-like parameter and "input" before.
        grows: whether the model's width sets its size; of attention logits, that of their heads.
        fades: whether it becomes small with the output-like matrices before it (see `fading`).
        faint: whether what its module is given does.
        contracted: whether it stands behind what grows, and not behind a readout: made of a product of two vectors.
        routed: whether the weights choose which rows it has, as for an expert, so that it has no change to speak of.
        matrix: of a parameter, whether it mixes what its module is given: a vector scales that, or is added to it.
    """

    name: str
    module: str
    role: Role
    grows: bool = True
    fades: bool = False
    faint: bool = False
    contracted: bool = False
    routed: bool = False
    matrix: bool = False


def overridden(part: Part, model: Model) -> Part:
    """A part, of the role that its model's owner gives it."""
    for pattern, role in model.roles.items():
        if fnmatch.fnmatchcase(part.name, pattern):
            if role not in ROLES:
                raise ModelError(f"{model.title}: a role is one of {', '.join(ROLES)}; got {role!r} for {pattern!r}")
            return replace(part, role=cast(Role, role))
    return part


def check_roles(model: Model, parts: Sequence[Part]) -> None:
    """Refuse roles of what there is none of, by a `ModelError` that names the pattern."""
    names = sorted({part.name for part in parts})
    for pattern in model.roles:
        if not fnmatch.filter(names, pattern):
            raise ModelError(
                f"{model.title}: roles name {pattern!r}, and no parameter or module is called so; "
                f"there are {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"
            )
