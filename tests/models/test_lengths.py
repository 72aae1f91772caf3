"""Sizes that grow as a n + b are of one family at all widths, rounded to multiples or not; those that stop are of none."""

import math

import pytest
from torch import nn

import theorychecks as tc
from tests.models import zoo
from theorychecks.engines.module import Trainer
from theorychecks.models import ModelError
from theorychecks.models.lengths import Length, admit, check_growth

OCTAVES, DENSE = tc.widths(64, 1024), (64, 96, 128, 192, 256, 384, 512, 1024)


def admitted(size, widths):
    shapes = {width: (size(width), 3) for width in widths}
    lengths = [Length(*pair) for pair in zip(shapes[widths[0]], shapes[widths[1]], strict=True)]
    try:
        check_growth(zoo.plain(), {width: {"inner.weight": shape} for width, shape in shapes.items()})
    except ModelError:
        return False
    return all(admit(lengths, shape, width, widths[:2]) for width, shape in shapes.items())


def rounded(multiple, size):
    return lambda width: multiple * math.ceil(size(width) / multiple)


FAMILIES = {
    "n": lambda n: n,
    "4 n": lambda n: 4 * n,
    "n and a fixed number": lambda n: n + 128,
    "gated, rounded to multiples of 8": rounded(8, lambda n: 8 * n / 3),
    "gated, rounded to multiples of 64": rounded(64, lambda n: 8 * n / 3),
    "whole heads": rounded(16, lambda n: n / 4),
    "rounded down": lambda n: int(0.667 * n),
    "two parts, each rounded down": lambda n: int(n / 3) + int(0.7 * n) + 12,
}
STOPPED = {f"no more than {most}": (lambda n, most=most: min(n, most)) for most in (96, 192, 256, 384, 512, 768, 900)}
OTHERS = {
    "by its root": lambda n: round(8 * n**0.5),
    "by its square": lambda n: n * n // 64,
    "from some width on": lambda n: max(n, 200),
}


@pytest.mark.parametrize("widths", [OCTAVES, DENSE])
@pytest.mark.parametrize("name", FAMILIES)
def test_sizes_of_one_family_are_admitted(name, widths):
    assert admitted(FAMILIES[name], widths)


@pytest.mark.parametrize("widths", [OCTAVES, DENSE])
@pytest.mark.parametrize("name", [*STOPPED, *OTHERS])
def test_other_sizes_are_refused(name, widths):
    assert not admitted((STOPPED | OTHERS)[name], widths)


class Capped(zoo.Plain):
    def __init__(self, width):
        super().__init__(width)
        size = min(width, 36)
        self.second = nn.Sequential(nn.Linear(width, size), nn.Tanh(), nn.Linear(size, width))


def test_a_trainer_refuses_a_model_whose_sizes_stop_growing():
    trainer = Trainer(zoo.plain(build=Capped), (8, 16, 32, 64), steps=1)
    for width in (8, 16, 32):
        trainer.blueprint(width)
    said = r"second.0.weight` has sizes \(8, 16, 32, 36\) at widths \(8, 16, 32, 64\).*Let build"
    with pytest.raises(ModelError, match=said):
        trainer.blueprint(64)
