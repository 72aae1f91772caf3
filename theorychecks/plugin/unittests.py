"""What `unittest` catches of a claim in a TestCase; pytest keeps it on the item until it reports."""

from __future__ import annotations

import pytest


def caught_by_unittest(item: pytest.Item) -> BaseException | None:
    """The exception by which pytest is going to report a test that has run to its end."""
    kept = getattr(item, "_excinfo", None)
    return kept[0].value if kept else None


def forget_caught(item: pytest.Item) -> None:
    """Leave the report to what the claim says of itself."""
    if caught_by_unittest(item) is not None:
        item._excinfo.pop(0)  # type: ignore[attr-defined]


def is_unexpected_success(item: pytest.Item, exception: BaseException) -> bool:
    """Whether `unittest` expected a failure and saw none; findings are recorded, so it never sees theirs."""
    return (
        exception is caught_by_unittest(item)
        and isinstance(exception, pytest.fail.Exception)
        and str(exception).startswith("Unexpected success")
    )
