"""The engines against a plain loop, against each other, and against what the machine can do."""

import itertools
import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from theorychecks.engines.choice import ENGINES, choose
from theorychecks.engines.matrix import Tally
from theorychecks.networks import MLP, MSE, STANDARD, TANH, GaussianMixture, Training, scaled
from theorychecks.statistics import Measurement, fit_power_law

PLENTY = 2**40


def described(steps, batch):
    data = GaussianMixture(dimension=8, samples=batch)
    return Training(MLP(3, TANH, STANDARD), learning_rate=scaled(0.3, width=-1), data=data, loss=MSE, steps=steps)


def loop(training, width, seeds):
    """One nn.Module a seed, autograd, and torch's optimizer; the loss before every step and after the last."""
    draw = training.data.draw()
    inputs, targets = (torch.as_tensor(a, dtype=torch.float32) for a in (draw.inputs, draw.targets))
    sizes = [inputs.shape[1], *[width] * training.network.depth, targets.shape[1]]
    for seed in seeds:
        torch.manual_seed(seed)
        modules = []
        for fan_in, fan_out in itertools.pairwise(sizes):
            linear = nn.Linear(fan_in, fan_out, bias=False)
            nn.init.normal_(linear.weight, std=fan_in**-0.5)
            modules += [linear, nn.Tanh()]
        network = nn.Sequential(*modules[:-1])
        optimizer = torch.optim.SGD(network.parameters(), lr=0.3 / width)
        losses = []
        for _ in range(training.steps):
            optimizer.zero_grad()
            loss = 0.5 * ((network(inputs) - targets) ** 2).sum(dim=1).mean()
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            losses.append(0.5 * ((network(inputs) - targets) ** 2).sum(dim=1).mean().item())


def batched(training, width, seeds, engine="dense"):
    """The engine as a sweep runs it: so many seeds at once as it chooses."""
    together, tally = choose(training, width, wanted=engine, memory_budget=PLENTY).together, Tally()
    for start in range(0, len(seeds), together):
        ENGINES[engine].train(training, width, seeds[start : start + together], times=(), tally=tally)
    return tally


SIZES = [(32, 8, 64, 20.0), (64, 8, 64, 10.0), (128, 8, 64, 5.0), (256, 8, 64, 1.5)]
SIZES += [(512, 8, 16, 1.0), (1024, 8, 6, 1.0), (2048, 8, 3, 1.0)]
SIZES += [(32, 256, 32, 1.0), (64, 256, 16, 1.0), (128, 256, 16, 1.0), (256, 256, 8, 1.0)]
SIZES += [(512, 256, 4, 1.0), (1024, 256, 2, 1.0), (2048, 256, 1, 1.0)]


@pytest.mark.parametrize("width, batch, seeds, least", SIZES)
def test_dense_against_a_loop(faster, note, width, batch, seeds, least):
    training = described(20, batch)
    ratio, _ = faster(
        lambda: batched(training, width, range(seeds)), lambda: loop(training, width, range(seeds)), pairs=5
    )
    note(
        f"dense, width {width:,}, batch {batch}, {seeds} seeds",
        f"{ratio:.3g} times faster",
        "a loop of nn.Module and torch.optim",
        ratio=ratio,
    )
    assert ratio >= least


def test_dense_against_a_large_product(faster, note):
    training, size = described(20, 256), 2048
    left, right = torch.randn(size, size), torch.randn(size, size)
    tally = batched(training, 1024, range(2))
    ratio, _ = faster(lambda: batched(training, 1024, range(2)), lambda: [left @ right for _ in range(20)])
    share = ratio * tally.flops / (20 * 2 * size**3)
    note(
        "dense, width 1,024, batch 256",
        f"{share:.0%} of the rate",
        f"a product of {size:,} x {size:,} matrices",
        share=share,
    )
    assert share >= 0.6


@pytest.mark.parametrize("width, least", [(1024, 1.0), (2048, 1.0), (4096, 10.0), (8192, 10.0)])
def test_matrix_free_against_dense(faster, note, width, least):
    training, seeds = described(10, 8), range(4 if width <= 4096 else 1)
    ratio, own = faster(
        lambda: batched(training, width, seeds, "matrix_free"),
        lambda: batched(training, width, seeds),
        pairs=3 if width < 8192 else 1,
    )
    note(
        f"matrix-free, width {width:,}, 10 steps of batch 8",
        f"{ratio:.3g} times faster",
        "dense",
        ratio=ratio,
        seconds=own / len(seeds),
    )
    assert ratio >= least


ALONE = """
import json, resource, sys, time
import psutil
import torch
import theorychecks as tc
from theorychecks.engines import matrix_free

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

width, steps = int(sys.argv[1]), int(sys.argv[2])
training = tc.Training(
    tc.MLP(3, tc.TANH, tc.STANDARD),
    learning_rate=tc.scaled(0.3, width=-1),
    data=tc.GaussianMixture(dimension=8, samples=8),
    loss=tc.MSE,
    steps=steps,
)
with torch.no_grad():
    matrix_free.train(training, 256, (0,))
    before, started = psutil.Process().memory_info().rss, time.perf_counter()
    run = matrix_free.train(training, width, (int(sys.argv[3]),))
    norms = [float(run.weight_change_norm(k, norm, steps) / run.weight_norm(k, norm))
             for k in range(4) for norm in ("frobenius", "spectral")]
assert all(0 < norm < 1 for norm in norms)
print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak(), "grown": peak() - before}))
"""


def alone(width, steps, seed=0):
    """One training in a process of its own, on all cores: its seconds and its memory."""
    command = [sys.executable, "-c", ALONE, str(width), str(steps), str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_a_quarter_of_a_million_neurons(note):
    spent = alone(2**18, 10)
    note(
        "matrix-free, width 262,144, 10 steps of batch 8, norms included",
        f"{spent['seconds']:.3g} s, {spent['peak'] / 1e9:.3g} GB",
        "10 s and 4 GB",
        **spent,
    )
    assert spent["seconds"] < 10
    assert spent["peak"] < 4e9


def test_cost_against_width_up_to_a_million(note):
    widths = [2**k for k in range(15, 21)]
    spent = [[alone(width, 5, seed) for seed in range(3)] for width in widths]
    million = max(each["peak"] for each in spent[-1])
    for name, unit in (("seconds", "time"), ("grown", "memory")):
        fit = fit_power_law(Measurement.of(widths, [[each[name] for each in cell] for cell in spent], name=unit))
        low, high = fit.interval
        note(
            f"matrix-free, {unit} from width 32,768 to 1,048,576, 5 steps of batch 8",
            f"width^{fit.exponent:.2f} [{low:.2f}, {high:.2f}]",
            "at most width^1.1",
            exponent=fit.exponent,
        )
        assert fit.exponent <= 1.1
    slowest = max(each["seconds"] for each in spent[-1])
    note("matrix-free, width 1,048,576, 5 steps", f"{slowest:.3g} s, {million / 1e9:.3g} GB", "6 GB", peak=million)
    assert million < 6e9
