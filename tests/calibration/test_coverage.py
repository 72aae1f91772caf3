"""Intervals hold the exponent as often as stated, in every scenario and design, and are as short as stated."""

import numpy as np
import pytest
import stated
from page import beside, errors_note, largest_error, percent
from rates import OURS, OURS_SHARED
from scenarios import DESIGNS, IN_CLASS, SCENARIOS
from simulation import standard_error
from stated import falls_short

from theorychecks.statistics import FiniteSizeClass
from theorychecks.statistics.estimator import exponent_weights

SECTION = "1. Coverage of the interval"
LARGEST_TAIL = stated.SIDE
LEAST = "97.0"
"""The stated minimum over all cells, which each of them must reach."""


@pytest.fixture
def short(cells, replications):
    """Whether coverage of a design in a scenario falls short of its stated number."""

    def of(design, scenario):
        text = dict(zip(stated.SCENARIOS, stated.COVERAGE[design.label].split(), strict=True))[scenario]
        rate = cells[design, scenario][OURS].covered
        return text, falls_short(rate, text, better="higher", replications=replications)

    return of


def test_intervals_cover_the_exponent_as_often_as_stated(cells, replications, short, tables):
    rows, worse = [], []
    for scenario in SCENARIOS:
        row = [scenario if scenario in IN_CLASS else f"{scenario} (out of class)"]
        for design in DESIGNS:
            rate = cells[design, scenario][OURS].covered
            if design.label not in stated.COVERAGE:
                row.append(percent(rate))
                continue
            text, fell = short(design, scenario)
            row.append(beside(rate, text, fell))
        for design in DESIGNS:
            rate = cells[design, scenario][OURS].covered
            if scenario in IN_CLASS and falls_short(rate, LEAST, better="higher", replications=replications):
                worse.append((design.label, scenario, rate))
        rates = [cells[design, scenario][OURS].covered for design in DESIGNS]
        rows.append([*row, largest_error(rates, replications)])
    tables.add(
        SECTION,
        "Coverage of the nominal 95% interval",
        ["scenario", *(design.label for design in DESIGNS), "se at most"],
        rows,
        f"{errors_note(replications)} Trimmed means where S is 8 or more. "
        "K=5 is 2^6..2^10, K=7 is 2^6..2^12, K=9 is 2^9..2^17. The stated numbers are of an interval with one bound for "
        "both ends, which is longer (section 2) and covers more above its promise, out of class too.",
    )
    assert worse == []


@pytest.mark.parametrize("rule", stated.MINIMUM_COVERAGE)
def test_no_cell_covers_less_often_than_stated(cells, replications, tables, rule):
    designs = [design for design in DESIGNS if (design.seeds >= 8) == rule.startswith("8")]
    rate, label, scenario = min(
        (cells[design, scenario][OURS].covered, design.label, scenario) for design in designs for scenario in IN_CLASS
    )
    text = stated.MINIMUM_COVERAGE[rule]
    fell = falls_short(rate, text, better="higher", replications=replications)
    tables.add(
        SECTION,
        f"Minimum coverage, {rule}",
        ["minimum", "se", "where", "cells"],
        [
            [
                beside(rate, text, fell),
                percent(standard_error(rate, replications)),
                f"{label}, {scenario}",
                len(designs) * len(IN_CLASS),
            ]
        ],
        f"R = {replications:,} a cell.",
    )
    assert not fell


def test_each_end_of_the_interval_errs_by_at_most_two_and_a_half_per_cent(cells, replications, tables):
    rows, worse = [], []
    for design in DESIGNS:
        for end in ("below", "above"):
            rate, scenario = max((getattr(cells[design, name][OURS], end), name) for name in IN_CLASS)
            fell = falls_short(
                rate, LARGEST_TAIL, better="lower", replications=replications, stated_replications=np.inf
            )
            rows.append(
                [
                    design.label,
                    end,
                    beside(rate, LARGEST_TAIL, fell),
                    percent(standard_error(rate, replications)),
                    scenario,
                ]
            )
            worse += [rows[-1]] if fell else []
    tables.add(
        SECTION,
        "How often the whole interval lies on one side of the exponent, at most",
        ["design", "side", "rate", "se", "worst scenario in class"],
        rows,
        f"R = {replications:,} a cell; the largest of {len(IN_CLASS)} scenarios.",
    )
    assert worse == []


