"""Origins in words: which runs have measured what a report shows."""

from collections.abc import Sequence

from theorychecks.finding import Finding
from theorychecks.origin import Origin
from theorychecks.reporting.report import ClaimRecord

_COMMIT_SHOWN = 7
"""Digits."""


def origins_text(finding: Finding) -> str:
    """Return which runs have measured the numbers of a finding; a dash where they are given."""
    return "; ".join(map(_origin, finding.origins)) or "-"


def on_evidence(claims: Sequence[ClaimRecord]) -> str:
    """Return how many claims are judged on nothing but numbers that came with the code; nothing where none is."""
    by_claim = [{origin for finding in claim.findings for origin in finding.origins} for claim in claims]
    found = [origins for origins in by_claim if {each.source for each in origins} == {"evidence"}]
    if not found:
        return ""
    count = f"{len(found)} claims are" if len(found) > 1 else "1 claim is"
    earlier = _all_measured(sorted(set[Origin]().union(*found)))
    return f"{count} judged on evidence {earlier}; --theory-evidence=none measures anew"


def _all_measured(origins: Sequence[Origin]) -> str:
    """Return when one was measured and at which commit, or the days between which several were."""
    if len(origins) == 1:
        return _measured(origins[0])
    days = sorted({origin.day or "an unknown day" for origin in origins})
    between = f"between {days[0]} and {days[-1]}" if len(days) > 1 else f"on {days[0]}"
    commits = len({origin.commit for origin in origins})
    at = f"at {commits} commits" if commits > 1 else "at one commit"
    return f"measured {between} {at}, fingerprints unchanged"


def _origin(origin: Origin) -> str:
    return "measured in this run" if origin.source == "run" else f"{_measured(origin)} ({origin.source})"


def _measured(origin: Origin) -> str:
    """Return "measured on 2026-11-28 at 1a2b3c4, fingerprint unchanged"."""
    day = origin.day or "an unknown day"
    changed = "+" if origin.commit.endswith("+") else ""
    commit = origin.commit.rstrip("+")[:_COMMIT_SHOWN] + changed
    return f"measured on {day} at {commit or 'an unknown commit'}, fingerprint unchanged"
