"""Claims of which two wait, at one width, until the test outside has seen how far the run is; then one is no more."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

import theorychecks as tc

WIDTHS = tc.widths(64, 1024)
INVERSE = tc.PowerLaw(-1, within=0.15, rival=-0.5)
PATIENCE = 120


def wait_for(name):
    until = time.monotonic() + PATIENCE
    while not Path(name).exists() and time.monotonic() < until:
        time.sleep(0.01)


@tc.quantity(along="width", name="size μ^{exponent}")
def size(width, draw, *, exponent, waits="", dies=False):
    if waits and width == 512:
        wait_for(waits)
    if dies and width == 512:
        os._exit(3)
    noise = [draw.rng(seed).standard_normal() for seed in draw.seeds]
    return width**exponent * np.exp(0.05 * np.array(noise))


@tc.claim(id="FIRST", source="made up")
def test_first():
    """The size falls like one over the width."""
    tc.check(size(exponent=-1).over(WIDTHS), INVERSE)
    tc.check_refuted(size(exponent=0).over(WIDTHS), INVERSE)


@tc.claim(id="WAITS", source="made up")
def test_waits():
    """The size falls like one over the width, in good time."""
    print("printed by a test")
    tc.check(size(exponent=-1, waits="seen").over(WIDTHS), INVERSE)
    tc.check_refuted(size(exponent=0).over(WIDTHS), INVERSE)


@tc.claim(id="DIES", source="made up")
def test_dies():
    """The size falls like one over the width, and the process dies."""
    tc.check(size(exponent=-1, waits="named", dies=True).over(WIDTHS), INVERSE)
    tc.check_refuted(size(exponent=0).over(WIDTHS), INVERSE)


@tc.claim(id="LAST", source="made up")
@pytest.mark.parametrize("number", [1, 2])
def test_last(number):
    """The size falls like one over the width."""
    tc.check(size(exponent=-1).over(WIDTHS), INVERSE)
    tc.check_refuted(size(exponent=0).over(WIDTHS), INVERSE)
