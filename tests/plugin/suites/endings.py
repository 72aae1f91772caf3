"""Claims that end without a verdict, or by an assertion of their own. Run by the tests of the plugin."""

import unittest

import numpy as np
import pytest

import theorychecks as tc

WIDTHS = tc.widths(64, 4096)
INVERSE = tc.PowerLaw(-1, within=0.15, rival=-0.5)


def sizes(exponent, noise=0.05):
    """A power of the width with noise of known size."""
    rng = np.random.default_rng(0)
    cells = [n**exponent * np.exp(noise * rng.standard_normal(8)) for n in WIDTHS]
    return tc.Measurement.of(WIDTHS, cells, name="the size")


def judge(exponent=-1):
    tc.check(sizes(exponent), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="pass", source="made up")
def test_passes():
    """The size falls like one over the width."""
    judge()
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="import", source="made up")
def test_lacks_a_package():
    """The size falls like one over the width, where a package is installed."""
    pytest.importorskip("no_such_package")
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="marked", source="made up")
@pytest.mark.skip(reason="later")
def test_is_marked():
    """The size falls like one over the width, and nobody looks."""
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="condition", source="made up")
@pytest.mark.skipif(True, reason="not on this machine")
def test_is_skipped_here():
    """The size falls like one over the width, elsewhere."""
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="unittest", source="made up")
def test_skips_as_unittest_does():
    """The size falls like one over the width, some other day."""
    judge()
    raise unittest.SkipTest("some other day")
    tc.check_refuted(sizes(0), INVERSE)


@pytest.fixture
def absent():
    pytest.skip("nothing to measure with")


@tc.claim(id="fixture", source="made up")
def test_fixture_skips(absent):
    """The size falls like one over the width, where there is something to measure it with."""
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="xfail", source="made up")
@pytest.mark.xfail(reason="the theory is young")
def test_is_expected_to_fail():
    """The size falls like one over the width, which it does not."""
    judge(-0.5)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="xfail-typo", source="made up")
@pytest.mark.xfail(raises=NameError, reason="unfinished")
def test_is_expected_to_break():
    """The size falls like one over the width, once this is written."""
    judge(unwritten)  # noqa: F821
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="xfail-not-run", source="made up")
@pytest.mark.xfail(run=False, reason="takes the machine down")
def test_is_not_even_tried():
    """The size falls like one over the width, at a price."""
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="xpass", source="made up")
@pytest.mark.xfail(reason="the theory is young", strict=False)
def test_passes_unexpectedly():
    """The size falls like one over the width, against all hope."""
    judge()
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="xpass-strict", source="made up")
@pytest.mark.xfail(reason="the theory is young", strict=True)
def test_must_not_pass():
    """The size falls like one over the width, against all hope, and the mark is stale."""
    judge()
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="refuted", source="made up")
def test_is_refuted():
    """The size falls like one over the width, which it does not."""
    judge(-0.5)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="refuted-skip", source="made up")
def test_is_refuted_and_skips():
    """The size falls like one over the width, which it does not, and a skip hides nothing."""
    judge(-0.5)
    pytest.skip("never mind")
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="refuted-typo", source="made up")
def test_is_refuted_and_misspelt():
    """The size falls like one over the width, which it does not, and a typo hides nothing."""
    judge(-0.5)
    unwritten  # noqa: B018, F821
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="assertion", source="made up")
def test_asserts():
    """The size falls like one over the width, and one is two."""
    judge()
    assert len(WIDTHS) == 1, "one width"
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="typo", source="made up")
def test_has_a_typo():
    """The size falls like one over the width, if only it were spelled so."""
    tc.chekc(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="input", source="made up")
def test_is_given_nonsense():
    """The size falls like one over the width, of nothing."""
    tc.check("nonsense", INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@pytest.fixture
def untidy():
    yield
    raise OSError("the drawer is stuck")


@tc.claim(id="teardown", source="made up")
def test_cannot_clean_up(untidy):
    """The size falls like one over the width, and leaves a mess."""
    judge()
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="xpass-teardown", source="made up")
@pytest.mark.xfail(reason="the theory is young", strict=False)
def test_succeeds_and_is_untidy(untidy):
    """The size falls like one over the width, against all hope, and leaves a mess."""
    judge()
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="xfail-teardown", source="made up")
@pytest.mark.xfail(reason="the theory is young", strict=False)
def test_is_expected_to_fail_and_untidy(untidy):
    """The size falls like one over the width, which it does not, and leaves a mess."""
    judge(-0.5)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="refuted-teardown", source="made up")
def test_is_refuted_and_untidy(untidy):
    """The size falls like one over the width, which it does not, and a mess hides nothing."""
    judge(-0.5)
    tc.check_refuted(sizes(0), INVERSE)


def test_plain():
    pass
