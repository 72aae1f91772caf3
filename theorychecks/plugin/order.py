"""Order in which workers run claims: those that take longest come first, so that no worker is left alone with them."""

from __future__ import annotations

import pytest

from theorychecks.plugin.items import claim_of


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Put gates and claims that have evidence first, before pytest-xdist is told of the order; others stay as they are.

    Reports keep the order of files.
    """
    session.items.sort(key=lambda item: not _is_long(item))


def _is_long(item: pytest.Item) -> bool:
    claim = claim_of(item)
    return claim is not None and (claim.gate or claim.evidence)
