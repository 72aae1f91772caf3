"""Where a plan is made nothing is measured: checks say what they need, and what needs numbers ends there."""

import itertools
from dataclasses import dataclass, field

import pytest
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from tests.models import zoo
from theorychecks.claims import Recorder, recording
from theorychecks.experiment.subjects import trainer_of
from theorychecks.judging import Conditions, Unmeasured
from theorychecks.planning import NotMeasured, planning

WIDTHS = tc.widths(32, 512)
HALF = tc.PowerLaw(-0.5, within=0.2, rival=0)
MEASURED = []


@tc.quantity(along="width", name="measured {power}")
def measured(width, draw, *, power=-1):
    MEASURED.append((power, width, tuple(draw.seeds)))
    return [(1 + 0.05 * draw.rng(seed).standard_normal()) * float(width) ** power for seed in draw.seeds]


@dataclass
class Told:
    """A planner that keeps what it is told."""

    looks: int = 1
    asked: list = field(default_factory=list)
    most: list = field(default_factory=list)
    unknown: list = field(default_factory=list)

    def needs(self, designs, most, resources):
        self.asked += [(each.title, each.axis_values, each.counts, each.drawn_from) for each in designs]
        self.most.append((most.title, most.axis_values, most.counts))

    def leaves_open(self, why):
        self.unknown.append(why)


@pytest.fixture(autouse=True)
def nothing_is_measured():
    yield
    MEASURED.clear()


def plan(body, *, looks=1, **conditions):
    """What is told where a claim with this body runs, and how it ends."""
    told = Told(looks)
    ended = True
    with recording(Recorder(conditions=Conditions(**conditions))), planning(told):
        try:
            body()
        except NotMeasured:
            ended = False
    assert MEASURED == []
    return told, ended


def test_a_check_says_what_its_first_look_measures():
    scan = measured().over(WIDTHS)
    told, ended = plan(lambda: tc.check(scan, HALF))
    assert ended
    assert told.most == [("measured -1", WIDTHS, (16,) * 5)]
    with recording(Recorder()):
        tc.check_refuted(scan, HALF)
    ((title, widths, counts, root),) = told.asked
    assert (title, root) == ("measured -1", 0)
    # It is refuted at its first look.
    assert [(width, len(seeds)) for _, width, seeds in MEASURED] == list(zip(widths, counts, strict=True))


def test_what_a_check_is_held_against_is_measured_too():
    one, other = measured(power=-1).over(WIDTHS), measured(power=-2).over(WIDTHS)
    told, _ = plan(lambda: tc.check(one, tc.PowerLaw(1), against=other))
    assert [title for title, *_ in told.asked] == ["measured -1", "measured -2"]
    told, _ = plan(lambda: tc.check(one, tc.PowerLaw(-1), against=2.0))
    assert [title for title, *_ in told.asked] == ["measured -1"]


def test_seeds_are_planned_as_they_are():
    told, _ = plan(lambda: tc.check(measured().over(WIDTHS, seeds=(9, 8, 7, 6, 5)), HALF), looks=3)
    assert [counts for _, _, counts, _ in told.asked] == [(9, 8, 7, 6, 5)]
    assert told.most == [("measured -1", WIDTHS, (9, 8, 7, 6, 5))]


def test_further_looks_add_to_the_first():
    scan = measured().over(WIDTHS, budget=64)
    looks = [counts for _, _, counts, _ in plan(lambda: tc.check(scan, HALF), looks=9)[0].asked]
    assert (
        plan(lambda: tc.check(scan, HALF), looks=2)[0].asked == plan(lambda: tc.check(scan, HALF), looks=9)[0].asked[:2]
    )
    assert len(looks) == 3
    for before, after in itertools.pairwise(looks):
        assert len(before) <= len(after)
        assert all(a <= b for a, b in zip(before, after, strict=False))
        assert sum(before) < sum(after)


def test_a_run_s_conditions_hold():
    sweep = tc.Sweep(tc.WeightChange("output"), zoo_training(), widths=WIDTHS)
    (_, _, _, root), *_ = plan(lambda: tc.check(sweep, tc.UpperBound(0)), seed=3)[0].asked
    assert root == 6 * 2**32
    assert plan(lambda: tc.check(sweep, tc.UpperBound(0)), octaves=1)[0].most[0][1][-1] == 2 * WIDTHS[-1]


