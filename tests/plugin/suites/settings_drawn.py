"""Claims that are given settings by Hypothesis. Each call leaves a line in `calls`, named by the test."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

import theorychecks as tc

WIDTHS = tc.widths(64, 4096)
INVERSE = tc.PowerLaw(-1, within=0.15, rival=-0.5)
NUMBERS = st.integers(0, 10_000)


def sizes(exponent, noise=0.05):
    """A power of the width with noise of known size."""
    rng = np.random.default_rng(0)
    cells = [n**exponent * np.exp(noise * rng.standard_normal(8)) for n in WIDTHS]
    return tc.Measurement.of(WIDTHS, cells, name="the size")


def called(test, number):
    with Path("calls").open("a", encoding="utf-8") as file:
        file.write(f"{test} {number}\n")


@tc.claim(id="SET-1", source="made up")
@given(number=NUMBERS)
@example(number=3)
def test_supported(number):
    """Holds whatever the number."""
    called("supported", number)
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="SET-2", source="made up")
@given(number=NUMBERS)
@example(number=3)
def test_refuted(number):
    """Fails whatever the number."""
    called("refuted", number)
    tc.check(sizes(-0.5), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="SET-3", source="made up")
@given(number=NUMBERS)
@example(number=3)
def test_inconclusive(number):
    """Is undecided whatever the number."""
    called("inconclusive", number)
    tc.check(sizes(-1, noise=1.0), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="SET-10", source="made up")
@seed(3)
@given(number=NUMBERS)
@example(number=3)
def test_seeded(number):
    """Holds whatever the number, and has a seed of its own."""
    called("seeded", number)
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="SET-6", source="made up")
@given(number=NUMBERS)
def test_without_example(number):
    """Holds whatever the number, and names none."""
    called("unnamed", number)
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="SET-7", source="made up")
@pytest.mark.parametrize("activation", [tc.TANH, tc.RELU])
@given(number=NUMBERS, other=st.sampled_from([tc.ERF]))
@example(number=3, other=tc.GELU)
def test_parametrized(activation, number, other):
    """Holds for each activation."""
    called("parametrized", number)
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


class TestMethods:
    @tc.claim(id="SET-8", source="made up")
    @given(number=NUMBERS)
    @example(number=3)
    def test_method(self, number):
        """Holds whatever the number, as a method."""
        called("method", number)
        tc.check(sizes(-1), INVERSE)
        tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="SET-9", source="made up")
@given(number=NUMBERS)
@example(number=3)
def test_breaks(number):
    """Breaks wherever the number is drawn."""
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)
    if number != 3:
        raise RuntimeError("broken by a drawn number")


@given(number=NUMBERS)
def test_plain(number):
    called("plain", number)
    assert settings.get_current_profile_name() == "the user's"
    assert settings.default.max_examples == 7
