"""A fifth optimizer is one file of a user's: it trains, is judged, and has a name in the report."""


def test_an_optimizer_in_a_users_file_trains_and_is_judged(run_suite):
    ran = run_suite("own_optimizer")
    assert ran.code == 0, ran.text
    claim = ran.claim("::test_an_optimizer_of_ones_own_learns_features_under_maximal_update")
    assert claim.outcome == "pass"
    assert {finding.setting["optimizer"] for finding in claim.findings} == {"normalised descent"}
    assert {finding.engine for finding in claim.findings} == {"dense"}
