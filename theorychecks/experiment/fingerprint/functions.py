"""Functions, by what they say, their defaults, and whatever their names stand for; and what is made of functions."""

from __future__ import annotations

import builtins
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from theorychecks.experiment.fingerprint.expansion import MISSING, Child, Expansion, Named, Refused, Watch
from theorychecks.experiment.fingerprint.origin import is_code_elsewhere, is_elsewhere, is_module_elsewhere
from theorychecks.experiment.fingerprint.source import ChangedSource, function_of
from theorychecks.experiment.fingerprint.syntax import Imported, Outer, Spoken, digest_of_text, spoken

_TEST_MARKS: Final = ("pytestmark", "hypothesis")
"""What pytest and Hypothesis hang on test functions."""


def expand_function(function: FunctionType, watch: Watch) -> Expansion:
    """A function of Python: what it says, and what its names stand for, or its name if it is of another distribution.

    Raises:
        Refused: if its file was changed after it was imported, or expressions in it are nested too deeply.
    """
    watch.attributes.append((function, "__code__", function.__code__))
    if is_code_elsewhere(function.__globals__):
        return Expansion(f"function {name_elsewhere(function)}", list(_of_another(function)))
    try:
        said = _said(function)
    except ChangedSource as error:
        raise Refused(
            f"the file of a function has changed since it was imported, {error}: it does not say any more what runs",
            "Start Python anew.",
        ) from error
    except RecursionError as error:
        raise Refused("a function is nested too deeply to be read", "Divide its expressions.") from error
    children = [*_defaults(function, watch), *_named(function, said, watch), *_attributes(function, watch)]
    return Expansion(f"function {said.digest}", children)


def name_elsewhere(function: FunctionType) -> str:
    """The full name of another distribution's function; a decorator may have given it that of what it decorates."""
    return f"{function.__globals__.get('__name__')}.{function.__code__.co_qualname}"


def expand_made_of_functions(thing: object) -> Expansion | None:
    """Methods, partial functions, properties and what else holds functions; nothing if it is none of them."""
    if isinstance(thing, MethodType):
        return Expansion("method", [Child("self", thing.__self__), Child("function", thing.__func__)])
    if isinstance(thing, BuiltinFunctionType):
        if isinstance(thing.__self__, ModuleType):
            raise Refused(
                f"compiled code of one's own, {thing.__module__}.{thing.__qualname__}, cannot be read",
                "Install it as a distribution, whose version tells it from others.",
            )
        return Expansion(f"method {thing.__qualname__}", [Child("self", thing.__self__)])
    if isinstance(thing, functools._lru_cache_wrapper):
        return Expansion("cached", [Child("function", thing.__wrapped__)])
    for kind, names in _HOLDERS.items():
        if isinstance(thing, kind):
            parts = [Child(name, getattr(thing, name)) for name in names]
            return Expansion(kind.__name__, [part for part in parts if part.thing is not None])
    return None


_HOLDERS: Final[dict[type, tuple[str, ...]]] = {
    functools.partial: ("func", "args", "keywords"),
    functools.partialmethod: ("func", "args", "keywords"),
    functools.singledispatchmethod: ("dispatcher", "func"),
    functools.cached_property: ("func",),
    property: ("fget", "fset", "fdel"),
    classmethod: ("__func__",),
    staticmethod: ("__func__",),
}


_SAID: Final[dict[CodeType, Spoken]] = {}
"""By code, which does not change; functions with one code differ by their defaults and closures."""


def _said(function: FunctionType) -> Spoken:
    code = function.__code__
    if code not in _SAID:
        syntax = function_of(code, function.__globals__)
        _SAID[code] = _of_code(code) if syntax is None else spoken(syntax)
    return _SAID[code]


def _of_code(code: CodeType) -> Spoken:
    """What is known of a function without source: what this version of Python runs."""
    names, texts, todo = set[str](), list[str](), [code]
    while todo:
        each = todo.pop()
        names.update(each.co_names)
        # The first constant is the docstring, if it is a text.
        constants = each.co_consts[isinstance(next(iter(each.co_consts), None), str) :]
        todo += [one for one in constants if isinstance(one, CodeType)]
        values = [one for one in constants if not isinstance(one, CodeType)]
        said = [sorted(map(repr, one)) if isinstance(one, frozenset) else repr(one) for one in values]
        places = each.co_argcount, each.co_posonlyargcount, each.co_kwonlyargcount, each.co_flags
        texts.append(repr((each.co_code, said, each.co_names, each.co_varnames, each.co_freevars, places)))
    return Spoken(digest_of_text("\0".join(texts)), tuple(Outer(name, ()) for name in sorted(names)))


