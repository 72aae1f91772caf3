"""Parametrizations: how multipliers, initial weights and learning rates scale with width, by layer role.

An abc-parametrization (Yang and Hu 2021, arXiv:2011.14522, second-hand; by layer role) writes a layer's matrix as
W = n^-a w with trainable w, draws w from N(0, n^-2b) and trains it at learning rate eta n^-c.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

LayerRole = Literal["input", "hidden", "output"]
ROLES: Final[tuple[LayerRole, ...]] = get_args(LayerRole)


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Width exponents of one layer role, as powers of 1/n.

    Attributes:
        multiplier: a, of the factor in front of the trainable matrix.
        init: b, of the initial standard deviation.
        sgd: c, of the learning rate under SGD.
        adam: c, under Adam, and wherever updates have entries of order one.
        muon: c, under Muon, and wherever updates have a spectral norm of order one; None if that is not known.
    """

    multiplier: float = 0.0
    init: float = 0.0
    sgd: float = 0.0
    adam: float = 0.0
    muon: float | None = None


@dataclass(frozen=True, kw_only=True)
class Parametrization:
    """Scalings of the input matrix (n x d), the hidden matrices (n x n) and the readout (C x n).

    Attributes:
        name: what reports call it.
        input, hidden, output: exponents by role.
        constants: where the width-free factor gain / sqrt(d) or gain goes, into the initial weights or into the
            multiplier; the latter is the NTK convention, with standard normal trainable weights.
    """

    name: str
    input: Scaling
    hidden: Scaling
    output: Scaling
    constants: Literal["init", "multiplier"] = "init"

    def __post_init__(self) -> None:
        if self.constants not in ("init", "multiplier"):
            raise ValueError(f"constants go into 'init' or 'multiplier'; got {self.constants!r}")

    def scaling(self, role: LayerRole) -> Scaling:
        """The exponents of one role.

        Raises:
            ValueError: for an unknown role.
        """
        if role not in ROLES:
            raise ValueError(f"a layer's role is one of {', '.join(ROLES)}; got {role!r}")
        return {"input": self.input, "hidden": self.hidden, "output": self.output}[role]

    def altered(
        self,
        role: LayerRole,
        *,
        multiplier: float = 0.0,
        init: float = 0.0,
        sgd: float = 0.0,
        adam: float = 0.0,
        muon: float = 0.0,
    ) -> Parametrization:
        """A copy with these amounts added to one role's exponents: what a mistake in one line looks like.

        Raises:
            ValueError: for an unknown role, or for a change of an exponent that is not known.
        """
        old = self.scaling(role)
        changes = {"multiplier": multiplier, "init": init, "sgd": sgd, "adam": adam, "muon": muon}
        if muon and old.muon is None:
            raise ValueError(f"{self.name!r} has no muon exponent to add {muon:+g} to. Write one: Scaling(muon=...)")
        new = replace(old, **{key: getattr(old, key) + change for key, change in changes.items() if change})
        shown = ", ".join(f"{key} {change:+g}" for key, change in changes.items() if change)
        return Parametrization(
            name=f"{self.name} with {role} {shown}",
            input=new if role == "input" else self.input,
            hidden=new if role == "hidden" else self.hidden,
            output=new if role == "output" else self.output,
            constants=self.constants,
        )


STANDARD: Final = Parametrization(
    name="standard",
    input=Scaling(muon=0.0),
    hidden=Scaling(init=0.5, muon=0.0),
    output=Scaling(init=0.5, muon=0.0),
)
"""Weights of variance gain^2 / fan_in and one learning rate for all layers, whatever the optimizer."""

NTK: Final = Parametrization(
    name="NTK",
    input=Scaling(muon=0.0),
    hidden=Scaling(multiplier=0.5, muon=0.0),
    output=Scaling(multiplier=0.5, muon=0.0),
    constants="multiplier",
)
# Muon, derived here: with one learning rate W = n^-a w moves by n^-a in spectral norm. In the root mean square of
# features, which is n^-1/2 of the norm, the input layer changes them by n^-1/2, hidden layers by n^-1/2 as they take
# features of norm n^1/2, and the readout changes outputs by n^(-1/2 + 1/2). Features that move by n^-1/2 along the
# readout's random signs, n of weight n^-1/2, move outputs by order one as well: the regime of kernels, as under SGD.
"""Standard normal weights behind a factor gain / sqrt(fan_in) (Jacot, Gabriel, Hongler 2018, arXiv:1806.07572)."""

MEAN_FIELD: Final = Parametrization(
    name="mean field",
    input=Scaling(sgd=-1.0, muon=-0.5),
    hidden=Scaling(multiplier=0.5, sgd=-1.0, adam=0.5, muon=-0.5),
    output=Scaling(multiplier=1.0, sgd=-1.0, muon=-0.5),
    constants="multiplier",
)
# Muon, derived here: the same network as under maximal update has the same a + c, and here a = 0, 1/2 and 1.
"""An average over neurons, with rates in proportion to width (Everett et al. 2024, arXiv:2407.05872, second-hand)."""

MAXIMAL_UPDATE: Final = Parametrization(
    name="maximal update",
    input=Scaling(sgd=-1.0, muon=-0.5),
    hidden=Scaling(init=0.5, adam=1.0, muon=0.0),
    output=Scaling(init=1.0, sgd=1.0, adam=1.0, muon=0.5),
)
# Muon: features are learned in every layer where updates have the spectral norm (fan_out / fan_in)^1/2 (Yang, Simon,
# Bernstein 2023, arXiv:2310.17813, abstract). That is n^1/2 for n x d, 1 for n x n and n^-1/2 for C x n matrices, and
# a step at the rate n^-c has n^-(a + c), with a = 0.
"""Every layer learns features at every width (Yang and Hu 2021, arXiv:2011.14522, second-hand)."""

PARAMETRIZATIONS: Final = {p.name: p for p in (STANDARD, NTK, MEAN_FIELD, MAXIMAL_UPDATE)}


def parametrization(name: str) -> Parametrization:
    """Look a named parametrization up.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in PARAMETRIZATIONS:
        raise ValueError(
            f"unknown parametrization {name!r}; the named ones are {', '.join(PARAMETRIZATIONS)}. "
            "Write your own as Parametrization(name=..., input=Scaling(...), ...)."
        )
    return PARAMETRIZATIONS[name]
