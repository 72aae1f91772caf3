"""Attention and mixtures train as torch's own modules and optimizers do, and are what is written by hand."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

import theorychecks as tc
from properties.subjects.attention_heads import drawn_heads
from properties.subjects.mixture import drawn_mixtures, expert_updates
from properties.subjects.parts_in_training import begun_alike, trained_parts

STREAM, SIZE, OUTPUTS = 5, 3, 2
RATES = {"query": 0.01, "key": 0.02, "value": 0.03, "out": 0.04}


@pytest.fixture
def own():
    return [torch.Generator().manual_seed(seed) for seed in range(2)]


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def test_attention_is_that_of_torch(own):
    start, inputs = drawn_heads(4, SIZE, STREAM, OUTPUTS, 0.5, own), normal(3, 6, STREAM)
    for seed in range(2):
        parts = [matrix[seed].reshape(-1, STREAM) for matrix in (start.query, start.key, start.value)]
        by_head = [(inputs @ part.T).unflatten(-1, (4, SIZE)).transpose(1, 2) for part in parts]
        mixed = F.scaled_dot_product_attention(*by_head, is_causal=True).transpose(1, 2).flatten(2)
        added = mixed @ start.out[seed].permute(1, 0, 2).flatten(1).T
        torch.testing.assert_close(start.returned(inputs)[seed], added)
        torch.testing.assert_close(start.outputs(inputs)[seed], (inputs + added) @ start.read_out[seed].T)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(tc.SGD(), torch.optim.SGD), (tc.Adam(epsilon=1e-8), torch.optim.Adam)],
    ids=["SGD", "Adam"],
)
def test_training_is_that_of_torch(own, ours, theirs):
    start, inputs, targets = (
        drawn_heads(4, SIZE, STREAM, OUTPUTS, 0.5, own),
        normal(3, 6, STREAM),
        normal(3, 6, OUTPUTS),
    )
    after = trained_parts(start, inputs, targets, optimizer=ours, rates=RATES, steps=3)
    for seed in range(2):
        own_parts = {name: getattr(start, name)[seed : seed + 1].clone().requires_grad_() for name in RATES}
        optimizer = theirs([{"params": [part], "lr": RATES[name]} for name, part in own_parts.items()], lr=1.0)
        alone = replace(start, read_out=start.read_out[seed : seed + 1])
        for _ in range(3):
            optimizer.zero_grad()
            F.mse_loss(replace(alone, **own_parts).outputs(inputs)[0], targets).backward()
            optimizer.step()
        for name, part in own_parts.items():
            torch.testing.assert_close(getattr(after, name)[seed], part[0].detach())


def test_a_row_has_its_largest_experts_with_weights_that_add_up_to_one(own):
    start, inputs = drawn_mixtures(6, SIZE, STREAM, OUTPUTS, own, scale=0.5, chosen=2), normal(7, 2 * STREAM)
    for seed, row in ((0, 3), (1, 5)):
        x, logits = inputs[row, :STREAM], start.router[seed] @ inputs[row, STREAM:]
        first, second = logits.argsort(descending=True)[:2]
        share = 1 / (1 + (logits[second] - logits[first]).exp())
        made = [start.down[seed, e] @ torch.tanh(start.up[seed, e] @ x) for e in (first, second)]
        expected = 0.5 * (share * made[0] + (1 - share) * made[1])
        torch.testing.assert_close(start.returned(inputs)[seed, row], expected)


def test_all_experts_have_weights_of_one_where_none_is_chosen(own):
    start, inputs = drawn_mixtures(3, SIZE, STREAM, OUTPUTS, own, scale=2.0), normal(4, 2 * STREAM)
    x = inputs[2, :STREAM]
    added = 2 * sum(start.down[1, e] @ torch.tanh(start.up[1, e] @ x) for e in range(3))
    torch.testing.assert_close(start.returned(inputs)[1, 2], added)
    torch.testing.assert_close(start.outputs(inputs)[1, 2], start.read_out[1] @ (x + added))


def test_weights_of_a_softmax_over_all_experts_are_those_of_the_chosen_ones(own):
    start = drawn_mixtures(6, SIZE, STREAM, OUTPUTS, own, scale=1.0, chosen=2, over_all=True)
    inputs = normal(7, 2 * STREAM)
    shares = (inputs[:, STREAM:] @ start.router[1].T).softmax(dim=-1)
    weights = start.weights(start.logits(inputs), start.places(start.logits(inputs)))
    torch.testing.assert_close(weights[1], shares.sort(dim=-1, descending=True).values[:, :2])


def test_updates_of_an_expert_are_read_on_its_own_rows(own):
    start, inputs = drawn_mixtures(3, SIZE, STREAM, OUTPUTS, own, scale=1.0, chosen=1), normal(8, 2 * STREAM)
    after = replace(start, up=start.up + 0.1 * start.up.sin(), down=start.down - 0.2 * start.down.cos())
    firsts, seconds = [], []
    for row in inputs:
        x, expert = row[:STREAM], int((start.router[0] @ row[STREAM:]).argmax())
        firsts.append((0.1 * start.up[0, expert].sin() @ x).square().mean())
        seconds.append((0.2 * start.down[0, expert].cos() @ torch.tanh(start.up[0, expert] @ x)).square().mean())
    found = expert_updates(start, after, inputs)
    torch.testing.assert_close(found["up"][0], torch.stack(firsts).mean().sqrt())
    torch.testing.assert_close(found["down"][0], torch.stack(seconds).mean().sqrt())


def test_parts_that_begin_alike_are_as_the_first_one(own):
    start = drawn_mixtures(3, SIZE, STREAM, OUTPUTS, own, scale=1.0)
    alike = begun_alike(start, "up")
    assert all(torch.equal(alike.up[:, expert], start.up[:, 0]) for expert in range(3))
    assert torch.equal(alike.down, start.down)
