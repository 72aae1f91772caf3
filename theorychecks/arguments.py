"""Arguments: what a user writes for a number, a flag, a word or an array, each checked in one place."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, SupportsFloat, SupportsIndex, cast

import numpy as np
from numpy.typing import NDArray

_EQUAL: Final = 1e-9
_SINGLE: Final = 1e-5
"""Relative scatter of what is exact and was computed in single precision."""


def real_number(value: object, what: str, *, like: str) -> float:
    """A real number, numpy's and fractions included, as one that Python computes with.

    Raises:
        TypeError: for text, arrays, complex numbers, True and False.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        convertible = isinstance(value, SupportsFloat) and not isinstance(value, bool)
        way_out = ". Convert it first: float(...)" if convertible else ""
        raise TypeError(f"{what} is a real number, like {like}; got {value!r}{way_out}")
    return value if isinstance(value, int) else float(value)


def whole_number(value: object, what: str, *, least: int = 1) -> int:
    """A whole number as a plain int, numpy's integers included.

    Args:
        value: what was given.
        what: it is, for the message: "a width".
        least: the smallest that is taken.

    Raises:
        ValueError: for anything else, true and false included.
    """
    if not is_whole(value, least):
        kind = "a positive integer" if least == 1 else f"a whole number, {least} or above"
        raise ValueError(f"{what} is {kind}; got {value!r}")
    return operator.index(cast(SupportsIndex, value))


def is_whole(value: object, least: int = 1, most: int | None = None) -> bool:
    """Whether something is a whole number between these, numpy's integers included, true and false not."""
    # Asked of every count of every measurement; a protocol takes its time to tell.
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, SupportsIndex)):
        return False
    return least <= operator.index(value) and (most is None or operator.index(value) <= most)


def settle_numbers(owner: object, **examples: str) -> None:
    """Refuse attributes of a frozen dataclass that are no real numbers, and make the others plain.

    Args:
        owner: whose attributes.
        examples: by name of the attribute, how one is written.

    Raises:
        TypeError: naming the attribute.
    """
    for name, like in examples.items():
        number = real_number(getattr(owner, name), f"{type(owner).__name__}: {name}", like=like)
        object.__setattr__(owner, name, number)


def flag(value: object, what: str) -> bool:
    """True or False, numpy's included.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{what} is True or False; got {value!r}")
    return bool(value)


def check_text(value: object, what: str, *, like: str) -> None:
    """Refuse what is no text.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} is a text, like {like!r}; got {value!r}")


def is_one_of(value: object, words: Collection[str]) -> bool:
    """Whether a value is one of some words, whatever it is else: arrays and lists have no truth value or hash."""
    return isinstance(value, str) and value in words


def flags_of(given: object, points: int, axis: str) -> tuple[bool, ...]:
    """Whether the runs are exact at each of so many axis values; nothing where they are nowhere.

    Raises:
        TypeError: for anything but True, False or a sequence of them.
    """
    if isinstance(given, bool | np.bool_):
        return (True,) * points if given else ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"exact is True or False, for all or for each {axis}; got {given!r}")
    return tuple(flag(one, f"exact at each {axis}") for one in given)


def axis_of(given: object, axis: str) -> tuple[float, ...]:
    """Axis values as plain numbers.

    Raises:
        TypeError: for a single number, text, True and False, and the like.
        ValueError: for masked values and more than one dimension.
    """
    what = f"the {axis} axis"
    if isinstance(given, str) or not isinstance(given, Iterable) or getattr(given, "ndim", 1) == 0:
        raise TypeError(f"{what} is a sequence of numbers, like (64, 128, 256, 512, 1024); got {given!r}")
    # Views of dictionaries and iterators have no shape.
    given = given if hasattr(given, "ndim") else list(given)
    if _masked(given):
        raise ValueError(f"{what} has masked entries; name those axis values that were measured, without a mask")
    array = array_of(given, what)
    if array.ndim > 1:
        raise ValueError(f"{what} is one sequence of numbers; got an array of shape {array.shape}. Give one dimension.")
    if any(isinstance(entry, bool | np.bool_) for entry in given) or np.asarray(_plain(given)).dtype.kind == "b":
        raise TypeError(f"{what} is made of positive numbers; got {given!r}. Name the axis values themselves.")
    return tuple(float(value) for value in array)


