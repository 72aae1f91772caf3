"""A claim states itself, names its source and says where it stops holding; its findings decide what becomes of it."""

import math
import time

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import theorychecks as tc
from theorychecks.claims import Claim, Recorder, check, check_refuted, claim_of, recording
from theorychecks.experiment import execution, subjects
from theorychecks.judging import Conditions

WIDTHS = tc.widths(64, 4096)
INVERSE = tc.PowerLaw(-1, within=0.15, rival=-0.5)


def sizes(exponent, noise=0.05, *, name="the size", seed=0):
    """A power of the width with noise of known size."""
    rng = np.random.default_rng(seed)
    cells = [n**exponent * np.exp(noise * rng.standard_normal(8)) for n in WIDTHS]
    return tc.Measurement.of(WIDTHS, cells, name=name)


def make(test, *, id="C-1", source="made up"):
    return tc.claim(id=id, source=source)(test)


def control_elsewhere():
    check_refuted(sizes(0), INVERSE)


# Definition


def test_claim_keeps_its_statement_source_and_id():
    @tc.claim(id="C-1", source="Lee et al. 2019, eq. 3")
    def test_it():
        """The size falls
        like one over the width.
        """
        check_refuted(sizes(0), INVERSE)

    expected = Claim(id="C-1", statement="The size falls\nlike one over the width.", source="Lee et al. 2019, eq. 3")
    assert claim_of(test_it) == expected


@pytest.mark.parametrize("thing", [control_elsewhere, None, 3, "test"])
def test_what_is_not_marked_claims_nothing(thing):
    assert claim_of(thing) is None


@pytest.mark.parametrize("id", ["", "  ", None, 3])
def test_claim_needs_an_id(id):
    def test_it():
        """The size falls."""
        check_refuted(sizes(0), INVERSE)

    with pytest.raises(tc.ClaimError, match="test_it: a claim needs an id; got "):
        make(test_it, id=id)


@pytest.mark.parametrize("source", ["", "\n", None])
def test_claim_needs_a_source(source):
    def test_it():
        """The size falls."""
        check_refuted(sizes(0), INVERSE)

    with pytest.raises(tc.ClaimError, match="test_it: a claim needs a source; got "):
        make(test_it, source=source)


@pytest.mark.parametrize("statement", [None, "", "   \n  "])
def test_claim_needs_a_statement(statement):
    def test_it():
        check_refuted(sizes(0), INVERSE)

    test_it.__doc__ = statement
    with pytest.raises(tc.ClaimError, match="test_it: a claim states itself in its docstring"):
        make(test_it)


@pytest.mark.parametrize("mark", [tc.claim, tc.gate])
def test_evidence_is_a_flag(mark):
    def test_it():
        """The size falls."""

    assert not tc.claims.claim_of(mark(id="id", source="made up")(test_it)).evidence
    assert tc.claims.claim_of(mark(id="id", source="made up", evidence=True)(test_it)).evidence
    with pytest.raises(tc.ClaimError, match=r"test_it: evidence is True or False; got 'yes'\. Write evidence=True"):
        mark(id="id", source="made up", evidence="yes")(test_it)


# Checks outside of a recorded claim


def test_supported_prediction_passes():
    (finding,) = check(sizes(-1), INVERSE)
    assert finding.verdict is tc.Verdict.SUPPORTED
    assert finding.role == "prediction"
    assert finding.passed


@pytest.mark.parametrize("exponent", [-1.5, -0.5, 0.0])
def test_refuted_prediction_fails(exponent):
    with pytest.raises(tc.ClaimFailure, match="the size is refuted, a prediction must be supported: the interval"):
        check(sizes(exponent), INVERSE)


def test_inconclusive_prediction_fails():
    with pytest.raises(
        tc.ClaimUndecided, match=r"the size is inconclusive, a prediction must be supported: .*-limited: "
    ):
        check(sizes(-1, noise=1.0), INVERSE)


