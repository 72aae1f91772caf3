"""One claim that holds, one that is undecided, and a plain test."""

import numpy as np

import theorychecks as tc

WIDTHS = tc.widths(64, 4096)
INVERSE = tc.PowerLaw(-1, within=0.15, rival=-0.5)


def sizes(exponent, noise=0.05):
    """A power of the width with noise of known size."""
    rng = np.random.default_rng(0)
    cells = [n**exponent * np.exp(noise * rng.standard_normal(8)) for n in WIDTHS]
    return tc.Measurement.of(WIDTHS, cells, name="the size")


@tc.claim(id="QUIET-1", source="made up")
def test_supported():
    """The size falls like one over the width."""
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="QUIET-2", source="made up")
def test_inconclusive():
    """The size falls like one over the width, as far as one can see."""
    tc.check(sizes(-1, noise=1.0), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


def test_plain():
    pass
