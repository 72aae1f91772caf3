"""Expansion: what a thing is by itself, and the things that it is made of; and why it may have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple


class Missing:
    """What is not there."""


MISSING: Final = Missing()


@dataclass(frozen=True)
class Named:
    """What its name stands for: a thing of another distribution, a builtin, a name without a value."""

    name: str


class Child(NamedTuple):
    """One thing that another one is made of.

    Attributes:
        label: which one: ".width", "[0]", "`helper`", "closure `table`".
        thing: itself.
    """

    label: str
    thing: object


class Expansion(NamedTuple):
    """What a thing is.

    Attributes:
        own: by itself, without its children.
        children: what it is made of.
        ordered: whether their order and labels matter; those of a set do not.
    """

    own: str
    children: Sequence[Child] = ()
    ordered: bool = True


class Refused(Exception):  # noqa: N818 - it says what has happened
    """A thing cannot be fingerprinted.

    Args:
        why: a sentence that starts with the thing.
        way_out: a sentence of its own.
    """

    def __init__(self, why: str, way_out: str) -> None:
        super().__init__(why, way_out)
        self.why, self.way_out = why, way_out


@dataclass(eq=False)
class Watch:
    """What was looked up while functions and classes were expanded, so that a change of it is seen.

    Attributes:
        items: mapping, key, and the value found.
        attributes: object, name, and the value found.
        sizes: mapping, and how many items it had.
    """

    items: list[tuple[Mapping[str, Any], str, object]] = field(default_factory=list)
    attributes: list[tuple[object, str, object]] = field(default_factory=list)
    sizes: list[tuple[Mapping[str, Any], int]] = field(default_factory=list)

    def mapping(self, mapping: Mapping[str, Any]) -> None:
        """Watch a whole mapping."""
        self.sizes.append((mapping, len(mapping)))
        self.items += [(mapping, key, value) for key, value in mapping.items()]

    def include(self, other: Watch) -> None:
        """Watch what another one does, too."""
        self.items += other.items
        self.attributes += other.attributes
        self.sizes += other.sizes

    def once(self) -> Watch:
        """The same, each look-up once."""
        items = {(id(mapping), key): (mapping, key, value) for mapping, key, value in self.items}
        attributes = {(id(thing), name): (thing, name, value) for thing, name, value in self.attributes}
        sizes = {id(mapping): (mapping, size) for mapping, size in self.sizes}
        return Watch(list(items.values()), list(attributes.values()), list(sizes.values()))

    def is_as_it_was(self) -> bool:
        """Whether every look-up still finds the same object."""
        # Plain loops: some thousand look-ups are checked for every design.
        for mapping, key, value in self.items:
            if mapping.get(key, MISSING) is not value:
                return False
        for thing, name, value in self.attributes:
            if getattr(thing, name, MISSING) is not value:
                return False
        return all(len(mapping) == size for mapping, size in self.sizes)