def test_refuted_control_passes():
    (finding,) = check_refuted(sizes(0), INVERSE)
    assert finding.verdict is tc.Verdict.REFUTED
    assert finding.role == "control"
    assert finding.passed


def test_supported_control_fails():
    with pytest.raises(tc.ClaimFailure, match="the size is supported, a control must be refuted: the interval"):
        check_refuted(sizes(-1), INVERSE)


def test_inconclusive_control_fails():
    with pytest.raises(tc.ClaimUndecided, match=r"the size is inconclusive, a control must be refuted: .*-limited: "):
        check_refuted(sizes(-1, noise=1.0), INVERSE)


def test_given_claim_called_by_hand_may_take_its_time():
    # By default Hypothesis allows 200 ms for a setting, and a training takes longer.
    calls = []

    @tc.claim(id="C-1", source="made up")
    @given(number=st.integers(0, 3))
    @example(number=5)
    def test_slow(number):
        """Whatever the number, this takes a while."""
        calls.append(number)
        time.sleep(0.25)
        control_elsewhere()

    test_slow()
    assert 5 in calls
    assert len(calls) > 1


def test_settings_of_ones_own_hold_for_a_claim_that_is_called_by_hand():
    calls = []

    @tc.claim(id="C-1", source="made up")
    @settings(max_examples=3, database=None)
    @given(number=st.integers())
    def test_few(number):
        """Whatever the number."""
        calls.append(number)
        control_elsewhere()

    test_few()
    assert len(calls) == 3


def test_claim_called_by_hand_is_an_assertion():
    @tc.claim(id="C-1", source="made up")
    def test_it(exponent):
        """The size falls."""
        check(sizes(exponent), INVERSE)
        check_refuted(sizes(0), INVERSE)

    test_it(-1)
    with pytest.raises(AssertionError, match="is refuted"):
        test_it(-0.5)


# Checks inside of a recorded claim


def test_recorded_checks_do_not_hide_each_other():
    with recording(Recorder()) as recorder:
        check(sizes(-0.5), INVERSE)
        check(sizes(-1), INVERSE)
        check_refuted(sizes(-1), INVERSE)
    assert [finding.role for finding in recorder.findings] == ["prediction", "prediction", "control"]
    assert [finding.passed for finding in recorder.findings] == [False, True, False]


def test_recording_ends_with_its_block():
    with pytest.raises(RuntimeError, match="out of luck"), recording(Recorder()):
        raise RuntimeError("out of luck")
    with pytest.raises(tc.ClaimFailure):
        check(sizes(-0.5), INVERSE)


def test_recordings_may_be_nested():
    with recording(Recorder()) as outer:
        check(sizes(-1), INVERSE)
        with recording(Recorder()) as inner:
            check(sizes(-0.5), INVERSE)
        check_refuted(sizes(0), INVERSE)
    assert [finding.verdict.value for finding in outer.findings] == ["supported", "refuted"]
    assert [finding.verdict.value for finding in inner.findings] == ["refuted"]


@pytest.mark.parametrize(
    ("predictions", "controls", "outcome"),
    [
        (["supported"], ["refuted"], "pass"),
        (["supported", "supported"], ["refuted", "refuted"], "pass"),
        (["refuted"], ["refuted"], "fail"),
        (["supported"], ["supported"], "fail"),
        (["supported", "refuted"], ["refuted"], "fail"),
        (["inconclusive"], ["refuted"], "inconclusive"),
        (["supported"], ["inconclusive"], "inconclusive"),
        (["supported", "inconclusive"], ["refuted"], "inconclusive"),
        (["inconclusive"], ["supported"], "fail"),
        (["inconclusive", "refuted"], ["refuted"], "fail"),
    ],
)
def test_outcome_is_that_of_the_worst_finding(predictions, controls, outcome):
    measured = {"supported": sizes(-1), "refuted": sizes(-0.5), "inconclusive": sizes(-1, noise=1.0)}
    with recording(Recorder()) as recorder:
        for verdict in predictions:
            check(measured[verdict], INVERSE)
        for verdict in controls:
            check_refuted(measured[verdict], INVERSE)
    assert recorder.outcome == outcome
    assert recorder.missing() is None


