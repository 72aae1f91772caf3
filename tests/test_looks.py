"""Judging in looks: a budget is spent until the verdict is settled, and repeated looks err no more often than one."""

import math
from dataclasses import replace

import numpy as np
import pytest

from theorychecks.finding import Looks
from theorychecks.looks import Seen, in_looks, power_of
from theorychecks.sources import Sample
from theorychecks.statistics import Measurement, PowerLaw, Verdict

FAST = tuple(2**k for k in range(9, 18))
HALF = PowerLaw(-0.5)


class Simulated:
    """A source of normal logarithms about a law, 400 runs a width, at a cost that grows like the width."""

    axis_values, costs, shares = FAST, tuple(map(float, FAST)), (1 / 64, 1 / 16, 1 / 4, 1.0)
    budget, counts, shared_seeds, joint = 16, (), False, False

    def __init__(self, *readings):
        """Readings are seed, law and noise."""
        self.logs = {}
        for index, (seed, law, noise) in enumerate(readings):
            rng = np.random.default_rng(seed)
            self.logs[str(index)] = [law(m) + noise * rng.standard_normal(400) for m in FAST]
        self.seen = []

    def measured(self, counts):
        """The first so many runs at each of the first widths."""
        self.seen.append(counts)
        pairs = {}
        for name, logs in self.logs.items():
            cells = [np.exp(cell[:count]) for cell, count in zip(logs, counts, strict=False)]
            pairs[name] = Measurement.of(FAST[: len(counts)], cells), None
        return Sample(pairs=pairs)


def power(exponent):
    return lambda m: exponent * np.log(m)


def looked(*reading, prediction=HALF, role="prediction"):
    return in_looks(Simulated(reading), prediction, role)["0"]


def test_a_plan_does_not_depend_on_the_estimate():
    # Exponents -1/2, 0 and -3 with the same noise are given the same runs, and no claim at its edge settles.
    sources = [Simulated((401, power(exponent), 0.3)) for exponent in (-0.5, 0.0, -3.0)]
    for source, exponent in zip(sources, (-0.5, 0.0, -3.0), strict=True):
        in_looks(source, PowerLaw(exponent - 0.08))
    assert len(sources[0].seen) == 4
    assert sources[0].seen == sources[1].seen == sources[2].seen


def test_a_far_exponent_is_settled_at_the_first_look_and_an_edge_takes_them_all():
    first = looked(403, power(-1.0), 0.1)
    assert first.judgement.verdict is Verdict.REFUTED
    assert (first.looks.taken, first.looks.planned, first.looks.budget) == (1, 4, 16)
    assert first.judgement.confidence == pytest.approx(0.9875)
    last = looked(404, power(-0.58), 0.1)
    assert last.judgement.verdict is Verdict.INCONCLUSIVE
    assert last.looks.taken == 4


def test_a_control_is_settled_by_the_opposite():
    # Refuted at once, where a prediction would be confirmed; supported as clearly, it goes no further either.
    assert looked(403, power(-1.0), 0.1, role="control").looks.taken == 1
    supported = looked(407, power(-0.5), 0.03, role="control")
    assert supported.judgement.verdict is Verdict.SUPPORTED
    assert supported.fails("control")
    assert not supported.fails("prediction")


def test_the_p_value_counts_all_looks():
    seen = looked(405, power(-1.0), 0.1)
    alone = HALF.judge(seen.judgement.measurement, confidence=seen.judgement.confidence)
    assert seen.p_value == pytest.approx(4 * alone.p_value, rel=1e-12)


def test_several_readings_stop_together_and_keep_the_look_that_settled_them():
    calm, noisy = in_looks(Simulated((407, power(-0.5), 0.03), (408, power(-0.5), 0.3)), HALF).values()
    assert calm.looks.taken < noisy.looks.taken
    assert calm.judgement.verdict is noisy.judgement.verdict is Verdict.SUPPORTED


def test_readings_that_stand_or_fall_together_end_with_the_first_that_falls():
    both = (409, power(-1.0), 0.1), (410, power(-0.58), 0.1)
    joint = Simulated(*both)
    joint.joint = True
    fallen, open_ = in_looks(joint, HALF, joint=True).values()
    assert fallen.fails("prediction")
    assert open_.looks.taken == 1
    _, alone = in_looks(Simulated(*both), HALF).values()
    assert alone.looks.taken == 4


def test_each_reading_is_held_against_its_own_prediction():
    source = Simulated((407, power(-0.5), 0.03), (408, power(0.0), 0.3), (409, power(3.0), 0.3))
    steep, flat = in_looks(source, {"0": HALF, "1": PowerLaw(0.0)}).values()
    assert steep.judgement.verdict is flat.judgement.verdict is Verdict.SUPPORTED
    # Runs are those that the noisiest of them takes.
    assert steep.looks.taken < flat.looks.taken
    alone = Simulated((408, power(0.0), 0.3))
    in_looks(alone, PowerLaw(0.0))
    assert source.seen == alone.seen


