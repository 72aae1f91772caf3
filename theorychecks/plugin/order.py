"""Order in which workers run claims: those that take longest come first, so that no worker is left alone with them."""

from __future__ import annotations

import pytest

from theorychecks.plugin.items import claim_of


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Put gates first, and then claims that have evidence, before pytest-xdist is told of the order.

    A gate takes seconds even where its numbers are stored, and what has evidence takes minutes where it is measured.
    Others stay as they are, and reports keep the order of files.
    """
    session.items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, bool]:
    claim = claim_of(item)
    return (True, True) if claim is None else (not claim.gate, not claim.evidence)