def test_claim_without_a_judged_prediction_lacks_one():
    with recording(Recorder()) as recorder:
        check_refuted(sizes(0), INVERSE)
    assert recorder.missing().startswith("no prediction was judged")
    assert "add the canonical one" in Recorder().missing()


def test_claim_without_a_judged_control_lacks_one():
    with recording(Recorder()) as recorder:
        check(sizes(-1), INVERSE)
    assert recorder.missing() == (
        "no control was judged: add check_refuted(...) of a set-up in which the prediction is false"
    )


# What is checked


def test_ratio_is_judged_seed_by_seed():
    # Both sides share noise far above the margin; it cancels in their ratio.
    noisy, noise = sizes(-1, noise=1.0, name="numerator"), sizes(0, noise=1.0, name="denominator")
    with recording(Recorder()) as recorder:
        check(noisy, INVERSE)
        check(noisy, INVERSE, against=noise)
    alone, ratio = recorder.findings
    assert alone.verdict is tc.Verdict.INCONCLUSIVE
    assert ratio.verdict is tc.Verdict.SUPPORTED
    assert math.isclose(ratio.judgement.fit.exponent, -1, abs_tol=1e-9)
    assert ratio.measurement.name == "numerator / denominator"


def test_ratio_against_other_seeds_shows_the_noise_of_both():
    noisy, other = sizes(-1, noise=1.0), sizes(0, noise=1.0, seed=1)
    with recording(Recorder()) as recorder:
        check(noisy, INVERSE, against=other)
    assert recorder.outcome == "inconclusive"


def test_order_of_two_measurements_is_checked_and_its_reverse_refuted():
    rng = np.random.default_rng(0)
    small = tc.Measurement.of(WIDTHS, [np.exp(0.05 * rng.standard_normal(12)) / n for n in WIDTHS])
    large = tc.Measurement.of(WIDTHS, [4 * np.exp(0.05 * rng.standard_normal(12)) / n for n in WIDTHS])
    (finding,) = check(large, tc.Ordering("above"), against=small)
    assert finding.verdict is tc.Verdict.SUPPORTED
    (finding,) = check_refuted(large, tc.Ordering("below"), against=small)
    assert finding.verdict is tc.Verdict.REFUTED


def test_sides_of_a_ratio_need_the_same_widths_and_seeds():
    wider = tc.Measurement.of(tc.widths(64, 8192), [[1.0, 2.0, 3.0]] * 8)
    with pytest.raises(ValueError, match="the same axis values and seeds"):
        check(sizes(-1), INVERSE, against=wider)


@pytest.mark.parametrize("mark", [tc.claim, tc.gate])
def test_a_mark_without_parentheses_says_how_it_is_written(mark):
    def test_it():
        """The size falls."""
        check_refuted(sizes(0), INVERSE)

    name = mark.__name__
    said = (
        rf"test_it: a {name} is named; got @tc\.{name} without its arguments\. Write @tc\.{name}\(id='\.\.\.', source"
    )
    with pytest.raises(tc.ClaimError, match=said):
        mark(test_it)
    with pytest.raises(tc.ClaimError, match=f"test_it: a {name} needs an id; got ''. Write @{name}"):
        mark(source="derived here")(test_it)


