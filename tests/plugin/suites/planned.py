"""Claims whose first looks decide, with cells that say in a file that they are measured; one goes on by what it finds."""

import os
import time

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc

WIDTHS = tc.widths(32, 512)
INVERSE = tc.PowerLaw(-1, within=0.2, rival=-0.5)


def note(title, width, seeds):
    """Say what is measured, and take so long; what the environment says is in no fingerprint."""
    with open(os.environ["MEASURED"], "a", encoding="utf-8") as file:
        file.write(f"{title},{width:g},{seeds[0]},{seeds[-1]}\n")
    time.sleep(float(os.environ.get("SECONDS_A_BLOCK", 0)))


@tc.observable
def readout_change(run):
    """Of the readout, relative to what it was."""
    note(f"readout_change {run.training.steps}", run.width, run.seeds)
    return run.weight_change_norm(1, "frobenius", run.steps) / run.weight_norm(1, "frobenius")


def change(steps):
    """Over four runs at every width, as many as a verdict needs."""
    training = tc.Training(
        tc.MLP(1, tc.RELU, tc.NTK),
        learning_rate=tc.scaled(0.3),
        data=tc.Teacher(dimension=4, samples=4),
        loss=tc.MSE,
        steps=steps,
    )
    return tc.Sweep(readout_change, training, widths=WIDTHS, seeds=16)


@tc.quantity(along="width", name="noisy {power}")
def noisy(width, draw, *, power):
    """About a power of the width."""
    note(f"noisy {power}", width, draw.seeds)
    return [(1 + 0.05 * draw.rng(seed).standard_normal()) * width**power for seed in draw.seeds]


@tc.claim(id="SWEPT", source="made up")
@given(steps=st.integers(3, 40))
@example(steps=2)
def test_swept(steps):
    """The readout moves less in wider networks."""
    tc.check(change(steps), tc.UpperBound(0))
    tc.check_refuted(change(steps), tc.PowerLaw(0.5, within=0.2, rival=0))


@tc.claim(id="QUANTITY", source="made up")
def test_quantity():
    """It falls like one over the width."""
    tc.check(noisy(power=-1).over(WIDTHS), INVERSE)
    tc.check_refuted(noisy(power=0).over(WIDTHS), INVERSE)


@tc.claim(id="SHARED", source="made up")
def test_shared():
    """The readout moves less in wider networks, and a quantity of another claim falls."""
    tc.check(change(2), tc.UpperBound(0))
    tc.check(noisy(power=-1).over(WIDTHS), tc.UpperBound(0))
    tc.check_refuted(noisy(power=1).over(WIDTHS), INVERSE)


@tc.claim(id="GOES-ON", source="made up")
def test_goes_on():
    """What it asks next depends on what it has found."""
    (found,) = tc.check(noisy(power=-2).over(WIDTHS), tc.PowerLaw(-2, within=0.2, rival=-1))
    tc.check_refuted(noisy(power=round(found.exponent) + 5).over(WIDTHS), INVERSE)


def test_plain():
    raise AssertionError("this is no claim, and a plan does not run it")
