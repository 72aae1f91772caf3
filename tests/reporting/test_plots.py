"""A plot shows every run, the fit, and the powers it is compared with, as one small inline SVG."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from theorychecks.reporting.geometry import value_ticks
from theorychecks.reporting.plots import plot_finding


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("text")]


def shape(svg, ink, *, round_ends=False):
    """Return the path that is drawn in an ink, as dots or as lines; nothing where there is none."""
    found = [
        path.get("d")
        for path in ElementTree.fromstring(svg).iter("path")
        if f"stroke:var(--plot-{ink}," in path.get("style") and ("round" in path.get("style")) == round_ends
    ]
    return found[0] if found else ""


def dots(svg, ink="runs"):
    """Return the places of the runs that are drawn; the legend, which has one more, comes last."""
    places = re.findall(r"M(-?[\d.]+) (-?[\d.]+)h0", shape(svg, ink, round_ends=True))
    return np.array(places, dtype=float).reshape(-1, 2)[:-1]


def line(svg, ink):
    """Return the end points of the line drawn in an ink, which comes before what stands in the legend."""
    first = re.match(r"M(-?[\d.]+) (-?[\d.]+)L(-?[\d.]+) (-?[\d.]+)", shape(svg, ink))
    numbers = np.array(first.groups(), dtype=float)
    return numbers[:2], numbers[2:]


def test_every_run_is_a_point(records):
    assert len(dots(plot_finding(records.finding(runs=6)))) == 36


def test_runs_without_a_value_are_counted_at_their_axis_value(records):
    values = list(records.finding().measurement.values)
    values[5] = (math.nan, math.nan, *values[5][2:])
    svg = plot_finding(records.finding(values=values))
    assert len(dots(svg)) == 34
    assert "\N{MULTIPLICATION SIGN}2" in texts(svg)


def test_many_runs_are_thinned_and_the_legend_says_so(records):
    svg = plot_finding(records.finding(runs=200))
    assert len(dots(svg)) <= 400
    assert f"runs, {len(dots(svg))} of 1,200 drawn" in texts(svg)
    assert len(svg) < 25_000


def test_the_legend_names_the_powers_compared(records):
    found = texts(plot_finding(records.finding(exponent=-0.98), records.control()))
    assert {"fitted n^-0.98, 95% band", "predicted n^-1", "rival n^-0.5", "control fitted n^+0.00"} <= set(found)
    assert "control fitted n^+0.00" not in texts(plot_finding(records.finding()))


def test_lines_have_the_slopes_they_stand_for(records):
    svg = plot_finding(records.finding(exponent=-1.0, predicted=-0.75))
    slopes = {ink: np.subtract(*line(svg, ink)[::-1]) for ink in ("fit", "predicted", "rival")}
    ratio = {name: dy / dx for name, (dx, dy) in slopes.items()}
    # On one pair of logarithmic axes slopes are in the ratio of the exponents; coordinates are rounded to 0.1.
    assert ratio["predicted"] / ratio["fit"] == pytest.approx(0.75, abs=0.01)
    assert ratio["rival"] / ratio["fit"] == pytest.approx(0.5, abs=0.01)


def test_an_ordering_shows_its_points_and_no_line(records):
    svg = plot_finding(records.ordering())
    assert len(dots(svg)) == 36
    assert not any(text.startswith(("fitted", "predicted")) for text in texts(svg))


@pytest.mark.parametrize(
    "changes",
    [
        {"values": [[math.nan] * 6] * 6},
        {"values": [[0.0, math.nan, 1e-300, 1e300, 1.0]] * 6},
        {"exponent": -50.0},
        {"exponent": None},
        {"values": [[3.0] * 6] * 6},
        {"values": [[1e308] * 6] * 6, "exponent": 0.0},
    ],
)
def test_an_odd_finding_still_has_a_plot(records, changes):
    svg = plot_finding(records.finding(**changes))
    assert svg.startswith('<svg class="plot"')
    assert "nan" not in svg.lower()
    ElementTree.fromstring(svg)


def test_text_is_escaped_and_never_read_as_a_formula(records):
    svg = plot_finding(records.finding(axis="<script>$\\frac$", label='"><script>alert(1)</script>'))
    assert "<script" not in svg
    assert "<script>$\\frac$" in texts(svg)


def test_an_svg_loads_nothing_and_styles_nothing_else(records):
    svg = plot_finding(records.finding())
    assert "http" not in svg
    assert "<style" not in svg
    assert "<metadata" not in svg


def test_runs_of_a_control_are_drawn_where_its_slope_meets_the_fit(records):
    prediction, control = records.finding(exponent=-1.0), records.control(exponent=-0.5)
    svg = plot_finding(prediction, control)
    beside = dots(svg, "control")
    assert len(beside) == 36
    # Runs are symmetric about the control's law, whose line is drawn through the pivot of the fit.
    (x0, y0), (x1, y1) = line(svg, "control")
    above = beside[:, 1] - (y0 + (y1 - y0) * (beside[:, 0] - x0) / (x1 - x0))
    assert above.mean() == pytest.approx(0.0, abs=0.3)
    assert len(dots(plot_finding(prediction), "control")) == 0


def test_a_control_of_another_axis_is_not_drawn(records):
    svg = plot_finding(records.finding(), records.control(axis="depth"))
    assert "control fitted depth^+0.00" not in texts(svg)


def test_local_exponents_lie_between_the_widths_and_on_their_values(records):
    svg = plot_finding(records.finding(exponent=-1.0, predicted=-1.0))
    local = np.array(re.findall(r"M([\d.]+) ([\d.]+)h0", shape(svg, "fit", round_ends=True)), dtype=float)
    columns = np.unique(dots(svg)[:, 0])
    assert local[:, 0] == pytest.approx((columns[1:] + columns[:-1]) / 2, abs=0.11)
    heights = {text.text: float(text.get("y")) for text in ElementTree.fromstring(svg).iter("text") if text.get("y")}
    # A label stands three units below the line that it belongs to.
    assert local[:, 1] == pytest.approx([heights["-1"] - 3] * 5, abs=0.11)


def test_both_axes_and_the_exponents_are_labelled(records):
    svg = plot_finding(records.finding(axis="particles", label="hidden 2, frobenius"))
    assert {"particles", "hidden 2, frobenius", "exponent"} <= set(texts(svg))


def test_nothing_is_drawn_outside_of_the_frame(records):
    svg = plot_finding(records.finding(exponent=-40.0), records.control(exponent=30.0))
    height = float(ElementTree.fromstring(svg).get("viewBox").split()[3])
    for path in ElementTree.fromstring(svg).iter("path"):
        places = np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d")), dtype=float).reshape(-1, 2)
        assert ((places >= 0) & (places <= [320, height])).all()


def test_an_svg_has_no_ids_that_another_one_on_the_page_could_have(records):
    assert not re.search(r"\bid=|url\(|href", plot_finding(records.finding(), records.control()))


def test_the_same_finding_gives_the_same_bytes(records):
    assert plot_finding(records.finding()) == plot_finding(records.finding())


def test_runs_lie_where_their_ticks_say(records):
    svg = plot_finding(records.finding(runs=1, values=[[2.0 * n**-1] * 3 for n in (128, 256, 512, 1024, 2048, 4096)]))
    root = ElementTree.fromstring(svg)
    at = {text.text: float(text.get("x")) for text in root.iter("text") if text.get("x")}
    height = {text.text: float(text.get("y")) - 3 for text in root.iter("text") if text.get("y")}
    drawn = dots(svg)
    assert drawn[0][0] == at["128"]
    assert drawn[6][0] == at["512"]
    decade = height["0.001"] - height["0.01"]
    assert drawn[0][1] == pytest.approx(height["0.01"] - decade * math.log10(2 / 128 / 0.01), abs=0.2)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (1.0, 2.0, ["25", "50", "75", "100"]),
        (2.01, 2.09, ["110", "120"]),
        (-0.5, 0.5, ["1", "2", "3"]),
        (0.0, 1.5, ["1", "2", "5", "10", "20"]),
        (4.0, 6.0, ["10,000", "30,000", "1e5", "3e5", "1e6"]),
        (-6.0, 2.0, ["1e-6", "1e-4", "0.01", "1", "100"]),
    ],
)
def test_ticks_are_round_values(low, high, labels):
    assert list(value_ticks(low, high).values()) == labels
