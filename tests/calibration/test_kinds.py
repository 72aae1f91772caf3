"""Predictions other than exponents err as rarely as they promise where a truth lies on the edge of what they allow."""

import kinds
import numpy as np
import pytest
from page import beside, errors_note, percent
from simulation import parallel, standard_error
from stated import SIDE, falls_short

SECTION = "7. Predictions other than exponents"
SHARE = 1.5
"""Of the replications of intervals: rates of 2.5% are counted."""

SKEWED = ("normal", "lognormal(.8)", "lognormal(.8), falling")
LAWS = (("normal", 0.0), ("normal", 0.25), ("Student, 3", 0.25), ("exponential", 0.25))
EDGES = [
    # What is simulated, the function, its arguments, the share of replications.
    *(
        (f"Collapse: {noise}, noise 1 : {ratio}, S={seeds}", kinds.collapse, (noise, seeds, ratio), 1)
        for noise in kinds.NOISE
        for seeds, ratio in ((6, 5), (8, 5), (16, 20))
    ),
    *(
        (
            f"Equal to a number: {noise}, {points} axis value{'s' * (points > 1)}, S={seeds}",
            kinds.equal,
            (noise, seeds, points),
            1,
        )
        for noise in kinds.NOISE
        for seeds, points in ((6, 1), (16, 1), (16, 4))
    ),
    *((f"InteriorOptimum, L-shape: {noise}, S=8", kinds.l_shape, (noise, 8), 1) for noise in SKEWED),
    (f"InteriorOptimum, L-shape: {SKEWED[1]}, S=32", kinds.l_shape, (SKEWED[1], 32), 2 / 3),
    *((f"InteriorOptimum, flat: {noise}, S=16", kinds.flat_ends, (noise, 16), 1) for noise in SKEWED[1:]),
    ("InteriorOptimum: two runs in five diverge at an end, S=16", kinds.diverging, (16,), 1),
    *((f"Ordering: {share:.0%} ties, S=64", kinds.ties, (share, 64), 1) for share in (0.5, 0.8)),
    *(
        (f"Crossing: {curve}, {runs} runs a point, edge at {at:.3g}", kinds.crossing, (curve, runs, at), 2 / 3)
        for curve in kinds.CURVES
        for runs, at in ((10, 1.3), (30, 1.3), (100, 1.3), (30, 1 / 1.3))
    ),
    *(
        (
            f"SameLaw: {law}, 200 networks, shift .25 sd, scales e^{scale:g}",
            kinds.same_law,
            (law, 200, 0.25, scale),
            1 / 3,
        )
        for law, scale in LAWS
    ),
    ("LogarithmicGrowth: index 1.25, 8 curves, noise .05", kinds.growth, (1.25, 8, 0.05), 2 / 3),
    ("LogarithmicGrowth: index .75, 8 curves, noise .2", kinds.growth, (0.75, 8, 0.2), 2 / 3),
    ("log of mean: a rare phase, 32 runs", kinds.rare_phase, (32,), 1 / 5),
]
INSIDE = [
    ("SameLaw: normal, 1,000 networks, shift .15 sd", kinds.same_law, ("normal", 1000, 0.15, 0.0), 0.2),
    ("LogarithmicGrowth: 1 + log t, 1,000 curves, noise .5", kinds.growth, (1.0, 1000, 0.5), 0.2),
]
"""Truths well inside the margin, which are never refuted."""
NEIGHBOURS = [
    (f"n^{exponent:+g}, c={c:+g}, noise {noise:g}, S={seeds}", kinds.half_integer, (exponent, c, noise, seeds), 1)
    for exponent, c in ((0.5, -3.0), (0.5, 0.0), (0.5, 3.0), (-0.5, 3.0))
    for noise, seeds in ((0.2, 6), (0.8, 6), (0.8, 16))
]
"""Half-integers next to the one that is predicted, which are hardly ever taken for it."""


@pytest.fixture(scope="session")
def found(replications):
    """Shares of SUPPORTED and REFUTED by title, with the replications behind them."""
    rows = EDGES + INSIDE + NEIGHBOURS
    counts = [max(round(SHARE * share * replications), 50) for *_, share in rows]
    jobs = [(function, arguments, count) for (_, function, arguments, _), count in zip(rows, counts, strict=True)]
    rates = parallel(kinds.shares, jobs)
    return {title: (*rate, count) for (title, *_), rate, count in zip(rows, rates, counts, strict=True)}


def short(rate, count):
    return falls_short(rate, SIDE, better="lower", replications=count, stated_replications=np.inf)


def test_verdicts_on_the_edge_err_as_rarely_as_promised(found, replications, tables):
    rows, worse = [], []
    for title, *_ in EDGES:
        supported, refuted, count = found[title]
        fell = [short(rate, count) for rate in (supported, refuted)]
        entries = [beside(rate, SIDE, fall) for rate, fall in zip((supported, refuted), fell, strict=True)]
        error = standard_error(max(supported, refuted), count)
        rows.append([title, *entries, percent(error), f"{count:,}"])
        worse += [rows[-1]] if any(fell) else []
    tables.add(
        SECTION,
        "Wrong verdicts where the truth is on the edge",
        ["truth", "SUPPORTED", "REFUTED", "se", "R"],
        rows,
        f"{errors_note(round(SHARE * replications))} Both verdicts are wrong there. Medians are on the edge, but for "
        "those that are crossings, laws, indices and means. The L-shape is level from its third point to its last.",
    )
    assert worse == []


def test_what_is_inside_the_margin_is_not_refuted(found, tables):
    rows = []
    for title, *_ in INSIDE:
        supported, refuted, count = found[title]
        rows.append([title, percent(supported), beside(refuted, SIDE, short(refuted, count)), f"{count:,}"])
    tables.add(SECTION, "Truths inside the margin", ["truth", "SUPPORTED", "REFUTED", "R"], rows)
    assert [row for row in rows if "(!)" in row[2]] == []


def test_the_next_half_integer_is_hardly_ever_supported(found, tables):
    rows = []
    for title, *_ in NEIGHBOURS:
        supported, refuted, count = found[title]
        rows.append([title, beside(supported, SIDE, short(supported, count)), percent(refuted), f"{count:,}"])
    tables.add(SECTION, "HalfInteger: n^0 predicted", ["truth", "SUPPORTED", "REFUTED", "R"], rows)
    assert [row for row in rows if "(!)" in row[1]] == []
