"""Judging anew gives what was recorded, follows the numbers in the file, and runs no code that a report names."""

import json
import math
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest

import theorychecks as tc
import theorychecks.beside
from tests.reporting import records
from theorychecks.finding import Confirmation
from theorychecks.judging import Conditions, as_control, as_missed_control, as_open_control, findings_of
from theorychecks.premises import known_predictions
from theorychecks.rejudging import rejudged
from theorychecks.reporting import Report, ReportError
from theorychecks.reporting.codec import encode
from theorychecks.reporting.formats import FORMATS, rendered

WIDTHS = tc.widths(64, 4096)
FEW = (64, 128, 256)
TIMES = tuple(10.0 ** np.arange(1, 10.5, 0.5))


def runs(law, axis_values=WIDTHS, *, seeds=12, noise=0.05, draw=0, **options):
    """Runs about a law, the same for the same draw."""
    rng = np.random.default_rng(draw)
    return tc.Measurement.of(
        axis_values, [law(n) * np.exp(noise * rng.standard_normal(seeds)) for n in axis_values], **options
    )


def with_lost_runs():
    values = [np.array(row) for row in runs(lambda n: 1 / n).values]
    values[2][0], values[3][1], values[4][2] = math.inf, math.nan, 0.0
    return tc.Measurement.of(WIDTHS, values)


def successes(seeds=40):
    rng = np.random.default_rng(0)
    places = (0.25, 0.5, 0.8, 1.25, 2.0, 4.0)
    return tc.Measurement.of(places, [rng.random(seeds) < n**4 / (1 + n**4) for n in map(float, places)], axis="load")


def curves():
    rng = np.random.default_rng(0)
    offsets = 1 + 0.05 * rng.standard_normal(10)
    return tc.Measurement.of(TIMES, [offsets + math.log(t) for t in TIMES], axis="time", shared_seeds=True)


def exact(values):
    return tc.Measurement.of(FEW, [[value * (1 + 1e-16)] * 3 for value in values], exact=True)


def doubled(n):
    return 2 / n


SAMPLES = tc.FiniteSizeClass(rho=3 / 8, unit=2.0, sign="positive")
CASES = {
    "power law": (tc.PowerLaw(-1), runs(lambda n: 1 / n), None),
    "power law, refuted": (tc.PowerLaw(-1), runs(lambda n: n**-0.5), None),
    "power law, open": (tc.PowerLaw(-1), runs(lambda n: 1 / n, noise=1.5), None),
    "power law, one of many, with a rival": (tc.PowerLaw(-1, within=0.2, rival=-0.5, among=40), with_lost_runs(), None),
    "power law of another axis": (
        tc.PowerLaw(-0.5, corrections=SAMPLES),
        runs(lambda n: n**-0.5, axis="samples", name="error"),
        None,
    ),
    "power law of a ratio": (tc.PowerLaw(-1), runs(lambda n: 1 / n), runs(lambda n: 1.0, draw=1)),
    "mean": (tc.PowerLaw(-1, average="log of mean"), runs(lambda n: 1 / n, seeds=400), None),
    "upper bound": (tc.UpperBound(-0.5), runs(lambda n: 1 / n), None),
    "lower bound": (tc.LowerBound(-0.5), runs(lambda n: 1 / n), None),
    "plateau": (tc.Plateau(), runs(lambda n: 1.0, noise=0.01), None),
    "half-integer": (tc.HalfInteger(-0.5), runs(lambda n: n**-0.5), None),
    "half-integer, one of many, refuted": (tc.HalfInteger(0.0, among=40), runs(lambda n: n**-0.5), None),
    "half-integer, at most": (tc.HalfInteger(0.0, at_most=True), runs(lambda n: 1 / n), None),
    "ordering": (tc.Ordering("below"), runs(lambda n: 1 / n), runs(lambda n: 3 / n, draw=1)),
    "optimum": (tc.InteriorOptimum(), runs(lambda n: math.exp(math.log(n / 512) ** 2), seeds=30), None),
    "optimum, largest": (tc.InteriorOptimum("maximum"), runs(lambda n: n, seeds=30), None),
    "collapse": (tc.Collapse(0.2), runs(lambda n: 1.0, FEW, seeds=30), None),
    "equal to a number": (tc.Equal(0.1), runs(lambda n: 2.0, FEW, seeds=30), 2.0),
    "equal to a function": (tc.Equal(0.1), runs(lambda n: 2 / n, FEW, seeds=30), doubled),
    "one law": (tc.SameLaw(0.5), runs(lambda n: 1.0, FEW, seeds=90), runs(lambda n: 1.0, FEW, seeds=80, draw=1)),
    "two laws": (tc.SameLaw(0.5), runs(lambda n: 1.0, FEW, seeds=90), runs(lambda n: 2.0, FEW, seeds=80, draw=1)),
    "identity": (tc.Identity(dtype="float64"), exact([1, 2, 3]), exact([1, 2, 3])),
    "identity of a sum": (tc.Identity(dtype="float64", scale=4.0), exact([1, 2, 3]), exact([1, 2, 3])),
    "identity of a sum, refuted": (tc.Identity(dtype="float32", scale=4.0), exact([1, 2, 3]), exact([1, 2, 4])),
    "logarithm": (tc.LogarithmicGrowth(), curves(), None),
    "crossing": (tc.Crossing(1.0, within=0.9), successes(), None),
}


