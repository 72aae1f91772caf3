"""Contents: where each claim stands on the page, and under which subject, source and kind it is found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from theorychecks.reporting.report import ClaimRecord

_ARXIV: Final = re.compile(r"\barXiv:(\d{4}\.\d{4,5})(?!\d)")
_NO_PAPER: Final = "no paper"
_SOURCE_SHOWN: Final = 70


@dataclass(frozen=True, slots=True)
class Source:
    """A paper that claims come from, or that there is none.

    Attributes:
        number: on arXiv; empty where there is no paper.
        name: as claims call it, "Lee et al. 2019".
    """

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim in the contents.

    Attributes:
        claim: what is found there.
        name: its id, and where several claims have it, what the test is given.
        anchor: its place on the page, `LZ-1`; the same from run to run.
        family: its id before the first slash, where it is the first one of that family, and no claim has that id.
        subject: the file that it is in, as words.
        sources: the numbers of all papers that its source names.
        kinds: claim, trend or gate, and the kinds of its predictions.
    """

    claim: ClaimRecord
    name: str
    anchor: str
    family: str
    subject: str
    sources: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def href(self) -> str:
        """A link to it from its own page."""
        return f"#{quote(self.anchor)}"


def entries(claims: Sequence[ClaimRecord]) -> list[Entry]:
    """Return the contents, in the order of the report."""
    anchors, shared = _anchors(claims), Counter(claim.id for claim in claims)
    families: set[str] = set(anchors)
    found = []
    for claim, anchor in zip(claims, anchors, strict=True):
        family = _word(claim.id.partition("/")[0])
        is_first = bool(family) and family not in families
        families.add(family)
        kind = "gate" if claim.gate else "trend" if claim.trend else "claim"
        predicted = dict.fromkeys(finding.expectation.kind for finding in claim.findings)
        name = f"{claim.id} {_given(claim)}".strip() if shared[claim.id] > 1 else claim.id
        kinds = (kind, *predicted)
        found.append(Entry(claim, name, anchor, family if is_first else "", _subject(claim), _numbers(claim), kinds))
    return found


def source_names(found: Iterable[Entry]) -> list[Source]:
    """Return every paper that claims name, by name, and last that there is none, where a claim names none."""
    said: dict[str, Counter[str]] = {}
    for entry in found:
        for number in entry.sources or ("",):
            said.setdefault(number, Counter())[_name_of(entry.claim, number)] += 1
    sources = [Source(number, names.most_common(1)[0][0]) for number, names in said.items()]
    return sorted(sources, key=lambda source: (not source.number, source.name.casefold()))


def with_links(text: str) -> list[tuple[str, str]]:
    """Return a text in pieces, each with the address that it links to; none where it is plain."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _ARXIV.finditer(text):
        pieces += [(text[end : match.start()], ""), (match.group(), arxiv_address(match.group(1)))]
        end = match.end()
    return [*pieces, (text[end:], "")]


def arxiv_address(number: str) -> str:
    """Return where a paper is found; nothing for what is no number of one."""
    return f"https://arxiv.org/abs/{number}" if re.fullmatch(r"\d{4}\.\d{4,5}", number) else ""


def _anchors(claims: Sequence[ClaimRecord]) -> list[str]:
    """The claims' ids; of several claims with one id, those after the first have what their tests are given, too."""
    taken: set[str] = set()
    found = []
    for claim in claims:
        anchor = plain = _word(claim.id)
        if anchor in taken and _given(claim):
            anchor = f"{plain}{_word(_given(claim))}"
        count = 1
        while anchor in taken:
            count += 1
            anchor = f"{plain}:{count}"
        taken.add(anchor)
        found.append(anchor)
    return found


def _given(claim: ClaimRecord) -> str:
    """What the claim's test is given, "[decoder, Adam]"; nothing where that has no name."""
    found = re.search(r"\[.*\]$", claim.test)
    return found.group() if found else ""


def _word(text: str) -> str:
    """A text without white space, which no anchor may have."""
    return "-".join(text.split())


def _subject(claim: ClaimRecord) -> str:
    stem = PurePosixPath(claim.test.partition("::")[0]).stem.removeprefix("test_")
    words = stem.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else "Other claims"


def _numbers(claim: ClaimRecord) -> tuple[str, ...]:
    of_paper = [claim.paper.arxiv] if claim.paper is not None and claim.paper.arxiv else []
    return tuple(dict.fromkeys(_ARXIV.findall(claim.source) + of_paper))


def _name_of(claim: ClaimRecord, number: str) -> str:
    """How a claim's source names a paper: what stands before its number, "Lee et al. 2019"."""
    if not number:
        return _NO_PAPER
    before = claim.source.partition(f"arXiv:{number}")[0]
    name = re.split(r"[;:]|\bfrom\b|\bhere\b", before)[-1].strip(" ,(")
    if name[:1].isupper() and len(name) <= _SOURCE_SHOWN:
        return name
    of_paper = claim.paper is not None and claim.paper.arxiv == number
    return claim.paper.title[:_SOURCE_SHOWN] if claim.paper is not None and of_paper else f"arXiv:{number}"
