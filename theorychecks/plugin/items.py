"""Items: what pytest has collected, as claims, tests and their parameters."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from theorychecks.claims import Claim

Collected = dict[str, "Claim"]
"""Claims by node id."""


def test_of(item: pytest.Item) -> object:
    """The function behind an item; a method is bound anew for each item, and its function is one."""
    bound = getattr(item, "obj", None)
    return getattr(bound, "__func__", bound)


def claim_of(item: pytest.Item) -> Claim | None:
    """The claim that an item makes, if any."""
    return _claim_of(test_of(item))


def claims_below_given(item: pytest.Item) -> bool:
    """Whether Hypothesis hides a claim."""
    handle = getattr(test_of(item), "hypothesis", None)
    return _claim_of(getattr(handle, "inner_test", None)) is not None


def parameters_of(item: pytest.Item) -> Mapping[str, object]:
    """Of a parametrized test, by name."""
    found: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return found


def id_of_parameters(item: pytest.Item) -> str:
    """Of a parametrized test, in a word, as pytest has it."""
    return str(getattr(getattr(item, "callspec", None), "id", ""))


def _claim_of(test: object) -> Claim | None:
    """The claim that a test makes; runs in which nobody has imported claims must not wait for numpy and scipy."""
    claims = sys.modules.get("theorychecks.claims")
    return claims.claim_of(test) if claims else None
