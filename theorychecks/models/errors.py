"""What is wrong with a model that cannot be gated, in one class of error."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NO_MEMORY: Final = ("can't allocate memory", "out of memory", "not enough memory")
_NOT_THEIRS: Final = ("torch", "theorychecks")
"""Packages by name, since a directory would be another one in every clone, and so would be fingerprints."""


class ModelError(ValueError):
    """A model, its optimizer or its batches do not do what a gate needs; the message says which width and module."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in text for sign in _NO_MEMORY)
    )


@contextmanager
def blamed(what: str, way_out: str) -> Iterator[None]:
    """Say what of a model's owner has failed in the block, in which line, and what to do.

    Raises:
        ModelError: in place of any error but those that say so already, and a lack of memory.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        # An error's own full stop would stand before the place.
        text = f"{type(error).__name__}: {str(error).strip().removesuffix('.')}"
        raise ModelError(f"{what} has raised {text}{_place(error)}. {way_out}") from error


def _place(error: BaseException) -> str:
    """The last line of the owner's own that an error came through."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _NOT_THEIRS:
            return f" (in {frame.f_code.co_name}, {Path(frame.f_code.co_filename).name}:{line})"
    return ""
