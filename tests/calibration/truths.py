"""Laws of a width that claims are held against: true ones, false ones, and ones that only later turn out false."""

from typing import NamedTuple

import numpy as np
from scenarios import random_correction


class Study(NamedTuple):
    """A design with its noise."""

    first: int
    last: int
    seeds: int
    noise: float

    @property
    def widths(self):
        return 2.0 ** np.arange(self.first, self.last + 1)

    @property
    def label(self):
        return f"2^{self.first}..{self.last}, S={self.seeds}, sd {self.noise:g}"


STUDIES = (Study(6, 12, 8, 0.1), Study(6, 12, 32, 0.1), Study(9, 17, 8, 0.1), Study(9, 17, 16, 0.3))


class Claim(NamedTuple):
    exponent: float
    margin: float


HALF = Claim(-0.5, 0.08)
PLATEAU = Claim(0.0, 0.05)
WIDE_PLATEAU = Claim(0.0, 0.08)


class Truth(NamedTuple):
    """A law, the claim it is held against, and the verdict that it deserves in the limit of large width.

    Attributes:
        law: (generator, study, replications) to logarithms of shape [replications, widths], or [1, widths].
        claim: exponent and margin.
        right: "supported" or "refuted"; None exactly at the margin's edge, where both would be errors.
    """

    law: object
    claim: Claim
    right: str | None


def power(exponent, c=0.0, omega=0.5):
    def law(rng, study, replications):
        return (exponent * np.log(study.widths) + np.log1p(c * study.widths**-omega))[None]

    return law


def power_random(exponent):
    def law(rng, study, replications):
        return exponent * np.log(study.widths) + random_correction(rng, study, replications)[:, :, 0]

    return law


def formula(function):
    """A law given as a function of the widths."""

    def law(rng, study, replications):
        return np.log(function(study.widths))[None]

    return law


def crossover(before, after, where, sharpness=2.0):
    """One exponent below a crossing width and another above it, in proportion (1 + (m / crossing)^p)^(difference / p).

    The crossing lies `where` times the largest width, or in the middle of the range for "middle".
    """

    def law(rng, study, replications):
        widths = study.widths
        crossing = np.sqrt(widths[0] * widths[-1]) if where == "middle" else where * widths[-1]
        turn = np.log1p((widths / crossing) ** sharpness) / sharpness
        return (before * np.log(widths) + (after - before) * turn)[None]

    return law


STATED = {
    "-0.5, random c": Truth(power_random(-0.5), HALF, "supported"),
    "-0.58 (edge), c=-3": Truth(power(-0.58, -3.0), HALF, None),
    "-0.60, random c": Truth(power_random(-0.6), HALF, "refuted"),
    "-0.60, c=-3": Truth(power(-0.6, -3.0), HALF, "refuted"),
    "-2/3, random c": Truth(power_random(-2 / 3), HALF, "refuted"),
    "-1": Truth(power_random(-1.0), HALF, "refuted"),
    "0": Truth(power_random(0.0), HALF, "refuted"),
    "-1/2, then plateau, at mid-range": Truth(crossover(-0.5, 0.0, "middle"), HALF, "refuted"),
    "-1, then -1/2, at mid-range": Truth(crossover(-1.0, -0.5, "middle"), HALF, "supported"),
    "-1/2, then plateau, at m_max": Truth(crossover(-0.5, 0.0, 1), HALF, "refuted"),
    "-1/2, then plateau, at 2 m_max": Truth(crossover(-0.5, 0.0, 2), HALF, "refuted"),
    "-1/2, then plateau, at 8 m_max": Truth(crossover(-0.5, 0.0, 8), HALF, "refuted"),
    "m^-1/2 exp(-m/m_max)": Truth(formula(lambda m: m**-0.5 * np.exp(-m / m[-1])), HALF, "refuted"),
    "m^-1/2 exp(-0.2 m/m_max)": Truth(formula(lambda m: m**-0.5 * np.exp(-0.2 * m / m[-1])), HALF, "refuted"),
    "plateau: random c": Truth(power_random(0.0), PLATEAU, "supported"),
    "plateau: log m": Truth(formula(np.log), PLATEAU, "refuted"),
    "plateau: m^0.1": Truth(power(0.1), PLATEAU, "refuted"),
    "plateau: 1+300/m": Truth(formula(lambda m: 1 + 300 / m), PLATEAU, "supported"),
    "plateau: 1+20 m^-1/2": Truth(formula(lambda m: 1 + 20 * m**-0.5), PLATEAU, "supported"),
}
"""The rows of section 3 of the specification; those about a plateau claim say so."""

