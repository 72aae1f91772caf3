"""A logarithm of time is told from a slow power of it, over eight decades."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theorychecks.statistics import LogarithmicGrowth, Measurement, Verdict
from theorychecks.statistics.growth_index import growth_index
from theorychecks.statistics.prediction import check_prediction

TIMES = np.logspace(0, 8, 9)
LOGARITHMS = {
    "1 + log t": lambda t: 1 + np.log(t),
    "3 + log t / 2": lambda t: 3 + 0.5 * np.log(t),
    "10 + log t": lambda t: 10 + np.log(t),
}
OTHERS = {
    "t^0.05": lambda t: t**0.05,
    "t^0.1": lambda t: t**0.1,
    "t^0.25": lambda t: t**0.25,
    "t^0.05 - 0.9": lambda t: t**0.05 - 0.9,
    "t^0.1 + 1": lambda t: t**0.1 + 1,
    "log^2": lambda t: (1 + np.log(t)) ** 2,
    "root of log": lambda t: np.sqrt(1 + np.log(t)),
    "log log": lambda t: np.log(math.e + np.log(t)),
    "20 - log t / 2": lambda t: 20 - 0.5 * np.log(t),
}


def curves(rng, law, *, times=TIMES, seeds=12, noise=0.02, shared=False):
    """Runs of a law; shared seeds have levels of their own."""
    levels = np.exp(0.3 * rng.standard_normal(seeds)) if shared else 1.0
    cells = [levels * law(t) * np.exp(noise * rng.standard_normal(seeds)) for t in times]
    return Measurement.of(times, cells, axis="time", shared_seeds=shared)


def verdict(rng, law, prediction=None, **options):
    return (prediction or LogarithmicGrowth()).judge(curves(rng, law, **options)).verdict


def share(wanted, rng, law, *, runs, **options):
    return np.mean([verdict(rng, law, **options) is wanted for _ in range(runs)])


def test_it_is_a_prediction():
    check_prediction(LogarithmicGrowth())
    expectation = LogarithmicGrowth(within=0.2).expectation
    assert (expectation.kind, expectation.margin) == ("logarithmic_growth", 0.2)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("law", LOGARITHMS)
def test_logarithms_are_supported(law, shared):
    # Measured with R=150: 100% at noise 0.02; with 16 curves at noise 0.1 SUPPORTED 100, 47 and 0%. REFUTED never there,
    # and 1.5% at most with 6 or 8 curves at noise 0.1 or 0.2.
    assert verdict(np.random.default_rng(901), LOGARITHMS[law], shared=shared) is Verdict.SUPPORTED


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("law", OTHERS)
def test_powers_and_other_functions_of_the_logarithm_are_refuted(law, shared):
    # Measured with R=60: REFUTED 100%; with 16 curves at noise 0.1 78% of the first and of the fourth, 100% of the others.
    # SUPPORTED never.
    assert verdict(np.random.default_rng(902), OTHERS[law], shared=shared) is Verdict.REFUTED


@pytest.mark.parametrize(
    "law, index",
    [
        (LOGARITHMS["3 + log t / 2"], 1.0),
        (OTHERS["t^0.1"], 0.0),
        (OTHERS["log^2"], 0.5),
        (OTHERS["root of log"], 2.0),
        (lambda t: 1 / (1 + np.log(t)), -1.0),
    ],
)
def test_the_index_of_an_exact_curve_is_the_inverse_power_of_the_logarithm(law, index):
    assert growth_index(np.log(TIMES), np.log(law(TIMES))).value == pytest.approx(index, abs=1e-3)
    assert growth_index(np.log(7 * TIMES), np.log(5 * law(TIMES))).value == pytest.approx(index, abs=1e-3)


def test_many_noisy_curves_are_judged_by_their_mean_and_not_by_the_mean_of_their_indices():
    # The mean index of single curves is 1.67 here, whatever their number.
    rng, times = np.random.default_rng(912), np.logspace(0, 8, 5)
    options = {"times": times, "seeds": 1000, "noise": 0.5}
    finding = LogarithmicGrowth().judge(curves(rng, LOGARITHMS["1 + log t"], **options))
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.interval.low < 1 < finding.interval.high
    single = [
        growth_index(np.log(times), row).value for row in np.log(1 + np.log(times)) + rng.normal(0, 0.5, (100, 5))
    ]
    assert np.mean(single) > 1.3
    for law in ("t^0.1", "log^2", "root of log"):
        assert verdict(rng, OTHERS[law], **options) is Verdict.REFUTED


@pytest.mark.parametrize("law", [LOGARITHMS["1 + log t"], OTHERS["t^0.05 - 0.9"], OTHERS["log log"]])
def test_derivatives_of_the_index_are_those_of_refits(law):
    times, logs = np.log(TIMES), np.log(law(TIMES))
    found, step = growth_index(times, logs), 1e-3
    for place in (0, 3, 8):
        moved = [growth_index(times, logs + sign * step * np.eye(9)[place]).value for sign in (1, -1)]
        assert found.derivatives[place] == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=0.02, abs=0.02)


def test_a_power_slower_than_a_factor_of_e_is_a_logarithm_to_any_noise():
    assert growth_index(np.log(TIMES), np.log(TIMES**0.02 - 0.9)).value == pytest.approx(0.786, abs=1e-3)


def test_the_index_is_nearly_unbiased_and_its_interval_covers():
    # Measured with R=500: mean index 1.00, covered 96%.
    rng = np.random.default_rng(903)
    intervals = [
        LogarithmicGrowth().judge(curves(rng, LOGARITHMS["1 + log t"], seeds=8, noise=0.05)).interval for _ in range(60)
    ]
    assert np.mean([(interval.low + interval.high) / 2 for interval in intervals]) == pytest.approx(1.0, abs=0.02)
    assert np.mean([interval.low <= 1 <= interval.high for interval in intervals]) >= 0.83


def test_a_curve_at_the_edge_of_the_margin_is_seldom_decided():
    # (log t)^0.8 has index 1.25. Measured with R=400: SUPPORTED 2.5%, REFUTED 1.8%, at a nominal 2.5%.
    rng = np.random.default_rng(904)
    judged = [verdict(rng, lambda t: (1 + np.log(t)) ** 0.8, seeds=8, noise=0.05) for _ in range(80)]
    for wrong in (Verdict.SUPPORTED, Verdict.REFUTED):
        assert np.mean([found is wrong for found in judged]) <= 0.10


def test_what_does_not_grow_is_not_a_logarithm():
    # Measured with R=150: SUPPORTED never, REFUTED 8%, for it is no logarithm.
    rng = np.random.default_rng(905)
    assert share(Verdict.SUPPORTED, rng, lambda t: 1.0, runs=20) == 0.0


def test_a_falling_logarithm_is_refuted_as_going_the_other_way():
    finding = LogarithmicGrowth().judge(curves(np.random.default_rng(906), OTHERS["20 - log t / 2"], noise=0.005))
    assert finding.verdict is Verdict.REFUTED
    assert finding.reason == "the curves go the other way"
    assert finding.p_value < 1e-6


def test_a_margin_may_fall_like_the_inverse_of_the_logarithm():
    rng = np.random.default_rng(907)
    prediction = LogarithmicGrowth(exponent=-1.0)
    assert verdict(rng, lambda t: 1 / (2 + np.log(t)), prediction) is Verdict.SUPPORTED
    assert verdict(rng, lambda t: 1 / (2 + np.log(t)) ** 2, prediction) is Verdict.REFUTED
    assert verdict(rng, lambda t: t**-0.1, prediction) is Verdict.REFUTED
    assert verdict(rng, LOGARITHMS["1 + log t"], prediction) is Verdict.REFUTED
    root = LogarithmicGrowth(exponent=0.5)
    assert verdict(rng, OTHERS["root of log"], root) is Verdict.SUPPORTED
    assert verdict(rng, LOGARITHMS["1 + log t"], root) is Verdict.REFUTED


@pytest.mark.parametrize("law, four, eight", [(OTHERS["t^0.05 - 0.9"], 0.76, 0.67), (np.log1p, 0.77, 0.86)])
def test_eight_decades_tell_what_four_do_not(law, four, eight):
    # Noise-free indices, against a margin from 0.75 to 1.25: a power less a constant has to leave it, a logarithm with
    # an early transient to come well inside.
    for decades, index in ((4, four), (8, eight)):
        times = np.logspace(0, decades, 13)
        assert growth_index(np.log(times), np.log(law(times))).value == pytest.approx(index, abs=0.01)


def test_power_says_how_often_a_logarithm_is_supported():
    # Measured with R=400: SUPPORTED 68%, where the power says 69%; an index of 1 + detectable REFUTED 90%.
    prediction, rng = LogarithmicGrowth(), np.random.default_rng(908)
    power = prediction.power(TIMES, (8,) * 9, 0.2)
    found = share(Verdict.SUPPORTED, rng, LOGARITHMS["1 + log t"], runs=60, seeds=8, noise=0.2)
    assert found == pytest.approx(power.support, abs=0.18)
    seen = prediction.power(TIMES, (8,) * 9, 0.05).detectable
    assert share(
        Verdict.REFUTED, rng, lambda t: (1 + np.log(t)) ** (1 / (1 + seen)), runs=60, seeds=8, noise=0.05
    ) == pytest.approx(0.9, abs=0.12)
    assert LogarithmicGrowth(within=power.resolution).power(TIMES, (8,) * 9, 0.2).support == pytest.approx(
        0.9, abs=0.01
    )
    assert prediction.power(TIMES, (8,) * 8 + (9,), 0.2).detectable == math.inf


def test_noisy_curves_leave_it_open_and_the_remedy_says_how_many_would_do():
    finding = LogarithmicGrowth().judge(
        curves(np.random.default_rng(909), LOGARITHMS["10 + log t"], seeds=6, noise=0.1)
    )
    assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "noise")
    assert f"about {math.ceil(6 * finding.remedy.effort)} curves instead of 6, or a longer span" in finding.reason


def test_missing_runs_leave_it_open():
    measurement = curves(np.random.default_rng(910), LOGARITHMS["1 + log t"])
    cells = [list(cell) for cell in measurement.values]
    cells[4][2] = math.inf
    finding = LogarithmicGrowth().judge(Measurement.of(TIMES, cells, axis="time"))
    assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "missing runs")
    assert "1 of 12 at time 10000; a curve needs a number at every time" in finding.reason


@settings(max_examples=8, deadline=None, derandomize=True)
@given(order=st.permutations(range(12)), shift=st.floats(-5, 5), unit=st.floats(-5, 5))
def test_the_verdict_sees_neither_the_order_of_curves_nor_the_units(order, shift, unit):
    measurement = curves(np.random.default_rng(911), LOGARITHMS["1 + log t"], shared=True)
    cells = [math.exp(shift) * np.array(cell)[list(order)] for cell in measurement.values]
    changed = Measurement.of(math.exp(unit) * TIMES, cells, axis="time", shared_seeds=True)
    one, other = LogarithmicGrowth().judge(measurement), LogarithmicGrowth().judge(changed)
    assert one.verdict is other.verdict
    assert tuple(one.interval) == pytest.approx(tuple(other.interval), abs=1e-3)


@pytest.mark.parametrize(
    "times, seeds, message",
    [
        (np.logspace(0, 7, 8), (8,) * 8, r"over 8 decades.*got 8 over 7\. Integrate in log t"),
        (np.logspace(0, 8, 4), (8,) * 4, r"at 5 times or more; got 4 over 8"),
        (TIMES, (5,) * 9, "6 or more; got"),
        (TIMES, (8,) * 8 + (9,), "as many are needed at every time"),
    ],
)
def test_designs_that_cannot_decide_are_refused(times, seeds, message):
    measurement = Measurement.of(times, [np.arange(1.0, n + 1) for n in seeds], axis="time")
    with pytest.raises(ValueError, match=message):
        LogarithmicGrowth().judge(measurement)
    assert LogarithmicGrowth().demands(9, 0.95) == (9, 6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"within": 0.0}, "the margin lies between 0 and 1/2; got 0"),
        ({"within": 0.5}, "the margin lies between 0 and 1/2; got 0.5"),
        ({"exponent": 0.0}, "finite and not zero; got 0"),
        ({"exponent": math.inf}, "finite and not zero; got inf"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        LogarithmicGrowth(**options)
