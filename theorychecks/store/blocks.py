"""Stored blocks: some consecutive seeds of one axis value as a file holds them, and the names of such files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from theorychecks.arguments import check_text, flag, real_number, whole_number
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status
from theorychecks.store.floats import DTYPES, Floats

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"([0-9a-f]{64})\.(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})\.json")
_DTYPES: Final = frozenset(DTYPES.values())
_LARGEST: Final = 2**63
"""Whole numbers lie below it, so that any reader of JSON has them exactly."""


class BlockName(NamedTuple):
    """The name of a block's file: what makes its numbers, and of which seeds.

    Attributes:
        key: 64 hexadecimal digits.
        first: seed.
        last: seed.
    """

    key: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.key}.{self.first}-{self.last}.json"

    @property
    def folder(self) -> str:
        """Of the store, in which the file lies."""
        return self.key[:2]


def parsed_name(text: str) -> BlockName | None:
    """What the name of a file says; None unless it is a block's."""
    found = _NAME.fullmatch(text)
    if found is None or int(found[2]) > int(found[3]):
        return None
    return BlockName(found[1], int(found[2]), int(found[3]))


def check_key(key: object) -> None:
    """Refuse what is no key.

    Raises:
        ValueError: for anything but 64 hexadecimal digits.
    """
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        raise ValueError(f"a key is a text of 64 digits, 0-9 and a-f, as sha256(...).hexdigest() gives; got {key!r}")


@dataclass(frozen=True, eq=False)
class StoredReading:
    """One number a seed, without torch.

    Attributes:
        values: [seed], of half, single or double precision; an array of its own, in the machine's order of bytes.
        statuses: where a value is a bound rather than a number; None, for one or for all, reads them off the values.
        exact: whether the number is the same for every seed because nothing is drawn for it.
    """

    values: Floats
    statuses: tuple[Status | None, ...] | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        given = self.values
        dtype = given.dtype if isinstance(given, np.ndarray) else None
        if dtype is not None and not dtype.isnative:
            dtype = dtype.newbyteorder("=")
        if dtype not in _DTYPES or given.ndim != 1:
            raise TypeError(
                f"a stored reading has one number a seed, a numpy array [seed] of {', '.join(DTYPES)}; got "
                f"{given!r}. Convert it first: values.astype(float)."
            )
        object.__setattr__(self, "values", given.astype(dtype))
        if self.exact is not True and self.exact is not False:
            object.__setattr__(self, "exact", flag(self.exact, "exact"))
        if self.statuses is None:
            return
        object.__setattr__(self, "statuses", tuple(self.statuses))
        if not all(each is None or isinstance(each, Status) for each in self.statuses):
            raise TypeError(f"statuses are None or a Status for each seed; got {self.statuses!r}")
        if len(self.statuses) != len(self.values):
            raise ValueError(f"there is one status a seed; got {len(self.statuses)} for {len(self.values)} values")


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredBlock:
    """Some consecutive seeds of one axis value, observed together, with what made them and what a reader calls them.

    Attributes:
        key: of all that determines the numbers but their seeds, 64 hexadecimal digits.
        first: seed.
        seeds: how many.
        readings: one number a seed each, by their parts, in the observable's order.
        seconds: how long it took.
        flops: floating-point operations of all matrix products.
        trainings: networks trained, each time that one was.
        provenance: texts: "date" (UTC, ISO 8601), versions, commit.
        description: texts for a reader: "title", axis, axis value, engine.
    """

    key: str
    first: int
    seeds: int
    readings: Mapping[Parts, StoredReading]
    seconds: float
    flops: float
    trainings: int
    provenance: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    description: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        check_key(self.key)
        for name, least in (("first", 0), ("seeds", 1), ("trainings", 0)):
            number = whole_number(getattr(self, name), f"{name} of a stored block", least=least)
            if number >= _LARGEST:
                raise ValueError(f"{name} of a stored block is below 2^63; got {number}")
            object.__setattr__(self, name, number)
        for name in ("seconds", "flops"):
            value = real_number(getattr(self, name), f"{name} of a stored block", like="0.5")
            object.__setattr__(self, name, float(value))
        self._check_readings()
        for name in ("provenance", "description"):
            for label, text in getattr(self, name).items():
                check_text(label, f"a label of {name}", like="title")
                check_text(text, f"{name}[{label!r}]", like="hidden weight change")

    def _check_readings(self) -> None:
        if not self.readings:
            raise ValueError("a stored block has a reading or more; got none")
        for parts, reading in self.readings.items():
            if not isinstance(parts, Parts) or not isinstance(reading, StoredReading):
                raise TypeError(f"readings map Parts to StoredReading; got {parts!r}: {reading!r}")
            if large := [part for part in parts.values() if isinstance(part, int) and not abs(part) < _LARGEST]:
                raise ValueError(f"numbers in parts of a stored reading are below 2^63; got {large[0]}")
            if len(reading.values) != self.seeds:
                raise ValueError(f"a stored block of {self.seeds} seeds has {len(reading.values)} values for {parts!r}")

    @property
    def name(self) -> BlockName:
        """Of its file."""
        return BlockName(self.key, self.first, self.first + self.seeds - 1)


def consecutive(
    names: Iterable[BlockName], load: Callable[[BlockName], StoredBlock | None], first: int = 0
) -> list[StoredBlock]:
    """Blocks of one key that hold consecutive seeds, from the first on.

    At each seed it is the longest block that begins there and can be had, whatever else overlaps it.
    """
    found: list[StoredBlock] = []
    reached = first
    for name in sorted(names, key=lambda name: (name.first, -name.last)):
        if name.first > reached:
            break
        block = load(name) if name.first == reached else None
        if block is not None:
            found.append(block)
            reached = name.last + 1
    return found
