"""A sweep's budget is spent in looks, verdicts that fail a claim are drawn again, and hopeless designs are refused."""

import re
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

import theorychecks as tc
from theorychecks.claims import Recorder, check, check_refuted, recording
from theorychecks.judging import Conditions
from theorychecks.progress import listener
from theorychecks.statistics import Layout
from theorychecks.statistics.statuses import Status

WIDTHS = tc.widths(64, 65536, factor=4)
TRAINING = tc.Training(
    tc.MLP(2, tc.RELU, tc.STANDARD), learning_rate=tc.scaled(0.1, width=-1), data=tc.Teacher(), loss=tc.MSE, steps=0
)
GATED = Conditions(confirms=True)
FRESH = 2**32
"""Root seeds from here on are those of a confirmation."""


def made_up(exponent, *, noise=0.1, asked=None, lost=()):
    """A sweep of numbers that no network has made: width^exponent, where the exponent may depend on the root seed.

    Runs that are `lost`, as pairs of width and seed, diverge.
    """

    @tc.observable
    def made_up_size(run):
        if asked is not None:
            asked.append((run.width, run.root_seed, tuple(run.seeds)))
        power = exponent(run.root_seed) if callable(exponent) else exponent
        logs = [
            power * np.log(run.width)
            + noise * np.random.default_rng([run.root_seed % 2**31, run.root_seed >> 31, run.width, seed]).normal()
            for seed in run.seeds
        ]
        for place, seed in enumerate(run.seeds):
            if (run.width, seed) in lost:
                logs[place] = np.inf
        return torch.tensor(np.exp(logs))

    return tc.Sweep(made_up_size, TRAINING, widths=WIDTHS)


def judged(sweep, prediction, *, conditions=GATED, role=check):
    with recording(Recorder(conditions=conditions)) as recorder:
        (finding,) = role(sweep, prediction)
    return finding, recorder.outcome


def test_a_true_claim_takes_a_part_of_its_budget():
    finding, outcome = judged(made_up(-1), tc.PowerLaw(-1))
    assert outcome == "pass"
    assert finding.looks.taken < finding.looks.planned
    assert finding.judgement.confidence > 0.95
    whole = 16 * sum(WIDTHS)
    assert np.dot(finding.measurement.seeds, WIDTHS[: len(finding.measurement.seeds)]) < whole / 3
    assert finding.confirmation is None


def test_seeds_that_are_given_are_all_taken_in_one_look():
    finding, _ = judged(made_up(-1).with_seeds(8), tc.PowerLaw(-1))
    assert finding.measurement.seeds == (8,) * 6
    assert finding.looks is None
    assert finding.judgement.confidence == 0.95


def test_looks_extend_runs_and_repeat_none():
    asked = []
    judged(made_up(-1, noise=0.5, asked=asked), tc.PowerLaw(-1))
    runs = [(width, seed) for width, _, seeds in asked for seed in seeds]
    assert len(runs) == len(set(runs))
    assert len(runs) > 100


def test_a_false_claim_fails_once_fresh_seeds_refute_it_too():
    asked = []
    finding, outcome = judged(made_up(-0.5, asked=asked), tc.PowerLaw(-1))
    assert outcome == "fail"
    assert finding.p_value < 0.005
    assert finding.confirmation.verdict is tc.Verdict.REFUTED
    assert finding.confirmation.p_value < 0.005
    assert "; on fresh seeds refuted: the interval [" in finding.reason
    assert {root for _, root, _ in asked} == {0, FRESH}


def test_a_refutation_that_fresh_seeds_do_not_repeat_is_undecided():
    finding, outcome = judged(made_up(lambda root: -0.5 if root < FRESH else -1.0), tc.PowerLaw(-1))
    assert finding.verdict is tc.Verdict.REFUTED
    assert finding.confirmation.verdict is tc.Verdict.SUPPORTED
    assert outcome == "inconclusive"
    assert "fresh seeds do not confirm it: supported: the interval [" in finding.reason


def test_a_supported_control_fails_only_if_fresh_seeds_support_it_too():
    _, outcome = judged(made_up(-1), tc.PowerLaw(-1), role=check_refuted)
    assert outcome == "fail"
    _, outcome = judged(made_up(lambda root: -1.0 if root < FRESH else -0.5), tc.PowerLaw(-1), role=check_refuted)
    assert outcome == "inconclusive"


