"""Order in which workers run claims: those that take longest come first, and short ones are left for the end."""

from __future__ import annotations

from typing import Final

import pytest

from theorychecks.plugin.items import claim_of

_ASKED_FOR: Final = ("failedfirst", "newfirst", "stepwise")
"""Options by which a user asks for an order."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Put gates first, and then claims that have evidence, before pytest-xdist is told of the order.

    A gate takes seconds even where its numbers are stored, and what has evidence takes minutes where it is measured.
    Others stay as they are, and reports keep the order of files.
    """
    if not any(session.config.getoption(name, False) for name in _ASKED_FOR):
        session.items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    claim = claim_of(item)
    if claim is None:
        return 2
    return 0 if claim.gate else 1 if claim.evidence else 2
