"""Claims that are measured here and there with the same numbers. Run by the tests of the plugin."""

import functools
import os
import signal

import torch
from torch import nn

import theorychecks as tc

WIDTHS = tc.widths(16, 512)
RICH = tc.Training(
    tc.MLP(2, tc.TANH, tc.MAXIMAL_UPDATE, centred=True),
    learning_rate=tc.scaled(0.3),
    data=tc.GaussianMixture(samples=16, test_samples=1),
    loss=tc.MSE,
    steps=2,
)


def dies_once():
    """End this process, without a word, if it is the first to come here."""
    marker = os.environ.get("DIES_ONCE")
    if marker and not os.path.exists(marker):
        with open(marker, "w") as file:
            file.write(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)


@tc.observable
def change(run):
    if run.width == 64:
        dies_once()
    return {
        f"layer {n}": (run.features(n, run.steps) - run.features(n, 0)).square().mean((1, 2)).sqrt() for n in (1, 2)
    }


@tc.claim(id="MLP", source="made up")
def test_mlp():
    """Features move by as much at every width."""
    moved, constant = tc.Sweep(change, RICH, widths=WIDTHS, seeds=6), tc.Plateau(within=0.24, rival=-1 / 2)
    tc.check(moved, constant)
    tc.check_refuted(moved.under(tc.NTK), constant)


@functools.lru_cache
def factorial(n):
    return n * factorial(n - 1) if n else 1


@tc.quantity(along="samples", name="mean of {power}")
def mean(samples, draw, *, power=1):
    normal = [draw.rng(seed).standard_normal(int(samples)) for seed in draw.seeds]
    return [abs((each**power).mean()) * factorial(3) for each in normal]


@tc.claim(id="QUANTITY", source="the central limit theorem")
def test_quantity():
    """A mean falls like one over the root of the number of samples."""
    small, samples = tc.FiniteSizeClass(rho=0.1, omegas=(1.0,)), (16, 64, 256, 1024, 4096)
    falls = tc.PowerLaw(-1 / 2, within=0.24, rival=0, corrections=small)
    tc.check(mean().over(samples, seeds=64), falls)
    tc.check_refuted(mean(power=2).over(samples, seeds=64), falls)


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


def model(power):
    def build(width):
        return Perceptron(width)

    def adam(module):
        hidden = 1e-3 * (module.second.weight.shape[0] / 32) ** power
        others = [module.first.weight, module.head.weight]
        return torch.optim.Adam([{"params": others}, {"params": [module.second.weight], "lr": hidden}], lr=1e-3)

    draw = torch.Generator().manual_seed(0)
    batches = [(torch.randn(8, 5, generator=draw), torch.randn(8, 3, generator=draw))] * 4
    return tc.Model(build, adam, batches, loss=nn.functional.mse_loss, name=f"perceptron {power}")


@tc.claim(id="MODEL", source="made up")
def test_model():
    """The features of a model move by as much at every width."""
    wide, constant = tc.widths(32, 512), tc.Plateau(within=0.3, rival=1)
    tc.check(tc.Sweep(tc.FeatureChange(), model(-1), widths=wide, seeds=4), constant)
    tc.check_refuted(tc.Sweep(tc.FeatureChange(), model(1), widths=wide, seeds=4), constant)


@tc.gate(id="GATE")
def test_gate():
    """The model is under maximal update."""
    tc.coordinate_check(model(-1), tc.MAXIMAL_UPDATE, widths=tc.widths(32, 512))
