"""The file of --junitxml has a claim's exponent, interval and verdict, whichever process has run it."""

import xml.etree.ElementTree as ElementTree

import pytest

HOSTILE = r"<b>|x|</b> & ]]> \x1b[31m \u202e $y$ " + "long" * 100


def properties_by_test(path):
    """What the file has of each test: its properties, each of them once."""
    found = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        pairs = [(each.get("name"), each.get("value")) for each in case.iter("property")]
        assert len(pairs) == len(dict(pairs))
        found[case.get("name")] = dict(pairs)
    return found


@pytest.fixture(scope="module", params=["-n2", "-n0"])
def ran(request, run_suite):
    return run_suite("outcomes", request.param, "--junitxml=junit.xml")


def test_every_claim_has_its_outcome_and_no_other_test_has(ran):
    found = properties_by_test(ran.directory / "junit.xml")
    claims = {claim.test.rpartition("::")[2]: claim for claim in ran.report.claims}
    assert {name for name, properties in found.items() if properties} == claims.keys()
    assert {"test_plain", "test_plain_method"} <= found.keys() - claims.keys()
    for name, claim in claims.items():
        assert found[name]["theory.claim"] == claim.id
        assert found[name]["theory.outcome"] == claim.outcome
        assert found[name]["theory.findings"] == str(len(claim.findings))
    assert {claim.outcome for claim in claims.values()} == {"pass", "fail", "inconclusive", "error", "skipped"}


def test_exponent_interval_and_verdict_are_texts_of_the_worst_finding(ran):
    found = properties_by_test(ran.directory / "junit.xml")["test_refuted"]
    refuted, _ = ran.claim("test_refuted").findings
    assert found["theory.finding"] == "the refuted size"
    assert (found["theory.role"], found["theory.verdict"]) == ("prediction", "refuted")
    assert found["theory.predicted"] == "n^-1"
    assert float(found["theory.exponent"]) == pytest.approx(refuted.exponent, rel=1e-5)
    low, high = map(float, found["theory.interval"].strip("[]").split(", "))
    assert (low, high) == pytest.approx(tuple(refuted.interval), rel=1e-5)
    # Known before: numbers of that exponent were made.
    assert low < -0.5 < high


def test_a_claim_without_findings_has_no_verdict(ran):
    found = properties_by_test(ran.directory / "junit.xml")["test_is_marked_to_be_skipped"]
    assert found == {"theory.claim": "OUT-10", "theory.outcome": "skipped", "theory.findings": "0"}


def test_hostile_text_is_shown_literally_and_properties_of_others_stay(inner, pytester):
    pytester.makepyfile(
        f'''
        import numpy as np
        import theorychecks as tc

        WIDTHS = tc.widths(64, 4096)

        @tc.claim(id="SLY", source="made up")
        def test_sly(record_property):
            """The size falls like one over the width."""
            record_property("mine", 3)
            sizes = tc.Measurement.of(WIDTHS, [n**-0.5 * np.exp(0.05 * np.arange(8.0)) for n in WIDTHS])
            tc.check(sizes, tc.PowerLaw(-1), label={HOSTILE.encode().decode("unicode_escape")!r})
            tc.check_refuted(sizes, tc.PowerLaw(-1), label="x")
        '''
    )
    inner("--junitxml=junit.xml", "-o", "junit_family=xunit1")
    found = properties_by_test(pytester.path / "junit.xml")["test_sly"]
    assert found["mine"] == "3"
    assert found["theory.finding"] == HOSTILE