def report_of(*findings, **about):
    """A report of one claim, as it is read from a file."""
    return Report.from_json(records.report(records.claim(findings=findings, **about)).to_json())


@pytest.fixture(scope="module")
def recorded():
    """Every case as a prediction and as a control."""
    return {
        (name, role): findings_of(measurement, prediction, against=against, role=role, label=name)[0]
        for name, (prediction, measurement, against) in CASES.items()
        for role in ("prediction", "control")
    }


def test_every_prediction_of_the_package_is_tried(recorded):
    assert {type(prediction) for prediction, _, _ in CASES.values()} == set(known_predictions().values())
    verdicts = {finding.verdict for finding in recorded.values()}
    assert verdicts == set(tc.Verdict)
    outcomes = {finding.outcome for finding in recorded.values()}
    assert outcomes == {"pass", "fail", "inconclusive"}


def test_judging_anew_gives_what_was_recorded(recorded):
    anew = rejudged(report_of(*recorded.values()))
    assert dict(zip(recorded, anew.report.claims[0].findings, strict=True)) == recorded
    assert (anew.judged, anew.unknown, anew.derived) == (len(recorded), 0, 0)
    assert not [each for each in anew.differences if each.label is not None]


def test_a_measurement_is_not_written_twice(recorded):
    beside = {name for (name, role), finding in recorded.items() if finding.premises.against is not None}
    # Of the others the ratio is all that is judged.
    assert beside == {"one law", "two laws", "identity of a sum", "identity of a sum, refuted"}


TRAINING = tc.Training(
    tc.MLP(2, tc.RELU, tc.STANDARD), learning_rate=tc.scaled(0.1, width=-1), data=tc.Teacher(), loss=tc.MSE, steps=0
)


def swept(exponent, *, noise=0.1, **options):
    """A sweep of numbers that no network has made."""

    @tc.observable
    def made_up_size(run):
        import torch

        logs = [
            exponent * np.log(run.width)
            + noise * np.random.default_rng([run.root_seed % 2**31, run.root_seed >> 31, run.width, seed]).normal()
            for seed in run.seeds
        ]
        return torch.tensor(np.exp(logs))

    return tc.Sweep(made_up_size, TRAINING, widths=tc.widths(64, 65536, factor=4), **options)


