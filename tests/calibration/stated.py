"""The numbers that the protocol's specification states, as printed there, and when a measured one falls short.

A number is a rate in per cent, kept as text: how many digits were printed says how far it was rounded.
"""

import numpy as np
from scipy import special, stats

REPLICATIONS = 1500
"""Behind every stated rate, unless said otherwise."""

MINIMUM_COVERAGE = {"fewer than 8 seeds, plain means": "97.2", "8 or more seeds, trimmed means": "97.0"}

# fmt: off
COVERAGE = {
    "K=5, S=3": "100 100 100 100 97 100 100 100 100 100 100 100 100 100 100 94 100",
    "K=7, S=10": "100 100 99 97 97 100 100 99 100 100 100 100 100 96 100 69 97",
    "K=9, S=10": "100 100 100 98 98 100 100 100 100 100 100 100 100 96 100 74 88",
}
SCENARIOS = (
    "exact.1", "hetero", "heterorev", "c+3,.5", "c-3,.5", "crand", "c-3,1", "t3", "skew", "skewhet", "out3%", "shared",
    "sharedslope", "lof", "disc.5", "c+6,.5", "c+1,.25",
)
HALF_WIDTHS = {"K=5, S=3": "0.190", "K=7, S=10": "0.074", "K=9, S=10": "0.032"}

# First and last exponent of two, factor between widths, noise, the order omega if only one is declared: S and b + 1.96 se.
PLANNED_HALF_WIDTHS = {
    (6, 10, 2, 0.03, None): {4: ".082", 16: ".051"},
    (6, 10, 2, 0.1, None): {4: ".166", 8: ".133", 16: ".108", 32: ".092"},
    (6, 10, 2, 0.1, 1.0): {4: ".060", 8: ".047", 16: ".037", 32: ".030"},
    (6, 10, 2, 0.3, None): {8: ".220", 16: ".190", 32: ".166"},
    (6, 12, 2, 0.03, None): {4: ".040", 16: ".026"},
    (6, 12, 2, 0.1, None): {4: ".090", 8: ".074", 16: ".057", 32: ".044"},
    (6, 12, 2, 0.1, 1.0): {4: ".036", 8: ".028", 16: ".023", 32: ".018"},
    (6, 12, 2, 0.3, None): {8: ".141", 16: ".117", 32: ".093"},
    (8, 12, 2, 0.03, None): {4: ".061", 16: ".039"},
    (8, 12, 2, 0.1, None): {4: ".100", 8: ".086", 16: ".075", 32: ".067"},
    (8, 12, 2, 0.3, None): {8: ".151", 16: ".123", 32: ".103"},
    (9, 17, 2, 0.03, None): {4: ".017", 16: ".009"},
    (9, 17, 2, 0.1, None): {4: ".038", 8: ".032", 16: ".026", 32: ".020"},
    (9, 17, 2, 0.1, 1.0): {4: ".019", 8: ".014", 16: ".010", 32: ".007"},
    (9, 17, 2, 0.3, None): {8: ".060", 16: ".048", 32: ".040"},
    (9, 17, 4, 0.03, None): {4: ".020", 16: ".011"},
    (9, 17, 4, 0.1, None): {4: ".043", 8: ".036", 16: ".029", 32: ".023"},
    (9, 17, 4, 0.3, None): {8: ".070", 16: ".055", 32: ".045"},
    (6, 17, 2, 0.03, None): {4: ".013", 16: ".008"},
    (6, 17, 2, 0.1, None): {4: ".031", 8: ".023", 16: ".018", 32: ".014"},
    (6, 17, 2, 0.3, None): {8: ".056", 16: ".043", 32: ".032"},
}

# SUPPORTED/REFUTED, a column for each of the four studies of `truths.STUDIES`.
VERDICTS = {
    "-0.5, random c": "11.5/0 92.5/0 98.5/0 89.5/0",
    "-0.58 (edge), c=-3": "0.5/0.3 0/2.6 2.5/0 2.5/0",
    "-0.60, random c": "0.1/1.9 0/7.6 0/11.4 0/4.2",
    "-0.60, c=-3": "0.1/0.5 0/18 0/0.6 0.1/0.1",
    "-2/3, random c": "0/63 0/99.3 0/100 0/97",
    "-1": "0/100 0/100 0/100 0/100",
    "0": "0/100 0/100 0/100 0/100",
    "-1/2, then plateau, at mid-range": "0/100 0/100 0/100 0/100",
    "-1, then -1/2, at mid-range": "0/0 0/0 0/99 0/100",
    "-1/2, then plateau, at m_max": "0/0 0/9 72/0 55/0",
    "-1/2, then plateau, at 2 m_max": "8/0 49/0 98/0 90/0",
    "-1/2, then plateau, at 8 m_max": "13/0 93/0 99/0 90/0",
    "m^-1/2 exp(-m/m_max)": "0/100 0/100 0/100 0/99",
    "m^-1/2 exp(-0.2 m/m_max)": "0.1/1 0/14 54/0 37/0",
    "plateau: random c": "0/0 14/0 84/0 6/0",
    "plateau: log m": "0/51 0/81 0/99 0/72",
    "plateau: m^0.1": "0/16 0/52 0/93 0/49",
    "plateau: 1+300/m": "0/47 0/0 0/0 0/0.1",
    "plateau: 1+20 m^-1/2": "0/87 0/93 0/20 0/30",
}
# fmt: on

