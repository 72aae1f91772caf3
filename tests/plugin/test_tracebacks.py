"""A claim that raises shows the lines of whoever wrote it, and none of the harness, unless asked."""

import pytest

SUITE = '''
import theorychecks as tc
import pytest
from hypothesis import example, given, strategies as st

TRAINING = tc.Training(
    tc.MLP(1, tc.RELU, tc.NTK), learning_rate=tc.scaled(0.1), data=tc.Teacher(dimension=4), loss=tc.MSE, steps=1
)

@tc.observable
def too_deep(run):
    return run.preactivations(7, 0)  # the line to be shown

def judge(observable):
    sweep = tc.Sweep(observable, TRAINING, widths=tc.widths(16, 256), seeds=4)
    tc.check(sweep, tc.PowerLaw(0))
    tc.check_refuted(sweep, tc.PowerLaw(1))

@tc.claim(id="plain", source="made up")
def test_plain():
    """A layer that is not there has a size."""
    judge(too_deep)

@tc.claim(id="given", source="made up")
@given(number=st.integers())
@example(number=3)
def test_given(number):
    """A layer that is not there has a size, whatever the number."""
    judge(too_deep)

@tc.claim(id="caused", source="made up")
def test_caused():
    """A layer that is not there has a size, which somebody else has looked for."""
    try:
        judge(too_deep)
    except ValueError as error:
        raise KeyError("nothing found") from error
'''


ELSEWHERE = '''
import unittest
import theorychecks as tc
import pytest

TRAINING = tc.Training(
    tc.MLP(1, tc.RELU, tc.NTK), learning_rate=tc.scaled(0.1), data=tc.Teacher(dimension=4), loss=tc.MSE, steps=1
)

@tc.observable
def nothing(run):
    """Forgets to return."""

def judge():
    sweep = tc.Sweep(nothing, TRAINING, widths=tc.widths(16, 256), seeds=4)
    tc.check(sweep, tc.PowerLaw(0))  # the line to be shown

def test_plain():
    judge()

def test_subtest(subtests):
    with subtests.test("a"):
        judge()

class TestCase(unittest.TestCase):
    def test_of_unittest(self):
        judge()

@pytest.fixture
def judged():
    judge()

@pytest.fixture
def judged_afterwards():
    yield
    judge()

@tc.claim(id="fixture", source="made up")
def test_fixture(judged):
    """A fixture measures nothing."""
    tc.check_refuted(None, None)

def test_teardown(judged_afterwards):
    pass
'''
MODULE = """
import theorychecks as tc

SWEEP = tc.Sweep(tc.FeatureChange, None, widths=tc.widths(16, 256))  # the line to be shown
"""


@pytest.fixture
def told(pytester, apart):
    """What is told of tests that fail outside of a claim's own call."""

    def run(**files):
        pytester.makepyfile(**files)
        result = apart("--theory-profile=quick", "--tb=short")
        text = result.stdout.str()
        return text[text.index("= ERRORS =") : text.index("= short test summary info =")].replace("\\", "/")

    return run


def test_nothing_of_the_harness_is_shown_of_plain_tests_fixtures_and_subtests(told):
    text = told(test_it=ELSEWHERE)
    assert text.count("# the line to be shown") == 4 + hasattr(pytest, "Subtests")
    # What stands before a line number: the files of which lines are shown.
    assert "/theorychecks/" not in text.partition("= theory =")[0]
    assert "in _measured" not in text


def test_nothing_of_the_harness_is_shown_of_a_file_that_cannot_be_collected(told):
    text = told(test_module=MODULE)
    assert text.count("# the line to be shown") == 1
    assert "/theorychecks/" not in text
    assert "__init__" not in text


def test_a_check_inside_a_fixture_is_said_not_to_be_recorded(pytester, apart):
    source = """
import numpy as np
import theorychecks as tc
import pytest

@pytest.fixture
def judged():
    widths = tc.widths(64, 4096)
    rng = np.random.default_rng(0)
    cells = [np.exp(0.05 * rng.standard_normal(8)) for n in widths]
    tc.check(tc.Measurement.of(widths, cells), tc.PowerLaw(0))

@tc.claim(id="fixture", source="made up")
def test_fixture(judged):
    '''A size does not depend on the width.'''
    return
    tc.check_refuted(None, None)
"""
    pytester.makepyfile(source)
    result = apart()
    result.stdout.fnmatch_lines(["*never reached check(). One inside a fixture is not recorded. *"])


@pytest.fixture
def failed(pytester, apart):
    pytester.makepyfile(test_it=SUITE)

    def run(*options):
        result = apart("--theory-profile=quick", *options)
        text = result.stdout.str()
        return text[text.index("= FAILURES =") : text.index("= theory =")]

    return run


def test_the_users_lines_are_shown_and_the_harness_is_not(failed):
    text = failed()
    assert text.count("# the line to be shown") == 3
    assert text.count("ValueError: there is no hidden layer 7") >= 3
    assert "KeyError: 'nothing found'" in text
    # What stands before a line number: the files of which lines are shown.
    assert "/theorychecks/" not in text.replace("\\", "/")
    assert "in _measured" not in text


def test_a_full_trace_shows_the_harness_too(failed):
    assert "/theorychecks/judging.py" in failed("--full-trace").replace("\\", "/")
