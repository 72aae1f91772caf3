"""Graph: things and what they are made of, round in circles if need be; and a digest of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Final, NamedTuple

from theorychecks.experiment.fingerprint.classes import expand_class
from theorychecks.experiment.fingerprint.expansion import Child, Expansion, Refused, Watch
from theorychecks.experiment.fingerprint.functions import expand_function
from theorychecks.experiment.fingerprint.syntax import digest_of_text
from theorychecks.experiment.fingerprint.values import HOOK, atom, expand_value

_MOST_NODES: Final = 10**6


class Unfingerprintable(TypeError):  # noqa: N818 - it says what a thing is
    """Something that numbers depend on cannot be told from others in another process."""


@dataclass(eq=False, slots=True)
class Node:
    """A thing, with what it is made of.

    Attributes:
        thing: itself; it is kept, so that no other one takes its place in memory.
        parent: the first one that it was found in, and `label` how.
        own, ordered: see `Expansion`.
        links: by label, a text or another node.
        digest: of it and all that it is made of.
    """

    thing: object
    label: str
    parent: Node | None
    own: str = ""
    ordered: bool = True
    links: list[tuple[str, str | Node]] = field(default_factory=list)
    digest: str = ""

    @property
    def path(self) -> str:
        """Where it was found, from the nearest function or class on: "test_x.width_of, closure `table`[0]"."""
        labels, at = list[str](), self
        while at.parent is not None and not is_code(at.thing):
            labels.append(at.label if at.label.startswith((".", "[", ",")) else f", {at.label}")
            at = at.parent
        return called(at) + "".join(reversed(labels))


def called(node: Node) -> str:
    """A function's or class's full name."""
    thing = node.thing
    if isinstance(thing, FunctionType | type):
        return f"{thing.__module__}.{thing.__qualname__}"
    return node.label


def is_code(thing: object) -> bool:
    """Whether a thing is a function or a class."""
    return isinstance(thing, FunctionType | type)


def is_of_module(thing: object) -> bool:
    """Whether a thing is a function or a class of a module, and so the same as long as no name is bound anew."""
    if isinstance(thing, FunctionType):
        return set(thing.__code__.co_freevars) <= {"__class__"} and "<locals>" not in thing.__qualname__
    return isinstance(thing, type) and "<locals>" not in thing.__qualname__


@dataclass
class Graph:
    """All that some things are made of.

    Attributes:
        cut: what is not looked into; its digest must be known to who asks for those of others.
        nodes: each thing once.
        roots: links to the things asked for.
        leaves: those that were cut.
        watch: what was looked up.
    """

    cut: Callable[[object], bool]
    nodes: dict[int, Node] = field(default_factory=dict)
    roots: list[tuple[str, str | Node]] = field(default_factory=list)
    leaves: list[Node] = field(default_factory=list)
    watch: Watch = field(default_factory=Watch)
    _todo: deque[Node] = field(default_factory=deque)

    @classmethod
    def of(cls, things: Sequence[Child], cut: Callable[[object], bool] = lambda thing: False) -> Graph:
        """The graph of some things.

        Raises:
            Unfingerprintable: naming what cannot be looked into, and where it was found.
        """
        graph = cls(cut)
        graph.roots = [(child.label, graph._link(child, None)) for child in things]
        while graph._todo:
            graph._expand(graph._todo.popleft())
        return graph

    def _link(self, child: Child, parent: Node | None) -> str | Node:
        thing = child.thing
        known = self.nodes.get(id(thing))
        if known is not None:
            return known
        text = atom(thing)
        if text is not None:
            return text
        node = self.nodes[id(thing)] = Node(thing, child.label, parent)
        if self.cut(thing):
            self.leaves.append(node)
        else:
            self._todo.append(node)
        return node

    def _expand(self, node: Node) -> None:
        try:
            if len(self.nodes) > _MOST_NODES:
                raise Refused(
                    f"more than {_MOST_NODES:,} things hang together", "Use arrays for what are many numbers."
                )
            expansion = expanded(node.thing, self.watch)
            node.own, node.ordered = expansion.own, expansion.ordered
            node.links = [(child.label, self._link(child, node)) for child in expansion.children]
        except Refused as refused:
            raise Unfingerprintable(
                f"{node.path} cannot be stored by what made it: {refused.why}. {refused.way_out}"
            ) from refused


def expanded(thing: object, watch: Watch) -> Expansion:
    """What a thing is made of; functions and classes of modules are looked into once, as long as they hold."""
    if not is_of_module(thing):
        return _expanded(thing, watch)
    known = _KNOWN.get(id(thing))
    if known is None or not known.watch.is_as_it_was():
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        own = Watch()
        known = _KNOWN[id(thing)] = _Known(thing, _expanded(thing, own), own)
    watch.include(known.watch)
    return known.expansion


def _expanded(thing: object, watch: Watch) -> Expansion:
    if isinstance(thing, FunctionType):
        return expand_function(thing, watch)
    if isinstance(thing, type) and not hasattr(type(thing), HOOK):
        return expand_class(thing, watch)
    return expand_value(thing)


class _Known(NamedTuple):
    """A function or class with what it is made of; it is kept, so that no other one takes its place in memory."""

    thing: object
    expansion: Expansion
    watch: Watch


_KNOWN: Final[dict[int, _Known]] = {}
_MOST_KNOWN: Final = 10_000


def digest_nodes(graph: Graph) -> None:
    """Give each node of a graph a digest, which tells it from all nodes with which it is not interchangeable.

    Digests go from the bottom up. Where things are made of each other, their digests are refined together until they
    tell all of them apart that differ; they do not depend on where the circle was entered.
    """
    for circle in _circles(graph):
        if len(circle) == 1 and all(link is not circle[0] for _, link in circle[0].links):
            circle[0].digest = _digest_of(circle[0], {})
            continue
        inside = dict.fromkeys(map(id, circle), "")
        classes = 0
        while len(set(inside.values())) > classes:
            classes = len(set(inside.values()))
            inside = {id(node): _digest_of(node, inside) for node in circle}
        together = joined(sorted(set(inside.values())))
        for node in circle:
            node.digest = joined([inside[id(node)], together])


def joined(texts: Sequence[str]) -> str:
    """The digest of some texts, which none others have."""
    return digest_of_text("".join(f"{len(text)}:{text}" for text in texts))


def digest_of_links(links: Sequence[tuple[str, str | Node]], inside: Mapping[int, str] = {}) -> list[str]:
    """Labels with texts and digests; of nodes inside of a circle those that they have so far."""
    found = list[str]()
    for label, link in links:
        found += (label, f"={link}" if isinstance(link, str) else f"#{link.digest or inside[id(link)]}")
    return found


def _digest_of(node: Node, inside: Mapping[int, str]) -> str:
    links = digest_of_links(node.links, inside)
    return joined([node.own, *(links if node.ordered else sorted(links))])


def _circles(graph: Graph) -> list[list[Node]]:
    """Groups of nodes that reach each other, those that others are made of first (Tarjan 1972)."""
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    path, found = list[Node](), list[list[Node]]()
    open_nodes = set[int]()
    for root in graph.nodes.values():
        work = [(root, 0)] if id(root) not in order and not root.digest else []
        while work:
            node, place = work.pop()
            key = id(node)
            if key not in order:
                order[key] = lowest[key] = len(order)
                path.append(node)
                open_nodes.add(key)
            for at in range(place, len(node.links)):
                below = node.links[at][1]
                if isinstance(below, str) or below.digest:
                    continue
                if id(below) not in order:
                    work += ((node, at), (below, 0))
                    break
                if id(below) in open_nodes:
                    lowest[key] = min(lowest[key], lowest[id(below)])
            else:
                if lowest[key] == order[key]:
                    start = next(k for k in range(len(path) - 1, -1, -1) if path[k] is node)
                    found.append(path[start:])
                    open_nodes.difference_update(map(id, found[-1]))
                    del path[start:]
    return found
