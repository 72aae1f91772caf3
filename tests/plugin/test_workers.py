"""A worker that dies takes no other claim with it, and what it took is named."""

import pytest

from tests.forked.python import forked_python
from theorychecks.reporting import Report


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


FILES = {
    "test_a": '''
        import theorychecks as tc
        from properties_of_nothing import holds

        @tc.claim(id="A", source="none")
        def test_a():
            """It holds."""
            holds()
    ''',
    "test_b": '''
        import theorychecks as tc
        from properties_of_nothing import holds

        @tc.claim(id="B-1", source="none", evidence=True)
        def test_with_evidence():
            """It holds."""
            holds()

        @tc.claim(id="B-2", source="none")
        def test_other():
            """It holds."""
            holds()

        @tc.gate(id="B-3")
        def test_gate():
            """It holds."""
            holds()
    ''',
    "properties_of_nothing": """
        import numpy as np
        import theorychecks as tc

        def holds():
            rng, widths, predicted = np.random.default_rng(0), tc.widths(64, 4096), tc.PowerLaw(-1, within=0.15, rival=0)
            falls, stays = (
                tc.Measurement.of(widths, [n**power * np.exp(0.05 * rng.standard_normal(8)) for n in widths], name="it")
                for power in (-1.0, 0.0)
            )
            tc.check(falls, predicted)
            tc.check_refuted(stays, predicted)
    """,
}


@pytest.mark.parametrize(
    "workers, ran",
    [
        pytest.param(("-n", "1"), ["test_gate", "test_with_evidence", "test_a", "test_other"], id="on a worker"),
        pytest.param(
            ("-n", "1", "--ff"),
            ["test_a", "test_with_evidence", "test_other", "test_gate"],
            id="where an order is asked for",
        ),
        pytest.param(("-p", "no:xdist"), ["test_a", "test_with_evidence", "test_other", "test_gate"], id="here"),
    ],
)
def test_workers_begin_with_what_takes_longest_and_reports_keep_the_order_of_files(pytester, workers, ran):
    pytester.makepyfile(**FILES)
    result = pytester.run(forked_python(), "-m", "pytest", "--assert=plain", "-v", *workers)
    assert result.ret == 0
    names = ("test_a", "test_with_evidence", "test_other", "test_gate")
    told = [line for line in result.outlines if "PASSED" in line]
    assert [next(name for name in names if f"::{name}" in line) for line in told] == ran
    report = Report.from_json((pytester.path / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert [claim.test.rpartition("::")[2] for claim in report.claims] == list(names)
