"""Seeds that are declared independent and share their draws are found out."""

import numpy as np
import pytest

from theorychecks.statistics import Measurement, PowerLaw, Verdict, fit_power_law


def undeclared(synthetic, rng, *, level, seeds=8):
    """Seed index s brings its own level to every width, and nobody says so."""
    shared = synthetic.shared_levels(rng, -0.5, level=level, widths=synthetic.FAST, seeds=seeds)
    return Measurement.of(shared.axis_values, shared.values)


def test_a_common_level_fires_and_takes_support_away(synthetic):
    rng = np.random.default_rng(601)
    finding = PowerLaw(-0.5).judge(undeclared(synthetic, rng, level=0.1, seeds=24))
    assert finding.fit.checks["independence"].fired
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.remedy.limited_by == "flags"
    assert "declare shared_seeds=True" in finding.reason
    declared = synthetic.shared_levels(np.random.default_rng(601), -0.5, level=0.1, widths=synthetic.FAST, seeds=24)
    assert PowerLaw(-0.5).judge(declared).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize("level, least", [(0.1, 0.6), (0.2, 0.9)])
def test_a_level_as_large_as_the_noise_is_mostly_found(synthetic, level, least):
    # Eight seeds, noise .1: 75% at a level of .1.
    rng = np.random.default_rng(602)
    fired = [fit_power_law(undeclared(synthetic, rng, level=level)).checks["independence"].fired for _ in range(200)]
    assert np.mean(fired) >= least


@pytest.mark.parametrize("law", ["power_law", "student", "skewed", "outliers"])
def test_independent_seeds_fire_one_time_in_a_thousand(synthetic, law):
    # At most .002 in 2,000 of each law; Friedman's approximation errs on the safe side.
    rng = np.random.default_rng(603)
    fired = [fit_power_law(getattr(synthetic, law)(rng, -0.5)).checks["independence"].fired for _ in range(300)]
    assert np.sum(fired) <= 3


def test_seeds_that_are_declared_shared_or_too_few_or_exact_are_not_asked(synthetic):
    rng = np.random.default_rng(604)
    assert "independence" not in fit_power_law(synthetic.shared_levels(rng, -0.5)).checks
    assert "independence" not in fit_power_law(synthetic.power_law(rng, -0.5, seeds=3)).checks
    assert "independence" not in fit_power_law(synthetic.power_law(rng, -0.5, noise=0.0)).checks


def test_a_design_too_small_to_show_agreement_is_not_said_to_be_checked(synthetic):
    # Five widths of four identical seeds reach 15 where 16.3 would fire.
    level = np.exp(np.array([0.1, -0.3, 0.2, 0.5]))
    widths = (64, 128, 256, 512, 1024)
    same = Measurement.of(widths, [m**-0.5 * level for m in widths])
    assert "independence" not in fit_power_law(same).checks
    wider = (*widths, 2048)
    assert fit_power_law(Measurement.of(wider, [m**-0.5 * level for m in wider])).checks["independence"].fired


def test_nothing_is_refuted_while_independence_is_in_doubt(synthetic):
    rng = np.random.default_rng(605)
    finding = PowerLaw(-1).judge(undeclared(synthetic, rng, level=0.3, seeds=24))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.remedy.limited_by == "flags"
