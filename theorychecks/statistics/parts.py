"""Parts: what tells one reading of a measurement from the others, and how readings are chosen by it."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from types import MappingProxyType

Part = str | int
Selection = tuple[tuple[str, tuple[Part, ...]], ...]
"""Readings to be judged: those that have one of these values in each of these parts; all of them where it is empty."""


class PartsError(ValueError):
    """No reading has the parts that were asked for, or two have the same."""


class Parts(Mapping[str, Part]):
    """What tells a reading from the others of its measurement: layer="hidden 2", role="hidden", norm="frobenius".

    It is a mapping that does not change, and a key of dictionaries. A single reading has no parts. Its text, by which
    reports call the reading, has the values in order, a number after the name of its part, as in "step 3"; a role goes
    without saying where there is a layer.
    """

    def __init__(self, parts: Mapping[str, Part] = MappingProxyType({}), /, **more: Part) -> None:
        self._parts = dict(parts) | more
        for part, value in self._parts.items():
            if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
                raise TypeError(f"a part of a reading is a text or a whole number; got {part}={value!r}")
        self._hash = hash(frozenset(self._parts.items()))

    def __getitem__(self, part: str) -> Part:
        return self._parts[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    # A gate looks readings up by their parts a million times, and a mapping's own ways of comparing are slow.

    def __eq__(self, other: object) -> bool:
        return self._parts == other._parts if isinstance(other, Parts) else self._parts == other

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[Parts], tuple[dict[str, Part]]]:
        # Texts have another hash in every process.
        return type(self), (self._parts,)

    def keys(self) -> KeysView[str]:
        """Names of the parts."""
        return self._parts.keys()

    def values(self) -> ValuesView[Part]:
        """One for each name."""
        return self._parts.values()

    def items(self) -> ItemsView[str, Part]:
        """Names with their values."""
        return self._parts.items()

    def __repr__(self) -> str:
        return f"Parts({self._parts})"

    def __str__(self) -> str:
        return ", ".join(
            value if isinstance(value, str) else f"{part} {value}"
            for part, value in self._parts.items()
            if part != "role" or "layer" not in self._parts
        )


def parts_of(key: object) -> Parts:
    """Parts by which a function calls a reading: a text is its name, and an empty one says that it is the only one.

    Raises:
        TypeError: for anything but parts or a text.
    """
    if isinstance(key, Parts):
        return key
    if not isinstance(key, str):
        raise TypeError(f"readings are told apart by a name or by tc.Parts(...); got the key {key!r}")
    return Parts(name=key) if key else Parts()


def selection(wanted: Mapping[str, Part | Iterable[Part]]) -> Selection:
    """A selection from values of parts, one or several of each.

    Raises:
        PartsError: for no value of a part.
    """
    found = tuple(
        (part, (values,) if isinstance(values, str | int) else tuple(values)) for part, values in wanted.items()
    )
    for part, values in found:
        if not values:
            raise PartsError(f"readings are selected by one value of a part or more; got {part}= with none")
    return found


def check_names(wanted: Selection, names: Iterable[str], title: str) -> None:
    """Refuse a selection by parts that no reading will have.

    Raises:
        PartsError: if there is such a part.
    """
    known = list(names)
    for part, values in wanted:
        if part not in known:
            there = f"there are the parts {', '.join(known)}" if known else "its only reading has no parts"
            raise PartsError(f"no reading of {title or 'the sweep'!r} has {_said(part, values)}; {there}")


def select(readings: Iterable[Parts], wanted: Selection, title: str) -> list[Parts]:
    """Those readings that have one of the values wanted of each part, in their order.

    Raises:
        PartsError: if no reading has such a part, or one of its values, or all that is wanted at once.
    """
    found = list(readings)
    if not wanted:
        return found
    there: dict[str, dict[Part, None]] = {}
    for reading in found:
        for part, value in reading.items():
            there.setdefault(part, {})[value] = None
    check_names(wanted, there, title)
    for part, values in wanted:
        if unknown := [value for value in values if value not in there[part]]:
            raise PartsError(
                f"no reading of {title or 'the sweep'!r} has {_said(part, unknown)}; "
                f"there are {_said(part, there[part])}"
            )
    chosen = [reading for reading in found if all(reading.get(part) in values for part, values in wanted)]
    if not chosen:
        asked = " and ".join(_said(part, values) for part, values in wanted)
        raise PartsError(
            f"no reading of {title or 'the sweep'!r} has {asked} at once; there are "
            + ", ".join(repr(str(reading)) for reading in found)
        )
    return chosen


def _said(part: str, values: Iterable[Part]) -> str:
    """A part with its values: layer='input', 'hidden 2'."""
    return f"{part}={', '.join(map(repr, values))}"
