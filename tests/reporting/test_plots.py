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


def dots(svg):
    """Return how many runs are drawn: segments of no length in the path with round ends."""
    paths = [p for p in ElementTree.fromstring(svg).iter("path") if "stroke-linecap:round" in p.get("style", "")]
    return sum(path.get("d").count("M") for path in paths)


def line(svg, style):
    """Return the end points of the line drawn in a style, in the SVG's units."""
    (path,) = [p for p in ElementTree.fromstring(svg).iter("path") if style in p.get("style", "") and "L" in p.get("d")]
    numbers = np.array(re.findall(r"-?[\d.]+", path.get("d")), dtype=float).reshape(-1, 2)
    return numbers[0], numbers[-1]


def test_every_run_is_a_point(records):
    assert dots(plot_finding(records.finding(runs=6))) == 36


def test_runs_without_a_value_are_counted_at_their_axis_value(records):
    values = list(records.finding().measurement.values)
    values[5] = (math.nan, math.nan, *values[5][2:])
    svg = plot_finding(records.finding(values=values))
    assert dots(svg) == 34
    assert "\N{MULTIPLICATION SIGN}2" in texts(svg)


def test_many_runs_are_thinned_and_the_legend_says_so(records):
    svg = plot_finding(records.finding(runs=200))
    assert dots(svg) <= 400
    assert f"runs, {dots(svg)} of 1200 drawn" in texts(svg)
    assert len(svg) < 25_000


def test_the_legend_names_the_powers_compared(records):
    found = texts(plot_finding(records.finding(exponent=-0.98), records.control()))
    assert {"fitted n^-0.98", "predicted n^-1", "rival n^-0.5", "control fitted n^+0.00"} <= set(found)
    assert "control fitted n^+0.00" not in texts(plot_finding(records.finding()))


def test_lines_have_the_slopes_they_stand_for(records):
    svg = plot_finding(records.finding(exponent=-1.0, predicted=-0.75))
    slopes = {
        name: np.diff(line(svg, ink), axis=0)[0]
        for name, ink in [
            ("fit", "stroke:var(--plot-fit"),
            ("predicted", "stroke:var(--plot-predicted"),
            ("rival", "stroke:var(--plot-rival"),
        ]
    }
    ratio = {name: dy / dx for name, (dx, dy) in slopes.items()}
    # On one pair of logarithmic axes slopes are in the ratio of the exponents; coordinates are rounded to 0.1.
    assert ratio["predicted"] / ratio["fit"] == pytest.approx(0.75, abs=0.01)
    assert ratio["rival"] / ratio["fit"] == pytest.approx(0.5, abs=0.01)


def test_an_ordering_shows_its_points_and_no_line(records):
    svg = plot_finding(records.ordering())
    assert dots(svg) == 36
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


def test_an_svg_has_no_ids_that_another_one_on_the_page_could_have(records):
    assert not re.search(r"\bid=|url\(|href", plot_finding(records.finding(), records.control()))


def test_the_same_finding_gives_the_same_bytes(records):
    assert plot_finding(records.finding()) == plot_finding(records.finding())


def test_runs_lie_where_their_ticks_say(records):
    svg = plot_finding(records.finding(runs=1, values=[[2.0 * n**-1] * 3 for n in (128, 256, 512, 1024, 2048, 4096)]))
    root = ElementTree.fromstring(svg)
    at = {text.text: float(text.get("x")) for text in root.iter("text")}
    height = {text.text: float(text.get("y")) for text in root.iter("text")}
    (path,) = [p for p in root.iter("path") if "stroke-linecap:round" in p.get("style", "")]
    drawn = np.array(re.findall(r"M([\d.]+) ([\d.]+)h0", path.get("d")), dtype=float)
    assert drawn[0][0] == at["128"]
    assert drawn[-1][0] == at["4,096"]
    decade = height["0.001"] - height["0.01"]
    assert drawn[0][1] == pytest.approx(height["0.01"] - decade * math.log10(2 / 128 / 0.01), abs=0.2)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (1.0, 2.0, ["25", "50", "75", "100"]),
        (2.01, 2.09, ["110", "120"]),
        (-0.5, 0.5, ["1", "2", "3"]),
        (0.0, 1.5, ["1", "2", "5", "10", "20"]),
        (-6.0, 2.0, ["1e-06", "0.0001", "0.01", "1", "100"]),
    ],
)
def test_ticks_are_round_values(low, high, labels):
    assert list(value_ticks(low, high).values()) == labels
