"""A scene in a terminal: runs lie where their numbers say, and no line is wider than it may be."""

import math

import pytest

from tests.reporting import records
from theorychecks.drawing import Scene, characters, scene_of


def scene(**about):
    finding = records.finding(**about)
    return scene_of(finding.judgement, finding.expectation, title=finding.label, predicted=finding.predicted)


def frame(lines):
    return [line.partition("│")[2] for line in lines if "│" in line]


def columns_of_runs(lines):
    """For every column with runs, the rows that they are in."""
    rows = frame(lines)
    found = {}
    for row, line in enumerate(rows):
        for column, each in enumerate(line):
            if 0x2800 < ord(each) < 0x2900:
                found.setdefault(column, []).append(row)
    return found


def test_runs_fall_along_the_diagonal_where_the_exponent_is_minus_one():
    found = columns_of_runs(characters(scene(), columns=72, rows=16))
    assert len(found) == len(records.WIDTHS)
    tops = [min(rows) for _, rows in sorted(found.items())]
    assert tops == sorted(tops)
    assert tops[0] < 2 < 12 < tops[-1]


def test_runs_stay_level_where_the_exponent_is_zero():
    found = columns_of_runs(characters(scene(exponent=0.0), columns=72, rows=16))
    tops = {min(rows) for rows in found.values()}
    assert max(tops) - min(tops) <= 1


@pytest.mark.parametrize(("columns", "rows"), [(72, 14), (120, 30), (40, 8)])
def test_no_line_is_wider_than_it_may_be(columns, rows):
    lines = characters(scene(), columns=columns, rows=rows)
    assert max(map(len, lines[:-1])) <= columns
    assert len(frame(lines)) == rows


def test_the_legend_and_the_axes_say_what_is_what():
    text = "\n".join(characters(scene()))
    for said in ("runs, one a seed", "· predicted n^-1", "x rival n^-0.5", "128", "width", "4,096", "0.01"):
        assert said in text


def test_the_plain_figure_is_ascii():
    lines = characters(scene(), plain=True)
    assert all(line.isascii() for line in lines)
    assert sum(line.count("o") for line in lines) > len(records.WIDTHS)


def test_a_finding_without_runs_has_a_figure_that_says_so():
    empty = scene(exponent=None, values=[[math.nan] * 3] * len(records.WIDTHS))
    assert isinstance(empty, Scene)
    assert "no finite positive run" in "\n".join(characters(empty))
