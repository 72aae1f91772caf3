"""Claims of which the first kills the process that runs it, once another has been judged."""

import os
import time
from pathlib import Path

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


@tc.claim(id="CRASH-1", source="made up")
def test_kills_its_worker():
    """The size falls like one over the width, and the process dies."""
    patience = 600
    while not Path("judged").exists() and patience:
        time.sleep(0.1)
        patience -= 1
    os._exit(3)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="CRASH-2", source="made up")
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_survives(number):
    """The size falls like one over the width."""
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)
    if number > 1:
        Path("judged").touch()