def test_a_refutation_that_is_not_clear_is_undecided_and_draws_no_fresh_seeds():
    # One look, its interval just beyond the margin: p lies between .005 and .025.
    for seed in range(40):
        sweep = tc.Sweep(made_up(-1.115).observable, TRAINING, widths=WIDTHS, seeds=8, root_seed=seed)
        finding, outcome = judged(sweep, tc.PowerLaw(-1))
        if finding.verdict is tc.Verdict.REFUTED and finding.p_value >= 0.005:
            break
    else:
        pytest.fail("no seed gave a refutation that is not clear")
    assert outcome == "inconclusive"
    assert finding.confirmation is None
    assert "; not clear enough to fail a claim: p = 0.0" in finding.reason


def test_another_seed_draws_other_numbers_and_the_same_seed_the_same():
    def values(seed):
        return judged(made_up(-1), tc.PowerLaw(-1), conditions=Conditions(seed=seed))[0].measurement.values[0][:4]

    assert values(0) == values(0)
    assert len({values(seed) for seed in range(4)}) == 4


def test_a_run_that_diverges_by_chance_in_the_first_look_is_tolerated_in_a_later_one():
    finding, outcome = judged(made_up(-1, lost={(1024, 2)}), tc.PowerLaw(-1))
    assert outcome == "pass"
    assert finding.looks.taken == 2
    assert sum(finding.measurement.not_finite) == 1


def test_a_width_where_all_runs_diverge_leaves_a_claim_undecided():
    finding, outcome = judged(made_up(-1, lost={(1024, seed) for seed in range(400)}), tc.PowerLaw(-1))
    assert outcome == "inconclusive"
    assert finding.judgement.remedy.limited_by == "missing runs"
    # More of the same would not help.
    assert finding.looks.taken == 1 < finding.looks.planned
    assert "at width 1024; where all diverged, lower the learning rate or take fewer steps" in finding.reason


def test_a_crossing_and_an_optimum_have_budgets_too():
    @tc.observable
    def success(run):
        odds = 1 / (1 + (run.width / 1024.0) ** -2)
        rng = np.random.default_rng([run.width, run.seeds[0]])
        return torch.tensor((rng.random(len(run.seeds)) < odds).astype(float))

    crossing = tc.Sweep(success, TRAINING, widths=WIDTHS, budget=200)
    finding, outcome = judged(crossing, tc.Crossing(at=1024, within=4.0))
    assert outcome == "pass"
    assert finding.measurement.statuses[0].count(Status.ZERO) > 0
    valley = made_up(0, lost={(width, seed) for width in (WIDTHS[0], WIDTHS[-1]) for seed in range(400)})
    finding, outcome = judged(valley.with_budget(64), tc.InteriorOptimum())
    assert outcome == "pass"
    assert "both ends are worse than points between them" in finding.reason


def test_outside_of_a_run_nothing_is_confirmed():
    asked = []
    with pytest.raises(tc.ClaimFailure, match="made_up_size is refuted, a prediction must be supported"):
        check(made_up(-0.5, asked=asked), tc.PowerLaw(-1))
    assert {root for _, root, _ in asked} == {0}


def test_findings_say_what_their_budget_could_have_seen():
    calm, _ = judged(made_up(-1, noise=0.03), tc.PowerLaw(-1))
    noisy, _ = judged(made_up(-1, noise=1.0), tc.PowerLaw(-1))
    assert calm.power.support > 0.99
    assert noisy.power.support < 0.5
    assert 0.08 < calm.power.detectable < noisy.power.detectable


def test_a_margin_below_the_bias_of_the_range_is_refused_before_anything_is_trained():
    asked = []
    sweep = made_up(-1, asked=asked)
    expected = (
        r"64\.\.65536, cannot support a margin of 0\.004: .* by 1%, half the interval would be 0\.00\d with these"
    )
    with pytest.raises(ValueError, match=expected + r" .* bias; it needs values up to [\d,]+\. Widen the range"):
        check(sweep, tc.PowerLaw(-1, within=0.004))
    assert asked == []
    # A control may be refuted there all the same.
    judged(sweep, tc.PowerLaw(0, within=0.004), role=check_refuted)


