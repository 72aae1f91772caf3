"""Whether another interval covers as well and is simpler or shorter."""

import numpy as np
import pytest
import stated
from honest import BIAS_AWARE, NOISES, best_weights, candidates, class_curves, lower_bound, ridge_path
from methods import TEXTBOOK
from page import errors_note, percent
from rates import METHODS, OURS
from scenarios import DESIGNS, IN_CLASS, OUT_OF_CLASS
from simulation import standard_error

SECTION = "2. Alternatives"
WIDE = {"line, m^-1/2 and m^-1, t(S-1)", "Richardson on the last three, t(S-1)"}
"""Textbook methods that cover, and are of no use: several times as wide."""


@pytest.fixture
def least(cells):
    """The least coverage of a method within the class, and where."""

    def of(method):
        return min(
            (cells[design, scenario][method].covered, design.label, scenario)
            for design in DESIGNS
            for scenario in IN_CLASS
        )

    return of


def halves(cells, method):
    return np.array([cells[design, "exact.1"][method].half for design in DESIGNS])


def test_no_textbook_interval_covers_everywhere_and_is_useful(cells, least):
    assert {name for name in TEXTBOOK if least(name)[0] >= 0.9} <= WIDE
    for name in WIDE:
        assert (halves(cells, name) >= 2 * halves(cells, OURS)).all()


def test_coverage_and_length_of_all_methods(cells, least, replications, tables):
    rows = []
    for name in (OURS, *BIAS_AWARE, *TEXTBOOK):
        rate, label, scenario = least(name)
        tail = max(
            max(cells[design, inside][name].below, cells[design, inside][name].above)
            for design in DESIGNS
            for inside in IN_CLASS
        )
        outside = min(cells[design, scenario][name].covered for design in DESIGNS for scenario in OUT_OF_CLASS)
        own = halves(cells, name)
        rows.append(
            [
                name,
                f"{percent(rate)} ± {percent(standard_error(rate, replications))}",
                stated.LEAST_COVERAGE.get(name, ""),
                f"{label}, {scenario}",
                percent(tail),
                percent(outside),
                *(f"{half:.3f}" for half in own),
                f"{cells[DESIGNS[-1], 'out3%'][name].half:.3f}",
                f"{np.exp(np.log(own / halves(cells, OURS)).mean()):.2f}",
            ]
        )
    tables.add(
        SECTION,
        "Least coverage in class, and half-widths of an exact power law with noise 0.1",
        [
            "method",
            "least coverage",
            "stated",
            "where",
            "largest tail",
            "least out of class",
            *(design.label for design in DESIGNS),
            f"{DESIGNS[-1].label}, out3%",
            "to ours",
        ],
        rows,
        f"{errors_note(replications)} Least and largest are over {len(DESIGNS)} designs and {len(IN_CLASS)} scenarios "
        f"({len(OUT_OF_CLASS)} out of class). `to ours` is the geometric mean of the ratios of half-widths. "
        "`best weights` solve the convex programme exactly; `a bound for each end` adds to each end of the interval "
        "the largest bias of its own sign.",
    )
    assert len(rows) == len(METHODS) + 1


@pytest.mark.parametrize("lopsided", [False, True])
@pytest.mark.parametrize("first, last", [(6, 10), (6, 12), (9, 17)])
def test_best_weights_are_best(first, last, lopsided):
    x = np.log(2.0) * np.arange(first, last + 1)
    curves = class_curves(x)
    path = candidates(ridge_path(x), curves)
    for noise in NOISES[::8]:
        price = 1.96 * noise
        weights = best_weights(x, curves, price, lopsided=lopsided)
        found = candidates(weights[None], curves)
        length = float(found.half_bias(lopsided=lopsided)[0] + price * found.lengths[0])
        np.testing.assert_allclose([weights.sum(), weights @ x], [0, 1], atol=1e-9)
        assert length <= (path.half_bias(lopsided=lopsided) + price * path.lengths).min() * (1 + 1e-9)
        assert lower_bound(x, curves, price, weights, lopsided=lopsided) == pytest.approx(length, rel=1e-8)


def test_the_grid_of_candidates_loses_little_to_the_best_weights(cells):
    # The same noise and the same tails on both sides, so that only the choice of weights differs.
    grid, best = (halves(cells, f"{kind}, a bound for each end") for kind in ("ridge path", "best weights"))
    assert (grid <= 1.02 * best + 1e-9).all()