IN_CLASS = (
    "-0.5, random c",
    "-0.58 (edge), c=-3",
    "-0.60, random c",
    "-0.60, c=-3",
    "-2/3, random c",
    "-1",
    "0",
    "plateau: random c",
    "plateau: m^0.1",
)
"""Laws for which error rates are promised; the others curve beyond the class."""

WORST = ("-0.60, c=-3",)
"""Laws under the correction that hides them best, where nothing is promised about right verdicts."""

HELD_OUT = {
    "m^-2/3": Truth(power(-2 / 3), HALF, "refuted"),
    "m^-3/4": Truth(power(-3 / 4), HALF, "refuted"),
    "m^-1/2, then m^-1, at mid-range": Truth(crossover(-0.5, -1.0, "middle"), HALF, "refuted"),
    "m^-1/2, then m^-1, at m_max": Truth(crossover(-0.5, -1.0, 1), HALF, "refuted"),
    "m^-1/2, then m^-1, at 2 m_max": Truth(crossover(-0.5, -1.0, 2), HALF, "refuted"),
    "m^-1/2, then m^-2/3, at mid-range": Truth(crossover(-0.5, -2 / 3, "middle"), HALF, "refuted"),
    "m^-1/2 + a constant as large at m_max": Truth(formula(lambda m: m**-0.5 + m[-1] ** -0.5), HALF, "refuted"),
    "m^-1/2 + a tenth of that constant": Truth(formula(lambda m: m**-0.5 + 0.1 * m[-1] ** -0.5), HALF, "refuted"),
    "m^-1/2 log m": Truth(formula(lambda m: m**-0.5 * np.log(m)), HALF, "refuted"),
    "m^-1/2 / log m": Truth(formula(lambda m: m**-0.5 / np.log(m)), HALF, "refuted"),
    "m^-1/2 (1 + 6 m^-1/2), out of class": Truth(power(-0.5, 6.0), HALF, "supported"),
    "m^-1/2 (1 - 6 m^-1/2), out of class": Truth(power(-0.5, -6.0), HALF, "supported"),
    "m^-1/2 (1 + m^-1/4), out of class": Truth(power(-0.5, 1.0, 0.25), HALF, "supported"),
    "m^-1/2 (1 - m^-1/4), out of class": Truth(power(-0.5, -1.0, 0.25), HALF, "supported"),
    "m^-0.6 (1 - 6 m^-1/2), out of class": Truth(power(-0.6, -6.0), HALF, "refuted"),
    "m^-0.6 (1 - m^-1/4), out of class": Truth(power(-0.6, -1.0, 0.25), HALF, "refuted"),
    "m^-1/2 sqrt(log m)": Truth(formula(lambda m: m**-0.5 * np.sqrt(np.log(m))), HALF, "refuted"),
    "m^-1/2 with a log-periodic factor, 1 +- .2 over eight octaves": Truth(
        formula(lambda m: m**-0.5 * (1 + 0.2 * np.sin(2 * np.pi * np.log2(m) / 8))), HALF, "supported"
    ),
    "plateau: sqrt(log m)": Truth(formula(lambda m: np.sqrt(np.log(m))), PLATEAU, "refuted"),
    "plateau of margin 0.08: sqrt(log m)": Truth(formula(lambda m: np.sqrt(np.log(m))), WIDE_PLATEAU, "refuted"),
    "plateau: m^-1/2, then a constant, at mid-range": Truth(crossover(-0.5, 0.0, "middle"), PLATEAU, "supported"),
    "plateau: a constant, then m^-1/2, at m_max": Truth(crossover(0.0, -0.5, 1), PLATEAU, "refuted"),
    "plateau: a constant, then m^-1/2, at 2 m_max": Truth(crossover(0.0, -0.5, 2), PLATEAU, "refuted"),
}
"""Laws of which nothing was known when the protocol was fixed."""

EDGES = {
    "-0.58, c=+3": Truth(power(-0.58, 3.0), HALF, None),
    "-0.42, c=-3": Truth(power(-0.42, -3.0), HALF, None),
}
TRUTHS = STATED | HELD_OUT | EDGES


def draw(rng, name, study, replications):
    """Logarithms of so many measurements of a law, shape [replications, widths, seeds]."""
    law = TRUTHS[name].law(rng, study, replications)
    runs = study.noise * rng.standard_normal((replications, len(study.widths), study.seeds))
    return np.asarray(law)[:, :, None] + runs
