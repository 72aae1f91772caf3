"""Advice is right: a model with one mistake is mended by following its diagnosis once."""

import functools
from dataclasses import replace

import pytest
import torch

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import correct, zoo
from theorychecks.gates.mutations import mutations_of
from theorychecks.models.adjusted import adjusted_model

WIDTHS = tc.widths(32, 512)


def times(first, second):
    return {name: first.get(name, 1.0) * second.get(name, 1.0) for name in {**first, **second}}


def followed(adjustment, anatomy, culprits, ratio):
    """A set-up once the advice has been followed, but for what is in doubt beside what is not."""
    for culprit in [culprit for culprit in culprits if culprit.sure] or culprits[:1]:
        # A diagnosis names half-integer powers.
        factor = ratio ** (-round(2 * culprit.exponent) / 2)
        factors = dict.fromkeys(culprit.parts, factor)
        if culprit.kind == "init":
            own = {part.name: factor for part in anatomy.parameters if part.module in culprit.parts}
            adjustment = replace(adjustment, initial=times(adjustment.initial, own))
            scaled = {name: std * own.get(name, 1.0) for name, std in adjustment.redrawn.items()}
            adjustment = replace(adjustment, redrawn=scaled, initial={} if scaled else adjustment.initial)
        elif culprit.kind == "multiplier" and "attention logits" in culprit.where:
            adjustment = replace(adjustment, attention=adjustment.attention * factor)
        elif culprit.kind == "multiplier":
            adjustment = replace(adjustment, outputs=times(adjustment.outputs, factors))
        elif culprit.kind == "learning rate":
            adjustment = replace(adjustment, updates=times(adjustment.updates, factors))
        elif culprit.kind == "epsilon":
            adjustment = replace(adjustment, epsilon=None)
        else:
            adjustment = replace(adjustment, decay={})
    return adjustment


def mended(model, name):
    anatomy = examined(model, widths=WIDTHS).anatomy
    known = {mutation.name: mutation for mutation in mutations_of(model, anatomy, WIDTHS)[0]}
    broken = adjusted_model(model, lambda width: known[name].adjust(width / WIDTHS[0]))
    check = checked(broken, widths=WIDTHS)
    assert check.failed
    # What is sure is read first.
    certain = [culprit.sure for culprit in check.diagnosis.culprits]
    assert certain == sorted(certain, reverse=True)

    def adjust(width):
        return followed(broken.adjust(width), anatomy, check.diagnosis.culprits, width / WIDTHS[0])

    return check, checked(adjusted_model(model, adjust), widths=WIDTHS)


def sgd(module, rate=0.1):
    others = [parameter for name, parameter in module.named_parameters() if name != "second.weight"]
    ratio = module.second.weight.shape[0] / WIDTHS[0]
    return torch.optim.SGD([{"params": [module.second.weight]}, {"params": others, "lr": rate * ratio}], lr=rate)


READ_OUT = functools.partial(zoo.Perceptron, readout=0.25)
MODELS = {
    "Adam": zoo.perceptron(build=READ_OUT),
    "Adam, a readout of zeros": zoo.perceptron(),
    "SGD": zoo.perceptron(build=READ_OUT, optimizer=sgd),
    "SGD, a readout of zeros": zoo.perceptron(optimizer=sgd),
    "decoder": correct.MODELS["decoder"],
}
MISTAKES = ("readout init", "hidden learning rate", "input learning rate", "missing multiplier", "weight decay")
PAIRS = [
    *((model, name) for model in ("Adam", "SGD") for name in MISTAKES),
    ("Adam", "optimizer epsilon"),
]
SLOW = [
    *((model, name) for model in MODELS if "zeros" in model for name in MISTAKES),
    ("Adam, a readout of zeros", "optimizer epsilon"),
    *(("decoder", name) for name in ("attention scale", "optimizer epsilon")),
]


@pytest.mark.parametrize("model, name", [*PAIRS, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in SLOW)])
def test_following_the_advice_once_mends_one_mistake(model, name):
    check, again = mended(MODELS[model], name)
    if name == "readout init" and "zeros" in model:
        # Outputs of order one at the narrowest width leave a correction as large, which may keep coordinates open.
        assert not again.failed, f"{check}\n{again}"
    else:
        assert again.passed, f"{check}\n{again}"