@pytest.mark.parametrize("against", [None, 2.0, "another sweep"])
@pytest.mark.parametrize("predicted", [-1, -0.5])
def test_what_was_measured_in_looks_and_confirmed_is_judged_alike(predicted, against):
    other = swept(0) if against == "another sweep" else against
    found = findings_of(swept(-1), tc.PowerLaw(predicted), against=other, conditions=Conditions(confirms=True))
    (finding,) = found
    assert finding.looks is not None
    assert (finding.confirmation is not None) == (predicted == -0.5)
    assert rejudged(report_of(finding)).report.claims[0].findings == (finding,)


def test_an_open_verdict_says_again_what_it_would_take():
    (finding,) = findings_of(swept(-1, noise=1.0), tc.PowerLaw(-1), conditions=Conditions(confirms=True))
    assert finding.verdict is tc.Verdict.INCONCLUSIVE
    assert "a budget of " in finding.reason
    assert rejudged(report_of(finding)).report.claims[0].findings == (finding,)


def edited(report, edit):
    """A report in whose file the first finding was edited."""
    document = json.loads(report.to_json())
    edit(document["claims"][0]["findings"][0])
    return Report.from_json(json.dumps(document))


def levelled(finding):
    """Whatever was measured is one everywhere."""
    measurement = finding["judgement"]["measurement"]
    measurement["values"] = [[value * n for value in row] for row, n in zip(measurement["values"], WIDTHS, strict=True)]


@pytest.fixture(scope="module")
def passing(recorded):
    return recorded["power law", "prediction"], recorded["power law, refuted", "control"]


def test_a_changed_value_changes_the_verdict_and_the_outcome(passing):
    assert rejudged(report_of(*passing)).report.claims[0].outcome == "pass"
    anew = rejudged(edited(report_of(*passing), levelled))
    (claim,) = anew.report.claims
    assert [finding.verdict for finding in claim.findings] == [tc.Verdict.REFUTED] * 2
    assert claim.outcome == "fail"
    assert (anew.report.suite.passed, anew.report.suite.failed) == (0, 1)
    assert [(each.label, each.recorded, each.now) for each in anew.differences] == [
        ("power law", "supported", "refuted"),
        (None, "pass", "fail"),
    ]


def test_a_failure_that_fresh_seeds_never_confirmed_is_inconclusive_and_says_so(passing):
    repeatable = [replace(finding, repeatable=True) for finding in passing]
    (claim,) = rejudged(edited(report_of(*repeatable), levelled)).report.claims
    assert claim.outcome == "inconclusive"
    assert claim.findings[0].verdict is tc.Verdict.INCONCLUSIVE
    assert claim.findings[0].p_value is None
    assert claim.findings[0].reason.endswith(
        "judged anew it is refuted, which no fresh seeds have confirmed: run the claim again"
    )
    again = Report.from_json(records.report(claim).to_json())
    assert rejudged(again).report.claims == (claim,)


@pytest.mark.parametrize(("said", "outcome"), [("refuted", "fail"), ("supported", "inconclusive")])
def test_a_failure_that_fresh_seeds_were_asked_about_is_as_they_said(passing, said, outcome):
    confirmation = Confirmation(verdict=tc.Verdict(said), p_value=0.001, reason="the interval is there")
    repeatable = [replace(finding, repeatable=True, confirmation=confirmation) for finding in passing]
    (claim,) = rejudged(edited(report_of(*repeatable), levelled)).report.claims
    assert claim.outcome == outcome
    assert claim.findings[0].reason.endswith(f" {said}: the interval is there")
    # Of a finding that passes they say nothing.
    assert claim.findings[1].reason == passing[1].reason


def test_a_prediction_is_as_the_file_has_it(passing):
    def edit(finding):
        finding["premises"]["values"]["exponent"] = -0.5

    finding = rejudged(edited(report_of(*passing), edit)).report.claims[0].findings[0]
    assert finding.verdict is tc.Verdict.REFUTED
    assert (finding.predicted, finding.expectation.exponent) == ("n^-0.5", -0.5)


# What a report names is not what is run.


@dataclass(frozen=True)
class Mine:
    """A prediction of one's own."""

    law: tc.PowerLaw

    def __getattr__(self, name):
        return getattr(self.law, name)


