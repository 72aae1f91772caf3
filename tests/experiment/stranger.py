"""What a user's file may hold. Tests copy it to a place that is on nobody's path, with the module that it imports."""

import functools
import threading
from dataclasses import dataclass

import helper_of_a_stranger
import torch
from helper_of_a_stranger import three_of

import theorychecks as tc


class OddError(ValueError):
    def __init__(self, what, where):
        super().__init__(f"{what} at {where}")


class UnwillingError(Exception):
    def __init__(self, what):
        super().__init__(what)
        self.lock = threading.Lock()


@functools.lru_cache(maxsize=4)
def factorial(n):
    return n * factorial(n - 1) if n else 1


@dataclass(frozen=True)
class Sum(tc.Observable):
    power: int
    title = "sum of powers"

    def read(self, run):
        read = run.losses[-1] ** self.power * helper_of_a_stranger.three_of(factorial(3))
        return {tc.Parts(power=self.power): tc.Reading(read)}


def scaled(by):
    @tc.observable
    def loss(run):
        return by * run.losses[-1] + three_of(1.0)

    return loss


@tc.quantity(along="samples")
def mean(samples, draw, *, kind):
    if kind == "odd" and samples == 16:
        raise OddError("nothing", samples)
    if kind == "unwilling":
        raise UnwillingError("told all the same")
    return [three_of(abs(draw.rng(seed).standard_normal(int(samples)).mean())) for seed in draw.seeds]


def model():
    twice = 2.0

    class Net(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first, self.last = torch.nn.Linear(4, width, bias=False), torch.nn.Linear(width, 1, bias=False)

        def forward(self, x):
            return twice * self.last(torch.tanh(self.first(x)))

    def build(width):
        return Net(width)

    draw = torch.Generator().manual_seed(0)
    batches = [(torch.randn(8, 4, generator=draw), torch.randn(8, 1, generator=draw))] * 3
    return tc.Model(
        build, lambda net: torch.optim.SGD(net.parameters(), lr=0.1), batches, loss=torch.nn.functional.mse_loss
    )
