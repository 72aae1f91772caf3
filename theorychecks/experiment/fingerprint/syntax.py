"""Syntax: what a function says, without what makes no numbers, and the names that it takes from outside."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal, NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_UNSAID: Final = frozenset({"ctx", "type_comment", "kind", "annotation", "returns", "type_params", "simple"})
"""Fields of syntax nodes that change no number; some of them are there in some versions of Python only."""


class Imported(NamedTuple):
    """What an import inside of a function binds a name to.

    Attributes:
        level: dots of a relative import.
        module: its name, without them.
        name: what is taken from the module; empty for the module itself.
        top: whether the name stands for the package that the module lies in, as after `import a.b`.
    """

    level: int
    module: str
    name: str = ""
    top: bool = False


class Outer(NamedTuple):
    """A name from outside, with the attributes that are read off it: `np.linalg.norm`."""

    root: str | Imported
    attributes: tuple[str, ...]

    def __str__(self) -> str:
        root = self.root if isinstance(self.root, str) else f"{self.root.module}.{self.root.name}".strip(".")
        return ".".join((root, *self.attributes))


class Spoken(NamedTuple):
    """A digest of what a function says, the same where nothing changes that it does, and its names from outside."""

    digest: str
    outer: tuple[Outer, ...]


def spoken(function: Function) -> Spoken:
    """Read a function, as it is once it is made: its decorators and its defaults are values by then.

    Left out are docstrings, annotations, comments, and where it stands.
    """
    reader = _Reader()
    reader.function(function, None)
    outer = {each for scope in reader.scopes for chain in scope.loaded for each in _outer(scope, chain)}
    return Spoken(
        digest_of_text("\0".join(reader.text)), tuple(sorted(outer, key=lambda each: (str(each), repr(each))))
    )


def digest_of_text(text: str) -> str:
    """Of any text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(eq=False)
class _Scope:
    """Where names are bound. Those that a class binds are not seen by functions inside of it."""

    kind: Literal["function", "class", "comprehension"]
    parent: _Scope | None
    bound: set[str] = field(default_factory=set)
    imported: dict[str, Imported] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    loaded: set[tuple[str, ...]] = field(default_factory=set)


def _outer(scope: _Scope, chain: tuple[str, ...]) -> Iterator[Outer]:
    """What a chain of names stands for outside of the function, if it does; once more where that is in doubt."""
    root, attributes, at = chain[0], chain[1:], scope
    while root not in at.declared:
        if root in at.imported:
            yield Outer(at.imported[root], attributes)
        if root in at.bound and at.kind != "class":
            return
        if at.parent is None:
            break
        at = at.parent
    yield Outer(root, attributes)


