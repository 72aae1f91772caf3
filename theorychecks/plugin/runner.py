"""Runs claims, on a worker or in the only process there is, and turns their findings into outcomes."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, cast
from unittest import SkipTest

import pytest

from theorychecks.plugin.profiles import OCTAVES, apply_profile
from theorychecks.plugin.resources import resources
from theorychecks.plugin.seeds import run_seed

if TYPE_CHECKING:
    from theorychecks.claims import Claim, Recorder
    from theorychecks.reporting.report import ClaimDocument

REPORT_ATTRIBUTE: Final = "theorychecks_claim"
"""Where a test report carries a claim's findings, as JSON text."""
Collected = dict[str, dict[str, Any]]
"""What each claim says of itself, by node id."""
_document_key = pytest.StashKey[str]()


class Runner:
    """Runs claims, on a worker or in the only process there is."""

    def __init__(self, config: pytest.Config, note_collected: Callable[[Collected], None]) -> None:
        self.config = config
        self.note_collected = note_collected
        self.profile: str = config.getoption("--theory-profile")
        self.seeded = config.getoption("--hypothesis-seed", default=None) is not None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse two claims with one id, and give Hypothesis the profile's settings."""
        owners: dict[str, tuple[object, str]] = {}
        for item in items:
            claim = _claim(item)
            if claim is None:
                if _claims_below_given(item):
                    self._refuse(
                        item, f"{item.nodeid} has @claim below @given, which hides it. Put @claim above @given."
                    )
                continue
            test = _test(item)
            owner, node = owners.setdefault(claim.id, (test, item.nodeid))
            if owner is not test:
                self._refuse(
                    item, f"two claims have the id {claim.id!r}: {node} and {item.nodeid}. Give one of them another id."
                )
            if wrong := apply_profile(test, self.profile, seeded=self.seeded):
                self._refuse(item, f"{item.nodeid}: {wrong}")

    def _refuse(self, item: pytest.Item, text: str) -> None:
        """Report an error of collection; one that is raised on a worker never reaches the reader."""
        self.config.hook.pytest_collectreport(report=pytest.CollectReport(item.nodeid, "failed", text, None))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which claims there are to be judged, before the header speaks of them."""
        collected = {item.nodeid: _about(claim) for item in session.items if (claim := _claim(item)) is not None}
        self.note_collected(collected)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a claim with a recorder, and judge it when it is done."""
        claim = _claim(item)
        if claim is None:
            return (yield)
        from theorychecks.claims import Recorder, recording, shown
        from theorychecks.looks import Conditions

        conditions = Conditions(
            octaves=OCTAVES[self.profile],
            resources=resources(self.config),
            seed=run_seed(self.config),
            confirms=True,
            seconds=self.config.getoption("--theory-budget"),
        )
        recorder = Recorder(conditions=conditions, gate=claim.gate)
        parameters = {name: shown(value) for name, value in getattr(_callspec(item), "params", {}).items()}
        started, error = time.perf_counter(), None
        try:
            with recording(recorder, parameters), _capped_threads():
                result = yield
            error = recorder.missing()
        except SkipTest as exception:
            # Hypothesis skips what has no setting to run; a claim that judges nothing does not pass that way.
            result, error = None, f"{recorder.missing() or 'the claim skipped itself'} ({exception})"
        except BaseException as exception:
            error = f"{type(exception).__name__}: {exception}"
            raise
        finally:
            document = _claim_document(item.nodeid, claim, recorder, error, time.perf_counter() - started)
            item.stash[_document_key] = json.dumps(document, allow_nan=False, default=_plain)
        self._conclude(document)
        return result

    def _conclude(self, document: ClaimDocument) -> None:
        """Turn a claim's outcome into pytest's."""
        from theorychecks.reporting import wording

        if document["outcome"] == "pass":
            return
        text = wording.account(document)
        if document["outcome"] == "inconclusive" and self.config.getoption("--theory-inconclusive") == "skip":
            pytest.skip(text)
        if document["trend"] and not document["error"] and self.config.getoption("--theory-trends") == "report":
            pytest.skip(f"a trend, which fails the run with --theory-trends=gate only\n{text}")
        pytest.fail(text, pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send a claim's findings along with its report, as text."""
        report = yield
        if call.when == "call" and _document_key in item.stash:
            setattr(report, REPORT_ATTRIBUTE, item.stash[_document_key])
        return report


def _test(item: pytest.Item) -> object:
    """The function behind an item; a method is bound anew for each item, and its function is one."""
    bound = getattr(item, "obj", None)
    return getattr(bound, "__func__", bound)


def _claim(item: pytest.Item) -> Claim | None:
    return _claim_of(_test(item))


def _claims_below_given(item: pytest.Item) -> bool:
    handle = getattr(_test(item), "hypothesis", None)
    return _claim_of(getattr(handle, "inner_test", None)) is not None


def _claim_of(test: object) -> Claim | None:
    """The claim that a test makes; runs in which nobody has imported claims must not wait for numpy and scipy."""
    claims = sys.modules.get("theorychecks.claims")
    return claims.claim_of(test) if claims else None


def _callspec(item: pytest.Item) -> object:
    return getattr(item, "callspec", None)


def _claim_document(node: str, claim: Claim, recorder: Recorder, error: str | None, seconds: float) -> ClaimDocument:
    return cast(
        "ClaimDocument",
        {
            **_about(claim),
            "test": node,
            "outcome": "fail" if error else recorder.outcome,
            "error": error,
            "seed": recorder.conditions.seed,
            "seconds": seconds,
            "findings": [finding.to_document() for finding in recorder.findings],
            "notes": recorder.notes,
        },
    )


def _about(claim: Claim) -> dict[str, Any]:
    """What a claim says of itself."""
    return {
        "id": claim.id,
        "statement": claim.statement,
        "source": claim.source,
        "trend": claim.trend,
        "gate": claim.gate,
        "paper": None if claim.paper is None else dataclasses.asdict(claim.paper),
    }


def _plain(value: object) -> object:
    """A numpy number that somebody predicted or measured, as Python's own."""
    import numpy as np

    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a report holds plain JSON; got {value!r}")


THREADS: Final = 1
"""Threads a process runs a claim on: workers share the cores among them, and numbers must not depend on how many."""


class _capped_threads:  # noqa: N801 - reads as the statement it is in `with`
    """Cap torch's threads inside a block, and restore them after it."""

    def __enter__(self) -> None:
        import torch

        self._before = torch.get_num_threads()
        torch.set_num_threads(THREADS)

    def __exit__(self, *_: object) -> None:
        import torch

        torch.set_num_threads(self._before)