def all_equal(cell: Sequence[float], rounding: float = _EQUAL) -> bool:
    """Whether the runs of a cell are equal up to the rounding of their arithmetic."""
    return max(cell) - min(cell) <= rounding * max(cell)


def check_exact(cell: Sequence[float], what: str) -> None:
    """Refuse runs that are said to be exact and differ.

    Raises:
        ValueError: naming the cell.
    """
    finite = [value for value in cell if math.isfinite(value)]
    if finite and not all_equal(finite, _SINGLE):
        raise ValueError(
            f"runs are exact where nothing is drawn, so that all are equal; {what} has runs from {min(finite):g} to "
            f"{max(finite):g}. Drop exact= there."
        )


def cells_of(given: object, name: str, axis: str, places: Sequence[float]) -> list[NDArray[np.float64]]:
    """Cells as plain numbers, one array for each axis value.

    Raises:
        TypeError: for a single number, text, complex numbers and the like.
        ValueError: for masked entries, minus infinity, and cells of more than one dimension.
    """
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable) or getattr(given, "ndim", 1) == 0:
        raise TypeError(f"values has one array of runs for each {axis}; got {given!r}. Write [[1.0, 1.1, 0.9], ...]")
    cells = [numbers_of(cell, name) for cell in given]
    for place, cell in zip(places, cells, strict=False):
        if np.isneginf(cell).any():
            raise ValueError(
                f"{name} must be positive to have an exponent; it is -inf at {axis} {place:g}. Measure its size, and "
                "give inf for a run that diverged."
            )
    return cells


def numbers_of(cell: object, name: str) -> NDArray[np.float64]:
    """One cell as plain numbers.

    Raises:
        TypeError: for text, complex numbers and the like.
        ValueError: for masked entries and more than one dimension.
    """
    array = np.atleast_1d(array_of(cell, name))
    if array.ndim > 1:
        raise ValueError(f"a cell has one number a seed; got an array of shape {array.shape}. Reduce each run first.")
    return array


def array_of(given: object, name: str) -> NDArray[np.float64]:
    """An array of any shape as plain numbers; tensors are detached from their graph.

    Raises:
        TypeError: for text, complex numbers and the like.
        ValueError: for masked entries, and rows of unequal lengths.
    """
    if _masked(given):
        raise ValueError(
            f"{name} has masked entries, and a mask says neither what was lost nor on which side it lies. Give NaN for "
            "a run of which nothing is known and inf for one that diverged: cell.filled(numpy.nan)."
        )
    try:
        array = np.asarray(_plain(given))
    except ValueError as error:
        raise ValueError(
            f"{name} has rows of unequal lengths or depths; got {given!r}. Give one number in each place."
        ) from error
    if array.dtype.kind not in "biuf":
        wrong = next((one for one in _leaves(given) if not isinstance(one, numbers.Real)), array.ravel()[:1].tolist())
        raise TypeError(
            f"{name} is made of real numbers; got {array.dtype} such as {wrong!r}. "
            + ("Give nan for a run without a number." if wrong is None else _CONVERT)
        )
    return array.astype(np.float64)


_CONVERT: Final = "Convert it first: a modulus, a norm, float(...)."


def _masked(given: object) -> bool:
    if isinstance(given, np.ma.MaskedArray):
        return bool(np.ma.getmaskarray(given).any())
    return isinstance(given, list | tuple) and any(_masked(entry) for entry in given)


def _leaves(given: object) -> Iterator[object]:
    if isinstance(given, list | tuple):
        for entry in given:
            yield from _leaves(entry)
    elif not isinstance(given, np.ndarray):
        yield given


def _plain(given: Any) -> Any:
    """Tensors as arrays, inside of lists too; torch itself is not imported here."""
    if isinstance(given, list | tuple):
        return [_plain(entry) for entry in given]
    if hasattr(given, "detach") and hasattr(given, "is_floating_point"):
        tensor = given.detach().cpu()
        # Numpy has no bfloat16.
        return np.asarray((tensor.double() if tensor.is_floating_point() else tensor).numpy())
    return np.asarray(given) if isinstance(given, np.ma.MaskedArray) else given
