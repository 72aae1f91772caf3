"""A report is read back as it was written, and a file that is not a report is refused by name."""

import copy
import dataclasses
import enum
import json
import math
import re
import subprocess
import sys
import typing
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pytest

from theorychecks.reporting import Report, ReportError
from theorychecks.reporting.codec import decode, encode, written
from theorychecks.reporting.summary import Summary
from theorychecks.reporting.wording import judged_by
from theorychecks.statistics import measurement


def test_a_report_is_read_back_as_it_was_written(records):
    report = records.report(records.claim(), records.failing_claim())
    text = report.to_json()
    assert Report.from_json(text) == report
    assert Report.from_json(text).to_json() == text


def test_numbers_that_json_has_not_are_read_back(records):
    finding = records.finding(values=[[math.nan, 0.0, 1.0, 2.0]] * 6)
    open_ended = finding.judgement.allowed._replace(low=-math.inf)
    finding = replace(finding, judgement=replace(finding.judgement, allowed=open_ended))
    text = records.report(records.claim(findings=[finding])).to_json()
    (again, *_) = Report.from_json(text).claims[0].findings
    assert again.judgement.allowed == open_ended
    assert math.isnan(again.measurement.values[0][0])
    assert again.measurement.statuses == finding.measurement.statuses
    assert "NaN" not in text
    assert "Infinity" not in text


def test_json_is_plain_and_keeps_what_is_not_ascii(records):
    text = records.report(records.claim(source="Erdős, § 3")).to_json()
    assert "Erdős, § 3" in text
    assert json.loads(text)["schema"] == 3


def test_lists_of_numbers_stand_on_one_line(records):
    text = records.report(records.claim()).to_json()
    assert '"axis_values": [128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0]' in text
    strange = "a [\n 1,\n 2\n] b"
    assert Report.from_json(records.report(records.claim(notes=[strange])).to_json()).claims[0].notes == (strange,)


def test_nan_in_a_file_is_refused(records):
    text = records.report(records.claim()).to_json().replace('"seconds": 1.5', '"seconds": NaN')
    with pytest.raises(ReportError, match="contains NaN, which is not JSON"):
        Report.from_json(text)


@pytest.mark.parametrize("number", [0, 2, 4, "3", None, True, 3.0])
def test_another_schema_is_refused_with_a_way_out(records, number):
    document = encode(records.report(records.claim())) | {"schema": number}
    with pytest.raises(ReportError) as caught:
        Report.from_json(json.dumps(document))
    message = str(caught.value)
    assert f"schema {number!r}" in message
    assert "reads schema 3" in message
    assert "version that wrote it" in message


@pytest.mark.parametrize("text", ["", "{", '{"schema": 3, "claims": ['])
def test_a_file_cut_short_is_refused_as_such(text):
    with pytest.raises(ReportError, match=r"not JSON.*cut short"):
        Report.from_json(text)


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_json_of_another_shape_is_refused(text):
    with pytest.raises(ReportError, match="must be a JSON object"):
        Report.from_json(text)


@pytest.mark.parametrize("field", ["suite", "provenance", "claims"])
def test_a_missing_field_is_named(records, field):
    document = encode(records.report(records.claim()))
    del document[field]
    with pytest.raises(ReportError, match=f"has no '{field}'"):
        Report.from_json(json.dumps(document))


ADDED_LATER = {"ends": ""}
"""What fields of a finding are in a file that was written before they were there."""


@pytest.mark.parametrize("field", ADDED_LATER)
def test_a_file_from_before_a_field_was_added_is_read(records, field):
    told = records.finding(**{field: "told"})
    document = encode(records.report(records.claim(findings=(told,))))
    assert Report.from_json(json.dumps(document)).claims[0].findings == (told,)
    del document["claims"][0]["findings"][0][field]
    (finding,) = Report.from_json(json.dumps(document)).claims[0].findings
    assert getattr(finding, field) == ADDED_LATER[field]


def test_a_measurement_from_before_runs_were_left_out_has_all_of_them(records):
    whole = records.finding()
    some = replace(whole.measurement, left_out=(3, 0, 0, 0, 0, 1))
    sparse = replace(whole, judgement=replace(whole.judgement, measurement=some))
    assert judged_by(whole) == []
    assert judged_by(sparse) == [
        ("judged by", "6 of 9 at 128, 6 of 6 at 256, 6 of 6 at 512, 6 of 6 at 1,024, 6 of 6 at 2,048, 6 of 7 at 4,096")
    ]
    document = encode(records.report(records.claim(findings=(sparse,))))
    assert Report.from_json(json.dumps(document)).claims[0].findings == (sparse,)
    del document["claims"][0]["findings"][0]["judgement"]["measurement"]["left_out"]
    (finding,) = Report.from_json(json.dumps(document)).claims[0].findings
    assert finding.measurement.left_out == (0,) * 6