def _of_another(function: FunctionType) -> Iterator[Child]:
    """What another distribution's function was made with: what a decorator has decorated, and with what."""
    if registry := getattr(function, "registry", None):
        # functools.singledispatch keeps a cache beside.
        yield Child("registry", dict(registry))
        return
    if not _wraps_own_code(function):
        # What it keeps of its own, a cache of compiled functions say, is none of ours.
        return
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield Child(f"closure `{name}`", _content(cell))
    if hasattr(function, "__wrapped__"):
        yield Child("wrapped", function.__wrapped__)


def _wraps_own_code(function: FunctionType) -> bool:
    """Whether another distribution's function was made of anything but functions of such distributions."""
    wrapped = getattr(function, "__wrapped__", None)
    if isinstance(wrapped, FunctionType) and is_code_elsewhere(wrapped.__globals__):
        return _wraps_own_code(wrapped)
    return bool(function.__closure__) or wrapped is not None


def _defaults(function: FunctionType, watch: Watch) -> Iterator[Child]:
    code, defaults, by_keyword = function.__code__, function.__defaults__ or (), function.__kwdefaults__
    watch.attributes += [(function, "__defaults__", function.__defaults__), (function, "__kwdefaults__", by_keyword)]
    names = code.co_varnames[: code.co_argcount]
    for name, value in zip(names[len(names) - len(defaults) :], defaults, strict=True):
        yield Child(f"default `{name}`", value)
    if by_keyword:
        watch.mapping(by_keyword)
        for name in sorted(by_keyword):
            yield Child(f"default `{name}`", by_keyword[name])


def _attributes(function: FunctionType, watch: Watch) -> Iterator[Child]:
    """What was written onto a function: `function.table = ...`."""
    attributes = vars(function)
    watch.mapping(attributes)
    for name in sorted(attributes):
        if not name.startswith("_") and not name.startswith(_TEST_MARKS):
            yield Child(f".{name}", attributes[name])


def _named(function: FunctionType, said: Spoken, watch: Watch) -> Iterator[Child]:
    """What a function's names from outside stand for, now."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    filled = [cell for cell in cells.values() if _content(cell) is not _EMPTY]
    watch.attributes += [(cell, "cell_contents", _content(cell)) for cell in filled]
    for outer in said.outer:
        root, globals = outer.root, function.__globals__
        if isinstance(root, Imported):
            thing = _imported(root, globals, watch)
        elif root in cells:
            thing = _content(cells[root])
        else:
            found = globals.get(root, MISSING)
            watch.items.append((globals, root, found))
            thing = _global(root, found)
        label = f"closure `{outer}`" if root in cells else f"`{outer}`"
        yield _attribute_of(Child(label, thing), outer.attributes, watch)
    # super() has a cell without a name.
    for name in sorted(set(cells) - {outer.root for outer in said.outer}):
        yield Child(f"closure `{name}`", _content(cells[name]))


_EMPTY: Final = Named("not yet there")


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _global(name: str, found: object) -> object:
    """A global; the module's name and its file are called by name, since they are other ones elsewhere."""
    if found is MISSING:
        return Named(f"builtin {name}" if hasattr(builtins, name) else f"{name}, which is not there")
    return Named(name) if name.startswith("__") and name.endswith("__") else found


def _attribute_of(child: Child, attributes: tuple[str, ...], watch: Watch) -> Child:
    """Follow attributes as far as modules go: of a module that is one's own the one thing that is used."""
    thing = child.thing
    for place, name in enumerate(attributes):
        if not isinstance(thing, ModuleType):
            break
        if is_module_elsewhere(thing):
            return child._replace(thing=Named(f"module {thing.__name__} {'.'.join(attributes[place:])}"))
        module, thing = thing, _member(thing, name)
        watch.attributes.append((module, name, thing))
    return child._replace(thing=Named("not there") if thing is MISSING else thing)


def _member(module: ModuleType, name: str) -> object:
    """Something of a module, or a module of a package; a package may make it when it is first asked for."""
    try:
        return getattr(module, name, MISSING)
    except ImportError:
        return MISSING


def _imported(what: Imported, globals: dict[str, Any], watch: Watch) -> object:
    """What an import inside of a function finds; other distributions' are not imported for it."""
    module = what.module
    if what.level:
        module = importlib.util.resolve_name("." * what.level + what.module, globals.get("__package__") or "")
    if _is_name_elsewhere(module.partition(".")[0]):
        return Named(f"module {module} {what.name}")
    try:
        found: object = importlib.import_module(module)
        if what.top:
            return sys.modules[module.partition(".")[0]]
        if what.name and (thing := _member(sys.modules[module], what.name)) is not MISSING:
            watch.attributes.append((found, what.name, thing))
            return thing
        return importlib.import_module(f"{module}.{what.name}") if what.name else found
    except ImportError:
        return Named(f"module {module} {what.name}")


def _is_name_elsewhere(top: str) -> bool:
    if top in sys.modules:
        return is_module_elsewhere(sys.modules[top])
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    return spec is None or is_elsewhere(top, spec.origin if spec.has_location else None)
