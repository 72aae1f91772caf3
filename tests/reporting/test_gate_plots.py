"""A gate has a figure a step, with a line for each coordinate, and names those nearest to their margins."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from theorychecks.reporting.gate_plots import coordinates, plot_step

SETTING = {"model": "decoder", "steps": "4"}


def found(records, count=12, **changes):
    quantities = ("size", "change")
    return coordinates(
        [
            records.finding(
                label=f"decoder, blocks.{k}.fc, {quantities[k % 2]}, step 1", setting=SETTING, exponent=-1 + 0.005 * k
            )
            for k in range(count)
        ]
        + list(changes.get("more", ()))
    )


def lines(svg):
    """Return how many lines there are, by the ink that they are drawn in; those of the legend have no L."""
    return {
        re.search(r"--plot-(\w+)", path.get("style")).group(1): len(re.findall(r"M[^M]*L", path.get("d")))
        for path in ElementTree.fromstring(svg).iter("path")
    }


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("text")]


def test_labels_are_taken_apart(records):
    (first, *_) = found(records)
    assert (first.name, first.quantity, first.step) == ("blocks.0.fc", "size", 1)


@pytest.mark.parametrize("label", ["maximal stable learning rate", "decoder, size, step one", ", step 1"])
def test_findings_without_a_step_are_none_of_a_coordinate_check(records, label):
    labels = [f"decoder, head, size, step {k}" for k in range(4)] + [label]
    assert coordinates([records.finding(label=each, setting=SETTING) for each in labels]) == []


def test_findings_of_several_settings_are_none_of_one_model(records):
    labels = [f"decoder, head, size, step {k}" for k in range(4)]
    assert coordinates([records.finding(label=each, setting={"k": each}) for each in labels]) == []


def test_every_coordinate_has_a_line_in_the_colour_of_its_quantity(records):
    drawn = lines(plot_step(found(records), ["size", "change"]))
    assert drawn["fit"] == 6
    assert drawn["predicted"] == 6


def test_what_is_not_as_predicted_has_a_colour_of_its_own(records):
    bad = [
        records.finding(label=f"decoder, {name}, size, step 1", setting=SETTING, exponent=-0.5, verdict=verdict)
        for name, verdict in (("head", "refuted"), ("embedding", "inconclusive"))
    ]
    svg = plot_step(found(records, more=bad), ["size", "change"])
    assert lines(svg)["wrong"] == 1
    assert lines(svg)["open"] == 1
    assert {"head", "embedding", "not as predicted (1)", "undecided (1)", "size (6)", "change (6)"} <= set(texts(svg))


def test_names_stand_apart(records):
    root = ElementTree.fromstring(plot_step(found(records, count=40), ["size", "change"]))
    heights = sorted(float(text.get("y")) for text in root.iter("text") if (text.text or "").startswith("blocks"))
    assert len(heights) == 7
    assert all(b - a > 9 for a, b in pairwise(heights))


def test_axes_are_labelled(records):
    assert {"width", "mean over seeds", "128"} <= set(texts(plot_step(found(records), ["size", "change"])))