@pytest.mark.parametrize("judge", [check, check_refuted])
def test_a_class_of_predictions_is_told_to_be_called(judge):
    with pytest.raises(TypeError, match=r"got the class PowerLaw\. Call it: tc\.PowerLaw\(\.\.\.\)"):
        judge(sizes(-1), tc.PowerLaw)
    with pytest.raises(TypeError, match=r"got the class SameLaw\. Call it: tc\.SameLaw\(\.\.\.\)"):
        judge(sizes(-1), tc.SameLaw)
    with pytest.raises(TypeError, match="a label is a text, like 'weight change'; got 3"):
        judge(sizes(-1), INVERSE, label=3)


@pytest.mark.parametrize("source", [None, [1.0, 2.0], np.ones((5, 8)), "width"])
def test_only_designs_and_measurements_are_checked(source):
    with pytest.raises(TypeError, match=r"a Sweep, a quantity \.over\(\.\.\.\) its axis, or a M.* is checked; got "):
        check(source, INVERSE)
    with pytest.raises(
        TypeError, match=r"a measurement is compared with another measurement, a .* the width; got against="
    ):
        check_refuted(sizes(-1), INVERSE, against=source if source is not None else True)


@pytest.mark.parametrize("prediction", [-1, None, "n^-1", sizes])
def test_only_predictions_are_held_against(prediction):
    with pytest.raises(TypeError, match="a prediction is a PowerLaw, Plateau, "):
        check(sizes(-1), prediction)
    with pytest.raises(TypeError, match="a prediction is a PowerLaw, Plateau, "):
        check_refuted(sizes(-1), prediction)


def test_finding_is_labelled_by_what_was_measured_or_by_the_caller():
    (unnamed,) = check(sizes(-1), INVERSE)
    (named,) = check(sizes(-1), INVERSE, label="the weights")
    assert (unnamed.label, named.label) == ("the size", "the weights")
    assert unnamed.engine == "given"


# Sweeps


@pytest.fixture
def moved():
    lazy = tc.Training(
        tc.MLP(1, tc.TANH, tc.STANDARD),
        data=tc.GaussianMixture(samples=4, seed=0),
        learning_rate=tc.scaled(0.3, width=-1),
        loss=tc.MSE,
        steps=1,
    )
    return tc.Sweep(tc.WeightChange(norm="frobenius"), lazy, widths=tc.widths(32, 512), seeds=3)


def test_every_reading_of_a_sweep_is_judged(moved):
    with recording(Recorder()) as recorder:
        check(moved, tc.PowerLaw(-1))
    readings = execution.measure(moved).measurements
    assert len(recorder.findings) == len(readings) >= 2
    for finding, parts in zip(recorder.findings, readings, strict=True):
        assert finding.label.endswith(str(parts))
        assert finding.engine == "dense"
        assert finding.effort.seconds > 0
        assert finding.setting == {
            "parametrization": "standard",
            "loss": tc.MSE.name,
            "optimizer": "sgd",
            "data": "GaussianMixture 0",
        }


def test_sweep_and_the_measurement_of_it_are_judged_alike(moved):
    with recording(Recorder()) as recorder:
        check(moved, tc.PowerLaw(-1))
        for measurement in execution.measure(moved).measurements.values():
            check(measurement, tc.PowerLaw(-1))
    half = len(recorder.findings) // 2
    for swept, measured in zip(recorder.findings[:half], recorder.findings[half:], strict=True):
        assert swept.judgement.fit == measured.judgement.fit
        assert swept.verdict is measured.verdict


def test_sweep_is_compared_reading_by_reading(moved):
    with recording(Recorder()) as recorder:
        check(moved, tc.Plateau(within=0.2, rival=0.5), against=moved)
    for finding in recorder.findings:
        assert finding.verdict is tc.Verdict.SUPPORTED
        assert set(np.ravel(finding.measurement.values)) == {1.0}


def test_reading_without_a_partner_has_nothing_to_be_compared_with(moved):
    with recording(Recorder()), pytest.raises(ValueError, match=r"nothing to compare .* with; there are "):
        check(moved, tc.Plateau(within=0.2, rival=0.5), against=moved.of(role="output"))


