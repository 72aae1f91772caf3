"""Room on the page goes where a reader looks: to every claim, then to what failed, then to what nearly did."""

import pytest

from theorychecks.reporting.html import render_html
from theorychecks.reporting.selection import most_telling, worst_finding


@pytest.fixture
def many(records):
    """Claims of which the first has findings enough to fill the page, and the last one fails."""

    def close(offset, label, **changes):
        return records.finding(exponent=-1 + offset, label=label, **changes)

    def claim(index, offsets, **changes):
        findings = [close(offset, f"{index} at {offset}") for offset in offsets]
        findings += [records.control(label=f"{index} at {offset}") for offset in offsets]
        return records.claim(id=f"C-{index}", findings=findings, **changes)

    claims = [claim(0, [0.001 * k for k in range(40)]), *(claim(k, [0.0, 0.04, 0.02]) for k in range(1, 8))]
    refuted = [close(0.5, f"refuted {k}", verdict="refuted") for k in range(5)]
    claims[4] = records.failing_claim(id="C-4", findings=[*refuted, records.control(label="refuted 0")])
    return claims


def labels(found):
    return [(finding.label, finding.role) for finding in found]


@pytest.mark.parametrize("room", [16, 20, 60, 1000])
def test_every_claim_has_its_nearest_finding_and_its_counterpart(many, room):
    found = {id(finding) for finding in most_telling(many, room)}
    assert len(found) == min(room, sum(len(claim.findings) for claim in many))
    for index, claim in enumerate(many):
        shown = [finding for finding in claim.findings if id(finding) in found]
        assert {finding.role for finding in shown} == {"prediction", "control"}
        if index in (1, 2, 3, 5, 6, 7):
            assert (f"{index} at 0.04", "prediction") in labels(shown)
            assert (f"{index} at 0.04", "control") in labels(shown)


def test_what_room_is_left_goes_to_failures_first_and_then_to_the_next_nearest(many):
    failing = [finding.label for claim in many for finding in claim.findings if not finding.passed]
    beyond = [label for label, _ in labels(most_telling(many, 24))[16:]]
    assert beyond[:4] == [label for label in failing if label != "refuted 0"]
    assert beyond[4:] == ["0 at 0.038", "0 at 0.038", "0 at 0.037", "0 at 0.037"]


def test_a_claim_has_its_plot_even_where_there_is_less_room_than_claims(many):
    assert len(most_telling(many, 3)) == len(many)


def test_a_failing_control_stands_beside_its_prediction(records):
    kept = records.control(label="kept", verdict="supported", exponent=-1.0)
    others = [records.finding(label="near", exponent=-0.92), records.control(label="near")]
    claim = records.failing_claim(findings=[*others, records.finding(label="kept"), kept])
    assert labels(most_telling([claim], 2)) == [("kept", "control"), ("kept", "prediction")]


def test_a_control_with_a_label_of_its_own_stands_beside_the_prediction_too(records):
    claim = records.claim(findings=[records.finding(label="size"), records.control(label="size elsewhere")])
    assert labels(most_telling([claim], 2)) == [("size", "prediction"), ("size elsewhere", "control")]


def test_claims_without_findings_take_no_room(records):
    assert most_telling([records.claim(findings=[], outcome="skipped", reason="later")], 10) == []


def test_of_controls_alone_the_one_that_is_refuted_most_narrowly_is_the_worst(records):
    controls = [records.control(label=str(exponent), exponent=exponent) for exponent in (0.0, -0.6, -0.3)]
    claim = records.claim(findings=controls)
    assert worst_finding(claim).label == "-0.6"


def test_no_claim_of_the_page_is_without_a_figure(records, many):
    page = render_html(records.report(*many))
    sections = page.split('<section class="claim"')[1:]
    assert len(sections) == len(many)
    assert all('class="plot"' in section for section in sections)
