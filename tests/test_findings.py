"""Findings read well where nobody has asked for a report: in a line, and as a notebook's table."""

import re

import numpy as np
import pytest

import theorychecks as tc
from theorychecks.claims import Recorder, recording

WIDTHS = tc.widths(64, 4096)


def sizes(exponent, name="the size"):
    rng = np.random.default_rng(0)
    return tc.Measurement.of(WIDTHS, [n**exponent * np.exp(0.05 * rng.standard_normal(9)) for n in WIDTHS], name=name)


def judged(exponent, prediction, **options):
    with recording(Recorder()):
        return tc.check(sizes(exponent), prediction, **options)


def test_a_finding_is_one_line_with_its_verdict_and_its_numbers():
    (finding,) = judged(-1, tc.PowerLaw(-1))
    assert "\n" not in str(finding)
    assert re.fullmatch(
        r"the size \(prediction\): SUPPORTED, n\^-1 within 0\.08; "
        r"measured -(1|0\.9\d+|1\.0\d+) \[-1\.0\d+, -0\.9\d+\] on width 64\.\.4096",
        str(finding),
    )
    (finding,) = judged(-0.5, tc.PowerLaw(-1), label="another\nname")
    assert "REFUTED" in str(finding)


@pytest.mark.parametrize(
    "prediction",
    [tc.PowerLaw(-1), tc.UpperBound(-1), tc.LowerBound(-1), tc.Plateau(), tc.Ordering("above")],
)
def test_every_kind_of_finding_has_its_line(prediction):
    other = sizes(-2) if isinstance(prediction, tc.Ordering) else None
    (finding,) = judged(-1, prediction, against=other, label="the size")
    assert str(finding).startswith("the size (prediction): ")
    assert finding.verdict.value.upper() in str(finding)
    assert len(str(finding)) < 200


def test_findings_are_a_list_a_line_each_and_a_table_in_a_notebook():
    found = judged(-1, tc.PowerLaw(-1), label="<hidden> & more")
    assert isinstance(found, list)
    assert len(str(found).splitlines()) == len(found) == 1
    table = found._repr_html_()
    assert table.count("<tr>") == 2
    assert "<td>&lt;hidden&gt; &amp; more</td>" in table
    assert "<td>SUPPORTED</td>" in table
    assert "REFUTED, not as wanted" in judged(-0.5, tc.PowerLaw(-1))._repr_html_()


def test_findings_of_a_sweep_are_told_reading_by_reading():
    training = tc.Training(
        tc.MLP(3, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.1), data=tc.Teacher(dimension=4), loss=tc.MSE, steps=1
    )
    moved = tc.Sweep(tc.WeightChange("hidden"), training, widths=tc.widths(16, 256), seeds=4)
    with recording(Recorder()):
        found = tc.check(moved, tc.UpperBound(0, rival=1))
    assert [line.split(" (")[0] for line in str(found).splitlines()] == [finding.label for finding in found]
    assert len(found) == 2
