"""A worker that dies takes no other claim with it, and what it took is named."""

import pytest


@pytest.fixture(scope="module")
def restarted(run_suite):
    return run_suite("crash", "-n", "2")


@pytest.fixture(scope="module")
def not_restarted(run_suite):
    return run_suite("crash", "-n", "2", "--max-worker-restart=0")


@pytest.mark.parametrize("ran", ["restarted", "not_restarted"])
def test_lost_claim_is_named(request, ran):
    ran = request.getfixturevalue(ran)
    assert ran.code != 0
    assert "test_crash.py::test_kills_its_worker" in ran.report.suite.lost
    assert "lost: test_crash.py::test_kills_its_worker" in ran.text
    claim = ran.claim("test_kills_its_worker")
    assert claim.id == "CRASH-1"
    assert claim.statement == "The size falls like one over the width, and the process dies."
    assert claim.outcome == "error"
    assert claim.findings == ()
    assert "crashed while running" in claim.error


def test_other_claims_are_reported_when_the_worker_is_replaced(restarted):
    suite = restarted.report.suite
    assert suite.lost == ("test_crash.py::test_kills_its_worker",)
    assert (suite.collected, suite.reported, suite.judged, suite.passed) == (6, 5, 5, 5)
    assert (suite.errors, suite.not_run) == (1, 0)
    # Nothing is refuted.
    assert restarted.code == 8


def test_every_claim_is_reported_or_named_as_lost_when_it_is_not(not_restarted):
    suite = not_restarted.report.suite
    assert suite.collected == suite.claims == 6
    assert suite.reported + len(suite.lost) == 6
    assert suite.passed == suite.reported >= 1
    assert (suite.errors, suite.not_run) == (1, len(suite.lost) - 1)
    for node in suite.lost:
        assert f"lost: {node}" in not_restarted.text