def test_recorder_adds_octaves_to_sweeps_and_leaves_measurements(moved):
    with recording(Recorder(conditions=Conditions(octaves=1))) as recorder:
        check(moved, tc.PowerLaw(-1))
        check(sizes(-1), INVERSE)
    *swept, measured = recorder.findings
    assert {finding.measurement.axis_values[-1] for finding in swept} == {1024.0}
    assert measured.measurement.axis_values[-1] == WIDTHS[-1]


# Settings


def settings_noted(test):
    """What the findings of a claim say they were given."""
    with recording(Recorder(), {"parameter": "here"}) as recorder:
        test()
    return [dict(finding.setting) for finding in recorder.findings]


def test_arguments_from_hypothesis_are_noted_by_name_or_repr():
    @tc.claim(id="C-1", source="made up")
    @settings(max_examples=1, database=None, derandomize=True, deadline=None)
    @given(depth=st.just(3), activation=st.just(tc.TANH), word=st.just("a word"))
    def test_it(depth, activation, word):
        """The size falls."""
        check(sizes(-1), INVERSE)
        check_refuted(sizes(0), INVERSE)

    noted = {"parameter": "here", "depth": "3", "activation": "tanh", "word": "'a word'"}
    assert settings_noted(test_it) == [noted, noted]


def test_each_example_notes_its_own():
    @tc.claim(id="C-1", source="made up")
    @settings(max_examples=1, database=None, derandomize=True, deadline=None)
    @given(depth=st.just(2))
    @example(depth=3)
    def test_it(depth):
        """The size falls."""
        check_refuted(sizes(0), INVERSE)

    assert settings_noted(test_it) == [{"parameter": "here", "depth": "3"}, {"parameter": "here", "depth": "2"}]


def test_setting_that_is_assumed_away_leaves_no_finding():
    @tc.claim(id="C-1", source="made up")
    @settings(max_examples=4, database=None, derandomize=True, deadline=None)
    @given(depth=st.integers(0, 9))
    def test_it(depth):
        """The size falls."""
        check(sizes(-1 if depth % 2 else -0.5), INVERSE)
        check_refuted(sizes(0), INVERSE)
        assume(depth % 2)

    with recording(Recorder()) as recorder:
        test_it()
    assert {int(finding.setting["depth"]) % 2 for finding in recorder.findings} == {1}
    assert recorder.outcome == "pass"


def test_plain_claim_notes_only_its_parameters():
    @tc.claim(id="C-1", source="made up")
    def test_it():
        """The size falls."""
        check_refuted(sizes(0), INVERSE)

    assert settings_noted(test_it) == [{"parameter": "here"}]


def test_nothing_is_noted_once_a_claim_has_ended():
    @tc.claim(id="C-1", source="made up")
    @settings(max_examples=1, database=None, derandomize=True, deadline=None)
    @given(depth=st.just(3))
    def test_it(depth):
        """The size falls."""
        check_refuted(sizes(0), INVERSE)

    test_it()
    (finding,) = check(sizes(-1), INVERSE)
    assert finding.setting == {}


@pytest.mark.parametrize(
    ("widths", "prediction", "message"),
    [
        ((64, 128, 256, 512), tc.PowerLaw(-1), "at least 5 widths"),
        ((8, 16, 32, 64, 128), tc.PowerLaw(-1), "is no small correction at 8"),
        ((64, 128, 256, 512, 1024), tc.Ordering(), "needs 8 seeds"),
    ],
)
def test_a_design_that_could_never_be_judged_is_not_trained(monkeypatch, moved, widths, prediction, message):
    monkeypatch.setattr(subjects, "DeferredRun", lambda *_: pytest.fail("it was trained"))
    hopeless = tc.Sweep(moved.observable, moved.training, widths=widths, seeds=4)
    with pytest.raises(ValueError, match=message):
        check(hopeless, prediction)
