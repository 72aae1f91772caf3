"""Residual networks train as torch's own modules and optimizers do, and their changes are those read off by hand."""

import pytest
import torch
from torch import nn

import theorychecks as tc
from properties.subjects.residual_network import (
    Rates,
    ResidualNetworks,
    block_changes,
    gaussian_blocks,
    stream_change,
    trained,
)

STREAM, HIDDEN, BLOCKS, BRANCH, READOUT = 5, 3, 4, 0.25, 0.2
RATES = Rates(read_in=0.02, up=0.03, down=0.05, read_out=0.04)
ADAM = tc.Adam(epsilon=1e-8)


class Network(nn.Module):
    """One network in plain torch."""

    def __init__(self, start, seed):
        super().__init__()
        self.read_in = nn.Parameter(start.read_in[seed].clone())
        self.up = nn.ParameterList(nn.Parameter(matrix[seed].clone()) for matrix in start.up)
        self.down = nn.ParameterList(nn.Parameter(matrix[seed].clone()) for matrix in start.down)
        self.read_out = nn.Parameter(start.read_out[seed].clone())

    def forward(self, x):
        h = x @ self.read_in.T
        for up, down in zip(self.up, self.down, strict=True):
            h = h + BRANCH * torch.tanh(h @ up.T) @ down.T
        return READOUT * h @ self.read_out.T


@pytest.fixture
def start():
    own = [torch.Generator().manual_seed(seed) for seed in range(2)]
    return ResidualNetworks(
        read_in=gaussian_blocks(1, (STREAM, 2), 1.0, own)[0],
        up=gaussian_blocks(BLOCKS, (HIDDEN, STREAM), 0.5, own),
        down=gaussian_blocks(BLOCKS, (STREAM, HIDDEN), 0.5, own),
        read_out=gaussian_blocks(1, (3, STREAM), 1.0, own)[0],
        activation=tc.TANH,
        branch=BRANCH,
        readout=READOUT,
    )


@pytest.fixture
def data():
    own = torch.Generator().manual_seed(9)
    return [torch.randn(*shape, generator=own, dtype=torch.float64) for shape in ((6, 2), (6, 3))]


@pytest.mark.parametrize(
    ("ours", "theirs"), [(tc.SGD(), torch.optim.SGD), (ADAM, torch.optim.Adam)], ids=["SGD", "Adam"]
)
def test_outputs_after_training_are_those_of_torch(start, data, ours, theirs):
    inputs, targets = data
    after = trained(start, inputs, targets, optimizer=ours, rates=RATES, steps=3).outputs(inputs)
    for seed in range(2):
        network = Network(start, seed)
        groups = [
            {"params": list(parameters), "lr": rate}
            for parameters, rate in (
                ([network.read_in], RATES.read_in),
                (network.up, RATES.up),
                (network.down, RATES.down),
                ([network.read_out], RATES.read_out),
            )
        ]
        optimizer = theirs(groups)
        for _ in range(3):
            optimizer.zero_grad()
            ((network(inputs) - targets) ** 2).sum(dim=1).mean().div(2).backward()
            optimizer.step()
        torch.testing.assert_close(after[seed], network(inputs).detach(), rtol=1e-10, atol=1e-12)


def test_matrices_without_a_rate_stay(start, data):
    after = trained(start, *data, optimizer=tc.SGD(), rates=Rates(up=0.1, down=0.1), steps=2)
    assert torch.equal(after.read_in, start.read_in)
    assert torch.equal(after.read_out, start.read_out)
    assert not torch.equal(after.up[0], start.up[0])


def test_changes_of_blocks_are_those_of_their_derivative(start, data):
    inputs, targets = data
    after = trained(start, inputs, targets, optimizer=tc.SGD(), rates=RATES, steps=3)
    update, distance = block_changes(start, after, inputs)
    squares, far, linear = [], 0.0, 0.0
    for k, h in enumerate(after.stream(inputs)[:-1]):
        squares.append(((after.up[k] - start.up[k])[0] @ h[0].T).square().mean())
        old, new = (start.up[k][0], start.down[k][0]), (after.up[k][0], after.down[k][0])

        def block(up, down, h=h[0]):
            return torch.tanh(h @ up.T) @ down.T

        tangent = tuple(b - a for a, b in zip(old, new, strict=True))
        value, first = torch.autograd.functional.jvp(block, old, tangent)
        far += (block(*new) - value - first).square().sum()
        linear += first.square().sum()
    assert update[0] == pytest.approx(torch.stack(squares).mean().sqrt())
    assert distance[0] == pytest.approx((far / linear).sqrt())


def test_the_change_of_the_stream_is_that_at_its_end(start, data):
    inputs, targets = data
    after = trained(start, inputs, targets, optimizer=tc.SGD(), rates=RATES, steps=1)
    moved = after.stream(inputs)[-1] - start.stream(inputs)[-1]
    assert stream_change(start, after, inputs) == pytest.approx(moved.square().mean(dim=(1, 2)).sqrt())