def test_checks_of_the_fit_rarely_fire_within_the_class(cells, replications, tables):
    # Checks assume independent seeds, no far-off runs and no skew, as the stated rate does.
    plain = ("exact.1", "hetero", "heterorev", "c+3,.5", "c-3,.5", "crand", "c-3,1")
    rates = {scenario: [cells[design, scenario][OURS].flagged for design in DESIGNS] for scenario in IN_CLASS}
    means = {scenario: np.mean(found) for scenario, found in rates.items()}
    fell = {
        scenario: falls_short(mean, stated.IN_CLASS_FLAGS, better="lower", replications=replications * len(DESIGNS))
        for scenario, mean in means.items()
        if scenario in plain
    }
    tables.add(
        SECTION,
        "False flags: how often any check of the fit fires within the class",
        ["scenario", *(design.label for design in DESIGNS), "mean", "se of the mean"],
        [
            [
                scenario,
                *map(percent, found),
                beside(means[scenario], stated.IN_CLASS_FLAGS, fell[scenario])
                if scenario in fell
                else percent(means[scenario]),
                f"{100 * standard_error(means[scenario], replications * len(DESIGNS)):.2f}",
            ]
            for scenario, found in rates.items()
        ],
        errors_note(replications),
    )
    assert [scenario for scenario, short in fell.items() if short] == []


def test_intervals_are_as_short_as_stated(cells, replications, tables):
    rows, worse = [], []
    for design in DESIGNS:
        rates = cells[design, "exact.1"][OURS]
        text = stated.HALF_WIDTHS.get(design.label)
        # The stated median is rounded to three digits, and has an error like ours.
        limit = float(text) + 0.0005 + 3 * np.sqrt(2) * rates.half_error if text else np.inf
        fell = bool(rates.half > limit)
        rows.append(
            [design.label, f"{rates.half:.4f}", f"{rates.half_error:.4f}", text or "", "**(!)**" if fell else ""]
        )
        worse += [rows[-1]] if fell else []
    tables.add(
        SECTION,
        "Half-width of an exact power law with noise 0.1",
        ["design", "median", "se", "stated", ""],
        rows,
        f"R = {replications:,}.",
    )
    assert worse == []


def test_declared_shared_seeds_cover(cells, replications, tables):
    rows, worse = [], []
    for scenario in ("shared", "sharedslope"):
        for design in DESIGNS:
            rates, undeclared = cells[design, scenario][OURS_SHARED], cells[design, scenario][OURS]
            fell = falls_short(
                rates.covered, "95", better="higher", replications=replications, stated_replications=np.inf
            )
            rows.append(
                [
                    scenario,
                    design.label,
                    beside(rates.covered, "95", fell),
                    percent(standard_error(rates.covered, replications)),
                    f"{rates.half:.3f}",
                    percent(undeclared.covered),
                    f"{undeclared.half:.3f}",
                ]
            )
            worse += [rows[-1]] if fell else []
    tables.add(
        SECTION,
        "Seeds shared across widths: declared, and not",
        ["scenario", "design", "coverage, declared", "se", "half-width", "coverage, undeclared", "half-width"],
        rows,
        f"R = {replications:,}.",
    )
    assert worse == []


def test_planned_half_widths_are_as_short_as_stated(tables):
    rows, worse = [], []
    for (first, last, factor, noise, omega), entries in stated.PLANNED_HALF_WIDTHS.items():
        widths = 2.0 ** np.arange(first, last + 1, factor // 2)
        declared = FiniteSizeClass() if omega is None else FiniteSizeClass(omegas=(omega,))
        row = []
        for seeds, text in entries.items():
            variances = np.full(len(widths), noise**2 / seeds)
            found = exponent_weights(widths, variances, declared.curves(widths), widths)
            half = found.bias + 1.96 * np.sqrt(found.weights**2 @ variances)
            fell = half > float(text) + 0.0005
            row.append(f"S={seeds}: {half:.4f} ({text}){' **(!)**' if fell else ''}")
            worse += [(first, last, factor, noise, omega, seeds, half, text)] if fell else []
        grid = f"2^{first}..2^{last}" + (f" in steps of x{factor}" if factor > 2 else "")
        rows.append([grid, noise, "all" if omega is None else f"{omega:g} only", "; ".join(row)])
    tables.add(
        SECTION,
        "Planned half-widths: bias bound plus 1.96 standard errors, noise known",
        ["widths", "noise", "orders declared", "half-width (stated)"],
        rows,
        "Computed, not simulated.",
    )
    assert worse == []
