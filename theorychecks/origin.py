"""Origin: where numbers come from, this run or an earlier one, with the day and the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, kw_only=True, order=True)
class Origin:
    """Where numbers come from.

    Attributes:
        source: what they were taken from; `run` where this run has measured them.
        day: on which they were measured, ISO 8601; empty in this run, or where nobody knows.
        commit: of the code that measured them, with a plus where files differed from it; empty likewise.
    """

    source: Literal["run", "store", "evidence"] = "run"
    day: str = ""
    commit: str = ""


IN_THIS_RUN: Final = Origin()
