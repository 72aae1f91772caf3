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


@pytest.fixture
def failed(pytester):
    pytester.makepyfile(test_it=SUITE)

    def run(*options):
        result = pytester.runpytest_subprocess(
            "-p", "no:cacheprovider", "--assert=plain", "--theory-profile=quick", *options
        )
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
    assert "/theorychecks/looks.py" in failed("--full-trace").replace("\\", "/")
