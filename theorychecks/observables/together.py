"""Together: several observables of one training, which is then run once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from theorychecks.engines import Run
from theorychecks.engines.deferred import Times
from theorychecks.observables.observable import Observable, Reading, Readings, check_observable
from theorychecks.statistics.parts import Parts, PartsError


@dataclass(frozen=True)
class Together(Observable):
    """Several observables of one training, which is then run once.

    Readings keep their parts, behind `observable`, the title of theirs, where titles differ.

    Attributes:
        observables: which; all of them average over the same number of networks, and none trains its networks again.

    Raises:
        PartsError: if two readings would have the same parts.
        ValueError: for other numbers of networks, an observable that trains its networks several times, or none.
    """

    observables: Sequence[Observable]
    networks: int = field(init=False, repr=False, compare=False)
    times: Times = field(init=False, repr=False, compare=False)
    parts: tuple[str, ...] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.observables, Sequence):
            raise TypeError(f"several observables are read together, Together((first, second)); got {self.observables}")
        members = tuple(self.observables)
        for member in members:
            check_observable(member)
        if not members:
            raise ValueError("observables are read together, one at least; got none")
        if len({member.networks for member in members}) > 1:
            raise ValueError("observables read together need the same number of networks per value")
        if any(member.retrains for member in members):
            raise ValueError("an observable that trains its networks several times is measured on its own")
        for one, other in combinations(members, 2):
            if one == other or (one.title == other.title and one.parts == other.parts == ()):
                raise PartsError(_twice(Parts(), one, other))
        object.__setattr__(self, "observables", members)
        object.__setattr__(self, "networks", members[0].networks)
        object.__setattr__(self, "times", "all" if any(member.times == "all" for member in members) else "ends")
        object.__setattr__(self, "parts", self._parts())

    def _parts(self) -> tuple[str, ...] | None:
        names = [] if self.title else ["observable"]
        for member in self.observables:
            if member.parts is None:
                return None
            names += member.parts
        return tuple(dict.fromkeys(names))

    @property
    def title(self) -> str:
        """That of the observables, where they have one in common; nothing otherwise."""
        titles = {member.title for member in self.observables}
        return titles.pop() if len(titles) == 1 else ""

    def read(self, run: Run) -> Readings:
        """Readings of all observables, in order.

        Raises:
            PartsError: if two have the same parts.
        """
        found: dict[Parts, Reading] = {}
        owners: dict[Parts, Observable] = {}
        for member in self.observables:
            for own, reading in member.read(run).items():
                # A member without a title of its own has put those of its members first.
                parts = own if self.title or not member.title else Parts({"observable": member.title, **own})
                if parts in found:
                    raise PartsError(_twice(parts, owners[parts], member))
                found[parts], owners[parts] = reading, member
        return found


def _twice(parts: Parts, one: Observable, other: Observable) -> str:
    named = f" {str(parts)!r}" if parts else ""
    return (
        f"two readings have the same parts{named}, of {one!r} and of {other!r}. Read one of the two, or give their "
        "classes titles or parts of their own."
    )
