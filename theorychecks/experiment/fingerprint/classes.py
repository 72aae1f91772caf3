"""Classes, by their bases, methods, attributes and fields."""

from __future__ import annotations

import dataclasses
import enum
import functools
from abc import ABCMeta
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any, Final

from theorychecks.experiment.fingerprint.expansion import Child, Expansion, Named, Watch
from theorychecks.experiment.fingerprint.origin import is_code_elsewhere

_UNSAID: Final = frozenset(
    [
        "__module__",
        "__qualname__",
        "__doc__",
        "__dict__",
        "__weakref__",
        "__annotations__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__orig_bases__",
        "__parameters__",
        "__type_params__",
        "__abstractmethods__",
        "_abc_impl",
        "__slots__",
        "__slotnames__",
        "__match_args__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__firstlineno__",
        "__static_attributes__",
        "__test__",
        "__final__",
        "_is_protocol",
        "_is_runtime_protocol",
        "__protocol_attrs__",
        "__non_callable_proto_members__",
        "__subclasshook__",
        "__classcell__",
        "__conditional_annotations__",
    ]
)
"""What every class has, or what repeats its fields; or what tells where it stands and how it is annotated; or what
Python notes there once an object has been copied or pickled."""
_OF_TUPLES: Final = ("_make", "_replace", "_asdict")


def expand_class(kind: type, watch: Watch) -> Expansion:
    """A class with all that its body and its decorators have left in it."""
    watch.mapping(vars(kind))
    watch.attributes.append((kind, "__bases__", kind.__bases__))
    children = [Child(f"base {place}", base) for place, base in enumerate(kind.__bases__)]
    if type(kind) not in (type, ABCMeta):
        children.append(Child("metaclass", type(kind)))
    if issubclass(kind, enum.Enum):
        return Expansion(f"enumeration {kind.__name__}", [*children, *_of_enumeration(kind)])
    if "__dataclass_params__" in vars(kind):
        children += _of_dataclass(kind)
    generated = "__dataclass_params__" in vars(kind) or "_fields" in vars(kind)
    written_by_fields = {*_OF_TUPLES, *vars(kind)["_fields"]} if "_fields" in vars(kind) else set[str]()
    for name, value in sorted(vars(kind).items()):
        if name in _UNSAID or name in written_by_fields or (generated and _is_generated(name, value)):
            continue
        children += _unwrapped(name, value)
    return Expansion(f"class {kind.__name__}", children)


def _unwrapped(name: str, value: object) -> Iterator[Child]:
    """An attribute of a class; of a property, a class method and the like their functions."""
    if isinstance(value, property):
        for part in ("fget", "fset", "fdel"):
            if (function := getattr(value, part)) is not None:
                yield Child(f".{name} {part}", function)
    elif isinstance(value, classmethod | staticmethod):
        yield Child(f".{name} {type(value).__name__}", value.__func__)
    elif isinstance(value, functools.cached_property):
        yield Child(f".{name} cached", value.func)
    else:
        yield Child(f".{name}", value)


def _is_generated(name: str, value: object) -> bool:
    """Whether a method was written by the class's fields: then they say it all, in every version of Python."""
    value = getattr(value, "__func__", value)
    if not (name.startswith("__") and name.endswith("__") and isinstance(value, FunctionType)):
        return name == "__hash__" and value is None
    return value.__code__.co_filename == "<string>" or is_code_elsewhere(value.__globals__)


def _of_dataclass(kind: Any) -> Iterator[Child]:
    """Fields in their order, as constructors and comparisons take them."""
    given = kind.__dataclass_params__
    yield Child("dataclass", f"eq={given.eq} order={given.order} frozen={given.frozen}")
    fields: Mapping[str, Any] = kind.__dataclass_fields__
    for field in fields.values():
        # Of a class variable Python does not know it, and says so by an object that each process has anew.
        by_keyword = field.kw_only is True
        where = f"{field._field_type.name} init={field.init} compare={field.compare} kw_only={by_keyword}"
        yield Child(f"field `{field.name}`", where)
        for part in ("default", "default_factory"):
            if (value := getattr(field, part)) is not dataclasses.MISSING:
                yield Child(f"{part} of field `{field.name}`", value)


def _of_enumeration(kind: type[enum.Enum]) -> Iterator[Child]:
    """Members in their order, and methods; what else is there is Python's, and differs by version."""
    for name, member in kind.__members__.items():
        yield Child(f".{name}", member._value_)
        yield Child(f".{name} attributes", member_attributes(member))
    for name, value in sorted(vars(kind).items()):
        for child in _unwrapped(name, value):
            own = isinstance(child.thing, FunctionType) and not is_code_elsewhere(child.thing.__globals__)
            plain = not name.startswith("_") and not isinstance(value, kind | enum.property)
            if own or plain:
                yield child


def member_attributes(member: enum.Enum) -> Mapping[str, object] | Named:
    """What an enumeration's own constructor has written onto a member."""
    own = {name: value for name, value in vars(member).items() if not name.startswith("_")}
    return own or Named("none")
