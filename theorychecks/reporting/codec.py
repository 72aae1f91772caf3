"""The codec: frozen dataclasses to plain JSON and back, by their own fields; no shape is stated a second time.

NaN is written as null, and infinite numbers as "inf" and "-inf", since JSON has neither. What turns one class into JSON
or back is made once, since a report holds a million values of a few classes.
"""

import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from theorychecks.statistics.measurement import ADDED_LATER

Record = TypeVar("Record")
_Turn = Callable[[Any], Any]
"""What makes JSON values of values, or the other way round; it raises `_Misfit`."""

_NOUNS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null"}
"""Scalars in an error message."""
_NOT_IN_JSON = {None: math.nan, "inf": math.inf, "-inf": -math.inf}
_QUOTED: Callable[[str], str] = json.encoder.encode_basestring
_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _QUOTED,
    float: repr,
    int: repr,
    bool: lambda value: "true" if value else "false",
    types.NoneType: lambda value: "null",
}


class ReportError(ValueError):
    """A report that cannot be read or written; the message says where, which rule, and what to do."""


class _Misfit(Exception):  # noqa: N818 - it becomes an error once it is known where
    """A value that cannot be turned; those that hold it add where it is, from the innermost on."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said
        self.places: list[str] = []

    def inside(self, place: str) -> "_Misfit":
        self.places.append(place)
        return self

    def as_error(self, path: str) -> ReportError:
        where = path + "".join(reversed(self.places))
        return ReportError(f"{(where if path else where.removeprefix('.')) or 'the report'}{self.said}")


def encode(value: object, path: str = "") -> Any:
    """Return a record, or what one may hold, as plain JSON values.

    Raises:
        ReportError: for anything that is no record, mapping, sequence, text, number, truth value or None.
    """
    try:
        return _encoded(value)
    except _Misfit as misfit:
        raise misfit.as_error(path) from None


def decode(kind: type[Record], value: object, path: str = "") -> Record:
    """Return the record that `encode` has made JSON of; keys that its class does not name are passed over.

    Raises:
        ReportError: where a field is missing that was always there, has another type, or is refused by its class.
    """
    try:
        return cast(Record, _decoder(cast(Any, kind))(value))
    except _Misfit as misfit:
        raise misfit.as_error(path) from misfit.__cause__


def written(value: object, indent: str = "") -> str:
    """Return plain JSON values as text, a line for each entry, but lists of numbers and texts on one line."""
    if (scalar := _SCALARS.get(type(value))) is not None:
        return scalar(value)
    inner = f"{indent} "
    if isinstance(value, list):
        kinds = set(map(type, value))
        if kinds.isdisjoint((dict, list)):
            return f"[{', '.join(map(repr if kinds == {float} else written, value))}]"
        return "[\n{}\n{}]".format(",\n".join([inner + written(item, inner) for item in value]), indent)
    lines = [f"{inner}{_QUOTED(name)}: {written(item, inner)}" for name, item in cast(dict[str, object], value).items()]
    return "{{\n{}\n{}}}".format(",\n".join(lines), indent) if lines else "{}"


class _Encoders(dict[type, _Turn]):
    """What encodes values, by their class."""

    def __missing__(self, kind: type) -> _Turn:
        made = self[kind] = _encoder(kind)
        return made


_ENCODERS: Final = _Encoders()


def _encoded(value: Any) -> Any:
    return _ENCODERS[type(value)](value)


def _encoder(kind: type) -> _Turn:
    """What encodes values of a class."""
    if issubclass(kind, Enum):
        return {member: _encoded(member.value) for member in kind}.__getitem__
    if issubclass(kind, np.generic):
        return lambda value: _encoded(value.item())
    if issubclass(kind, float):
        return lambda value: float(value) if math.isfinite(value) else None if math.isnan(value) else repr(float(value))
    # Texts and numbers of a class of their own are plain in JSON.
    if issubclass(kind, str):
        return str.__str__
    if issubclass(kind, int) and kind is not bool:
        return int
    if kind in _SCALARS:
        return lambda value: value
    if is_dataclass(kind):
        return _record_encoder([each.name for each in fields(kind)])
    if issubclass(kind, Mapping):
        return _encoded_mapping
    return _encoded_list if issubclass(kind, Sequence) else _unencodable


def _record_encoder(names: Sequence[str]) -> _Turn:
    def encoded(value: object) -> dict[str, object]:
        found = dict[str, object]()
        try:
            for name in names:
                item = getattr(value, name)
                found[name] = _ENCODERS[type(item)](item)
        except _Misfit as misfit:
            raise misfit.inside(f".{name}") from None
        return found

    return encoded


def _encoded_mapping(value: Mapping[object, object]) -> dict[str, object]:
    return {str(name): _placed(_encoded, item, f"[{name!r}]") for name, item in value.items()}


def _encoded_list(value: Sequence[object]) -> list[object]:
    if set(map(type, value)) == {float} and all(map(math.isfinite, cast(Sequence[float], value))):
        return list(value)
    found: list[object] = []
    try:
        for item in value:
            found.append(_ENCODERS[type(item)](item))
    except _Misfit as misfit:
        raise misfit.inside(f"[{len(found)}]") from None
    return found


def _unencodable(value: object) -> None:
    raise _Misfit(
        f" is {_clipped(value)} ({type(value).__name__}), which JSON cannot hold. Convert it to "
        "plain Python before it is predicted or measured: int(x), float(x), str(x), tuple(x)."
    )


@cache
def _decoder(kind: Any) -> _Turn:
    """What decodes values of a type, as it is written in a record."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        options = get_args(kind)
        inner = _decoder(next(option for option in options if option is not types.NoneType))
        return (lambda value: None if value is None else inner(value)) if types.NoneType in options else inner
    if origin is Literal:
        return _of_choices(get_args(kind))
    if origin is not None and issubclass(origin, Mapping):
        return _of_mapping(_decoder(get_args(kind)[1]))
    if origin is tuple:
        return _of_list(_decoder(get_args(kind)[0]))
    if kind is object:
        return _plain
    if is_dataclass(kind):
        return _of_record(kind)
    if issubclass(kind, tuple):
        return _of_named_tuple(kind)
    if issubclass(kind, Enum):
        return _of_members(kind)
    return _float if kind is float else _of_scalar(kind)


