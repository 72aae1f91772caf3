"""A claim whose evidence is committed, one in two settings, and one without, whose measured cells each say so."""

import os

import pytest

import theorychecks as tc

WIDTHS = tc.widths(32, 512)
SEEDS = 6
TRAINING = tc.Training(
    tc.MLP(1, tc.RELU, tc.NTK),
    learning_rate=tc.scaled(0.3),
    data=tc.Teacher(dimension=4, samples=4),
    loss=tc.MSE,
    steps=2,
)


def note(title, width):
    """Say what is measured; what the environment says is in no fingerprint."""
    with open(os.environ["MEASURED"], "a", encoding="utf-8") as file:
        file.write(f"{title},{width:g}\n")


@tc.observable
def readout_change(run):
    """Of the readout, relative to what it was."""
    note("readout_change", run.width)
    return run.weight_change_norm(1, "frobenius", run.steps) / run.weight_norm(1, "frobenius")


@tc.quantity(along="width", name="noisy {power} {about}")
def noisy(width, draw, *, power, about):
    """A power with some noise."""
    note(about, width)
    return [(1 + 0.05 * draw.rng(seed).standard_normal()) * width**power for seed in draw.seeds]


def falls(about):
    inverse = tc.PowerLaw(-1, within=0.2, rival=-0.5)
    tc.check(noisy(power=-1, about=about).over(WIDTHS, seeds=SEEDS), inverse)
    tc.check_refuted(noisy(power=0, about=about).over(WIDTHS, seeds=SEEDS), inverse)


@tc.claim(id="EV-1/training", source="made up", evidence=True)
def test_readout():
    """The readout moves less in wider networks."""
    tc.check(tc.Sweep(readout_change, TRAINING, widths=WIDTHS), tc.UpperBound(0))
    tc.check_refuted(tc.Sweep(readout_change, TRAINING, widths=WIDTHS), tc.PowerLaw(0.5, within=0.2, rival=0))


@tc.claim(id="EV_2", source="made up", evidence=True)
@pytest.mark.parametrize("about", ["one", "the other"])
def test_parametrized(about):
    """It falls like one over the width."""
    falls(about)


@tc.claim(id="EV-3", source="made up")
def test_unmarked():
    """It falls like one over the width."""
    falls("unmarked")


def test_plain():
    pass
