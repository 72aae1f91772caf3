"""A report as one HTML page that opens offline: what holds, what does not, and every claim with its figure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from theorychecks.reporting import spoken, tally, wording
from theorychecks.reporting.contents import Entry, Source, arxiv_address, entries, source_names, with_links
from theorychecks.reporting.forest import REACH, forest, place
from theorychecks.reporting.origins import on_evidence
from theorychecks.reporting.page_sections import Section, sections
from theorychecks.reporting.papers import paper_sections
from theorychecks.reporting.rendering import template
from theorychecks.reporting.report import Report

NOT_HOLDING = "Claims that do not pass"
"""The heading of the claims that come first, where there are any."""
_URGENCY = {"fail": 0, "error": 1}
"""What is refuted comes before what broke, and that before what is open."""
_TOLD_FIRST = 40
"""Claims that do not hold and have a line at the top; the forest plot has them all."""


def render_html(report: Report) -> str:
    """Return the report as one self-contained page below 5 MB, the same bytes for the same report.

    It is readable without scripts; the one that it has searches, filters, and unpacks further figures.
    """
    found = entries(report.claims)
    hrefs = {id(entry.claim): entry.href for entry in found}
    script = template("page.js").render()
    shown = sections(found)
    unjudged = tuple(map(wording.css_class, tally.UNJUDGED))
    failing = [section for section in shown if section.state not in ("pass", *unjudged)]
    failing.sort(key=lambda section: _URGENCY.get(section.state, 2))
    return template("report.html.j2").render(
        suite=report.suite,
        others=tally.others(report.suite),
        incomplete=None if tally.is_whole(report.suite) else tally.incomplete(report.suite),
        failing=failing[:_TOLD_FIRST],
        failing_left_out=max(len(failing) - _TOLD_FIRST, 0),
        forest=forest(found),
        edges=(place(-1.0), place(1.0)),
        reach=REACH,
        groups=_groups(shown, failing),
        subjects=_subjects(found),
        sources=[(source, _listed(found, source)) for source in source_names(found)],
        kinds=list(dict.fromkeys(kind for entry in found for kind in entry.kinds)),
        outcomes_found=list(dict.fromkeys(claim.outcome for claim in report.claims)),
        papers=paper_sections(report.claims),
        href_of=lambda claim: hrefs[id(claim)],
        provenance=wording.provenance(report.provenance),
        on_evidence=on_evidence(report.claims),
        outcomes=wording.OUTCOMES,
        style=template("page.css").render(),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        arxiv_address=arxiv_address,
        with_links=with_links,
        says=spoken,
        w=wording,
    )


def _groups(shown: Sequence[Section], failing: Sequence[Section]) -> list[tuple[str, list[Section]]]:
    """Claims under their headings: those that do not hold, then the others by subject."""
    first = {id(section) for section in failing}
    groups: dict[str, list[Section]] = {NOT_HOLDING: list(failing)} if failing else {}
    for section in shown:
        if id(section) not in first:
            groups.setdefault(section.entry.subject, []).append(section)
    return list(groups.items())


def _subjects(found: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    subjects: dict[str, list[Entry]] = {}
    for entry in found:
        subjects.setdefault(entry.subject, []).append(entry)
    return list(subjects.items())


def _listed(found: Sequence[Entry], source: Source) -> list[Entry]:
    return [entry for entry in found if source.number in (entry.sources or ("",))]
