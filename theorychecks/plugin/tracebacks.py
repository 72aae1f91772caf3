"""Tracebacks of tests that raise: they show the lines of whoever wrote the test, and none of the harness."""

from __future__ import annotations

from types import TracebackType
from typing import Final

import pytest

_PACKAGE: Final = "theorychecks"


def hide_frames_of_call(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Take the harness's frames out of what pytest is to tell of a phase of a test, `unittest`'s catch included."""
    if call.excinfo is not None:
        call.excinfo = _shown(call.excinfo)
    caught = getattr(item, "_excinfo", None)
    if caught:
        caught[:] = map(_shown, caught)


def hide_frames_of_collection(collector: pytest.Collector, report: pytest.CollectReport) -> None:
    """Tell once more, without the harness's frames, why something could not be collected."""
    call = getattr(report, "call", None)
    if not report.failed or call is None or call.excinfo is None:
        return
    told = collector.repr_failure(_shown(call.excinfo))
    if not isinstance(told, str):
        report.longrepr = told


def _shown(excinfo: pytest.ExceptionInfo[BaseException]) -> pytest.ExceptionInfo[BaseException]:
    exception = excinfo.value
    if isinstance(exception, pytest.skip.Exception) or not getattr(exception, "pytrace", True):
        # Of these pytest shows one place at most, and no lines.
        return excinfo
    hide_own_frames(exception)
    return excinfo if exception.__traceback__ is None else pytest.ExceptionInfo.from_exception(exception)


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
