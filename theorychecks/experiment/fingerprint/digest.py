"""Digest: what values and code come down to, in any process; and of what parts it is made."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Final

from theorychecks.experiment.fingerprint.expansion import Child, Watch
from theorychecks.experiment.fingerprint.graph import (
    Graph,
    Node,
    Unfingerprintable,
    called,
    digest_nodes,
    digest_of_links,
    is_code,
    is_of_module,
    joined,
)

_FORM: Final = "theorychecks fingerprint 1"
"""Of what is digested; another form takes another number, so that no old digest stands for something else."""
_MOST_SETTLED: Final = 256
"""Sets of functions and classes whose digests are kept; a catalogue of claims has some fifty."""


def fingerprint(*things: object) -> str:
    """A digest of values and of exactly the code that makes numbers from them, as 64 hexadecimal digits.

    It is the same in every process and directory, and changes whenever the numbers could: with a value, and with what a
    function says, its defaults, its closure, and whatever it uses by name, helpers, constants and classes, and so on
    from there. Docstrings, comments, annotations of functions and the place of a file change nothing. A mutable global
    counts by its value now. Code of other distributions counts by its name.

    A method that is called on an object of unknown type cannot be followed, nor a name that is put together as a text:
    whoever asks names the classes of such objects among the things. A class whose objects are only partly what makes
    numbers may have a method `__fingerprint__`, which returns what stands for them; the class itself is then not
    looked into.

    Raises:
        Unfingerprintable: for what nothing tells from others in another process, like an open file, a lock, or a
            generator of random numbers; it names the thing, where it was found, and a way out.
    """
    with _LOCK:
        graph = Graph.of(_roots(things), cut=is_of_module)
        _settle(graph.leaves)
        digest_nodes(graph)
        # Things are told apart by their order; labels are for whoever reads errors, and have names of modules.
        return joined([_FORM, *digest_of_links([("", link) for _, link in graph.roots])])


def parts(*things: object) -> dict[str, str]:
    """What a fingerprint is made of: by the full name of each function and class a digest of it and of its constants.

    Two such mappings tell what has changed between two fingerprints; see `changed`. Values that were given are called
    by their types.

    Raises:
        Unfingerprintable: see `fingerprint`.
    """
    graph = Graph.of(_roots(things))
    code = [node for node in graph.nodes.values() if is_code(node.thing)]
    for node in code:
        # Whoever uses a part is not changed by it.
        node.digest = called(node).rpartition(".")[2]
    digest_nodes(graph)
    found: dict[str, list[str]] = {}
    for node in code:
        found.setdefault(called(node), []).append(joined([node.own, *digest_of_links(node.links)]))
    for label, link in graph.roots:
        if not (isinstance(link, Node) and is_code(link.thing)):
            found.setdefault(label, []).append(joined(digest_of_links([(label, link)])))
    return {name: joined(sorted(found[name]))[:16] for name in sorted(found)}


def names_in(*things: object) -> frozenset[str]:
    """Names that the code of some things looks up, those of attributes included; the package's own code left out.

    Raises:
        Unfingerprintable: see `fingerprint`.
    """
    nodes = Graph.of(_roots(things)).nodes.values()
    functions = [node.thing for node in nodes if isinstance(node.thing, FunctionType)]
    codes = [each.__code__ for each in functions if not (each.__module__ or "").startswith("theorychecks.")]
    found = set[str]()
    while codes:
        code = codes.pop()
        found.update(code.co_names)
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(found)


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of parts that are not what they were, are new, or are gone."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


@dataclass(frozen=True)
class _Settled:
    """Digests of some functions and classes of modules, as long as nothing changes that they look up.

    Attributes:
        digests: by their places in memory.
        things: all that they are made of, kept so that none takes another's place in memory.
        watch: what was looked up.
        values: what hangs on functions and classes and is none: it may change in place.
        sketch: of the values, with functions and classes as they lie in memory.
    """

    digests: Mapping[int, str]
    things: Sequence[object]
    watch: Watch
    values: Sequence[Child]
    sketch: str

    def holds(self) -> bool:
        """Whether everything is as it was."""
        try:
            return self.watch.is_as_it_was() and _sketch(self.values) == self.sketch
        except Unfingerprintable:
            return False


_LOCK: Final = threading.RLock()
_SETTLED: Final[OrderedDict[frozenset[int], _Settled]] = OrderedDict()


def _roots(things: Sequence[object]) -> list[Child]:
    return [Child(f"{type(thing).__module__}.{type(thing).__qualname__}", thing) for thing in things]


def _settle(leaves: Sequence[Node]) -> None:
    """Give functions and classes of modules their digests, which are kept from call to call."""
    key = frozenset(id(node.thing) for node in leaves)
    settled = _SETTLED.get(key)
    if settled is None or not settled.holds():
        settled = _SETTLED[key] = _settled([Child(node.label, node.thing) for node in leaves])
    _SETTLED.move_to_end(key)
    while len(_SETTLED) > _MOST_SETTLED:
        _SETTLED.popitem(last=False)
    for node in leaves:
        node.digest = settled.digests[id(node.thing)]


def _settled(things: Sequence[Child]) -> _Settled:
    graph = Graph.of(things)
    digest_nodes(graph)
    of_modules = [node for node in graph.nodes.values() if is_of_module(node.thing)]
    links = [link for node in of_modules for _, link in node.links]
    values = {id(link.thing): link for link in links if isinstance(link, Node) and _may_change(link)}
    children = [Child("", link.thing) for link in values.values()]
    digests = {id(node.thing): node.digest for node in of_modules}
    everything = [node.thing for node in graph.nodes.values()]
    return _Settled(digests, everything, graph.watch.once(), children, _sketch(children))


def _may_change(node: Node) -> bool:
    """Whether something may change in place without a name being bound anew."""
    is_fixed = type(node.thing) is tuple and all(isinstance(link, str) for _, link in node.links)
    return not (is_fixed or is_of_module(node.thing))


def _sketch(values: Sequence[Child]) -> str:
    graph = Graph.of(values, cut=is_of_module)
    for node in graph.leaves:
        node.digest = str(id(node.thing))
    digest_nodes(graph)
    return joined(digest_of_links(graph.roots))
