"""Digest: what values and code come down to, in any process; and of what parts it is made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, MappingProxyType
from typing import Any, Final, cast

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
_MOST_SETTLED: Final = 100_000
"""Things whose digests are kept; a catalogue of claims has some ten thousand."""


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


@dataclass(frozen=True, eq=False)
class _Settled:
    """Digests of some functions and classes of modules, as long as nothing changes that they look up.

    Attributes:
        digests: of them and of all that they are made of, by their places in memory.
        things: those, kept so that none takes another's place in memory.
        watch: what was looked up.
        values: that hang on functions and classes and may change in place, unseen by the watch.
        sketch: of the values, with functions and classes as they lie in memory.
        under: others whose digests went into these, and those under them.
    """

    digests: Mapping[int, str]
    things: Sequence[object]
    watch: Watch
    values: Sequence[Child]
    sketch: str
    under: frozenset[_Settled]

    def holds(self) -> bool:
        """Whether everything is as it was, but for what lies under it."""
        try:
            return self.watch.is_as_it_was() and _sketch(self.values) == self.sketch
        except Unfingerprintable:
            return False


_LOCK: Final = threading.RLock()
_SETTLED: Final[dict[int, _Settled]] = {}
"""By the place in memory of each thing whose digest is kept, from call to call."""


def _roots(things: Sequence[object]) -> list[Child]:
    return [Child(f"{type(thing).__module__}.{type(thing).__qualname__}", thing) for thing in things]


def _settle(leaves: Sequence[Node]) -> None:
    """Give functions and classes of modules their digests; what another call has settled and still holds is taken."""
    looked_at = dict[_Settled, bool]()

    def holds(settled: _Settled) -> bool:
        if settled not in looked_at:
            looked_at[settled] = settled.holds()
        return looked_at[settled]

    def known(thing: object) -> _Settled | None:
        settled = _SETTLED.get(id(thing))
        return settled if settled is not None and holds(settled) and all(map(holds, settled.under)) else None

    new = [Child(node.label, node.thing) for node in leaves if known(node.thing) is None]
    if new:
        if len(_SETTLED) > _MOST_SETTLED:
            _SETTLED.clear()
        settled = _settled(new, known)
        _SETTLED.update(dict.fromkeys(settled.digests, settled))
    for node in leaves:
        node.digest = _SETTLED[id(node.thing)].digests[id(node.thing)]


def _settled(things: Sequence[Child], known: Callable[[object], _Settled | None]) -> _Settled:
    graph = Graph.of(things, cut=lambda thing: known(thing) is not None)
    under = set[_Settled]()
    for leaf in graph.leaves:
        below = _SETTLED[id(leaf.thing)]
        leaf.digest = below.digests[id(leaf.thing)]
        under.update((below, *below.under))
    digest_nodes(graph)
    cut = {id(leaf.thing) for leaf in graph.leaves}
    nodes = [node for node in graph.nodes.values() if id(node.thing) not in cut]
    values = [node for node in nodes if not is_of_module(node.thing)]
    children = [Child("", node.thing) for node in values if not _watched(node, graph.watch)]
    digests = {id(node.thing): node.digest for node in nodes}
    everything = [node.thing for node in nodes]
    return _Settled(digests, everything, graph.watch.once(), children, _sketch(children), frozenset(under))


def _watched(node: Node, watch: Watch) -> bool:
    """Whether a watch of what a value holds sees all that may change of it in place."""
    kind = type(node.thing)
    if kind is tuple or kind.__module__ in ("typing", "__future__"):
        return True
    if kind in (dict, MappingProxyType):
        watch.mapping(cast(Mapping[str, Any], node.thing))
        return True
    if node.own in ("dataclass", "module") and hasattr(node.thing, "__dict__"):
        watch.mapping(vars(node.thing))
        return not hasattr(kind, "__slots__")
    return False


def _sketch(values: Sequence[Child]) -> str:
    graph = Graph.of(values, cut=is_of_module)
    for node in graph.leaves:
        node.digest = str(id(node.thing))
    digest_nodes(graph)
    return joined(digest_of_links(graph.roots))