class _Reader:
    """Writes syntax down as a prefix code: the kind of each node, then its fields, and lists with their lengths."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.scopes: list[_Scope] = []

    def read(self, node: ast.AST, scope: _Scope) -> None:
        special = _SPECIAL.get(type(node))
        if special is not None:
            special(self, node, scope)
        else:
            self.plain(node, scope)

    def plain(self, node: ast.AST, scope: _Scope) -> None:
        """A node of no particular kind."""
        kind = type(node)
        self.text.append(kind.__name__)
        for name in _fields(kind._fields):
            value = getattr(node, name)
            if isinstance(value, ast.AST):
                self.read(value, scope)
            elif isinstance(value, list):
                self.all(value, scope)
            else:
                self.text.append(repr(value))

    def all(self, nodes: list[Any], scope: _Scope) -> None:
        """A list of nodes, without statements that do nothing."""
        said = [node for node in nodes if not _is_idle(node, scope)]
        self.text.append(str(len(said)))
        for node in said:
            if isinstance(node, ast.AST):
                self.read(node, scope)
            else:
                self.text.append(repr(node))

    def function(self, node: Function, outside: _Scope | None) -> None:
        """A function; what belongs to the scope outside, decorators and defaults, is left out where there is none."""
        self.text.append(type(node).__name__)
        if not isinstance(node, ast.Lambda):
            self.text.append(node.name)
        if outside is not None:
            if not isinstance(node, ast.Lambda):
                outside.bound.add(node.name)
                self.all(node.decorator_list, outside)
            self.all([*node.args.defaults, *node.args.kw_defaults], outside)
        scope, given = self._inside("function", outside), node.args
        for kind in (given.posonlyargs, given.args, [given.vararg], given.kwonlyargs, [given.kwarg]):
            names = [one.arg for one in kind if one is not None]
            scope.bound.update(names)
            self.text.append(" ".join(names))
        if isinstance(node, ast.Lambda):
            self.read(node.body, scope)
        else:
            self.all(node.body, scope)

    def class_(self, node: ast.ClassDef, scope: _Scope) -> None:
        scope.bound.add(node.name)
        self.text += ("ClassDef", node.name)
        self.all(node.decorator_list, scope)
        self.all([*node.bases, *node.keywords], scope)
        self.all(node.body, self._inside("class", scope))

    def comprehension(self, node: Any, scope: _Scope) -> None:
        inside = self._inside("comprehension", scope)
        self.text += (type(node).__name__, str(len(node.generators)))
        for place, each in enumerate(node.generators):
            # The first iterable is evaluated outside: in [x for x in x] the last x is another one.
            self.read(each.iter, inside if place else scope)
            self.read(each.target, inside)
            self.all(each.ifs, inside)
            self.text.append(str(each.is_async))
        for name in ("key", "value") if isinstance(node, ast.DictComp) else ("elt",):
            self.read(getattr(node, name), inside)

    def walrus(self, node: ast.NamedExpr, scope: _Scope) -> None:
        """It binds in the function around a comprehension."""
        around = scope
        while around.kind == "comprehension" and around.parent is not None:
            around = around.parent
        self.text.append("NamedExpr")
        self.read(node.target, around)
        self.read(node.value, scope)

    def annotated(self, node: ast.AnnAssign, scope: _Scope) -> None:
        """As a plain assignment; in a class the annotation may make a field."""
        if scope.kind == "class":
            self.text += ("AnnAssign", ast.unparse(node.annotation), repr(node.value is None))
        else:
            self.text += ("Assign", "1")
        self.read(node.target, scope)
        if node.value is not None:
            self.read(node.value, scope)

    def name(self, node: ast.Name, scope: _Scope) -> None:
        self.text += ("Name", node.id)
        if isinstance(node.ctx, ast.Load) or node.id in scope.declared:
            scope.loaded.add((node.id,))
        else:
            scope.bound.add(node.id)

    def attribute(self, node: ast.Attribute, scope: _Scope) -> None:
        chain, below = [node.attr], node.value
        while isinstance(below, ast.Attribute):
            chain.append(below.attr)
            below = below.value
        self.text += ("Attribute", " ".join(chain))
        if isinstance(below, ast.Name):
            self.text += ("Name", below.id)
            scope.loaded.add((below.id, *reversed(chain)))
        else:
            self.read(below, scope)

    def constant(self, node: ast.Constant, scope: _Scope) -> None:
        # A whole number of many thousand digits has no decimal text.
        value: object = node.value
        self.text += ("Constant", type(value).__name__, hex(value) if type(value) is int else repr(value))

    def global_(self, node: ast.Global, scope: _Scope) -> None:
        self.text += ("Global", " ".join(node.names))
        scope.declared.update(node.names)
        scope.loaded.update((name,) for name in node.names)

    def import_(self, node: ast.Import, scope: _Scope) -> None:
        for alias in node.names:
            self.text += ("Import", alias.name, alias.asname or "")
            name = alias.asname or alias.name.partition(".")[0]
            scope.bound.add(name)
            scope.imported[name] = Imported(0, alias.name, top=alias.asname is None)

    def import_from(self, node: ast.ImportFrom, scope: _Scope) -> None:
        for alias in node.names:
            self.text += ("ImportFrom", str(node.level), node.module or "", alias.name, alias.asname or "")
            name = alias.asname or alias.name
            scope.bound.add(name)
            scope.imported[name] = Imported(node.level, node.module or "", alias.name)

    def captured(self, node: Any, scope: _Scope) -> None:
        """An exception or a pattern, which binds a name that is no node."""
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name is not None:
            scope.bound.add(name)
        self.plain(node, scope)

    def _inside(self, kind: Literal["function", "class", "comprehension"], parent: _Scope | None) -> _Scope:
        self.scopes.append(_Scope(kind, parent))
        return self.scopes[-1]


_SPECIAL: Final[dict[type, Any]] = {
    ast.FunctionDef: _Reader.function,
    ast.AsyncFunctionDef: _Reader.function,
    ast.Lambda: _Reader.function,
    ast.ClassDef: _Reader.class_,
    ast.ListComp: _Reader.comprehension,
    ast.SetComp: _Reader.comprehension,
    ast.DictComp: _Reader.comprehension,
    ast.GeneratorExp: _Reader.comprehension,
    ast.NamedExpr: _Reader.walrus,
    ast.AnnAssign: _Reader.annotated,
    ast.Name: _Reader.name,
    ast.Attribute: _Reader.attribute,
    ast.Constant: _Reader.constant,
    ast.Global: _Reader.global_,
    ast.Import: _Reader.import_,
    ast.ImportFrom: _Reader.import_from,
    ast.ExceptHandler: _Reader.captured,
    ast.MatchAs: _Reader.captured,
    ast.MatchStar: _Reader.captured,
    ast.MatchMapping: _Reader.captured,
}


@cache
def _fields(of_kind: tuple[str, ...]) -> list[str]:
    return [name for name in of_kind if name not in _UNSAID]


def _is_idle(node: object, scope: _Scope) -> bool:
    """Whether a statement does nothing: a docstring, a text alone, `pass`, and an annotation that makes no field."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.AnnAssign):
        return node.value is None and scope.kind != "class"
    return isinstance(node, ast.Pass)