def test_a_prediction_of_ones_own_is_named_and_its_finding_kept():
    (finding,) = findings_of(runs(lambda n: 1 / n), Mine(tc.PowerLaw(-1)))
    assert finding.premises.prediction == f"{Mine.__module__}:Mine"
    assert finding.premises.values == {}
    anew = rejudged(edited(report_of(finding), levelled))
    assert (anew.judged, anew.unknown, anew.derived) == (0, 1, 0)
    assert anew.report.claims[0].findings[0].verdict is tc.Verdict.SUPPORTED


def test_a_prediction_that_extends_one_of_the_package_is_not_taken_for_it():
    class Mildest(tc.PowerLaw):
        pass

    (finding,) = findings_of(runs(lambda n: 1 / n), Mildest(-1))
    assert finding.premises.prediction.endswith("Mildest")
    assert rejudged(report_of(finding)).unknown == 1


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "stranger:Law",
        "builtins:eval",
        "theorychecks.statistics:Measurement",
        "theorychecks.statistics:fit_power_law",
        "theorychecks.statistics:__name__",
        "theorychecks.statistics.exponents:PowerLaw",
        "PowerLaw",
        "",
    ],
)
def test_a_class_that_a_stranger_names_is_neither_imported_nor_called(passing, name, tmp_path, monkeypatch):
    touched = tmp_path / "touched"
    (tmp_path / "stranger.py").write_text(f"open({str(touched)!r}, 'w').close()\nLaw = print\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def edit(finding):
        finding["premises"] |= {"prediction": name, "values": {"command": f"touch {touched}", "exponent": -1.0}}
        levelled(finding)

    anew = rejudged(edited(report_of(*passing), edit))
    assert (anew.judged, anew.unknown) == (1, 1)
    assert anew.report.claims[0].findings[0].verdict is tc.Verdict.SUPPORTED
    assert "stranger" not in sys.modules
    assert not touched.exists()


def test_what_a_gate_derives_is_kept(passing):
    finding, _ = passing
    derived = [
        as_control(finding),
        as_missed_control(finding, "all hold", None),
        as_open_control(finding, "this one comes nearest"),
    ]
    report = report_of(finding, *derived)
    anew = rejudged(report)
    assert (anew.judged, anew.unknown, anew.derived) == (1, 0, 3)
    assert anew.report.claims[0].findings == report.claims[0].findings


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"values": {}}, r"values has no 'exponent'"),
        ({"values": {"exponent": "x"}}, r"values\.exponent is 'x' \(str\); it must be a number"),
        ({"values": {"within": -1.0}}, r"margin"),
        ({"values": {"corrections": {"constant": 3.0}}}, r"values\.corrections has no 'omegas'"),
        ({"prediction": "theorychecks.statistics:SameLaw", "values": {"within": 0.25}}, r"name the other one"),
        (
            {"prediction": "theorychecks.statistics:Crossing", "values": {"at": 1.0, "within": 0.1}},
            r"0 \(a failure\)|1",
        ),
    ],
)
def test_premises_that_cannot_be_judged_are_refused_with_their_place(passing, edit, said):
    def edited_finding(finding):
        values = edit["values"]
        finding["premises"]["prediction"] = edit.get("prediction", finding["premises"]["prediction"])
        finding["premises"]["values"] = finding["premises"]["values"] | values if values else {}

    with pytest.raises(
        ReportError, match=rf"LZ-1/hidden-frobenius, power law: this version cannot judge it \(.*{said}"
    ):
        rejudged(edited(report_of(*passing), edited_finding))


# How a claim ends.


@pytest.fixture(scope="module")
def failing(recorded):
    return recorded["power law, refuted", "prediction"], recorded["power law, refuted", "control"]


def forged(findings):
    """The same numbers, said to be as they must be."""
    return [replace(f, judgement=replace(f.judgement, verdict=f.wanted)) for f in findings]


