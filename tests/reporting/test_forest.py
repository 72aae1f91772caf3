"""The forest plot orders claims by what is to be feared of them, and shows where their intervals lie."""

import pytest

from theorychecks.reporting.contents import entries
from theorychecks.reporting.forest import forest, place


def planted(records):
    def at(name, exponent, **changes):
        return records.claim(id=name, findings=[records.finding(exponent=exponent), records.control()], **changes)

    return [
        at("middle", -1.0),
        at("near", -0.92),
        records.failing_claim(id="refuted"),
        records.claim(
            id="open",
            outcome="inconclusive",
            findings=[records.finding(exponent=-0.86, verdict="inconclusive"), records.control()],
        ),
        at("a trend", -0.91, trend=True),
        records.claim(id="skipped", outcome="skipped", reason="later", findings=[]),
        records.claim(id="tested", findings=[records.ordering()]),
    ]


def test_what_fails_comes_first_then_what_is_open_then_what_is_near_its_edge(records):
    rows = forest(entries(planted(records)))
    assert [row.entry.claim.id for row in rows.claims] == ["refuted", "open", "near", "middle", "tested"]
    assert [row.entry.claim.id for row in rows.trends] == ["a trend"]


def test_intervals_lie_on_the_scale_of_margins(records):
    rows = {row.entry.claim.id: row for row in forest(entries(planted(records))).claims}
    near = rows["near"]
    assert near.left == pytest.approx(place(0.2))
    assert near.left + near.width == pytest.approx(place(13 / 15))
    assert near.left < near.middle < near.left + near.width < place(1.0)
    assert near.said == "86% of the margin used"
    assert rows["tested"].left is None


def test_an_interval_beyond_the_plot_goes_on(records):
    (row, *_) = forest(entries(planted(records))).claims
    assert row.cut_right
    assert not row.cut_left
    assert 0 <= row.left <= 100


@pytest.mark.parametrize(
    ("exponent", "said"), [(-0.9001, "99%"), (-0.8999, "101%"), (-0.96, "60%"), (-5.0005, "2,701%")]
)
def test_a_hundred_per_cent_is_neither_just_inside_nor_just_outside(records, exponent, said):
    claim = records.claim(findings=[records.finding(exponent=exponent)])
    (row,) = forest(entries([claim])).claims
    assert row.said == f"{said} of the margin used"
