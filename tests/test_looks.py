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
    """Of some readings most runs have no number, as of experts that few rows reach."""

    def __init__(self, *readings, had):
        super().__init__(*readings)
        self.had = had

    def measured(self, counts):
        sample = super().measured(counts)
        for name, share in self.had.items():
            found = sample.pairs[name][0]
            kept = [row[: max(1, round(share * len(row)))] for row in found.values]
            if not share:
                kept = [[], *found.values[1:]]
            if min(map(len, kept)) < 4:
                cells = [[*row, *[math.nan] * (made - len(row))] for row, made in zip(kept, counts, strict=True)]
                sample.pairs[name] = Measurement.of(found.axis_values, cells), None
                continue
            left_out = tuple(made - len(row) for row, made in zip(kept, counts, strict=True))
            sample.pairs[name] = replace(Measurement.of(found.axis_values, kept), left_out=left_out), None
        return replace(sample, conditional=True)


CALM, NOISY = (407, power(-0.5), 0.03), (411, power(-0.5), 0.4)


@pytest.mark.parametrize(
    ("readings", "had", "laws", "left"),
    [
        ([CALM] * 4, {"0": 0.34}, "aaaa", True),  # three of four are settled
        ([CALM] * 4, {"0": 0.34, "1": 0.34}, "aaaa", False),
        ([CALM] * 10, {"0": 0.34, "1": 0.34}, "aabbbbbbbb", False),  # of each law most have to be
        ([NOISY, *[CALM] * 3], {"0": 0.5}, "aaaa", True),  # half of the runs have it
        ([NOISY, *[CALM] * 3], {"0": 0.7}, "aaaa", False),
        ([NOISY, (412, power(-0.5), 0.4), *[CALM] * 6], {"0": 0.5}, "aaaaaaaa", False),  # another waits that all have
        ([NOISY, *[CALM] * 7], {"0": 0.5} | dict.fromkeys("123456", 0.0), "aaaaaaaa", False),  # hopeless is not settled
    ],
)
def test_what_few_runs_have_takes_no_look_that_others_of_its_law_do_not_want(readings, had, laws, left):
    names = [str(place) for place in range(len(laws))]
    source, alone = Routed(*readings, had=had), Routed(*readings, had=had)
    in_looks(source, HALF, alike=dict(zip(names, laws, strict=True)))
    in_looks(alone, HALF)
    assert source.seen == alone.seen[: len(source.seen)]
    assert (len(source.seen) < len(alone.seen)) == left


def test_which_readings_are_left_to_others_is_no_matter_of_their_numbers():
    """One that is off by as much as another exponent is left like one that is not."""
    for exponent in (-0.5, -0.7, 0.0):
        source = Routed((411, power(exponent), 0.4), *[CALM] * 3, had={"0": 0.5})
        in_looks(source, HALF, alike=dict.fromkeys("0123", "a"))
        assert len(source.seen) == 2


def test_of_further_runs_as_many_are_left_out_as_of_those_that_were_made():
    """A budget of which half of the runs have a number sees as much as half of the budget does."""
    source, half = Simulated((408, power(-0.5), 0.2)), Simulated()
    ((measured, _),) = source.measured((8,) * len(FAST)).pairs.values()
    sparse = replace(measured, left_out=measured.seeds)
    half.budget = 8
    whole = power_of(source, HALF, HALF.judge(measured)).resolution
    assert power_of(source, HALF, HALF.judge(sparse)).resolution > 1.1 * whole
    assert power_of(source, HALF, HALF.judge(sparse)) == power_of(half, HALF, HALF.judge(measured))
