"""What somebody else catches of a claim decides its outcome as if it had been raised."""

import pytest

ENDINGS = {
    "passes": ("pass", None),
    "marked": ("skipped", "some day"),
    "skips": ("skipped", "later"),
    "refuted-skip": ("fail", "the claim was refuted before it skipped itself (later)"),
    "expected": ("skipped", "expected to fail, as it does"),
    "expected-typo": ("skipped", "expected to fail, as it does"),
    "unexpected": ("error", "Failed: Unexpected success"),
    "asserts": ("fail", "AssertionError: 1 != 2"),
    "case-subtests": ("fail", "a subtest raised AssertionError: 1 != 2"),
    "subtest-passes": ("pass", None),
    "subtest-skips": ("pass", None),
    "subtest-typo": ("error", "a subtest raised KeyError: 'typo'"),
    "subtest-asserts": ("fail", "a subtest raised AssertionError: one is two"),
    # As pytest has it: the mark takes what the subtest raises, and the test itself passes.
    "subtest-expected": ("pass", None),
    "async": ("error", "Failed: async def functions are not natively supported."),
}
OF_SUBTESTS = {"case-subtests", *(id for id in ENDINGS if id.startswith("subtest"))}


@pytest.fixture(scope="module")
def alone(run_suite):
    return run_suite("caught", "-v")


@pytest.fixture(scope="module")
def spread(run_suite):
    return run_suite("caught", "-n", "1")


@pytest.fixture(params=["alone", "spread"])
def ran(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("id", ENDINGS)
def test_every_ending_has_its_outcome_and_says_why(ran, id):
    if id in OF_SUBTESTS and not hasattr(pytest, "Subtests"):
        pytest.skip("subtests are pytest's own from 9.0")
    outcome, said = ENDINGS[id]
    (claim,) = [claim for claim in ran.report.claims if claim.id == id]
    assert claim.outcome == outcome
    told = claim.reason if outcome == "skipped" else claim.error
    assert told is None if said is None else told.startswith(said)


@pytest.mark.parametrize(
    ("test", "word"),
    [
        ("is_marked", "SKIPPED"),
        ("skips", "SKIPPED"),
        ("is_refuted_and_skips", "FAILED"),
        ("is_expected_to_fail", "XFAIL"),
        ("is_expected_to_break", "XFAIL"),
        ("passes_unexpectedly", "FAILED"),
        ("asserts", "FAILED"),
    ],
)
def test_pytest_says_the_same_of_a_test_case(alone, test, word):
    assert any(f"::TestCase::test_{test} {word}" in line for line in alone.lines("::test_"))


def test_a_failed_subtest_fails_the_run(ran):
    assert ran.code == 1
