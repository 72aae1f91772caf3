"""Claims whose exceptions somebody else catches: `unittest`, subtests, or pytest itself. Run by the tests of the plugin."""

import unittest

import numpy as np
import pytest

import theorychecks as tc

WIDTHS = tc.widths(64, 4096)


def sizes(exponent):
    """A power of the width with a little noise."""
    rng = np.random.default_rng(0)
    return tc.Measurement.of(WIDTHS, [n**exponent * np.exp(0.05 * rng.standard_normal(8)) for n in WIDTHS])


def judge(exponent=-1):
    tc.check(sizes(exponent), tc.PowerLaw(-1))
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))


class TestCase(unittest.TestCase):
    @tc.claim(id="passes", source="made up")
    def test_passes(self):
        """The size falls like one over the width."""
        judge()
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))

    @tc.claim(id="marked", source="made up")
    @unittest.skip("some day")
    def test_is_marked(self):
        """The size falls like one over the width, and nobody looks."""
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))

    @tc.claim(id="skips", source="made up")
    def test_skips(self):
        """The size falls like one over the width, later."""
        self.skipTest("later")
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))

    @tc.claim(id="refuted-skip", source="made up")
    def test_is_refuted_and_skips(self):
        """The size falls like one over the width, which it does not, and a skip hides nothing."""
        judge(-0.5)
        self.skipTest("later")
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))

    @tc.claim(id="expected", source="made up")
    @unittest.expectedFailure
    def test_is_expected_to_fail(self):
        """The size falls like one over the width, which it does not."""
        judge(-0.5)
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))

    @tc.claim(id="expected-typo", source="made up")
    @unittest.expectedFailure
    def test_is_expected_to_break(self):
        """The size falls like one over the width, once this is written."""
        judge(unwritten)  # noqa: F821
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))

    @tc.claim(id="unexpected", source="made up")
    @unittest.expectedFailure
    def test_passes_unexpectedly(self):
        """The size falls like one over the width, and the mark is stale."""
        judge()
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))

    @tc.claim(id="asserts", source="made up")
    def test_asserts(self):
        """The size falls like one over the width, and one is two."""
        judge()
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))
        self.assertEqual(1, 2)  # noqa: PT009 - unittest catches it

    @tc.claim(id="case-subtests", source="made up")
    def test_subtests(self):
        """The size falls like one over the width, and one is two in one case out of two."""
        judge()
        tc.check_refuted(sizes(0), tc.PowerLaw(-1))
        for number in (1, 2):
            with self.subTest(number=number):
                self.assertEqual(number, 2)  # noqa: PT009


@tc.claim(id="subtest-passes", source="made up")
def test_subtest_passes(subtests):
    """The size falls like one over the width."""
    judge()
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
    with subtests.test("a"):
        pass


@tc.claim(id="subtest-skips", source="made up")
def test_subtest_skips(subtests):
    """The size falls like one over the width, in the cases that are looked at."""
    judge()
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
    with subtests.test("a"):
        pytest.skip("later")


@tc.claim(id="subtest-typo", source="made up")
def test_subtest_has_a_typo(subtests):
    """The size falls like one over the width, if only it were spelled so."""
    judge()
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
    with subtests.test("a"):
        raise KeyError("typo")


@tc.claim(id="subtest-asserts", source="made up")
def test_subtest_asserts(subtests):
    """The size falls like one over the width, and one is two, and a skip hides nothing."""
    judge()
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
    with subtests.test("a"):
        raise AssertionError("one is two")
    pytest.skip("never mind")


@tc.claim(id="subtest-expected", source="made up")
@pytest.mark.xfail(reason="the theory is young")
def test_subtest_is_expected_to_fail(subtests):
    """The size falls like one over the width, and one is two."""
    judge()
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
    with subtests.test("a"):
        raise AssertionError("one is two")


@tc.claim(id="async", source="made up")
async def test_is_not_awaited():
    """The size falls like one over the width, when somebody waits for it."""
    judge()
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
