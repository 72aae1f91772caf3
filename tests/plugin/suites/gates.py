"""Gates of a small model that pass, fail and show what their checks can see. Run by the tests of the plugin."""

import functools

import torch
from torch import nn

import theorychecks as tc

WIDTHS = tc.widths(32, 512)


class Perceptron(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(5, width, bias=False), nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, 3, bias=False)
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        nn.init.zeros_(self.head.weight)

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x))))) * 32 / self.head.in_features


def adam(module, *, hidden=-1.0):
    ratio = module.second.weight.shape[0] / 32
    others = [module.first.weight, module.head.weight]
    return torch.optim.Adam(
        [{"params": others}, {"params": [module.second.weight], "lr": 1e-3 * ratio**hidden}], lr=1e-3
    )


def batches():
    draw = torch.Generator().manual_seed(0)
    return [(torch.randn(16, 5, generator=draw), torch.randn(16, 3, generator=draw))] * 4


GOOD = tc.Model(Perceptron, adam, batches(), loss=nn.functional.mse_loss, name="good")
BAD = tc.Model(Perceptron, functools.partial(adam, hidden=0.0), batches(), loss=nn.functional.mse_loss, name="bad")


@tc.gate(id="GATE-1")
def test_good():
    """A good model."""
    tc.coordinate_check(GOOD, tc.MAXIMAL_UPDATE, widths=WIDTHS)


@tc.gate(id="GATE-2", source="this test")
def test_bad():
    """A bad model."""
    tc.coordinate_check(BAD, tc.MAXIMAL_UPDATE, widths=WIDTHS)


@tc.gate(id="GATE-3")
def test_certificate():
    """What the gate of the good model can see."""
    tc.mutations(GOOD, tc.MAXIMAL_UPDATE, widths=WIDTHS, names=["hidden learning rate", "missing multiplier"])


@tc.gate(id="GATE-4")
def test_nothing():
    """A gate that checks nothing."""


@tc.gate(id="GATE-5")
def test_broken():
    """A model that cannot be gated."""
    tc.coordinate_check(
        tc.Model(lambda _: Perceptron(8), adam, batches(), loss=nn.functional.mse_loss),
        tc.MAXIMAL_UPDATE,
        widths=WIDTHS,
    )
