"""Papers with sections of their own: which of their statements hold, which are open, and which are doubtful."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from theorychecks.claims.declaration import Paper
from theorychecks.reporting.report import ClaimRecord
from theorychecks.reporting.tally import UNJUDGED

READ_IN_FULL: Final = "in full"
"""What `Paper.seen` says of a paper whose statements may be called false."""


@dataclass(frozen=True, slots=True)
class PaperSection:
    """A paper and the claims that bear on it.

    Attributes:
        paper: as the first of its claims names it.
        supported: claims that pass.
        open: claims that do not, whatever keeps them from it.
        unjudged: claims that were skipped or not run.
    """

    paper: Paper
    supported: tuple[ClaimRecord, ...]
    open: tuple[ClaimRecord, ...]
    unjudged: tuple[ClaimRecord, ...]

    @property
    def headed(self) -> tuple[tuple[str, tuple[ClaimRecord, ...]], ...]:
        """The three lists with their headings."""
        return (
            ("Supported by this run", self.supported),
            ("Not supported by this run", self.open),
            ("Not judged by this run", self.unjudged),
        )

    @property
    def statements(self) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """Of the paper, each with what is said of it, in two lists with their headings.

        A statement is called false only where it was read with its assumptions and definitions.
        """
        in_full = self.paper.seen == READ_IN_FULL
        doubtful = "Looks false as stated" if in_full else "Doubtful when read literally, and what would make it true"
        return (("Not decided by a small experiment", self.paper.undecided), (doubtful, self.paper.doubtful))


def paper_sections(claims: Iterable[ClaimRecord]) -> list[PaperSection]:
    """Return one section a paper, in the order in which claims name them."""
    by_number: dict[str, list[ClaimRecord]] = {}
    papers: dict[str, Paper] = {}
    for claim in claims:
        if claim.paper is not None:
            number = claim.paper.arxiv or claim.paper.title
            papers.setdefault(number, claim.paper)
            by_number.setdefault(number, []).append(claim)
    return [
        PaperSection(
            papers[number],
            tuple(claim for claim in bearing if claim.outcome == "pass"),
            tuple(claim for claim in bearing if claim.outcome not in ("pass", *UNJUDGED)),
            tuple(claim for claim in bearing if claim.outcome in UNJUDGED),
        )
        for number, bearing in by_number.items()
    ]
