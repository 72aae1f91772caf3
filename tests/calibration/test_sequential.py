"""Repeated looks keep the error rate of one, and cost less."""

import itertools

import pytest
from page import beside, percent
from sequences import BUDGET, DENSE, FAST, PREDICTION, RULES, adaptive, certificate, doubling, typical_noise
from simulation import parallel, standard_error
from stated import less_what_is_paid

from theorychecks.statistics import LowerBound, UpperBound

SECTION = "5. Sequential designs"
NOISES = {FAST: (0.1, 0.3), DENSE: (0.03, 0.1)}
# Worst error at the edges, and cost and power where the claim is true, as stated (R = 4,000).
STATED_ERROR = {
    "fixed, 32 seeds": 2.4,
    "naive, .05 at each look": 7.3,
    "Bonferroni, .0125 at each look": 1.9,
    "Pocock, .0182 at each look": 2.9,
}
STATED_TRUE = {
    "fixed, 32 seeds": ((1, 99.7), (1, 95.8)),
    "naive, .05 at each look": ((0.36, 99.7), (0.61, 96.5)),
    "Bonferroni, .0125 at each look": ((0.51, 99.1), (0.84, 88.7)),
    "Pocock, .0182 at each look": ((0.47, 99.4), (0.78, 91.5)),
}
# Truth, correction (None is random), and for each grid and noise: SUPPORTED, REFUTED, cost in budgets.
STATED_BUDGETS = {
    (-0.5, None): ((100, 0, 0.138), (94.2, 0, 0.86), (100, 0, 0.067), (98.4, 0, 0.73)),
    (-0.58, -3.0): ((1.2, 0, 0.97), (1.2, 0, 1.03), (0, 0.4, 0.96), (0, 1.2, 0.97)),
    (-0.6, None): ((0, 31, 0.94), (0, 3, 1.02), (0, 28, 0.90), (0, 2, 0.97)),
    (-2 / 3, None): ((0, 100, 0.068), (0, 99.5, 0.41), (0, 100, 0.033), (0, 100, 0.33)),
    (-1.0, None): ((0, 100, 0.0175), (0, 100, 0.0175), (0, 100, 0.019), (0, 100, 0.019)),
}
STATED_REPLICATIONS = {FAST: 400, DENSE: 250}
SETTINGS = [(grid, noise) for grid, noises in NOISES.items() for noise in noises]


def beyond(rate, stated, replications, stated_replications):
    """By how many Monte Carlo standard errors of both a rate exceeds the stated one, in per cent."""
    stated /= 100
    both = standard_error(rate, replications) ** 2 + standard_error(stated, stated_replications) ** 2
    return (rate - stated) / max(both, 1 / (4 * replications**2)) ** 0.5


def test_looks_that_share_the_level_err_as_rarely_as_one(tables, replications):
    edges = [(*setting, -0.58, c) for setting in SETTINGS for c in (-3.0, 3.0)]
    true = [(FAST, 0.3, -0.5, None), (DENSE, 0.1, -0.5, None)]
    found = parallel(doubling, [(*job, replications) for job in edges + true])
    rows = []
    for rule in RULES:
        # Under c = -3 the estimate leans towards the claim, under c = 3 away from it.
        wrong = [f[rule].supported if job[3] < 0 else f[rule].refuted for job, f in zip(edges, found, strict=False)]
        row = [rule, beside(max(wrong), STATED_ERROR[rule], False)]
        for outcome, (cost, power) in zip(found[-2:], STATED_TRUE[rule], strict=True):
            row += [f"{outcome[rule].cost:.2f} ({cost})", beside(outcome[rule].supported, power, False)]
        rows.append(row)
    tables.add(
        SECTION,
        "Looks at 4, 8, 16 and 32 seeds",
        ["rule", "worst error at an edge, %", *["cost", "SUPPORTED, %"] * 2],
        rows,
        f"R = {replications:,}. Claim -1/2 within .08; edges: truth -.58 under c = -3 (SUPPORTED is wrong) and c = +3 "
        "(REFUTED is wrong), both grids, two noises each. Costs (of the fixed design) and power are for a true claim, "
        "fast grid with noise .3, then dense grid with noise .1.",
    )
    worst = {row[0]: float(row[1].split()[0]) / 100 for row in rows}
    assert beyond(worst["Bonferroni, .0125 at each look"], 2.5, replications, 1e9) <= 3
    assert worst["naive, .05 at each look"] > 0.05
    for outcome, (_, power) in zip(found[-2:], STATED_TRUE["Bonferroni, .0125 at each look"], strict=True):
        missed = 100 - float(less_what_is_paid(str(power)))
        assert beyond(1 - outcome["Bonferroni, .0125 at each look"].supported, missed, replications, 4000) <= 3


