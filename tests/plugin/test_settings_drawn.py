"""Hypothesis gives a claim its settings: few, the same every time, and never a hunt for the worst one."""

import pytest

USERS_PROFILE = """
import torch
from hypothesis import settings

settings.register_profile("the user's", max_examples=7, derandomize=True, database=None)
settings.load_profile("the user's")
torch.set_num_threads(1)
"""


@pytest.fixture(scope="module")
def default(run_suite):
    return run_suite("settings_drawn", conftest=USERS_PROFILE)


@pytest.fixture(scope="module")
def quick(run_suite):
    return run_suite("settings_drawn", "--theory-profile=quick", conftest=USERS_PROFILE)


def calls(ran, test):
    """The numbers a test was called with, in order."""
    lines = (ran.directory / "calls").read_text(encoding="utf-8").splitlines()
    return [int(line.split()[1]) for line in lines if line.split()[0] == test]


def test_two_settings_are_drawn_beside_the_explicit_one(default):
    first, *drawn = calls(default, "supported")
    assert first == 3
    assert len(drawn) == 2
    assert default.claim("::test_supported").outcome == "pass"


def test_only_the_explicit_setting_runs_under_quick(quick):
    assert calls(quick, "supported") == [3]
    assert quick.claim("::test_supported").outcome == "pass"
    assert quick.report.suite.profile == "quick"


def test_every_setting_leaves_its_findings_and_its_name(default):
    findings = default.claim("::test_supported").findings
    assert [finding.role for finding in findings] == ["prediction", "control"] * 3
    given = [finding.setting for finding in findings]
    assert given == [{"number": str(number)} for number in calls(default, "supported") for _ in range(2)]


@pytest.mark.parametrize(("test", "outcome"), [("refuted", "fail"), ("inconclusive", "inconclusive")])
def test_what_does_not_pass_is_neither_shrunk_nor_hunted(default, test, outcome):
    assert len(calls(default, test)) == 3
    assert len(default.claim(f"::test_{test}").findings) == 6
    assert default.claim(f"::test_{test}").outcome == outcome


def test_the_settings_drawn_depend_neither_on_verdicts_nor_on_a_claims_text(default):
    supported, refuted, undecided = (calls(default, test) for test in ("supported", "refuted", "inconclusive"))
    assert supported == refuted == undecided
    assert len(set(supported)) == len(supported)


def test_a_seed_of_the_claims_own_is_taken(default):
    assert calls(default, "seeded")[0] == calls(default, "supported")[0]
    assert calls(default, "seeded")[1:] != calls(default, "supported")[1:]


def test_claim_without_example_is_drawn_for(default):
    assert len(calls(default, "unnamed")) == 2
    assert default.claim("::test_without_example").outcome == "pass"


def test_claim_without_example_is_skipped_under_quick_and_says_what_to_add(quick):
    assert calls(quick, "unnamed") == []
    claim = quick.claim("::test_without_example")
    assert claim.outcome == "skipped"
    assert claim.error is None
    assert claim.reason == (
        "the quick profile runs explicit @example settings only, and this claim has none. "
        "Add the canonical setting as @example(...)."
    )
    assert "the quick profile runs explicit @example settings only" in quick.text


def test_parameters_and_settings_are_noted_by_their_names(default):
    setting = default.claim("::test_parametrized[activation1]").findings[0].setting
    assert setting == {"activation": "relu", "number": "3", "other": "gelu"}
    assert len(calls(default, "parametrized")) == 2 * 3


def test_method_is_given_settings_and_does_not_note_itself(default):
    assert len(calls(default, "method")) == 3
    settings = [finding.setting for finding in default.claim("::TestMethods::test_method").findings]
    assert all(list(setting) == ["number"] for setting in settings)


def test_exception_at_a_drawn_setting_keeps_the_findings(default):
    claim = default.claim("::test_breaks")
    assert claim.outcome == "error"
    assert claim.error.startswith("RuntimeError: broken by a drawn number")
    assert claim.findings[0].setting == {"number": "3"}


def test_exception_is_not_met_under_quick(quick):
    assert quick.claim("::test_breaks").outcome == "pass"


def test_profile_of_the_user_is_left_as_it_was(default, quick):
    # The suite's plain test asserts the active profile after the claims have run, and is drawn for under it.
    for ran in (default, quick):
        assert len(calls(ran, "plain")) == 7
        assert not [line for line in ran.lines("FAILED") if "test_plain" in line]


def test_same_settings_are_drawn_every_time(default, run_suite):
    again = run_suite("settings_drawn", "-k", "supported", conftest=USERS_PROFILE)
    assert calls(again, "supported") == calls(default, "supported")
