"""Widths and numbers of seeds: what a design accepts and refuses."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theorychecks.statistics import widths
from theorychecks.statistics.design import check_seeds


def test_widths_double_from_first_to_last():
    assert widths(64, 4096) == (64, 128, 256, 512, 1024, 2048, 4096)
    assert widths(64, 512) == (64, 128, 256, 512)


def test_widths_grow_by_another_factor():
    assert widths(64, 16384, factor=4) == (64, 256, 1024, 4096, 16384)
    assert widths(10, 10000, factor=10) == (10, 100, 1000, 10000)


@given(first=st.integers(1, 100), factor=st.integers(2, 5), steps=st.integers(3, 8))
def test_successive_widths_differ_by_the_factor(first, factor, steps):
    grid = widths(first, first * factor**steps, factor=factor)
    assert len(grid) == steps + 1
    assert all(b == factor * a for a, b in itertools.pairwise(grid))


@pytest.mark.parametrize("last, near", [(1000, "512 and 1024"), (513, "512 and 1024"), (4095, "2048 and 4096")])
def test_an_end_between_two_widths_is_refused_and_both_are_named(last, near):
    with pytest.raises(ValueError, match=rf"widths\(64, {last}, factor=2\) does not reach {last}.*{near}"):
        widths(64, last)


def test_a_range_that_falls_is_refused():
    with pytest.raises(ValueError, match="does not reach 32"):
        widths(64, 32)


def test_a_span_below_eight_is_refused_and_a_longer_one_is_named():
    with pytest.raises(ValueError, match=r"at least a factor of 8 to fit an exponent; got 256\.\.1024\. Try 256"):
        widths(256, 1024)
    assert widths(128, 1024) == (128, 256, 512, 1024)


def test_one_width_is_refused():
    with pytest.raises(ValueError, match=r"several widths; got \[64\]\. Try widths\(64, 2048\)"):
        widths(64, 64)


@pytest.mark.parametrize("bad", [0, -64, 64.0, True, "64", None])
def test_a_width_is_a_positive_integer(bad):
    with pytest.raises(ValueError, match="a width is a positive integer; got"):
        widths(bad, 4096)
    with pytest.raises(ValueError, match="a width is a positive integer; got"):
        widths(64, bad)


@pytest.mark.parametrize("factor", [1, 0, -2, 1.5, 2.0, True, "2", None])
def test_a_factor_is_a_whole_number_and_closer_widths_are_named_one_by_one(factor):
    said = rf"a whole factor of 2 or more; got factor={factor!r}\. .*one by one: widths=\(64, 96, "
    with pytest.raises(ValueError, match=said):
        widths(64, 4096, factor=factor)


def test_one_number_of_seeds_serves_every_width():
    assert check_seeds(8, 5) == (8, 8, 8, 8, 8)


def test_each_width_may_have_its_own_number_of_seeds():
    assert check_seeds((40, 20, 10, 5, 3), 5) == (40, 20, 10, 5, 3)
    assert check_seeds([40, 20, 10, 5, 3], 5) == (40, 20, 10, 5, 3)


@pytest.mark.parametrize("seeds", [(8, 8, 8, 8), (8,) * 6, ()])
def test_as_many_numbers_of_seeds_as_widths_are_needed(seeds):
    with pytest.raises(ValueError, match="one for each of 5; got"):
        check_seeds(seeds, 5)


@pytest.mark.parametrize("seeds", [2, 1, (8, 8, 8, 8, 2)])
def test_fewer_than_three_seeds_are_refused(seeds):
    with pytest.raises(ValueError, match=r"at least 3 of them, better 8; got [12]"):
        check_seeds(seeds, 5)
    assert check_seeds(3, 5) == (3, 3, 3, 3, 3)


@pytest.mark.parametrize("seeds", [0, -8, True, (8, 8, 8, 8, 8.0), (8, 8, 8, 8, "8")])
def test_a_number_of_seeds_is_a_positive_integer(seeds):
    with pytest.raises(ValueError, match="a number of seeds is a positive integer; got"):
        check_seeds(seeds, 5)
