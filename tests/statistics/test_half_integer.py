"""Which half-integer: the true one is told from its neighbours on few runs, curved or not, and no neighbour passes."""

import math
import re

import numpy as np
import pytest

from theorychecks.statistics import HalfInteger, Measurement, PowerLaw, Verdict

OCTAVES = (64.0, 128.0, 256.0, 512.0, 1024.0)
"""Over which a power law within 0.24 would take several times the runs."""


def verdicts(synthetic, prediction, exponents, *, count=1, **options):
    rng = np.random.default_rng(7)
    return [
        prediction.judge(synthetic.power_law(rng, exponent, widths=OCTAVES, **options)).verdict
        for exponent in exponents
        for _ in range(count)
    ]


@pytest.mark.parametrize("c", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize(
    "prediction, others",
    [
        (HalfInteger(0.0), [-1.0, -0.5, 0.5, 1.0]),
        (HalfInteger(-0.5), [-1.0, 0.0, 0.5]),
        (HalfInteger(0.0, at_most=True), [0.5, 1.0]),
        (HalfInteger(-0.5, at_most=True), [0.0, 0.5]),
    ],
    ids=str,
)
def test_no_other_half_integer_is_supported(synthetic, prediction, others, c):
    found = verdicts(synthetic, prediction, others, c=c, seeds=6, noise=0.1, count=4)
    assert Verdict.SUPPORTED not in found
    assert found.count(Verdict.REFUTED) >= len(found) / 2


@pytest.mark.parametrize("c", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize(
    "prediction, exponents",
    [(HalfInteger(0.0), [0.0]), (HalfInteger(-0.5), [-0.5]), (HalfInteger(0.0, at_most=True), [0.0, -0.5, -1.0])],
    ids=str,
)
def test_six_runs_support_the_truth_where_a_power_law_is_open(synthetic, prediction, exponents, c):
    found = verdicts(synthetic, prediction, exponents, c=c, seeds=6, noise=0.4, count=20)
    assert found.count(Verdict.SUPPORTED) >= 0.9 * len(found)
    narrow = PowerLaw(0.0, within=0.24, rival=0.5)
    found = verdicts(synthetic, narrow, [0.0], c=c, seeds=6, noise=0.4, count=20)
    assert found.count(Verdict.SUPPORTED) < 0.3 * len(found)


@pytest.mark.parametrize("noise, seeds", [(0.3, 6), (0.8, 6), (0.5, 16)])
@pytest.mark.parametrize("c", [-3.0, 0.0, 3.0])
def test_a_neighbour_is_supported_once_in_forty_times_at_most(synthetic, noise, seeds, c):
    """The tail of the interval's level, whatever the noise; of 400 such verdicts 20 or more have chance 0.4%."""
    found = verdicts(synthetic, HalfInteger(0.0), [0.5, -0.5], c=c, seeds=seeds, noise=noise, count=200)
    assert found.count(Verdict.SUPPORTED) < 20


def curved(exponent, drift, seeds=8):
    """Local exponents that change by `drift` over the range, hardly any noise."""
    rng = np.random.default_rng(3)
    logs = np.log(np.array(OCTAVES) / OCTAVES[0])
    line = exponent * logs + drift / (2 * logs[-1]) * (logs - logs.mean()) ** 2
    return Measurement.of(OCTAVES, np.exp(line[:, None] + 0.002 * rng.standard_normal((len(OCTAVES), seeds))))


def test_a_curved_law_is_decided_where_twice_the_corrections_still_exclude_the_neighbours():
    slightly, strongly = (HalfInteger(0.0).judge(curved(0.0, drift)) for drift in (0.2, 2.0))
    assert slightly.fit.flagged
    assert strongly.fit.flagged
    assert slightly.verdict is Verdict.SUPPORTED
    assert "(curved: " in slightly.reason
    assert strongly.verdict is not Verdict.SUPPORTED


@pytest.mark.parametrize(("exponent", "most"), [(0.2, 1.0), (0.25, 0.6), (0.3, 0.25), (0.35, 0.02)])
def test_what_lies_in_between_is_taken_for_the_nearer_one(synthetic, exponent, most):
    """From three quarters of a step on a mistake is refuted or open; from a half on it is even chances."""
    found = verdicts(synthetic, HalfInteger(0.0), [exponent, -exponent], seeds=6, noise=0.2, count=60)
    assert found.count(Verdict.SUPPORTED) <= most * len(found)


def test_an_estimate_between_two_half_integers_supports_neither():
    halfway = curved(0.255, 0.0)
    judgements = [HalfInteger(exponent).judge(halfway) for exponent in (0.0, 0.5)]
    assert {judgement.verdict for judgement in judgements} == {Verdict.INCONCLUSIVE}
    for judgement, rival in zip(judgements, ("+0.5", "+0"), strict=True):
        assert judgement.reason.startswith("between two exponents: the estimate +0.25")
        assert judgement.reason.endswith(
            f"from {rival}; wider widths show to which one it tends, and more seeds do not"
        )


def test_a_reason_says_by_one_rule_what_the_estimate_and_the_interval_do(synthetic):
    rng = np.random.default_rng(5)
    measured = synthetic.power_law(rng, 0.0, widths=OCTAVES, seeds=12, noise=0.1)
    number = r"[+-]\d\.\d{3}"
    ends = rf"\[{number}, {number}\]"
    said = rf"the estimate {number} lies inside \[-0.240, \+0.240\], and the interval {ends} excludes -0.5 and \+0.5"
    assert re.fullmatch(said, HalfInteger(0.0).judge(measured).reason)
    bound = rf"the estimate {number} lies inside \[-inf, \+0.240\], and the interval {ends} excludes \+0.5"
    assert re.fullmatch(bound, HalfInteger(0.0, at_most=True).judge(measured).reason)
    assert re.fullmatch(
        rf"the interval {ends} lies outside \[\+0.260, \+0.740\]", HalfInteger(0.5).judge(measured).reason
    )


def test_the_chance_of_a_flagged_verdict_is_that_of_the_class_that_decides_it():
    slightly = curved(0.0, 0.2)
    judgement = HalfInteger(0.0).judge(slightly)
    assert judgement.fit.flagged
    doubled = judgement.fit.finite_size.of_size(2 * judgement.fit.finite_size.size)
    unflagged = HalfInteger(0.0, corrections=doubled).judge(slightly)
    assert judgement.p_value == pytest.approx(unflagged.p_value, rel=1e-6)


def test_rounded_runs_support_nothing():
    flat = Measurement.of(OCTAVES, [np.full(8, 1.0) for _ in OCTAVES])
    assert HalfInteger(0.0).judge(flat).verdict is Verdict.INCONCLUSIVE


def on_a_grid(exponent, step, *, noise=0.002, seed=0, relative=False):
    """Six runs at each axis value, rounded down to multiples of a step: of the smallest mean, or each of its own."""
    rng = np.random.default_rng(seed)
    means = [(width / OCTAVES[0]) ** exponent for width in OCTAVES]
    rows = [mean * np.exp(noise * rng.standard_normal(6)) for mean in means]
    grids = [step * (mean if relative else min(means)) for mean in means]
    rows = [grid * np.maximum(np.floor(row / grid), 1) for grid, row in zip(grids, rows, strict=True)]
    return Measurement.of(OCTAVES, rows)


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 0.5])
def test_a_grid_too_fine_to_hide_a_half_integer_leaves_it_decided(exponent):
    repeating = on_a_grid(exponent, 0.004, relative=True)
    judgement = HalfInteger(exponent).judge(repeating)
    assert judgement.fit.checks["rounding"].fired
    assert judgement.verdict is Verdict.SUPPORTED
    assert HalfInteger(exponent + 0.5).judge(repeating).verdict is Verdict.REFUTED


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 0.5])
def test_a_right_estimate_that_a_grid_leaves_open_is_to_be_dithered_and_not_between_two_exponents(exponent):
    reasons = []
    for step in (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2):
        for seed in range(5):
            judgement = HalfInteger(exponent).judge(on_a_grid(exponent, step, noise=step / 3, seed=seed, relative=True))
            right = abs(judgement.fit.exponent - exponent) < 0.24
            if right and judgement.verdict is Verdict.INCONCLUSIVE and judgement.fit.checks["rounding"].fired:
                reasons.append(judgement.reason)
    assert reasons
    assert not [reason for reason in reasons if "dither them" not in reason]


