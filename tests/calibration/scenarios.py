"""Designs, and laws with their noise: the synthetic measurements on which error rates are counted.

Logarithms are natural and have the shape [replications, widths, seeds].
"""

from typing import NamedTuple

import numpy as np

EXPONENT = -0.5
NOISE = 0.1


class Design(NamedTuple):
    """Widths that are successive powers of two, all with the same number of seeds."""

    first: int
    last: int
    seeds: int

    @property
    def widths(self):
        return 2.0 ** np.arange(self.first, self.last + 1)

    @property
    def label(self):
        return f"K={self.last - self.first + 1}, S={self.seeds}"


DESIGNS = (
    Design(6, 10, 3),
    Design(6, 10, 10),
    Design(6, 12, 3),
    Design(6, 12, 5),
    Design(6, 12, 10),
    Design(6, 12, 30),
    Design(9, 17, 3),
    Design(9, 17, 10),
)


def column(values):
    return np.asarray(values)[:, None]


def normal(rng, design, replications):
    return rng.standard_normal((replications, len(design.widths), design.seeds))


def skewed(rng, design, replications):
    """Standardised lognormal: mean 0, variance 1, skewness 6.2."""
    return (np.exp(normal(rng, design, replications)) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)


def shrinking(design):
    return 0.3 * column(design.widths / design.widths[0]) ** -0.5


def growing(design):
    return 0.05 * column(design.widths / design.widths[0]) ** 0.25


def corrected(c, omega):
    """Normal noise on a power law times 1 + c m^-omega."""

    def departure(rng, design, replications):
        return column(np.log1p(c * design.widths**-omega)) + NOISE * normal(rng, design, replications)

    return departure


def random_correction(rng, design, replications):
    """The logarithm of 1 + c m^-omega, c and omega drawn for each replication."""
    c = rng.uniform(-3, 3, (replications, 1, 1))
    omega = rng.choice([0.5, 1.0], (replications, 1, 1))
    return np.log1p(c * column(design.widths) ** -omega)


def exact(rng, design, replications):
    return NOISE * normal(rng, design, replications)


def hetero(rng, design, replications):
    return shrinking(design) * normal(rng, design, replications)


def heterorev(rng, design, replications):
    return growing(design) * normal(rng, design, replications)


def crand(rng, design, replications):
    return random_correction(rng, design, replications) + NOISE * normal(rng, design, replications)


def student(rng, design, replications):
    """Student's t with three degrees of freedom, scaled to the common standard deviation."""
    return NOISE / np.sqrt(3) * rng.standard_t(3, (replications, len(design.widths), design.seeds))


def skew(rng, design, replications):
    return NOISE * skewed(rng, design, replications)


def skewhet(rng, design, replications):
    return shrinking(design) * skewed(rng, design, replications)


def outliers(rng, design, replications):
    """Three runs in a hundred are a factor e^7 too large."""
    far = rng.random((replications, len(design.widths), design.seeds)) < 0.03
    return NOISE * normal(rng, design, replications) + 7.0 * far


def shared(rng, design, replications):
    """Seed index s brings its own level to every width."""
    level = 0.3 * rng.standard_normal((replications, 1, design.seeds))
    return level + NOISE * normal(rng, design, replications)


def sharedslope(rng, design, replications):
    """Seed index s brings its own level and its own correction to every width."""
    correction = 1.5 * rng.standard_normal((replications, 1, design.seeds)) * column(design.widths) ** -0.5
    return shared(rng, design, replications) + correction


def shocked(rng, design, replications):
    """All seeds of one width share a shock."""
    shock = 0.05 * rng.standard_normal((replications, len(design.widths), 1))
    return shock + NOISE * normal(rng, design, replications)


def discrete(rng, design, replications):
    """Every run rounded to half a doubling, on a grid whose phase is drawn for each replication."""
    step = 0.5 * np.log(2)
    law = EXPONENT * column(np.log(design.widths))
    phase = rng.uniform(0, step, (replications, 1, 1))
    runs = law + phase + NOISE * normal(rng, design, replications)
    return step * np.round(runs / step) - law


IN_CLASS = {
    "exact.1": exact,
    "hetero": hetero,
    "heterorev": heterorev,
    "c+3,.5": corrected(3.0, 0.5),
    "c-3,.5": corrected(-3.0, 0.5),
    "crand": crand,
    "c-3,1": corrected(-3.0, 1.0),
    "t3": student,
    "skew": skew,
    "skewhet": skewhet,
    "out3%": outliers,
    "shared": shared,
    "sharedslope": sharedslope,
    "disc.5": discrete,
}
OUT_OF_CLASS = {
    "lof": shocked,
    "c+6,.5": corrected(6.0, 0.5),
    "c+1,.25": corrected(1.0, 0.25),
}
SCENARIOS = IN_CLASS | OUT_OF_CLASS


def draw(rng, name, design, replications):
    """Logarithms of so many measurements of m^-1/2 in a scenario."""
    return EXPONENT * column(np.log(design.widths)) + SCENARIOS[name](rng, design, replications)
