"""Claims whose measured cells each say so in a file, and take as long as they are told to."""

import os
import time

import theorychecks as tc

WIDTHS = tc.widths(32, 512)
INVERSE = tc.PowerLaw(-1, within=0.2, rival=-0.5)
TRAINING = tc.Training(
    tc.MLP(1, tc.RELU, tc.NTK),
    learning_rate=tc.scaled(0.3),
    data=tc.Teacher(dimension=4, samples=4),
    loss=tc.MSE,
    steps=2,
)


def note(title, width, seeds):
    """Say what is measured, and take so long; what the environment says is in no fingerprint."""
    with open(os.environ["MEASURED"], "a", encoding="utf-8") as file:
        file.write(f"{title},{width:g},{seeds[0]},{seeds[-1]},{time.time_ns()}\n")
    time.sleep(float(os.environ.get("SECONDS_A_BLOCK", 0)))


@tc.observable
def readout_change(run, power=1):
    """Of the readout, relative to what it was."""
    note("readout_change", run.width, run.seeds)
    return (run.weight_change_norm(1, "frobenius", run.steps) / run.weight_norm(1, "frobenius")) ** power


@tc.observable
def hidden_change(run, power=1):
    """Of the hidden weights."""
    note("hidden_change", run.width, run.seeds)
    return (run.weight_change_norm(0, "frobenius", run.steps) / run.weight_norm(0, "frobenius")) ** power


def near_one(draw, seed):
    return 1 + 0.05 * draw.rng(seed).standard_normal()


@tc.quantity(along="width", name="helped {power}")
def helped(width, draw, *, power):
    """A helper draws for it."""
    note(f"helped {power}", width, draw.seeds)
    return [near_one(draw, seed) * width**power for seed in draw.seeds]


def times(factor):
    @tc.quantity(along="width", name="captured {power}")
    def captured(width, draw, *, power):
        """A constant of its surroundings enters."""
        note(f"captured {power}", width, draw.seeds)
        return [factor * (1 + 0.05 * draw.rng(seed).standard_normal()) * width**power for seed in draw.seeds]

    return captured


captured = times(2.0)


@tc.quantity(along="width", name="untouched {power}")
def untouched(width, draw, *, power):
    """Nothing that is edited enters."""
    note(f"untouched {power}", width, draw.seeds)
    return [(1 + 0.05 * draw.rng(seed).standard_normal()) * width**power for seed in draw.seeds]


@tc.claim(id="STORED-1", source="made up")
def test_readout():
    """The readout moves less in wider networks."""
    tc.check(tc.Sweep(readout_change, TRAINING, widths=WIDTHS), tc.UpperBound(0))
    tc.check_refuted(tc.Sweep(readout_change, TRAINING, widths=WIDTHS), tc.PowerLaw(0.5, within=0.2, rival=0))


@tc.claim(id="STORED-2", source="made up")
def test_hidden():
    """The hidden weights move less in wider networks."""
    tc.check(tc.Sweep(hidden_change, TRAINING, widths=WIDTHS), tc.UpperBound(0))
    tc.check_refuted(tc.Sweep(hidden_change, TRAINING, widths=WIDTHS), tc.PowerLaw(0.5, within=0.2, rival=0))


@tc.claim(id="STORED-3", source="made up")
def test_helped():
    """It falls like one over the width."""
    tc.check(helped(power=-1).over(WIDTHS), INVERSE)
    tc.check_refuted(helped(power=0).over(WIDTHS), INVERSE)


@tc.claim(id="STORED-4", source="made up")
def test_captured():
    """It falls like one over the width."""
    tc.check(captured(power=-1).over(WIDTHS), INVERSE)
    tc.check_refuted(captured(power=0).over(WIDTHS), INVERSE)


@tc.claim(id="STORED-5", source="made up")
def test_untouched():
    """It falls like one over the width."""
    tc.check(untouched(power=-1).over(WIDTHS), INVERSE)
    tc.check_refuted(untouched(power=0).over(WIDTHS), INVERSE)


def test_plain():
    pass