FALSE_REFUTED_AT_THE_EDGE = "2.6"
NAIVE = {"-0.60, c=-3": "98", "-0.58 (edge), c=-3": "95"}
"""Least of what least squares on means SUPPORTs, 2^6..12, 10 to 30 seeds."""
DRIFT = {
    ("-1/2, then plateau, at mid-range", 0.1): "100",
    ("-1/2, then plateau, at mid-range", 0.3): "55",
    ("m^-1/2 exp(-m/m_max)", 0.1): "100",
    ("m^-1/2 exp(-m/m_max)", 0.3): "77",
}
"""Least of what the drift check finds; at noise 0.3 on 2^6..12 with 16 seeds."""
IN_CLASS_FLAGS = "1.8"

SIDE = "2.5"
"""Each end of an interval, and so each wrong verdict, errs by at most this within the class, in per cent.

The stated tables are of an interval with one bias bound for both ends. Ours has a bound for each, is shorter by 5% and
covers as well where coverage is least; so where the stated one covers more than it promises, ours covers less above the
promise. In single cells ours is held to the promise, and to the stated share of right verdicts less `PAID`.
"""

PAID = 0.25
"""By how many standard errors an end of our interval may lie further out than a stated one, for what that one lacks.

It errs under skew and unequal noise. Ours trims the same share at any number of seeds, takes the larger one of two standard
errors, and doubts its skewness.
"""

LEAST_COVERAGE = {
    "ours (`fit_power_law`)": "97.0",
    "least squares on points (`linregress`)": "0",
    "least squares on means, t(K-2)": "0",
    "weighted by 1/s^2, t(K-2)": "0",
    "least-squares weights, Welch": "0",
    "one slope a seed, t(S-1)": "0",
    "bootstrap over seeds, percentile": "0",
    "wider half of the widths, t(S-1)": "0",
    "line, m^-1/2 and m^-1, t(S-1)": "93.7",
    "Richardson on the last three, t(S-1)": "93.9",
    "least-squares weights and the bias bound, Welch": "97.2",
    "best weights, tails together 5%": "94.9",
    "best weights, t(S-1)": "97.2",
    "best weights, plain means": "97.2",
    "medians with pooled absolute deviations": "88",
}
"""Over designs and scenarios in class; where the stated minimum also covers noise 0.02, not simulated here, it is left out.

Ours is not held to those of other methods: medians depend on where a grid of rounding lies, which is not stated.
"""


def less_what_is_paid(text):
    """A stated share of right verdicts, as it is where an end lies `PAID` standard errors further out."""
    return f"{100 * special.ndtr(special.ndtri(float(text) / 100) - PAID):.1f}"


def at_the_edge_of_rounding(text, *, better):
    """The stated rate as a fraction, rounded as unfavourably as its digits allow.

    A stated zero is none in 1500, whatever its neighbours' digits.
    """
    digits = len(text.partition(".")[2])
    half = 0.05 if float(text) == 0 else 0.5 * 10.0**-digits
    return float(np.clip((float(text) - half if better == "higher" else float(text) + half) / 100, 0, 1))


def falls_short(measured, text, *, better, replications, stated_replications=REPLICATIONS):
    """Whether a measured rate is worse than the stated one by more than three Monte Carlo standard errors of both.

    One that is promised, and was not measured, is held against the binomial law with the same probability.

    Args:
        measured: the rate, a fraction.
        text: the stated rate in per cent, as printed.
        better: "higher" or "lower".
        replications: behind the measured rate.
        stated_replications: behind the stated one.
    """
    edge = at_the_edge_of_rounding(text, better=better)
    if np.isinf(stated_replications):
        count = round(measured * replications)
        chance = (
            stats.binom.cdf(count, replications, edge)
            if better == "higher"
            else stats.binom.sf(count - 1, replications, edge)
        )
        return bool(chance < stats.norm.sf(3))
    allowed = 3 * np.sqrt(edge * (1 - edge) * (1 / replications + 1 / stated_replications))
    return bool(measured < edge - allowed if better == "higher" else measured > edge + allowed)
