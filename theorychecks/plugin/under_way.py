"""What is under way: the claims that processes are at, what they have measured, and how long the rest may take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import fmean
from typing import Final, Protocol

from theorychecks.progress import Listener, Look, listener

_FEWEST_CLAIMS: Final = 3
_FEWEST_SECONDS: Final = 5.0
_LEAST_SHARE: Final = 0.05
"""Of all the work: a guess from less would be none."""
_LEAST_FLOPS: Final = 1e6
"""Less is not spoken of: what functions compute by themselves is not counted."""


class ClaimListener(Listener, Protocol):
    """Is told of claims, too, as they begin and end in one process."""

    def claim_begun(self, claim: str) -> None:
        """A claim with this id begins."""
        ...

    def claim_ended(self) -> None:
        """It has run."""
        ...


@contextmanager
def telling(told: ClaimListener, claim: str) -> Iterator[None]:
    """Tell of a claim that runs inside the block, and of what it measures."""
    token = listener.set(told)
    told.claim_begun(claim)
    try:
        yield
    finally:
        told.claim_ended()
        listener.reset(token)


_turns: Final = count()


@dataclass(frozen=True)
class Counts:
    """Cells and floating-point operations, of work that is done or planned."""

    cells: int = 0
    flops: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.cells + other.cells, self.flops + other.flops)


class Lane:
    """What one process is at.

    Attributes:
        claim: the id of the claim under way; empty between claims.
        turn: grows from one claim to the next, whichever process they are in.
        cell: the axis value that is measured, its look and its quantity; empty before the first.
        red: what is refuted so far, while fresh seeds are to confirm it and until the claim has run.
        done: all that this process has measured.
        ahead: what the claim under way has planned besides.

    Args:
        changed: is called when there is something to show, with whether it is another claim or cell than before.
    """

    def __init__(self, changed: Callable[[bool], None] = lambda new: None) -> None:
        self.claim = self.cell = self.red = self._news = ""
        self.turn = 0
        self.done = self.ahead = Counts()
        self._changed = changed

    def claim_begun(self, claim: str) -> None:
        """See `ClaimListener`."""
        self.claim = claim
        self.turn = next(_turns)
        self._changed(True)

    def claim_ended(self) -> None:
        """See `ClaimListener`. What the claim has planned and not measured, since it broke, is not waited for."""
        self.claim = self.cell = self.red = self._news = ""
        self.ahead = Counts()

    def planned(self, cells: int, flops: float) -> None:
        """See `Listener`."""
        self.ahead += Counts(cells, flops)

    def begun(self, title: str, axis: str, axis_value: float, look: Look | None) -> None:
        """See `Listener`."""
        shown = "" if look is None or look.planned == 1 else f", look {look.taken}/{look.planned}"
        self.cell = f" at {axis} {axis_value:,.10g}{shown}" + (f" ({title})" if title else "")
        self._changed(True)

    def measured(self, cells: int, flops: float, planned: float) -> None:
        """See `Listener`."""
        self.done += Counts(cells, flops)
        self.ahead = Counts(max(self.ahead.cells - cells, 0), max(self.ahead.flops - planned, 0.0))
        self._changed(False)

    def doubted(self, what: str) -> None:
        """See `Listener`."""
        self.red = f": red so far: {what}" if what else ""
        self._news = self.claim + (self.red or ": red no longer: fresh seeds do not confirm it")
        self._changed(True)

    def announce(self, write: Callable[[str], bool]) -> None:
        """Write what is new in a line of its own; the function says whether it could, and else is asked again."""
        if self._news and write(f"theory: {self._news}"):
            self._news = ""

    def __str__(self) -> str:
        return self.claim + (f"{self.red};" if self.red and self.cell else self.red) + self.cell


def progress_line(decided: int, collected: int, left: float | None, lanes: Iterable[Lane]) -> str:
    """Return all there is to say of a run in one line, the most telling first, since terminals are narrow.

    Args:
        decided: claims that have an outcome.
        collected: claims that there are.
        left: seconds until all are decided; None where nobody knows.
        lanes: of all processes; a claim that is red so far comes first, and then what has been under way for longest.
    """
    lanes = sorted(lanes, key=lambda lane: (not lane.red, lane.turn))
    claims = f"{decided}/{collected} claims" + ("" if left is None else f", {about(left)} left")
    busy = [str(lane) for lane in lanes if lane.claim]
    done = sum((lane.done for lane in lanes), Counts())
    counts = _counts_text(done, sum((lane.ahead for lane in lanes), done))
    return "theory: " + "; ".join(filter(None, [claims, *busy[:1], counts, *busy[1:]]))


def _counts_text(done: Counts, planned: Counts) -> str:
    """Return "12/40 cells, 1.2/3.4 TFLOP", or nothing before anything is planned."""
    if not planned.cells:
        return ""
    cells = f"{done.cells}/{planned.cells} cells"
    if planned.flops < _LEAST_FLOPS:
        return cells
    unit, name = next(pair for pair in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (0.0, "M")) if planned.flops >= pair[0])
    unit = unit or 1e6
    return f"{cells}, {done.flops / unit:.3g}/{planned.flops / unit:.3g} {name}FLOP"


def seconds_left(
    elapsed: float, decided: Collection[str], collected: Collection[str], earlier: Mapping[str, float]
) -> float | None:
    """How long the claims that are left take if they go on as the others went; None where it is too early to say.

    Claims weigh as much as they took in an earlier run, so that the machine, the number of processes and what need not
    be measured again cancel. Those that were not in it weigh as the others do on average; without one all weigh alike.

    Args:
        elapsed: seconds since the first claim began.
        decided: node ids of the claims that have an outcome.
        collected: node ids of all claims.
        earlier: seconds that claims took before, by node id.
    """
    known = [earlier[node] for node in collected if node in earlier]
    average = fmean(known) if known else 1.0
    weights = {node: earlier.get(node, average) for node in collected}
    done, total = sum(weights[node] for node in decided), sum(weights.values())
    if len(decided) < _FEWEST_CLAIMS or elapsed < _FEWEST_SECONDS or not done >= _LEAST_SHARE * total > 0:
        return None
    return elapsed * (total - done) / done


def about(seconds: float) -> str:
    """Return a time as a guess is said: "about 40 s", "about 4 min", "about 1.5 h"."""
    if seconds < 90:
        return f"about {max(round(seconds, -1), 10):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 90 * 60 else f"about {seconds / 3600:.1f} h"