def zoo_training():
    return tc.Training(
        tc.MLP(1, tc.RELU, tc.NTK), learning_rate=tc.scaled(0.3), data=tc.Teacher(samples=4), loss=tc.MSE, steps=2
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda found: found[0].exponent,
        lambda found: [each.passed for each in found],
        len,
        bool,
        lambda found: [*found],
        lambda found: max(found, key=str),
    ],
)
def test_who_looks_into_what_was_found_ends_there(use):
    def body():
        use(tc.check(measured().over(WIDTHS), HALF))
        raise AssertionError("it went on")

    told, ended = plan(body)
    assert not ended
    assert told.unknown == ["its test goes on by what check() has found"]
    assert len(told.asked) == 1


def test_who_prints_what_was_found_goes_on(capsys):
    def body():
        found = tc.check(measured().over(WIDTHS), HALF)
        print(found)
        assert isinstance(found, Unmeasured)
        tc.check_refuted(measured(power=0).over(WIDTHS), HALF)

    told, ended = plan(body)
    assert ended
    assert [title for title, *_ in told.asked] == ["measured -1", "measured 0"]
    assert capsys.readouterr().out == "not measured: this is a plan\n"


def test_except_exception_does_not_go_on():
    def body():
        try:
            tc.check(measured().over(WIDTHS), HALF)[0]
        except Exception as error:
            raise AssertionError("it went on") from error

    assert not plan(body)[1]


def test_numbers_made_elsewhere_are_judged():
    def body():
        (found,) = tc.check(tc.Measurement.of(WIDTHS, [[1 / w, 1.01 / w, 0.99 / w] for w in WIDTHS]), tc.PowerLaw(-1))
        assert found.passed

    told, ended = plan(body)
    assert ended
    assert told.asked == []


def test_what_can_never_be_decided_is_an_error_as_in_a_run():
    with pytest.raises(ValueError, match="an interval over seeds needs at least 3"):
        plan(lambda: tc.check(measured().over(WIDTHS, budget=1), HALF))
    with pytest.raises(ValueError, match="a range chosen after seeing the data"):
        plan(lambda: (tc.check(measured().over(WIDTHS), HALF), tc.check(measured().over(WIDTHS[:-1]), HALF)))


def test_settings_are_planned_each_though_some_end_early():
    seen = []

    @tc.claim(id="DRAWN", source="made up")
    @given(power=st.sampled_from((-3, -2)))
    @example(power=-1)
    def claim(power):
        """It falls."""
        seen.append(power)
        assert tc.check(measured(power=power).over(WIDTHS), HALF)

    told, ended = plan(claim)
    assert ended
    assert seen[0] == -1
    assert {title for title, *_ in told.asked} == {"measured -1", "measured -2", "measured -3"}


def test_measuring_by_hand_is_planned_and_ends_the_test():
    told, ended = plan(lambda: tc.measure(measured().over(WIDTHS, seeds=4)))
    assert not ended
    assert told.asked == [("measured -1", WIDTHS, (4,) * 5, 0)]
    assert told.unknown == ["its test goes on by what measure() gives"]


@pytest.fixture
def untrained():
    """A model that breaks where it is built."""

    def build(width):
        raise AssertionError("it was built")

    return tc.Model(build, zoo.adam, zoo.pairs(), loss=F.mse_loss)


def test_a_gate_plans_its_coordinates_and_builds_nothing(untrained):
    told, ended = plan(lambda: tc.coordinate_check(untrained, tc.MAXIMAL_UPDATE, widths=WIDTHS))
    assert not ended
    # Some pilots at the two narrowest widths come first, as in a run.
    assert [widths for _, widths, _, _ in told.asked] == [WIDTHS[:2], WIDTHS]
    assert told.most[-1][2] == (64,) * 5
    assert told.unknown == ["a coordinate check judges what its first trainings show"]


def test_mutations_are_not_told_and_nothing_is_built(untrained):
    told, ended = plan(lambda: tc.mutations(untrained, tc.MAXIMAL_UPDATE, widths=WIDTHS))
    assert not ended
    assert told.asked == []
    assert told.unknown == ["a model says what it has to be asked once it is trained"]
    assert not plan(lambda: trainer_of(untrained, WIDTHS))[1]


def test_a_sweep_of_a_model_is_planned_and_builds_nothing(untrained):
    sweep = tc.Sweep(tc.Alignment("effective"), untrained, widths=WIDTHS)
    told, ended = plan(lambda: tc.check(sweep.of(role="hidden"), tc.PowerLaw(1, within=0.2, rival=0.5)))
    assert ended
    assert len(told.asked) == 1


def test_after_a_plan_all_is_measured():
    plan(lambda: tc.check(measured().over(WIDTHS), HALF))
    assert tc.measure(measured().over(WIDTHS, seeds=4)).measurements
    assert len(MEASURED) == 5