def test_the_range_that_a_small_margin_asks_for_supports_it():
    prediction = tc.PowerLaw(-1, within=0.01)
    with pytest.raises(ValueError, match="it needs values up to") as refusal:
        prediction.admit(Layout(axis_values=[64 * 2**k for k in range(7)], seeds=[16] * 7))
    (needed,) = re.findall(r"values up to ([\d,]+)\.", str(refusal.value))
    octaves = int(np.log2(int(needed.replace(",", "")) / 64))
    prediction.admit(Layout(axis_values=[64 * 2**k for k in range(octaves + 1)], seeds=[16] * (octaves + 1)))
    assert prediction.power([64 * 2**k for k in range(octaves + 1)], [16] * (octaves + 1), 0.01).support > 0.9


def test_a_budget_below_the_smallest_design_is_refused_before_anything_is_trained():
    asked = []
    with pytest.raises(ValueError, match=r"a budget of 8 runs at each point .* give 10 or more"):
        check(made_up(0.1, asked=asked).with_budget(8), tc.Ordering("above"))
    assert asked == []


def test_a_second_range_for_one_prediction_is_refused():
    narrow = tc.Sweep(made_up(-1).observable, TRAINING, widths=WIDTHS[:5])
    wide = tc.Sweep(narrow.observable, TRAINING, widths=WIDTHS)
    with recording(Recorder()):
        check(wide, tc.PowerLaw(-1))
        with pytest.raises(ValueError, match=r"at widths 64\.\.65536, and now at 64\.\.16384: a range chosen after"):
            check(narrow, tc.PowerLaw(-1))
        other = tc.Sweep(narrow.observable, TRAINING, widths=WIDTHS[:5], root_seed=1)
        check(other, tc.PowerLaw(-1))


def test_two_sweeps_are_compared_look_by_look():
    large, small = made_up(-0.5), made_up(-1)
    with recording(Recorder()):
        (above,) = check(large, tc.Ordering("above"), against=small)
        (equal,) = check(small, tc.Ordering("above"), against=small.redrawn(1))
    assert above.verdict is tc.Verdict.SUPPORTED
    assert above.looks.taken == 1
    assert equal.verdict is tc.Verdict.INCONCLUSIVE
    assert equal.looks.taken == equal.looks.planned


def test_a_budget_has_no_partners_in_a_measurement():
    measured = next(iter(tc.measure(made_up(-1).with_seeds(8)).measurements.values()))
    with pytest.raises(
        ValueError, match="a sweep with a budget has no partners in a measurement; give the sweep seeds="
    ):
        check(made_up(-0.5), tc.Ordering("above"), against=measured)
    (finding,) = check(made_up(-0.5).with_seeds(8), tc.Plateau(rival=0.5), against=made_up(-0.5).with_seeds(8))
    assert finding.verdict is tc.Verdict.SUPPORTED


