"""A report is read back as it was written, and a document that is not a report is refused by name."""

import copy
import json
import subprocess
import sys

import pytest

from theorychecks.reporting import Report, ReportError


def test_a_report_is_read_back_as_it_was_written(documents):
    document = documents.report(documents.claim(), documents.failing_claim())
    text = Report(document).to_json()
    assert Report.from_json(text).document == document
    assert Report.from_json(text).to_json() == text


def test_json_is_plain_and_keeps_what_is_not_ascii(documents):
    text = Report(documents.report(documents.claim(source="Erdős, § 3"))).to_json()
    assert "Erdős, § 3" in text
    assert json.loads(text)["schema"] == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused_with_its_place(documents, number):
    document = documents.report(documents.claim(findings=[documents.finding(bias_bound=number)]))
    with pytest.raises(
        ReportError, match=r"claims\[0\]\.findings\[0\]\.bias_bound is .*finite numbers only.*Write null"
    ):
        Report(document)


def test_a_number_that_became_nan_later_is_refused_when_written(documents):
    report = Report(documents.report(documents.claim()))
    report.claims[0]["findings"][0]["values"][2][1] = float("nan")
    with pytest.raises(ReportError, match=r"values\[2\]\[1\] is nan"):
        report.to_json()


def test_nan_in_a_file_is_refused(documents):
    text = Report(documents.report(documents.claim())).to_json().replace('"seconds": 1.5', '"seconds": NaN')
    with pytest.raises(ReportError, match="contains NaN, which is not JSON"):
        Report.from_json(text)


@pytest.mark.parametrize("number", [0, 2, "1", None, True, 1.0])
def test_another_schema_is_refused_with_a_way_out(documents, number):
    document = documents.report(documents.claim()) | {"schema": number}
    with pytest.raises(ReportError) as caught:
        Report.from_json(json.dumps(document))
    message = str(caught.value)
    assert f"schema {number!r}" in message
    assert "reads schema 1" in message
    assert "version that wrote it" in message


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1, "claims": ['])
def test_a_file_cut_short_is_refused_as_such(text):
    with pytest.raises(ReportError, match=r"not JSON.*cut short"):
        Report.from_json(text)


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_json_of_another_shape_is_refused(text):
    with pytest.raises(ReportError, match="must be a JSON object"):
        Report.from_json(text)


FIELDS = ["suite", "provenance", "claims"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_named(documents, field):
    document = documents.report(documents.claim())
    del document[field]
    with pytest.raises(ReportError, match=f"has no '{field}'"):
        Report(document)


def test_every_field_of_a_finding_is_required(documents):
    whole = documents.report(documents.claim())
    for field in documents.finding():
        document = copy.deepcopy(whole)
        del document["claims"][0]["findings"][0][field]
        with pytest.raises(ReportError, match=rf"claims\[0\]\.findings\[0\] has no '{field}'"):
            Report(document)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verdict": "maybe"}, r"verdict is 'maybe'; it must be one of 'supported'"),
        ({"seeds": [6, 6]}, r"seeds has 2 entries and axis_values has 6"),
        ({"not_finite": [0] * 7}, r"not_finite has 7 entries and axis_values has 6"),
        ({"interval": [1.0, -1.0]}, r"must be \[low, high\] with low <= high"),
        ({"interval": [1.0]}, r"must be \[low, high\]"),
        ({"trimmed": 1}, r"trimmed is 1 \(int\); it must be true or false"),
        ({"confidence": True}, r"confidence is True \(bool\); it must be a number"),
        ({"seeds": [6.0] * 6}, r"seeds\[0\] is 6.0 \(float\); it must be a whole number"),
        ({"values": ((1.0,),) * 6}, r"values is .*\(tuple\); it must be a list"),
        ({"setting": {"depth": 3}}, r"setting\['depth'\] is 3 \(int\); it must be a string"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(documents, changes, message):
    with pytest.raises(ReportError, match=message):
        Report(documents.report(documents.claim(findings=[documents.finding(**changes)])))


def test_a_field_that_this_version_does_not_know_is_kept(documents):
    document = documents.report(documents.claim(mood="good"))
    assert json.loads(Report(document).to_json())["claims"][0]["mood"] == "good"


def test_reporting_does_not_import_torch():
    program = "import sys, theorychecks.reporting; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
