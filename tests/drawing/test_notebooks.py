"""What a notebook shows of findings, claims and checks: tables and plots, in which no text is obeyed."""

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import theorychecks as tc
from tests.reporting import records
from theorychecks.claims import Recorder, claim_of, recording
from theorychecks.finding import Findings
from theorychecks.gates.coordinate_check import CoordinateCheck
from theorychecks.gates.culprit import Diagnosis

WIDTHS = tc.widths(64, 4096)
HOSTILE = '<script>alert(1)</script> & "quoted" $x^2$ \x1b[2J \u202eright to left ' + "W" * 400
SVG = "{http://www.w3.org/2000/svg}"


class Reader(HTMLParser):
    """What a browser would make of a fragment: its tags, and its text."""

    def __init__(self, fragment):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(fragment)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def judged(exponent=-1.0, *, prediction=None, values=None, label="the size", setting=None):
    rng = np.random.default_rng(0)
    cells = values or [n**exponent * np.exp(0.05 * rng.standard_normal(9)) for n in WIDTHS]
    with recording(Recorder(), setting):
        return tc.check(tc.Measurement.of(WIDTHS, cells), prediction or tc.PowerLaw(-1, rival=-0.5), label=label)


def plotted(finding):
    """The picture, read as XML, which refuses what no file may hold."""
    return ElementTree.fromstring(finding.plot()._repr_svg_())


def texts(root):
    return [each.text for each in root.iter(f"{SVG}text")]


def test_a_plot_shows_every_run_and_the_powers_that_are_compared():
    (finding,) = judged(-0.5)
    root = plotted(finding)
    assert len(list(root.iter(f"{SVG}circle"))) == 9 * len(WIDTHS) + 1  # and one in the legend
    assert {
        "the size",
        "width",
        "64",
        "4,096",
        "predicted n^-1",
        "rival n^-0.5",
        f"fitted n^{finding.exponent:+.2f}",
    } <= set(texts(root))


def test_lines_of_a_plot_fall_as_their_exponents_say():
    (finding,) = judged(-1.0, prediction=tc.PowerLaw(-1, rival=-0.5))
    lines = {}
    for path in plotted(finding).iter(f"{SVG}path"):
        colour = re.search(r"stroke-width:1\.8;stroke:(#\w+)", path.get("style"))
        ends = re.fullmatch(r"M(\S+) (\S+)L(\S+) (\S+)", path.get("d"))
        if colour and ends:
            left, top, right, bottom = map(float, ends.groups())
            lines[colour[1]] = (bottom - top) / (right - left)
    fitted, predicted, rival = lines.values()
    # On one picture only exponents differ: steepness is in proportion to them.
    assert rival / predicted == pytest.approx(0.5, abs=0.01)
    assert fitted / predicted == pytest.approx(-finding.exponent, abs=0.01)


def test_a_plot_is_the_same_for_the_same_finding_and_prints_shortly():
    first, second = judged()[0].plot(), judged()[0].plot()
    assert str(first) == str(second) == first._repr_svg_()
    assert len(repr(first)) < 80


@pytest.mark.parametrize(
    ("prediction", "values"),
    [
        (tc.Plateau(), None),
        (tc.UpperBound(-1), None),
        (tc.Equal(0.05), None),
        (tc.PowerLaw(-1), [[1e300, 1e306] * 4] + [[1e-300, 1e-306] * 4] * (len(WIDTHS) - 1)),
        (tc.PowerLaw(-1), [[math.nan] * 8] * (len(WIDTHS) - 1) + [[1.0] * 8]),
    ],
)
def test_every_kind_of_finding_has_a_plot(prediction, values):
    for finding in judged(prediction=prediction, values=values):
        numbers = re.findall(
            r"[-\d.]+(?:e[-+]?\d+)?|nan|inf", " ".join(p.get("d") for p in plotted(finding).iter(f"{SVG}path"))
        )
        assert numbers
        assert all(math.isfinite(float(number)) for number in numbers if number != "-")


def test_a_finding_without_runs_says_so():
    empty = records.finding(exponent=None, values=[[math.nan] * 3] * len(records.WIDTHS))
    assert "no finite positive run" in texts(plotted(empty))