def test_a_field_that_older_files_lack_has_a_default():
    @dataclass(frozen=True)
    class Told:
        told: str = field(metadata=measurement.ADDED_LATER)

    with pytest.raises(TypeError, match="a field of Told that older files may lack has a default; got"):
        decode(Told, {})


def test_every_field_of_a_finding_is_required(records):
    whole = encode(records.report(records.claim()))
    for each in [each for each in fields(records.finding()) if each.name not in ADDED_LATER]:
        document = copy.deepcopy(whole)
        del document["claims"][0]["findings"][0][each.name]
        with pytest.raises(ReportError, match=rf"claims\[0\]\.findings\[0\] has no '{each.name}'"):
            Report.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("judgement", "verdict"), "maybe", r"verdict is 'maybe'; it must be one of 'supported'"),
        (("judgement", "interval"), [1.0], r"interval has 1 entries; it is a list of 2: low, high"),
        (("judgement", "fit", "trimmed"), 1, r"trimmed is 1 \(int\); it must be true or false"),
        (("judgement", "confidence"), True, r"confidence is True \(bool\); it must be a number"),
        (("judgement", "measurement", "values"), [[1.0]] * 6, r"measurement: 1 values but 6 statuses"),
        (("judgement", "measurement", "axis_values"), [1, 2], r"whether runs are exact is said for each width"),
        (("looks", "taken"), 1.5, r"taken is 1.5 \(float\); it must be a whole number"),
        (("role",), "witness", r"role is 'witness'; it must be one of 'prediction', 'control'"),
        (("setting", "depth"), 3, r"setting\['depth'\] is 3 \(int\); it must be a string"),
        (("effort",), None, r"effort is None \(NoneType\); it must be an object"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(records, place, value, message):
    document = encode(records.report(records.claim()))
    inside = document["claims"][0]["findings"][0]
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    with pytest.raises(ReportError, match=message):
        Report.from_json(json.dumps(document))


def test_a_field_that_this_version_does_not_know_is_passed_over(records):
    report = records.report(records.claim())
    document = encode(report)
    document["claims"][0]["mood"] = "good"
    assert Report.from_json(json.dumps(document)) == report


class Colour(Enum):
    RED = "red"


class Pair(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class Inner:
    pair: Pair
    colour: Colour
    kind: Literal["a", "b"]
    names: dict[str, float]


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    whole: int | None


def test_any_record_is_written_and_read_by_its_own_fields():
    outer = Outer((Inner(Pair(-math.inf, 2.0), Colour.RED, "a", {"x": 0.5}),), None)
    written = encode(outer)
    assert written == {
        "inner": [{"pair": ["-inf", 2.0], "colour": "red", "kind": "a", "names": {"x": 0.5}}],
        "whole": None,
    }
    assert decode(Outer, json.loads(json.dumps(written))) == outer


def test_numpy_numbers_are_written_as_plain_ones():
    assert encode({"a": np.float64(1.5), "b": np.int64(2), "c": np.bool_(True)}) == {"a": 1.5, "b": 2, "c": True}


def test_texts_and_numbers_of_own_classes_are_written_as_plain_ones():
    own = {
        "text": type("Text", (str,), {"__str__": lambda self: "other"})("a"),
        "count": type("Count", (int,), {})(2),
        "size": type("Size", (float,), {})(1.5),
        "name": enum.StrEnum("Name", "FIRST").FIRST,
        "place": enum.IntEnum("Place", "FIRST").FIRST,
    }
    plain = {"text": "a", "count": 2, "size": 1.5, "name": "first", "place": 1}
    assert json.loads(written(encode(own))) == plain


def test_what_json_cannot_hold_is_refused_with_its_place():
    with pytest.raises(ReportError, match=r"the claim\.whole is <object object .*which JSON cannot hold"):
        encode(Outer((), object()), "the claim")


def test_reporting_does_not_import_torch():
    modules = "theorychecks.reporting, theorychecks.reporting.formats, theorychecks.reporting.terminal"
    program = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def documented():
    """Fields by record, as reports/README.md lists them, in its order."""
    text = (Path(__file__).parents[2] / "reports" / "README.md").read_text(encoding="utf-8")
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        record = section[1 : section.index("`", 1)]
        rows = re.findall(r"^\| (`.*?) \|", section.partition("\n## ")[0], flags=re.MULTILINE)
        yield record, [field for row in rows for field in re.findall(r"`(\w+)`", row)]


def records_within(kind, found):
    """Records that a record holds, itself included, by name."""
    if dataclasses.is_dataclass(kind) and kind.__name__ not in found:
        found[kind.__name__] = kind
        for inner in typing.get_type_hints(kind).values():
            records_within(inner, found)
    for inner in typing.get_args(kind):
        records_within(inner, found)
    return found


def test_the_files_are_documented_field_by_field():
    records = records_within(Summary, records_within(Report, {}))
    assert {name: [field.name for field in fields(kind)] for name, kind in records.items()} == dict(documented())