def _of_choices(choices: tuple[object, ...]) -> _Turn:
    def decoded(value: object) -> object:
        # By type too: True == 1 and 1.0 == 1, but neither is the number 1.
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise _Misfit(f" is {value!r}; it must be one of {', '.join(map(repr, choices))}.")
        return value

    return decoded


def _of_mapping(item: _Turn) -> _Turn:
    def decoded(value: object) -> dict[str, object]:
        return {str(name): _placed(item, each, f"[{name!r}]") for name, each in _object(value).items()}

    return decoded


def _of_list(item: _Turn) -> _Turn:
    def decoded(value: object) -> tuple[object, ...]:
        given, found = _list(value), list[object]()
        if item is _float and set(map(type, given)) == {float}:
            return tuple(given)
        try:
            for each in given:
                found.append(item(each))
        except _Misfit as misfit:
            raise misfit.inside(f"[{len(found)}]") from misfit.__cause__
        return tuple(found)

    return decoded


def _of_record(kind: Any) -> _Turn:
    types_of = get_type_hints(kind)
    decoders = {each.name: _decoder(types_of[each.name]) for each in fields(kind)}
    later = {each.name: each.default for each in fields(kind) if ADDED_LATER.items() <= each.metadata.items()}
    if MISSING in later.values():
        raise TypeError(f"a field of {kind.__name__} that older files may lack has a default; got {later}")

    def decoded(value: object) -> object:
        record, found = _object(value), dict[str, object]()
        if missing := next((name for name in decoders if name not in record and name not in later), None):
            raise _Misfit(
                f" has no {missing!r}; every field of {kind.__name__} must be there, null where there is nothing to "
                "say. reports/README.md lists them."
            )
        try:
            for name, decoder in decoders.items():
                if name in record:
                    found[name] = decoder(record[name])
        except _Misfit as misfit:
            raise misfit.inside(f".{name}") from misfit.__cause__
        try:
            return kind(**found)
        except (TypeError, ValueError) as error:
            raise _Misfit(f": {error}") from error

    return decoded


def _of_named_tuple(kind: Any) -> _Turn:
    types_of, names = get_type_hints(kind), kind._fields
    decoders = [_decoder(types_of[name]) for name in names]

    def decoded(value: object) -> object:
        given = _list(value)
        if len(given) != len(names):
            raise _Misfit(f" has {len(given)} entries; it is a list of {len(names)}: {', '.join(names)}.")
        return kind(*(_placed(*each) for each in zip(decoders, given, (f".{name}" for name in names), strict=True)))

    return decoded


def _of_members(kind: type[Enum]) -> _Turn:
    members = {member.value: member for member in kind}

    def decoded(value: Any) -> Enum:
        try:
            return members[value]
        except (KeyError, TypeError) as error:
            choices = ", ".join(map(repr, members))
            raise _Misfit(f" is {_clipped(value)}; it must be one of {choices}.") from error

    return decoded


def _float(value: object) -> float:
    if isinstance(value, str | None) and value in _NOT_IN_JSON:
        return _NOT_IN_JSON[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _wrong(value, _NOUNS[float])


def _of_scalar(kind: type) -> _Turn:
    def decoded(value: object) -> object:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise _wrong(value, _NOUNS[kind])
        return value

    return decoded


def _plain(value: object) -> object:
    """Whatever JSON holds, its lists as tuples, since records do not change."""
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def _placed(turn: _Turn, value: object, place: str) -> object:
    try:
        return turn(value)
    except _Misfit as misfit:
        raise misfit.inside(place) from misfit.__cause__


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _wrong(value, "a list")
    return cast(list[object], value)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _wrong(value, "an object")
    return cast(dict[str, object], value)


def _clipped(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _wrong(value: object, noun: str) -> _Misfit:
    return _Misfit(f" is {_clipped(value)} ({type(value).__name__}); it must be {noun}.")
