"""Where a search for a learning rate has ended is said, and what would take it further: at both ends, and at neither."""

import dataclasses
import functools
import math
import re

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.reporting import records
from theorychecks.claims import Recorder, check, recording
from theorychecks.experiment.ends import ends_of
from theorychecks.judging import Conditions, judged_anew
from theorychecks.networks import ERF, MLP, MSE, NTK, Teacher, Training, scaled
from theorychecks.reporting.report import claim_from_json, claim_to_json
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.statuses import Status

WIDTHS = tc.widths(16, 256)
INPUTS = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
FLAT = tc.PowerLaw(0, within=0.24, rival=-0.5)
BEST = tc.OptimalLearningRate()
STABLE = tc.MaxStableLearningRate("loss", limit=2, reach=6)
OK, ABOVE, BELOW = Status.OK, Status.ABOVE, Status.BELOW


def build(width):
    first, readout = nn.Linear(8, width), nn.Linear(width, 2, bias=False)
    nn.init.normal_(readout.weight, std=1 / width)
    return nn.Sequential(first, nn.Tanh(), readout)


def sgd(module, *, rate, power=0.0):
    return torch.optim.SGD(module.parameters(), lr=rate * (module[0].out_features / WIDTHS[0]) ** power)


def sweep(observable, **options):
    optimizer = functools.partial(sgd, **options)
    model = tc.Model(build, optimizer, [(INPUTS, INPUTS[:, :2])] * 10, loss=nn.functional.mse_loss)
    return tc.Sweep(observable, model, widths=WIDTHS, seeds=4)


@pytest.mark.parametrize(
    ("observable", "rate", "said"),
    [
        (BEST, 1e-6, r"the last loss is smallest at the highest rate .* larger by a factor of 16, .*=8 instead of 4$"),
        (BEST, 1e6, r"the last loss is smallest at the lowest rate .* smaller by a factor of 16, .*=8 instead of 4$"),
        (
            STABLE,
            1e-6,
            r"training is still stable at the highest rate .* larger by a factor of 64, .*=12 instead of 6$",
        ),
        (
            STABLE,
            1e6,
            r"training is unstable down to the lowest rate .* smaller by a factor of 64, .*=12 instead of 6$",
        ),
    ],
)
def test_a_search_that_finds_nothing_says_at_which_end_and_what_to_change(observable, rate, said):
    with pytest.raises(ValueError, match="has no number in any run, and nothing can be judged: ") as failure:
        check(sweep(observable, rate=rate), FLAT)
    (text,) = str(failure.value).splitlines()
    assert "rate that was tried in 20 of 20 runs, " in text
    assert f"{type(observable).__name__} reach=" in text
    bound = float(text.partition("20 runs, ")[2].partition(" times the model's own at width ")[0])
    # The grid has a random offset, of a spacing or a stride at most.
    assert math.log2(bound) == pytest.approx(observable.reach if rate < 1 else -observable.reach, abs=2)
    assert re.search(said, text)


@pytest.mark.parametrize(("power", "end"), [(-3.0, "highest"), (3.0, "lowest")])
def test_a_search_that_ends_at_some_widths_is_open_and_says_so(power, end):
    with recording(Recorder(conditions=Conditions())):
        (finding,) = check(sweep(BEST, rate=1.0, power=power), FLAT)
    assert finding.outcome == "inconclusive"
    assert finding.judgement.remedy.limited_by == "missing runs"
    assert f"the last loss is smallest at the {end} rate that was tried in " in finding.reason
    assert "20 of 20" not in finding.reason
    # The numbers alone do not tell how far the search could have gone, and another version's words need not be these.
    recorded = dataclasses.replace(finding, judgement=dataclasses.replace(finding.judgement, reason="open"), reason="?")
    read = claim_from_json(claim_to_json(records.claim(findings=(recorded,)))).findings[0]
    assert judged_anew(read, FLAT).reason == finding.reason


def test_a_search_that_finds_what_it_looks_for_says_nothing():
    with recording(Recorder(conditions=Conditions())):
        (finding,) = check(sweep(BEST, rate=1.0), FLAT)
    assert "rate that was tried" not in finding.reason
    assert all(status is OK for row in finding.measurement.statuses for status in row)


def measured(*rows):
    values, statuses = zip(*(zip(*row, strict=True) for row in rows), strict=True)
    return Measurement(axis_values=(64.0, 128.0), values=values, statuses=statuses, name="rate")


def test_both_ends_are_told_apart_with_the_outermost_rates():
    made = measured(
        [(0.5, OK), (8.0, ABOVE), (9.0, ABOVE)],
        [(0.1, BELOW), (0.5, OK), (0.6, OK)],
    )
    training = Training(MLP(1, ERF, NTK), learning_rate=scaled(1.0), data=Teacher(), loss=MSE, steps=1)
    assert ends_of(BEST, training, made) == (
        "the last loss is smallest at the highest rate that was tried in 2 of 6 runs, 9 at width 64: give the training "
        "learning rates larger by a factor of 16, or OptimalLearningRate reach=8 instead of 4; "
        "the last loss is smallest at the lowest rate that was tried in 1 of 6 runs, 0.1 at width 128: give the training "
        "learning rates smaller by a factor of 16, or OptimalLearningRate reach=8 instead of 4"
    )
    assert ends_of(tc.WeightChange(), training, made) == ""
