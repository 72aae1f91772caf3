"""A report says which runs have measured its numbers: of each finding, and of claims that nothing was measured for."""

from theorychecks.origin import IN_THIS_RUN, Origin
from theorychecks.reporting import render_markdown
from theorychecks.reporting.html import render_html
from theorychecks.reporting.origins import on_evidence, origins_text
from theorychecks.reporting.terminal import closing_lines

COMMITTED = Origin(source="evidence", day="2026-03-01", commit="0123456789abcdef")
SAID = "measured on 2026-03-01 at 0123456, fingerprint unchanged"


def claim(records, *origins, **more):
    """A claim whose prediction has these origins, and whose control the first of them."""
    return records.claim(findings=[records.finding(origins=origins), records.control(origins=origins[:1])], **more)


def test_a_finding_says_what_was_measured_when(records):
    kept = Origin(source="store", day="2026-04-02", commit="fedcba9876543210+")
    assert origins_text(records.finding(origins=(IN_THIS_RUN,))) == "measured in this run"
    assert origins_text(records.finding(origins=())) == "-"
    assert origins_text(records.finding(origins=(COMMITTED, kept))) == (
        f"{SAID} (evidence); measured on 2026-04-02 at fedcba9+, fingerprint unchanged (store)"
    )
    unknown = Origin(source="store")
    assert "on an unknown day at an unknown commit" in origins_text(records.finding(origins=(unknown,)))


def test_every_page_shows_it(records):
    report = records.report(claim(records, COMMITTED), records.failing_claim())
    for said in ("1 claim is judged on evidence", SAID, "--theory-evidence=none measures anew"):
        assert any(said in line for line in closing_lines(report))
        assert said in render_markdown(report)
        assert said in render_html(report)
    failing = records.failing_claim(findings=[records.finding(verdict="refuted", origins=(COMMITTED,))])
    assert f"origin      {SAID} (evidence)" in render_markdown(records.report(failing))


def test_claims_are_counted_that_nothing_was_measured_for(records):
    other = Origin(source="evidence", day="2026-03-02")
    whole, too = claim(records, COMMITTED), claim(records, other)
    partly = claim(records, COMMITTED, IN_THIS_RUN)
    stored = claim(records, Origin(source="store", day="2026-03-01"))
    given = records.claim()
    assert on_evidence([partly, stored, given]) == ""
    assert on_evidence([]) == ""
    assert on_evidence([whole, partly]).startswith(f"1 claim is judged on evidence {SAID};")
    assert on_evidence([whole, too, whole, stored]) == (
        "3 claims are judged on evidence measured between 2026-03-01 and 2026-03-02 at 2 commits, fingerprints "
        "unchanged; --theory-evidence=none measures anew"
    )
    same_day = claim(records, Origin(source="evidence", day="2026-03-01", commit="fedcba9876543210"))
    assert "measured on 2026-03-01 at 2 commits, fingerprints unchanged;" in on_evidence([whole, same_day])
    later = claim(records, Origin(source="evidence", day="2026-03-09", commit=COMMITTED.commit))
    assert "measured between 2026-03-01 and 2026-03-09 at one commit, fingerprints" in on_evidence([whole, later])
    undated = [claim(records, Origin(source="evidence", commit=commit)) for commit in ("01", "02")]
    assert "measured on an unknown day at 2 commits" in on_evidence(undated)
    assert "measured between 2026-03-01 and an unknown day at 2 commits" in on_evidence([whole, undated[0]])
