"""A run of unknown side may be the smallest or the largest; one that diverged is the largest."""

import math
from dataclasses import replace

import numpy as np
import pytest

from theorychecks.statistics import Measurement, PowerLaw, Verdict, fit_power_law

WIDTHS = 2.0 ** np.arange(9, 18)


def losing(which, value, *, lost=12, seeds=64, seed=0):
    rng = np.random.default_rng(seed)
    values = WIDTHS[:, None] ** -0.5 * np.exp(0.1 * rng.standard_normal((9, seeds)))
    for cell in values[5:]:
        ranks = cell.argsort()
        cell[{"random": rng.permutation(seeds)[:lost], "smallest": ranks[:lost], "largest": ranks[-lost:]}[which]] = (
            value
        )
    return Measurement.of(WIDTHS, values)


@pytest.mark.parametrize("which", ["random", "smallest", "largest"])
@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_the_exponent_whichever_runs_are_lost(which, seed):
    low, high = PowerLaw(-0.5).judge(losing(which, math.nan, seed=seed)).interval
    assert low <= -0.5 <= high


def test_the_interval_is_the_union_of_those_with_lost_runs_at_either_end():
    lost = losing("random", math.nan)
    fit = fit_power_law(lost)
    ends = []
    for side in (-1, 1):
        # What is lost lies below where the weight has one sign, and above where it has the other.
        cells = [
            np.where(np.isnan(cell), math.inf if side * weight > 0 else 0.0, cell)
            for cell, weight in zip(np.array(lost.values), fit.weights, strict=True)
        ]
        placed = fit_power_law(Measurement.of(WIDTHS, cells))
        ends.append(np.array(fit.weights) @ placed.locations)
    assert [fit.lowest.value, fit.highest.value] == pytest.approx(ends, abs=1e-9)
    assert fit.interval.low < min(ends) < max(ends) < fit.interval.high


def test_a_run_that_diverged_is_above_all_others():
    fit = fit_power_law(losing("largest", math.inf))
    assert fit.lowest == fit.highest
    assert PowerLaw(-0.5).judge(losing("largest", math.inf)).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_more_than_one_in_five_leaves_it_open(value):
    finding = PowerLaw(-0.5).judge(losing("largest", value, lost=13))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.remedy.limited_by == "missing runs"


def test_advice_on_seeds_counts_runs_that_are_left_out(synthetic):
    """Seeds are what its reader sets, and a third of them has a number."""
    found = synthetic.power_law(np.random.default_rng(0), -0.5, c=0.0, seeds=8, noise=1.0, widths=WIDTHS)
    lacking = replace(found, left_out=(16,) * len(found.axis_values))
    whole, part = (PowerLaw(-0.5).judge(each) for each in (found, lacking))
    assert whole.remedy.effort == part.remedy.effort > 1
    assert f"about {math.ceil(8 * whole.remedy.effort)} seeds a width instead of 8" in whole.reason
    assert f"about {math.ceil(24 * whole.remedy.effort)} seeds a width instead of 24" in part.reason
