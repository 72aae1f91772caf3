"""The size of a mean is estimated from two halves, so that noise makes no floor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theorychecks.statistics import Measurement, Plateau, PowerLaw, Status, Verdict, fit_power_law, size_of_mean

WIDTHS = tuple(2**power for power in range(6, 13))
BATCHES, SAMPLES, ENTRIES, NOISE = 32, 16, 4096, 0.125
FLOOR = NOISE / SAMPLES**0.5


def samples(rng, mean, *, batches=BATCHES):
    """A mean of the given size in a fixed direction, under noise in every entry."""
    direction = np.sqrt(2) * np.cos(2 * np.pi * np.arange(ENTRIES) / ENTRIES)
    return mean * direction + NOISE * rng.standard_normal((batches, SAMPLES, ENTRIES))


def plain_size(samples):
    return np.sqrt(np.mean(samples.mean(axis=1) ** 2, axis=1))


def test_the_plain_norm_of_a_mean_has_a_noise_floor_and_the_halves_have_none():
    # The mean falls from 1/8 to 1/64, under a floor of 1/32.
    rng = np.random.default_rng(401)
    cells = [samples(rng, m**-0.5) for m in WIDTHS]
    plain = Measurement.of(WIDTHS, [plain_size(cell) for cell in cells])
    halves = Measurement.of(WIDTHS, [size_of_mean(cell) for cell in cells])
    assert np.mean(plain.values[-1]) == pytest.approx(np.hypot(FLOOR, WIDTHS[-1] ** -0.5), rel=0.02)
    assert np.mean(halves.values[-1]) == pytest.approx(WIDTHS[-1] ** -0.5, rel=0.1)
    assert PowerLaw(-0.5).judge(plain).verdict is Verdict.REFUTED
    assert PowerLaw(-0.5).judge(halves).verdict is Verdict.SUPPORTED


def test_a_mean_of_nothing_but_noise_is_a_plateau_to_the_plain_norm_alone():
    rng = np.random.default_rng(403)
    cells = [samples(rng, 0.0) for _ in WIDTHS]
    plain = Plateau().judge(Measurement.of(WIDTHS, [plain_size(cell) for cell in cells]))
    halves = Plateau().judge(Measurement.of(WIDTHS, [size_of_mean(cell) for cell in cells]))
    assert plain.verdict is Verdict.SUPPORTED
    assert (halves.verdict, halves.remedy.limited_by) == (Verdict.INCONCLUSIVE, "missing runs")


def test_the_squared_size_is_unbiased():
    rng = np.random.default_rng(402)
    size = FLOOR / 2
    cell = samples(rng, size, batches=100)
    halves = cell.reshape(100, 2, SAMPLES // 2, ENTRIES).mean(axis=2)
    products = np.mean(halves[:, 0] * halves[:, 1], axis=1)
    error = products.std(ddof=1) / np.sqrt(100)
    assert abs(products.mean() - size**2) < 4 * error
    assert np.mean(plain_size(cell) ** 2) > size**2 + 20 * error
    np.testing.assert_allclose(size_of_mean(cell), np.sqrt(np.maximum(products, 0)), rtol=1e-12)


def test_a_mean_lost_in_the_noise_is_zero_and_is_counted():
    sizes = size_of_mean([[1.0, 3.0, -1.0, -1.0], [1.0, 3.0, 4.0, 4.0]])
    np.testing.assert_allclose(sizes, [0.0, np.sqrt(8.0)])
    measurement = Measurement.of((1, 8), [[*sizes, 1.0], [1.0] * 3])
    assert measurement.statuses[0] == (Status.ZERO, Status.OK, Status.OK)


def test_a_diverged_sample_makes_a_batch_that_is_not_finite():
    sizes = size_of_mean([[1.0, np.nan], [1.0, 4.0]])
    assert np.isnan(sizes[0])
    assert sizes[1] == 2.0


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    values=st.lists(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4), min_size=1, max_size=4),
    factor=st.floats(1e-3, 1e3),
)
def test_it_scales_and_does_not_see_the_order_within_a_half(values, factor):
    array = np.array(values)
    np.testing.assert_allclose(size_of_mean(factor * array), factor * size_of_mean(array), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(size_of_mean(array[:, [1, 0, 3, 2]]), size_of_mean(array), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(size_of_mean(array[:, [2, 3, 0, 1]]), size_of_mean(array), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 0), (2, 1, 5)])
def test_a_batch_that_has_no_halves_is_refused(shape):
    with pytest.raises(ValueError, match="split into halves, so it has an even number of samples"):
        size_of_mean(np.ones(shape))


def test_a_mean_that_is_known_roughly_is_undecided_and_says_how_many_seeds_it_takes(synthetic):
    # Lognormal runs of deviation 2.5: the logarithm of their mean is skewed, and an interval would miss.
    rng = np.random.default_rng(714)
    claim = PowerLaw(-0.5, average="log of mean")
    rough = claim.judge(synthetic.power_law(rng, -0.5, seeds=368, noise=2.5, widths=synthetic.FAST))
    assert rough.verdict is Verdict.INCONCLUSIVE
    assert rough.remedy.limited_by == "noise"
    assert "a mean over seeds is known to " in rough.reason
    calm = claim.judge(synthetic.power_law(rng, -0.5, seeds=368, noise=0.1, widths=synthetic.FAST))
    assert calm.verdict is Verdict.SUPPORTED
    assert calm.reason.endswith("of a mean up to phases that fewer than one run in 100 enters")
    assert claim.judge(synthetic.power_law(rng, -1.0, seeds=368, widths=synthetic.FAST)).verdict is Verdict.REFUTED
    assert claim.demands(9, 0.95).seeds == 368
    assert PowerLaw(-0.5).demands(9, 0.95).seeds == 4


def phases(rng, *, seeds, share, widths):
    """A mean of m^-1/2 exactly, of which a phase thirty times as large carries more the wider the network."""
    cells = []
    for m in widths:
        rare = share * (m / widths[0]) ** 0.5
        large = np.where(rng.random(seeds) < rare, 30.0, 1.0)
        cells.append(m**-0.5 * large * np.exp(0.1 * rng.standard_normal(seeds) - 0.005) / (1 + 29 * rare))
    return Measurement.of(widths, cells)


def test_samples_that_may_have_missed_a_rare_phase_are_not_judged(synthetic):
    # With 32 runs the interval of those that missed it excludes the truth 97 times in a hundred.
    rng, claim = np.random.default_rng(716), PowerLaw(-0.5, average="log of mean")
    for _ in range(20):
        finding = claim.judge(phases(rng, seeds=32, share=0.0003, widths=synthetic.FAST))
        assert (finding.verdict, finding.interval) == (Verdict.INCONCLUSIVE, None)
    assert "a phase that one run in 9 enters may be missed by all 32 runs at a width" in finding.reason
    assert "about 368 runs a width instead of 32" in finding.reason
    assert finding.remedy.effort == pytest.approx(368 / 32)


def test_a_phase_that_one_run_in_a_hundred_enters_is_seen(synthetic):
    # Where it carries the mean its scatter is seen, and nothing is decided; without it the mean is judged.
    rng, claim = np.random.default_rng(717), PowerLaw(-0.5, average="log of mean")
    judged = [claim.judge(phases(rng, seeds=400, share=0.01, widths=synthetic.FAST)) for _ in range(20)]
    assert [finding.verdict for finding in judged] == [Verdict.INCONCLUSIVE] * 20
    assert claim.judge(phases(rng, seeds=400, share=0.0, widths=synthetic.FAST)).verdict is Verdict.SUPPORTED


def test_the_log_of_a_mean_is_covered_where_it_is_known(synthetic):
    # Noise falls with the width, so the mean of logs and the log of mean have different exponents.
    rng, hits = np.random.default_rng(715), []
    widths = np.array(synthetic.FAST, dtype=float)
    noise = 0.35 * (widths / widths[0]) ** -0.25
    for _ in range(300):
        cells = [m**-0.5 * np.exp(s * rng.standard_normal(16) - s**2 / 2) for m, s in zip(widths, noise, strict=True)]
        fit = fit_power_law(Measurement.of(synthetic.FAST, cells), average="log of mean")
        hits.append(fit.interval.low <= -0.5 <= fit.interval.high)
    assert np.mean(hits) >= 0.95