def hostile_finding():
    finding = records.finding(label=HOSTILE, reason=HOSTILE, setting={HOSTILE: HOSTILE}, predicted=-1.0)
    judgement = replace(finding.judgement, measurement=replace(finding.measurement, axis=HOSTILE, name=HOSTILE))
    return replace(finding, predicted=HOSTILE, judgement=judgement)


def shown():
    claim = records.claim(id=HOSTILE, statement=HOSTILE, source=HOSTILE, findings=[hostile_finding()])
    check = CoordinateCheck((hostile_finding(),), Diagnosis(HOSTILE, None, (), 0, 1), cancelled=(HOSTILE,))
    wrong = replace(hostile_finding(), judgement=records.finding(verdict="refuted").judgement)
    failing = CoordinateCheck((wrong,), Diagnosis(HOSTILE, None, (), 1, 1))
    return {
        "finding": hostile_finding(),
        "findings": Findings([hostile_finding()]),
        "claim": claim,
        "check": check,
        "failing check": failing,
    }


@pytest.mark.parametrize("name", ["finding", "findings", "claim", "check", "failing check"])
def test_hostile_text_is_shown_and_not_obeyed(name):
    fragment = shown()[name]._repr_html_()
    page = Reader(fragment)
    assert "script" not in {tag for tag, _ in page.tags}
    assert '<script>alert(1)</script> & "quoted" $x^2$' in page.text
    assert "\x1b" not in fragment
    assert "\u202e" not in fragment
    # What stands between dollar signs is typeset unless the table forbids it, and long words would widen the page.
    tables = [about for tag, about in page.tags if tag == "table"]
    assert tables
    assert all("tex2jax_ignore" in about["class"] and "overflow-wrap:anywhere" in about["style"] for about in tables)


def test_hostile_text_is_well_formed_in_a_plot_and_cut_to_its_room():
    root = plotted(hostile_finding())
    assert root.find(f"{SVG}title").text.startswith("<script>alert(1)</script>")
    assert {each.tag for each in root.iter()} <= {
        SVG + tag for tag in ("svg", "title", "rect", "text", "path", "circle")
    }
    assert max(map(len, texts(root))) <= 62


def test_a_claim_a_finding_and_a_check_say_what_they_are():
    @tc.claim(id="A-1", source="made up")
    def test_it():
        """The size falls like one over the width."""

    page = Reader(claim_of(test_it)._repr_html_())
    assert all(word in page.text for word in ("claim", "A-1", "The size falls like one over the width.", "made up"))
    (finding,) = judged(setting={"depth": "3"})
    page = Reader(finding._repr_html_())
    assert all(word in page.text for word in ("the size", "prediction", "SUPPORTED", "n^-1 within", "depth = 3"))
    assert "svg" in {tag for tag, _ in page.tags}
    record = Reader(records.failing_claim()._repr_html_())
    assert all(word in record.text for word in ("LZ-2/failing", "fail", "REFUTED, not as wanted"))
    check = Reader(CoordinateCheck((records.finding(),), Diagnosis("decoder", None, (), 0, 1))._repr_html_())
    assert "decoder: none of 1 coordinates scales otherwise than predicted" in check.text


def test_of_many_findings_those_are_shown_that_are_not_as_wanted():
    many = [records.finding(label=f"coordinate {place}") for place in range(300)]
    wrong = records.finding(verdict="refuted", label="the culprit")
    page = Reader(records.claim(outcome="fail", findings=[*many, wrong])._repr_html_())
    assert "301, 300 as wanted; 20 are shown" in page.text
    assert "the culprit" in page.text
    assert page.text.count("coordinate ") == 19


def test_a_plot_needs_no_torch():
    program = (
        "import sys, numpy as np, theorychecks as tc\n"
        "from theorychecks.statistics.judgement import Expectation\n"
        "from theorychecks.drawing import picture, scene_of\n"
        "measured = tc.Measurement.of((64, 128, 256, 512, 1024), [[1 / n, 2 / n, 3 / n] for n in (64, 128, 256, 512, 1024)])\n"
        "judgement = tc.PowerLaw(-1).judge(measured)\n"
        "picture(scene_of(judgement, Expectation(kind='power law', exponent=-1.0), title='x', predicted='n^-1'))\n"
        "print('torch' in sys.modules, 'jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]
