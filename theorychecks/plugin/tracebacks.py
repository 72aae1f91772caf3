"""Tracebacks of claims that raise: they show the lines of whoever wrote the claim, and none of the harness."""

from __future__ import annotations

from types import TracebackType
from typing import Final

_PACKAGE: Final = "theorychecks"


def hide_own_frames(exception: BaseException) -> None:
    """Take the harness's frames out of an exception's traceback, of what caused it, and of what it holds together."""
    seen: set[int] = set()
    stack: list[BaseException | None] = [exception]
    while stack:
        each = stack.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.__traceback__ = _without_own(each.__traceback__)
        stack += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            stack += each.exceptions


def _without_own(traceback: TracebackType | None) -> TracebackType | None:
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    kept: TracebackType | None = None
    for entry in reversed(entries):
        if not _is_own(entry):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def _is_own(entry: TracebackType) -> bool:
    module = str(entry.tb_frame.f_globals.get("__name__", ""))
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")