@pytest.mark.parametrize("exponent", [-0.5, -0.25, 0.25, 0.5])
@pytest.mark.parametrize("step", [0.05, 0.2, 0.5, 0.9, 1.0])
def test_no_grid_makes_another_exponent_a_half_integer(exponent, step):
    for seed in range(10):
        for noise in (0.002, 0.05, 0.3):
            found = on_a_grid(exponent, step, noise=noise, seed=seed)
            if HalfInteger(0.0).judge(found).fit.checks["rounding"].fired:
                assert HalfInteger(0.0).judge(found).verdict is not Verdict.SUPPORTED


def test_a_support_has_the_chance_of_missing_a_neighbour(synthetic):
    rng = np.random.default_rng(5)
    judgement = HalfInteger(0.0).judge(synthetic.power_law(rng, 0.0, widths=OCTAVES, seeds=12, noise=0.1))
    assert judgement.verdict is Verdict.SUPPORTED
    assert judgement.allowed == (-0.5, 0.5)
    assert 0 < judgement.p_value < 0.025
    refuted = HalfInteger(0.5).judge(judgement.measurement)
    assert (refuted.verdict, refuted.allowed) == (Verdict.REFUTED, (0.26, 0.74))


@pytest.mark.parametrize("exponent", [0.3, -1 / 3, math.nan, math.inf])
def test_other_exponents_are_refused(exponent):
    with pytest.raises(ValueError, match=r"half-integer|finite"):
        HalfInteger(exponent)
    with pytest.raises(ValueError, match="half the distance"):
        HalfInteger(0.0, within=0.25)


def test_power_counts_what_is_supported(synthetic):
    prediction = HalfInteger(0.0)
    power = prediction.power(OCTAVES, (6,) * 5, 0.5)
    rng = np.random.default_rng(11)
    found = [
        prediction.judge(synthetic.power_law(rng, 0.0, widths=OCTAVES, seeds=6, noise=0.5)).verdict for _ in range(400)
    ]
    assert found.count(Verdict.SUPPORTED) / 400 == pytest.approx(power.support, abs=0.08)
    assert power.detectable > 0.24