def test_only_the_readings_that_are_asked_for_are_judged():
    source = Simulated((407, power(-0.5), 0.03), (408, power(-0.5), 0.3))
    assert list(in_looks(source, HALF, only={"1"})) == ["1"]


@pytest.mark.parametrize(
    ("missing", "conditional", "budget", "hopeless"),
    [
        (4, True, 16, False),  # a third of 16 are five
        (4, True, 8, True),  # and of 8 hardly three
        (4, False, 8, False),  # which is no matter where none is left out
        (6, True, 400, True),
        (6, False, 400, True),
    ],
)
def test_a_budget_is_hopeless_that_has_too_few_runs_with_a_number(missing, conditional, budget, hopeless):
    cells = [[math.nan] * missing + [1.0] * (6 - missing), *[[1.0, 1.1, 0.9, 1.2, 0.8, 1.0]] * (len(FAST) - 1)]
    judgement = HALF.judge(Measurement.of(FAST, cells))
    looks = Looks(taken=1, planned=4, budget=budget)
    assert Seen(judgement, looks, Sample(pairs={}, conditional=conditional)).hopeless == hopeless


class Routed(Simulated):
    """Of some readings all runs but three have no number, as of experts that no row reaches."""

    def __init__(self, *readings, lacking):
        super().__init__(*readings)
        self.lacking = lacking

    def measured(self, counts):
        sample = super().measured(counts)
        for name in self.lacking:
            found = sample.pairs[name][0]
            few = [[*row[:3], *[math.nan] * (len(row) - 3)] for row in found.values]
            sample.pairs[name] = Measurement.of(found.axis_values, few), None
        return replace(sample, conditional=True)


@pytest.mark.parametrize(
    ("lacking", "laws", "looks"),
    [
        (1, "aaaa", 2),  # three of four are settled
        (2, "aaaa", 3),
        (2, "aabbbbbbbb", 3),  # of each law most others have to be
        (0, "aaaa", 2),
    ],
)
def test_a_reading_that_lacks_runs_takes_no_look_that_others_of_its_law_do_not_want(lacking, laws, looks):
    readings = [(407, power(-0.5), 0.03)] * len(laws)
    names = [str(place) for place in range(len(laws))]
    source = Routed(*readings, lacking=names[:lacking])
    seen = in_looks(source, HALF, alike=dict(zip(names, laws, strict=True)))
    assert len(source.seen) == looks
    assert [seen[name].lacks_runs for name in names] == [place < lacking for place in range(len(laws))]
    alone = Routed(*readings, lacking=names[:lacking])
    in_looks(alone, HALF)
    assert len(alone.seen) == (3 if lacking else 2)


class Noisy(Simulated):
    """Most runs of the first reading have no number, and are left out."""

    def measured(self, counts):
        sample = super().measured(counts)
        found = sample.pairs["0"][0]
        cells = [row[: max(4, len(row) // 4)] for row in found.values]
        left_out = tuple(len(row) - len(cell) for row, cell in zip(found.values, cells, strict=True))
        sample.pairs["0"] = replace(Measurement.of(found.axis_values, cells), left_out=left_out), None
        return replace(sample, conditional=True)


@pytest.mark.parametrize(("exponent", "looks"), [(-0.5, 2), (-0.7, 4)])
def test_one_that_few_runs_have_wants_no_look_where_it_is_near_to_what_is_predicted(exponent, looks):
    """Of one that is far off a further look may show that it is."""
    source = Noisy((411, power(exponent), 0.4), *[(407, power(-0.5), 0.03)] * 3)
    seen = in_looks(source, HALF, alike=dict.fromkeys("0123", "law"))
    assert len(source.seen) == looks
    alone = Noisy((411, power(-0.5), 0.4), *[(407, power(-0.5), 0.03)] * 3)
    in_looks(alone, HALF)
    assert len(alone.seen) > 2
    assert seen["1"].settled("prediction")


def test_of_further_runs_as_many_are_left_out_as_of_those_that_were_made():
    """A budget of which half of the runs have a number sees as much as half of the budget does."""
    source, half = Simulated((408, power(-0.5), 0.2)), Simulated()
    ((measured, _),) = source.measured((8,) * len(FAST)).pairs.values()
    sparse = replace(measured, left_out=measured.seeds)
    half.budget = 8
    whole = power_of(source, HALF, HALF.judge(measured)).resolution
    assert power_of(source, HALF, HALF.judge(sparse)).resolution > 1.1 * whole
    assert power_of(source, HALF, HALF.judge(sparse)) == power_of(half, HALF, HALF.judge(measured))
