"""Kept claims: what a report says of some claims, of which no other is read in full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theorychecks.kept import REPORT, SUMMARY, said
from theorychecks.reporting import ClaimRecord, ReportError
from theorychecks.reporting.codec import decode
from theorychecks.reporting.report import checked_document


@dataclass(frozen=True)
class KeptClaims:
    """The claims of a report, as its file has them.

    Attributes:
        file: where it is.
        created: when the run was, ISO 8601.
        documents: one for each test.
    """

    file: Path
    created: str
    documents: tuple[dict[str, Any], ...]

    @property
    def names(self) -> list[str]:
        """Ids, each once."""
        return list(dict.fromkeys(str(document.get("id")) for document in self.documents))

    def of(self, claim: str) -> list[ClaimRecord]:
        """What it says of a claim, a record for each test."""
        return [
            decode(ClaimRecord, document, f"{self.file}: the claim {claim}")
            for document in self.documents
            if document.get("id") == claim
        ]


def kept_claims(place: Path) -> KeptClaims:
    """Read a report, from its directory or its file.

    Raises:
        ReportError: where there is none that this version reads.
    """
    file = place / REPORT if place.is_dir() else place
    try:
        document = checked_document(file.read_text(encoding="utf-8"))
        claims, provenance = document["claims"], document["provenance"]
        if document.get("runs") == "left out":
            raise ReportError(f"{file} is a summary, without the values of the runs. Name a {REPORT}.")
        if not isinstance(provenance, dict):
            raise ValueError("its provenance is no object")
        return KeptClaims(file, str(provenance["created"]), tuple(_objects(claims)))
    except OSError as error:
        beside = f"; {place / SUMMARY} has no values of runs" if (place / SUMMARY).exists() else ""
        raise ReportError(
            f"there is no report to read: {said(error)}{beside}. Run claims with pytest, which leaves one, or name "
            f"a directory that has a {REPORT} by --report=DIRECTORY."
        ) from error
    except ReportError as error:
        raise ReportError(f"{file}: {error}") from error
    except (KeyError, ValueError, RecursionError) as error:
        raise ReportError(f"{file}: this is no report of a run: {error!r}. Is it a {REPORT}?") from error


def _objects(claims: object) -> Iterable[dict[str, Any]]:
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise ValueError("its claims are no list of objects")
    return claims