def disowned(findings):
    """The same numbers, said to refute what they support, and the other way round."""
    other = {tc.Verdict.SUPPORTED: tc.Verdict.REFUTED, tc.Verdict.REFUTED: tc.Verdict.SUPPORTED}
    return [replace(f, judgement=replace(f.judgement, verdict=other[f.wanted])) for f in findings]


@pytest.mark.parametrize(
    ("said", "about", "outcome"),
    [
        ("passing", {"outcome": "pass"}, "pass"),
        ("passing", {"outcome": "inconclusive"}, "pass"),
        ("disowned", {"outcome": "fail"}, "pass"),
        ("failing", {"outcome": "fail"}, "fail"),
        ("failing", {"outcome": "pass"}, "fail"),
        ("forged", {"outcome": "pass"}, "fail"),
        ("passing", {"outcome": "error", "error": "ValueError: no"}, "error"),
        ("forged", {"outcome": "error", "error": "ValueError: no"}, "fail"),
        ("passing", {"outcome": "fail", "error": "AssertionError: no"}, "fail"),
        ("disowned", {"outcome": "fail", "error": "refuted before it raised ValueError: no"}, "error"),
        ("passing", {"outcome": "skipped", "reason": "not here"}, "skipped"),
        ("forged", {"outcome": "skipped", "reason": "not here"}, "fail"),
        ("failing", {"outcome": "skipped", "reason": "expected to fail, as it does"}, "skipped"),
        ("none", {"outcome": "not run", "reason": "the run ended before"}, "not run"),
        ("prediction", {"outcome": "pass"}, "error"),
        ("prediction", {"outcome": "pass", "gate": True}, "pass"),
        ("none", {"outcome": "pass"}, "error"),
    ],
)
def test_a_claim_ends_as_its_findings_say(passing, failing, said, about, outcome):
    findings = {
        "passing": passing,
        "failing": failing,
        "forged": forged(failing),
        "disowned": disowned(passing),
        "prediction": passing[:1],
        "none": (),
    }[said]
    (claim,) = rejudged(report_of(*findings, **about)).report.claims
    assert claim.outcome == outcome
    if outcome == "error" and "error" not in about:
        assert "was judged" in claim.error
    elif "error" in about:
        assert claim.error == about["error"]


@pytest.mark.parametrize(("reported", "failed"), [(1, 0), (0, 1)])
def test_a_trend_fails_a_run_where_it_did(failing, reported, failed):
    record = records.claim(findings=failing, trend=True, outcome="fail")
    report = records.report(record, trends_failed=reported, failed=1 - reported)
    suite = rejudged(report).report.suite
    assert (suite.trends_failed, suite.failed) == (reported, failed)


def test_the_counts_of_the_run_stay_and_those_of_claims_follow(passing, failing):
    claims = [records.claim(findings=passing), records.claim(findings=forged(failing), id="forged")]
    report = records.report(*claims, lost=("a::b",), stopped="Ctrl-C", wall_seconds=3.0, seed=7)
    anew = rejudged(report).report.suite
    assert (anew.passed, anew.failed, anew.findings, anew.error_budget.findings) == (1, 1, 4, 4)
    assert (anew.lost, anew.stopped, anew.wall_seconds, anew.seed) == (("a::b",), "Ctrl-C", 3.0, 7)
    assert encode(rejudged(report).report.provenance) == encode(report.provenance)


def test_a_process_beside_this_one_judges_and_writes_the_same(recorded, monkeypatch):
    monkeypatch.setattr(theorychecks.beside, "_cores", lambda: 2)
    claims = [records.claim(id=f"{name}, {role}", findings=[each]) for (name, role), each in recorded.items()]
    report = Report.from_json(records.report(*claims).to_json())
    here = rejudged(report)
    with theorychecks.beside.beside("theorychecks.rejudging"):
        shared = rejudged(report)
        texts = rendered(shared.report)
    # The files are compared, since a number that does not exist is not equal to itself.
    assert shared.differences == here.differences
    assert texts == {name: render(here.report) for name, render in FORMATS.items()}
