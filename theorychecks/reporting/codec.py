"""The codec: frozen dataclasses to plain JSON and back, by their own fields; no shape is stated a second time.

NaN is written as null, and infinite numbers as "inf" and "-inf", since JSON has neither.
"""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

Record = TypeVar("Record")

_NOUNS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null"}
"""Scalars in an error message."""
_INFINITE = {"inf": math.inf, "-inf": -math.inf}


class ReportError(ValueError):
    """A report that cannot be read or written; the message says where, which rule, and what to do."""


def encode(value: object, path: str = "") -> Any:
    """Return a record, or what one may hold, as plain JSON values.

    Raises:
        ReportError: for anything that is no record, mapping, sequence, text, number, truth value or None.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic):
        return encode(value.item(), path)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _encoded_float(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: encode(getattr(value, each.name), _inside(path, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): encode(item, f"{path}[{name!r}]") for name, item in value.items()}
    if isinstance(value, Sequence):
        return [encode(item, f"{path}[{index}]") for index, item in enumerate(value)]
    raise ReportError(
        f"{path or 'the report'} is {_clipped(value)} ({type(value).__name__}), which JSON cannot hold. Convert it to "
        "plain Python before it is predicted or measured: int(x), float(x), str(x), tuple(x)."
    )


def decode(kind: type[Record], value: object, path: str = "") -> Record:
    """Return the record that `encode` has made JSON of; keys that its class does not name are passed over.

    Raises:
        ReportError: where a field is missing, has another type, or is refused by its class.
    """
    return cast(Record, _decoded(kind, value, path))


def _encoded_float(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else repr(value)


def _decoded(kind: Any, value: object, path: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        options = get_args(kind)
        if value is None and types.NoneType in options:
            return None
        return _decoded(next(option for option in options if option is not types.NoneType), value, path)
    if origin is Literal:
        # By type too: True == 1 and 1.0 == 1, but neither is the number 1.
        if not any(type(value) is type(choice) and value == choice for choice in get_args(kind)):
            raise ReportError(f"{path} is {value!r}; it must be one of {', '.join(map(repr, get_args(kind)))}.")
        return value
    if origin is not None and issubclass(origin, Mapping):
        return _decoded_mapping(get_args(kind)[1], value, path)
    if origin is tuple:
        item = get_args(kind)[0]
        return tuple(_decoded(item, each, f"{path}[{index}]") for index, each in enumerate(_list(value, path)))
    if kind is object:
        return _plain(value)
    if is_dataclass(kind):
        return _decoded_record(kind, value, path)
    if isinstance(kind, type) and issubclass(kind, tuple):
        return _decoded_named_tuple(kind, value, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _decoded_member(kind, value, path)
    return _decoded_scalar(kind, value, path)


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decoded_record(kind: Any, value: object, path: str) -> object:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", path)
    record, types_of = cast(dict[str, object], value), _types(kind)
    found = {}
    for each in fields(kind):
        if each.name not in record:
            raise ReportError(
                f"{path or 'the report'} has no {each.name!r}; every field of {kind.__name__} must be there, null "
                f"where there is nothing to say. reports/README.md lists them."
            )
        found[each.name] = _decoded(types_of[each.name], record[each.name], _inside(path, each.name))
    try:
        return kind(**found)
    except (TypeError, ValueError) as error:
        raise ReportError(f"{path or 'the report'}: {error}") from error


def _decoded_mapping(item: Any, value: object, path: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", path)
    return {str(name): _decoded(item, each, f"{path}[{name!r}]") for name, each in value.items()}


def _decoded_named_tuple(kind: Any, value: object, path: str) -> object:
    given, names = _list(value, path), kind._fields
    if len(given) != len(names):
        raise ReportError(f"{path} has {len(given)} entries; it is a list of {len(names)}: {', '.join(names)}.")
    types_of = _types(kind)
    return kind(*(_decoded(types_of[name], each, _inside(path, name)) for name, each in zip(names, given, strict=True)))


def _decoded_member(kind: type[Enum], value: object, path: str) -> Enum:
    try:
        return kind(value)
    except ValueError as error:
        choices = ", ".join(repr(member.value) for member in kind)
        raise ReportError(f"{path} is {_clipped(value)}; it must be one of {choices}.") from error


def _decoded_scalar(kind: Any, value: object, path: str) -> object:
    if kind is float:
        if value is None:
            return math.nan
        if isinstance(value, str) and value in _INFINITE:
            return _INFINITE[value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise _wrong(value, _NOUNS[float], path)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(value, _NOUNS[kind], path)
    return value


def _plain(value: object) -> object:
    """Whatever JSON holds, its lists as tuples, since records do not change."""
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def _list(value: object, path: str) -> list[object]:
    if not isinstance(value, list):
        raise _wrong(value, "a list", path)
    return cast(list[object], value)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _clipped(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _wrong(value: object, noun: str, path: str) -> ReportError:
    return ReportError(f"{path or 'the report'} is {_clipped(value)} ({type(value).__name__}); it must be {noun}.")
