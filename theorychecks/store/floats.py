"""Floats as JSON values and back, bit for bit: shortest decimals where they are finite, texts where they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

DTYPES: Final[Mapping[str, np.dtype[np.floating[Any]]]] = {
    each.__name__: np.dtype(each) for each in (np.float16, np.float32, np.float64)
}
"""What readings may be made of."""
NAMES: Final[Mapping[np.dtype[np.floating[Any]], str]] = {dtype: name for name, dtype in DTYPES.items()}
_BITS: Final = {2: np.uint16, 4: np.uint32, 8: np.uint64}
"""By how many bytes."""
_NAMED: Final = {"inf": np.inf, "-inf": -np.inf, "nan": np.nan}


def to_json(values: Floats) -> list[float | str]:
    """Numbers [seed] as JSON holds them.

    A NaN other than numpy's own is written with its bits, "nan:fff8000000000000"; so is 0 / 0 on common processors.
    """
    if values.itemsize == 8:
        written: list[Any] = values.tolist()
    else:
        written = [float(text) for text in values.astype(str).tolist()]
        # A short decimal, read in double precision and rounded again, may just miss the number that it stands for.
        for place in np.flatnonzero(_bits(_rounded(written, values.dtype)) != _bits(values)):
            written[place] = float(values[place])
    for place in np.flatnonzero(~np.isfinite(values)):
        written[place] = _text(values[place : place + 1])
    return written


def from_json(written: Sequence[float | str], dtype: str) -> Floats:
    """Numbers [seed] from what `to_json` has made of them.

    Raises:
        KeyError, TypeError, AttributeError, ValueError, OverflowError: for what it has not made.
    """
    values = _rounded([each if isinstance(each, float) else 0.0 for each in written], DTYPES[dtype])
    for place, each in enumerate(written):
        if not isinstance(each, float):
            head, _, digits = each.partition(":")
            _bits(values)[place] = int(digits, 16) if digits else _bits(np.array([_NAMED[head]], dtype))[0]
            if _text(values[place : place + 1]) != each:
                raise ValueError("a number in another way than it is written")
    return values


def _rounded(written: Sequence[float], dtype: np.dtype[np.floating[Any]]) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        rounded: Floats = np.array(written, np.float64).astype(dtype)
    return rounded


def _bits(values: Floats) -> NDArray[np.unsignedinteger[Any]]:
    return values.view(_BITS[values.itemsize])


def _text(value: Floats) -> str:
    """One number that is not finite, given as an array of it."""
    for text, number in _NAMED.items():
        if _bits(value)[0] == _bits(np.array([number], value.dtype))[0]:
            return text
    return f"nan:{int(_bits(value)[0]):0{2 * value.itemsize}x}"
