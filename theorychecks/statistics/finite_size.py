"""Corrections to scaling that an interval guards against, declared for each axis."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from theorychecks.arguments import is_one_of, real_number, settle_numbers

Array = NDArray[np.float64]

LARGEST_CORRECTION: Final = 0.9
"""A correction 1 + c m^-omega nearer to zero than 1 - 0.9 has no usable logarithm."""
_SIGNS: Final = {"either": (-1.0, 1.0), "positive": (0.0, 1.0), "negative": (-1.0, 0.0)}
_FIRST: Final = 64.0
"""Where rho is declared the first axis value counts as this many units, as it does for widths from 64 on."""


@dataclass(frozen=True, kw_only=True)
class FiniteSizeClass:
    """The corrections to scaling that an interval guards against: Q(m) = A m^alpha (1 + c (m / unit)^-omega).

    The default is for widths, and for particles where means over them are Monte Carlo averages.
    Any other axis needs a class of its own: best by rho, the largest correction at the first axis value, and the unit
    in which the axis is long (samples in parameters, an output scale in n^-1/2).

    Attributes:
        constant: the largest |c|, unless rho is given.
        omegas: the orders omega of the correction, these and no others; an order in between exceeds the bound on the
            bias by at most 0.0015 (K = 5, hardly any noise).
        rho: the largest |c (m / unit)^-omega| at the first axis value, the same for every omega.
        unit: the axis value that counts as one.
        fewest_units: how many units the first axis value needs for the corrections to be in their asymptotic form.
        towards: where the corrections vanish; "zero" for a learning rate, say.
        sign: of c, where theory gives it: intervals are then shorter, by up to a third.
    """

    constant: float = 3.0
    omegas: tuple[float, ...] = (0.5, 0.6, 0.75, 1.0)
    rho: float | None = None
    unit: float = 1.0
    fewest_units: float = 0.0
    towards: Literal["infinity", "zero"] = "infinity"
    sign: Literal["either", "positive", "negative"] = "either"

    def __post_init__(self) -> None:
        if not isinstance(self.omegas, tuple):
            raise ValueError(f"the orders omega are a tuple, so that classes are values; got {self.omegas!r}")
        settle_numbers(self, constant="3.0", unit="1.0", fewest_units="0.0")
        orders = tuple(real_number(omega, "an order omega", like="1/2") for omega in self.omegas)
        object.__setattr__(self, "omegas", orders)
        if self.rho is not None:
            settle_numbers(self, rho="3/8")
        if not (math.isfinite(self.constant) and self.constant > 0):
            raise ValueError(f"a finite-size class has a positive constant; got {self.constant}")
        if not self.omegas or not all(math.isfinite(omega) and omega > 0 for omega in self.omegas):
            raise ValueError(f"a finite-size class has one or more positive orders omega; got {self.omegas}")
        if self.rho is not None and not 0 < self.rho < LARGEST_CORRECTION:
            raise ValueError(
                f"rho is the largest relative correction at the first point, between 0 and {LARGEST_CORRECTION:g} "
                f"(3/8 for widths from 64 on); got {self.rho}"
            )
        if not (math.isfinite(self.unit) and self.unit > 0):
            raise ValueError(f"a unit is a positive axis value; got {self.unit}")
        if not (math.isfinite(self.fewest_units) and self.fewest_units >= 0):
            raise ValueError(f"fewest_units is how many units the axis begins at, 0 or more; got {self.fewest_units}")
        if not is_one_of(self.towards, ("infinity", "zero")):
            raise ValueError(f"corrections vanish towards 'infinity' or 'zero'; got {self.towards!r}")
        if not is_one_of(self.sign, _SIGNS):
            raise ValueError(f"the sign of a correction is one of {', '.join(_SIGNS)}; got {self.sign!r}")

    def sizes(self, axis_values: Array) -> Array:
        """Axis values in units, so that corrections fall as their powers, shape [K]."""
        values = np.asarray(axis_values, dtype=np.float64)
        sizes = values / self.unit if self.towards == "infinity" else self.unit / values
        if self.rho is None:
            return sizes
        return np.asarray(_FIRST * sizes / sizes.min())

    def curves(self, axis_values: Array) -> Array:
        """Logarithms of the class's members, shape [members, K]; not to be written to.

        Raises:
            ValueError: if the smallest axis value has too few units, or lets a correction swallow the leading term.
        """
        return _curves(self, tuple(float(value) for value in axis_values))

    def _curves(self, axis_values: Array) -> Array:
        self._check_first(axis_values)
        sizes = self.sizes(axis_values)
        signs = np.linspace(*_SIGNS[self.sign], 13)
        signs = signs[signs != 0]
        largest = [self.constant if self.rho is None else self.rho * _FIRST**omega for omega in self.omegas]
        return np.array(
            [
                np.log1p(sign * c * sizes**-omega)
                for c, omega in zip(largest, self.omegas, strict=True)
                for sign in signs
            ]
        )

    def of_size(self, size: float) -> FiniteSizeClass:
        """The class with another constant, or another rho where that is declared."""
        return replace(self, constant=size) if self.rho is None else replace(self, rho=size)

    @property
    def size(self) -> float:
        """The constant, or rho where that is declared."""
        return self.constant if self.rho is None else self.rho

    def largest_size(self, axis_values: Array) -> float:
        """The constant, or rho, that just does not swallow the leading term at the first axis value."""
        if self.rho is not None:
            return LARGEST_CORRECTION
        return float(LARGEST_CORRECTION * self._first(axis_values)[1] ** min(self.omegas))

    def _first(self, axis_values: Array) -> tuple[float, float]:
        """The axis value where corrections are largest, as it is and in units."""
        values = np.asarray(axis_values, dtype=np.float64)
        first = float(values.min() if self.towards == "infinity" else values.max())
        return first, first / self.unit if self.towards == "infinity" else self.unit / first

    def _check_first(self, axis_values: Array) -> None:
        first, units = self._first(axis_values)
        if units < self.fewest_units:
            raise ValueError(
                f"corrections take their asymptotic form from {self.fewest_units:g} units of {self.unit:g} on; the "
                f"axis begins at {first:g}, {units:.3g} units. Begin further out."
            )
        slowest = min(self.omegas)
        if self.rho is None and self.constant * units**-slowest >= LARGEST_CORRECTION:
            needed = (self.constant / LARGEST_CORRECTION) ** (1 / slowest)
            way_out = f"start at {(math.ceil(needed) + 1) * self.unit:g} or above (64 units are a good start)"
            if self.towards == "zero":
                way_out = f"stay at {self.unit / (math.ceil(needed) + 1):g} or below"
            raise ValueError(
                f"a correction of {self.constant:g} m^-{slowest:g} is no small correction at {first:g}; {way_out}"
            )


@lru_cache(maxsize=1024)
def _curves(allowed: FiniteSizeClass, axis_values: tuple[float, ...]) -> Array:
    """Every fit on the same axis needs them, and they depend on nothing else."""
    curves = allowed._curves(np.asarray(axis_values))
    curves.flags.writeable = False
    return curves


DEFAULT_CLASS: Final = FiniteSizeClass()
AXES_OF_DEFAULT_CLASS: Final = ("width", "particles")


def check_class(given: object) -> None:
    """Refuse what is no finite-size class.

    Raises:
        TypeError: for a bare number, say.
    """
    if not isinstance(given, FiniteSizeClass):
        number = isinstance(given, int | float) and not isinstance(given, bool)
        raise TypeError(
            f"corrections are a FiniteSizeClass; got {given!r}. Write "
            f"FiniteSizeClass(rho={given if number else '3/8'}, omegas=(1.0,), unit=...), or leave them out for widths."
        )


def class_for(axis: str, declared: FiniteSizeClass | None) -> FiniteSizeClass:
    """The class that a prediction declares, or the default one where the axis is a width.

    Raises:
        ValueError: for another axis without a declared class.
    """
    if declared is not None:
        return declared
    if axis not in AXES_OF_DEFAULT_CLASS:
        raise ValueError(
            f"the axis {axis!r} needs a finite-size class of its own: what corrects a power of a width says nothing of "
            "it. Declare corrections=FiniteSizeClass(rho=3/8, omegas=(1.0,), unit=...) in the prediction."
        )
    return DEFAULT_CLASS