@pytest.mark.parametrize(
    "changed, words",
    [
        (lambda sweep: tc.Sweep(sweep.observable, TRAINING, widths=WIDTHS[:5]), "at the same widths, (64, 256,"),
        (lambda sweep: sweep.with_budget(32), "on one budget, or on seeds= in both; got budget=16, seeds=None against"),
        (lambda sweep: sweep.with_seeds(8), "on one budget, or on seeds= in both"),
        (lambda sweep: "a sweep", "a positive number or a function of the width; got against='a sweep'"),
    ],
    ids=["widths", "budget", "seeds", "type"],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_trained(changed, words):
    asked = []
    sweep = made_up(-0.5, asked=asked)
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        check(sweep, tc.Ordering("above"), against=changed(sweep))
    assert asked == []


def test_seeds_are_compared_in_pairs_and_ensembles_of_any_size():
    few, many = made_up(0.1).with_seeds(60), made_up(0.1).redrawn(1).with_seeds(80)
    with pytest.raises(ValueError, match=r"needs the same seeds on both sides; got \(60, .* against \(80, "):
        check(few, tc.Ordering("above"), against=many)
    (finding,) = check(few, tc.SameLaw(within=2), against=many)
    assert finding.verdict is tc.Verdict.SUPPORTED


def test_given_numbers_are_compared_with_given_numbers():
    seeds = made_up(-0.5).with_seeds(8)
    measured = tc.measure(seeds).measurements[tc.Parts()]
    (finding,) = check(seeds, tc.Plateau(), against=measured)
    assert finding.verdict is tc.Verdict.SUPPORTED
    assert not finding.repeatable
    with pytest.raises(TypeError, match=r"a measurement is compared with another measurement, .*; got against=Sweep"):
        check(measured, tc.Plateau(), against=seeds)


def test_given_numbers_that_are_not_clear_fail_nothing_and_say_so():
    for seed in range(40):
        sweep = tc.Sweep(made_up(-1.115).observable, TRAINING, widths=WIDTHS, seeds=8, root_seed=seed)
        finding, outcome = judged(tc.measure(sweep).measurements[tc.Parts()], tc.PowerLaw(-1))
        if finding.verdict is tc.Verdict.REFUTED and finding.p_value >= 0.005:
            break
    else:
        pytest.fail("no seed gave a refutation that is not clear")
    assert outcome == "inconclusive"
    assert "; not clear enough to fail a claim: p = 0.0" in finding.reason
    clear, outcome = judged(tc.measure(made_up(-0.5).with_seeds(8)).measurements[tc.Parts()], tc.PowerLaw(-1))
    assert (outcome, clear.confirmation, clear.repeatable) == ("fail", None, False)


def test_laws_are_compared_and_not_divided():
    calm, noisy = made_up(0.1, noise=0.1).with_seeds(60), made_up(0.1, noise=0.3).with_seeds(60)
    (finding,) = check_refuted(calm, tc.SameLaw(), against=noisy)
    assert finding.verdict is tc.Verdict.REFUTED
    with pytest.raises(ValueError, match="compares two ensembles: name the other one by against="):
        check(calm, tc.SameLaw())


@pytest.mark.parametrize(
    "exponent, prediction, verdict, looks",
    [
        (0, tc.Collapse(within=0.1), "SUPPORTED", 2),
        (0, tc.Collapse(within=0.001), "INCONCLUSIVE", 2),
        (0.1, tc.Collapse(within=0.1), "REFUTED", 1),
        (0, tc.InteriorOptimum(), "INCONCLUSIVE", 2),
        (0.1, tc.InteriorOptimum(), "REFUTED", 1),
        (0, tc.Ordering("above"), "INCONCLUSIVE", 2),
        (0.1, tc.Ordering("above"), "SUPPORTED", 1),
        (-0.1, tc.Ordering("above"), "REFUTED", 1),
    ],
)
def test_predictions_without_an_exponent_have_budgets_too(exponent, prediction, verdict, looks):
    finding, _ = judged(made_up(exponent, noise=0.05).with_budget(64), prediction)
    assert finding.verdict.name == verdict
    assert finding.measurement.axis_values == WIDTHS
    assert finding.looks.taken == looks
    assert verdict != "INCONCLUSIVE" or looks == finding.looks.planned


def two_made_up(falling, steady, *, noise):
    """A sweep of two readings that stand or fall together; the first has another exponent on fresh seeds.

    So may the second have another noise.
    """
    scales = noise if callable(noise) else lambda root: noise

    @tc.observable
    def made_up_sizes(run):
        draws = [np.random.default_rng([run.root_seed >> 31, run.width, seed]) for seed in run.seeds]
        return {
            name: torch.tensor([run.width**power * np.exp(scale * draw.normal()) for draw in draws])
            for name, power, scale in (
                ("falling", falling(run.root_seed), 0.03),
                ("steady", steady, scales(run.root_seed)),
            )
        }

    return tc.Sweep(made_up_sizes, TRAINING, widths=WIDTHS, joint=True)


@pytest.mark.parametrize("again, outcomes", [(-0.5, ["fail", "inconclusive"]), (-1, ["inconclusive", "pass"])])
def test_a_failure_ends_the_looks_of_all_and_a_false_alarm_does_not(again, outcomes):
    sweep = two_made_up(lambda root: again if root >= FRESH else -0.5, -1, noise=0.3)
    with recording(Recorder(conditions=GATED)):
        falling, steady = check(sweep, tc.PowerLaw(-1))
    assert [falling.outcome, steady.outcome] == outcomes
    assert (steady.looks.taken > 1) == (again == -1)
    assert falling.confirmation is not None


def test_a_confirmation_goes_on_until_all_that_is_doubted_is_settled():
    sweep = two_made_up(lambda root: -0.5, -0.7, noise=0.05)
    with recording(Recorder(conditions=GATED)):
        findings = check(sweep, tc.PowerLaw(-1))
    assert [finding.outcome for finding in findings] == ["fail", "fail"]


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_where_time_is_short_one_failure_that_is_confirmed_is_enough(seconds):
    # Fresh seeds are noisier, and the second reading takes them several looks.
    sweep = two_made_up(lambda root: -0.5, -0.7, noise=lambda root: 0.8 if root >= FRESH else 0.03)
    with recording(Recorder(conditions=replace(GATED, seconds=seconds))):
        falling, steady = check(sweep, tc.PowerLaw(-1))
    assert falling.outcome == "fail"
    assert steady.clear
    assert steady.outcome == ("fail" if seconds is None else "inconclusive")


def test_a_failure_that_there_is_no_time_to_confirm_stays_open():
    conditions = replace(GATED, no_time="for which there is no time: give more")
    outcomes = []
    for exponent in (-0.5, -1):
        with recording(Recorder(conditions=conditions)), telling() as (told, _):
            (finding,) = check(made_up(exponent), tc.PowerLaw(-1))
        assert told == []
        assert finding.confirmation is None
        outcomes.append(finding.outcome)
        if exponent == -0.5:
            assert finding.reason.startswith("refuted so far: the interval [")
            assert finding.reason.endswith("; fresh seeds have to confirm it, for which there is no time: give more")
    assert outcomes == ["inconclusive", "pass"]


@contextmanager
def telling():
    """What a listener is told of failures that are not confirmed yet, and of how much had been measured by then."""
    told, cells = [], []

    class Heard:
        def planned(self, cells, flops):
            pass

        def begun(self, title, axis, axis_value, look):
            cells.append(axis_value)

        def measured(self, cells, flops, planned):
            pass

        def doubted(self, what):
            told.append((what, len(cells)))

    token = listener.set(Heard())
    try:
        yield told, cells
    finally:
        listener.reset(token)


def test_a_failure_is_told_before_fresh_seeds_confirm_it():
    sweep = two_made_up(lambda root: -0.5, -1, noise=0.03)
    with recording(Recorder(conditions=GATED)), telling() as (told, cells):
        check(sweep, tc.PowerLaw(-1))
    ((what, by_then),) = told
    assert re.fullmatch(r"falling is n\^-0\.\d+, n\^-1 expected \(look 1 of \d; being confirmed\)", what)
    assert float(what.partition("n^")[2].partition(",")[0]) == pytest.approx(-0.5, abs=0.05)
    # The looks before it, and no fresh seeds.
    assert by_then <= len(cells) / 2


def test_the_clearest_failure_is_told():
    sweep = two_made_up(lambda root: -0.85, -0.5, noise=0.03)
    with recording(Recorder(conditions=GATED)), telling() as (told, _):
        check(sweep, tc.PowerLaw(-1))
    assert told[0][0].startswith("steady is n^-0.")


def test_a_failure_that_fresh_seeds_do_not_repeat_is_taken_back():
    sweep = two_made_up(lambda root: -1 if root >= FRESH else -0.5, -1, noise=0.3)
    with recording(Recorder(conditions=GATED)), telling() as (told, _):
        check(sweep, tc.PowerLaw(-1))
    assert [bool(what) for what, _ in told[:2]] == [True, False]


def test_a_failure_without_an_exponent_is_told_by_its_reason():
    with recording(Recorder(conditions=GATED)), telling() as (told, _):
        check(made_up(0.5, noise=0.05).with_budget(64), tc.Collapse(within=0.1))
    assert told[0][0].endswith("; being confirmed)")


def test_nothing_is_told_of_a_failure_that_is_wanted_or_is_not_confirmed():
    with telling() as (told, _):
        with pytest.raises(tc.ClaimFailure):
            check(made_up(-0.5), tc.PowerLaw(-1))
        with recording(Recorder(conditions=GATED)):
            check_refuted(made_up(-0.5), tc.PowerLaw(-1))
            check(made_up(-1.0), tc.PowerLaw(-1))
        with recording(Recorder(conditions=replace(GATED, announces=False))):
            check(made_up(-0.5), tc.PowerLaw(-1))
    assert told == []
