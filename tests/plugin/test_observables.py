"""Observables of one's own live in test directories like any other code."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def ran(run_suite):
    return run_suite("observables")


def test_an_observable_is_no_test_whatever_its_name(ran):
    assert ran.code == 0, ran.text
    assert [claim.id for claim in ran.report.claims] == ["own"]
    assert ran.lines("1 passed")


def test_options_and_parts_show_in_labels_and_tell_numbers_apart(ran):
    found = {finding.label: finding for finding in ran.claim("test_own_observables").findings}
    assert list(found) == ["test_error", "scaled_error(factor=2.0)", "loss, step 2"]
    plain, twice = (np.array(found[label].measurement.values) for label in list(found)[:2])
    np.testing.assert_allclose(twice, 2 * plain, rtol=1e-6)
