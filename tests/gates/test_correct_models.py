"""Correct models of many kinds are decided, and pass."""

import pytest
import torch

import theorychecks as tc
from tests.gates import under_check
from tests.models import correct
from theorychecks.gates.coordinate_check import BUDGET, LOOKS, STEPS
from theorychecks.gates.expectations import CONSTANT, FALLING, SMALL_AT_FIRST
from theorychecks.statistics.sequential import plan, schedule

WIDTHS = tc.widths(64, 1024)


def checked(model, *, widths=WIDTHS):
    return under_check.checked(model, widths=widths, steps=STEPS)


class Rooted(correct.Decoder):
    """Its outputs fall by the root of the width, and the learning rate of its readout as well."""

    def __init__(self, width):
        super().__init__(width)
        torch.nn.init.normal_(self.leave.weight, std=width**-0.5)

    def forward(self, tokens):
        return super().forward(tokens) * (self.width / correct.BASE) ** 0.5


def rooted(module):
    ratio, rate = module.width / correct.BASE, 1e-3
    named = dict(module.named_parameters())
    hidden = [p for name, p in named.items() if p.ndim > 1 and min(p.shape) >= module.width]
    others = [p for name, p in named.items() if name != "leave.weight" and all(p is not other for other in hidden)]
    return torch.optim.AdamW(
        [
            {"params": hidden, "lr": rate / ratio},
            {"params": [module.leave.weight], "lr": rate * ratio**-0.5},
            {"params": others},
        ],
        lr=rate,
    )


def test_a_decoder_with_roots_of_the_width_in_its_readout_passes():
    model = correct.model(Rooted, rooted, correct.TEXT)
    check = checked(model, widths=tc.widths(32, 512))
    assert check.passed, str(check)


def test_a_noisy_readout_is_decided_or_open_and_never_fails():
    assert not checked(correct.MODELS["perceptron"], widths=tc.widths(32, 512)).failed


@pytest.mark.slow
def test_nine_of_ten_correct_models_pass_at_once_and_none_fails():
    checks = {name: checked(model) for name, model in correct.MODELS.items()}
    assert not [name for name, check in checks.items() if check.failed]
    assert len(checks) == 10
    assert sum(check.passed for check in checks.values()) >= 9, "\n".join(map(str, checks.values()))


def test_a_first_look_has_six_runs_at_every_width_or_more_at_narrow_ones():
    costs = [float(width) ** 1.5 for width in WIDTHS]
    looks = schedule(CONSTANT, WIDTHS, costs, BUDGET, shares=LOOKS)
    counts = plan(CONSTANT, WIDTHS, costs, looks.spends[0], noise=None, confidence=looks.confidence)
    assert len(looks.spends) == 4
    assert len(counts) == len(WIDTHS)
    assert min(counts) >= 4
    assert counts[0] >= 6


@pytest.mark.parametrize("prediction", [CONSTANT, FALLING, SMALL_AT_FIRST])
def test_no_interval_supports_two_half_integers(prediction):
    expected = prediction.expectation
    assert expected.margin < abs(expected.rival - expected.exponent) / 2


def test_models_with_places_and_class_tokens_of_their_own_are_stacked():
    vision = under_check.examined(correct.MODELS["vision"], widths=WIDTHS, steps=STEPS)
    assert vision.trains_together()
    judged = {str(moment) for moment in vision.moments().judged}
    assert {"place, effective update, step 4", "start, effective update, step 4"} <= judged
