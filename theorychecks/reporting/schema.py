"""The shape of a JSON document, read off its type: one description serves the type checker and the reader of a file."""

import math
import types
from functools import cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

# A scalar's words in an error message.
_NOUNS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null"}


class ReportError(ValueError):
    """A report document that cannot be read or written; the message says where, which rule, and what to do."""


def check_shape(value: object, shape: Any, path: str) -> None:
    """Raise `ReportError` unless `value` has the shape that the type `shape` describes.

    Shapes are TypedDicts, `list[...]`, `dict[str, ...]`, `Literal[...]`, `X | None`, and str, int, float, bool.
    A dictionary may hold keys that its TypedDict does not name, so that an older reader accepts additions.
    A whole number passes as a float; true and false pass as neither.
    """
    if is_typeddict(shape):
        _check_record(value, shape, path)
    elif get_origin(shape) is list:
        _check_list(value, get_args(shape)[0], path)
    elif get_origin(shape) is dict:
        _check_mapping(value, get_args(shape)[1], path)
    elif get_origin(shape) is Literal:
        _check_choice(value, get_args(shape), path)
    elif get_origin(shape) in (Union, types.UnionType):
        _check_optional(value, get_args(shape), path)
    else:
        _check_scalar(value, shape, path)


@cache
def _fields(shape: type) -> dict[str, Any]:
    return get_type_hints(shape)


def _check_record(value: object, shape: type, path: str) -> None:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", path)
    record = cast(dict[str, object], value)
    for name, field in _fields(shape).items():
        if name not in record:
            raise ReportError(
                f"{path or 'the report'} has no {name!r}; every field of {shape.__name__} must be there, null where "
                f"there is nothing to say. reports/README.md lists them."
            )
        check_shape(record[name], field, f"{path}.{name}" if path else name)


def _check_list(value: object, item: Any, path: str) -> None:
    if not isinstance(value, list):
        raise _wrong(value, "a list", path)
    for index, element in enumerate(cast(list[object], value)):
        check_shape(element, item, f"{path}[{index}]")


def _check_mapping(value: object, item: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", path)
    for name, element in cast(dict[object, object], value).items():
        check_shape(name, str, f"{path} key {name!r}")
        check_shape(element, item, f"{path}[{name!r}]")


def _check_choice(value: object, choices: tuple[object, ...], path: str) -> None:
    # By type too: True == 1 and 1.0 == 1, but neither is the schema number 1.
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise ReportError(f"{path} is {value!r}; it must be one of {', '.join(map(repr, choices))}.")


def _check_optional(value: object, options: tuple[Any, ...], path: str) -> None:
    if value is None and types.NoneType in options:
        return
    check_shape(value, next(option for option in options if option is not types.NoneType), path)


def _check_scalar(value: object, kind: Any, path: str) -> None:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(value, _NOUNS[kind], path)
    if isinstance(value, float) and not math.isfinite(value):
        raise ReportError(
            f"{path} is {value}; a report holds finite numbers only, because JSON has no NaN and no infinity. "
            f"Write null, and count a run that is not finite in not_finite."
        )


def _wrong(value: object, noun: str, path: str) -> ReportError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return ReportError(
        f"{path or 'the report'} is {shown} ({type(value).__name__}); it must be {noun}. "
        f"Convert it to plain JSON before making a Report: int(x), float(x), str(x), list(x)."
    )