def test_budgets_decide_for_a_fraction_and_err_rarely(tables, replications):
    replications = min(replications, 600)
    jobs = [(*setting, *truth) for truth in STATED_BUDGETS for setting in SETTINGS]
    found = dict(zip(jobs, parallel(adaptive, [(*job, replications) for job in jobs]), strict=True))
    rows, short = [], []
    for truth, stated in STATED_BUDGETS.items():
        row = [f"{truth[0]:.3g}, c {'random' if truth[1] is None else f'= {truth[1]:g}'}"]
        for setting, (supported, refuted, cost) in zip(SETTINGS, stated, strict=True):
            outcome = found[(*setting, *truth)]
            row.append(
                f"{percent(outcome.supported)}/{percent(outcome.refuted)}, {outcome.cost:.3f} "
                f"({supported}/{refuted}, {cost})"
            )
            short += [
                (truth, setting, name)
                for name, lacking in _shortfalls(truth, setting, outcome, supported, refuted, replications)
                if lacking > 3
            ]
        rows.append(row)
    tables.add(
        SECTION,
        "Budgets worth 16 seeds at every width",
        ["truth", *[f"{grid.name}, noise {noise:g}" for grid, noise in SETTINGS]],
        rows,
        f"R = {replications}. SUPPORTED/REFUTED in per cent and mean cost in budgets, the stated ones in brackets. "
        f"Claim -1/2 within .08, looks at 1/64, 1/16, 1/4 and all of B = {BUDGET}.",
    )
    assert short == []


def _shortfalls(truth, setting, outcome, supported, refuted, replications):
    """What is worse than stated, in standard errors: a wrong verdict more, or a right one less."""
    stated = STATED_REPLICATIONS[setting[0]]
    if truth[0] == -0.5:
        yield "power", beyond(1 - outcome.supported, 100 - supported, replications, stated)
        yield "wrong", beyond(outcome.refuted, 0.0, replications, stated)
    elif truth[0] == -0.58:
        # Either verdict is wrong at the edge; the sum of all looks' levels is 2.5% a side.
        yield "wrong", beyond(outcome.supported, 2.5, replications, 1e9)
        yield "wrong", beyond(outcome.refuted, 2.5, replications, 1e9)
    else:
        yield "wrong", beyond(outcome.supported, supported, replications, stated)
        # A quarter of a margin beyond its end few runs refute anything, and tails corrected for skew half as often as the
        # stated ones (section 8 says what those err by).
        wanted = refuted / 2 if truth[0] == -0.6 else refuted
        yield "power", beyond(1 - outcome.refuted, 100 - wanted, replications, stated)


CERTIFIED = [(FAST, 0.1, 8), (FAST, 0.3, 16), (DENSE, 0.03, 8), (DENSE, 0.1, 16)]
PREDICTIONS = [PREDICTION, UpperBound(-0.5), LowerBound(-0.5)]


@pytest.mark.parametrize("prediction", PREDICTIONS, ids=lambda prediction: prediction.expectation.kind)
def test_certificates_say_what_designs_detect(tables, replications, prediction):
    replications = min(replications, 600)
    powers = [
        prediction.power(grid.widths, (seeds,) * len(grid.widths), typical_noise(grid, noise, seeds))
        for grid, noise, seeds in CERTIFIED
    ]
    # A bound is departed from on its own side, and below a law as well as above it.
    side = 1 if isinstance(prediction, UpperBound) else -1
    # The worst correction pulls the estimate back towards the claim: c < 0 makes exponents larger.
    far = [
        [(prediction, *job, side * able.detectable, c, replications) for c in (3.0, -3.0)]
        for job, able in zip(CERTIFIED, powers, strict=True)
    ]
    exact = [(prediction, *job, 0.0, 0.0, replications) for job in CERTIFIED]
    found = parallel(certificate, [*itertools.chain(*far), *exact])
    rows = []
    for place, ((grid, noise, seeds), able) in enumerate(zip(CERTIFIED, powers, strict=True)):
        refuted = min(found[2 * place][1], found[2 * place + 1][1])
        supported = found[2 * len(CERTIFIED) + place][0]
        rows.append(
            [
                f"{grid.name}, noise {noise:g}, {seeds} seeds",
                f"{side * able.detectable:+.3f}",
                percent(refuted),
                percent(supported),
                percent(able.support),
            ]
        )
        assert refuted >= 0.9 - 3 * standard_error(0.9, replications)
        assert supported == pytest.approx(able.support, abs=3 * standard_error(able.support, replications) + 0.02)
    tables.add(
        SECTION,
        f"Power certificates of {type(prediction).__name__}",
        ["design", "departure", "REFUTED there, % (90)", "SUPPORTED if exact, %", "certified, %"],
        rows,
        f"R = {replications}. The certificate is made of simulated intervals of the design; the departure is refuted under "
        "the correction of the class that hides it best.",
    )
