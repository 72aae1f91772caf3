"""Networks with decay train as torch's own optimizers do, and what is read off them is what it says."""

import itertools

import pytest
import torch

import theorychecks as tc
from properties.subjects import weight_decay
from properties.subjects.weight_decay import Descent, overlap, root_mean_square, start, weights_in_time

WIDTH, RATES, DECAYS, STEPS = 6, (0.02, 0.01), (0.5, 2.0), 5
ADAM = tc.Adam(betas=(0.9, 0.99), epsilon=1e-8)


def own(seed):
    return torch.Generator().manual_seed(seed)


def by_hand(begin, optimizer, noise):
    """One network's matrices after some steps of an optimizer of torch, which gets them as two groups."""
    draws = own(7)
    readout = torch.randn(4, WIDTH, generator=draws) / WIDTH
    teacher = torch.randn(4, 8, generator=draws) / 8**0.5
    batches = torch.randn(64, 8, 12, generator=draws)
    weights = [torch.nn.Parameter(matrix[0].clone()) for matrix in begin]
    descent = optimizer(
        [
            {"params": [weight], "lr": rate, "weight_decay": decay}
            for weight, rate, decay in zip(weights, RATES, DECAYS, strict=True)
        ]
    )
    for batch in batches[:STEPS]:
        inputs, drawn = batch[:, :8], batch[:, 8:]
        x = inputs
        for weight in weights:
            h = x @ weight.T
            x = torch.tanh(h / h.square().mean(dim=1, keepdim=True).sqrt())
        descent.zero_grad()
        ((x @ readout.T - inputs @ teacher.T - noise * drawn) ** 2).sum(dim=1).mean().div(2).backward()
        descent.step()
    return [weight.detach() for weight in weights]


@pytest.mark.parametrize(
    ("ours", "decay", "theirs"),
    [
        (ADAM, "decoupled", lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.99))),
        (ADAM, "in the gradient", lambda groups: torch.optim.Adam(groups, betas=(0.9, 0.99))),
        # Without momentum a penalty is decoupled decay.
        (tc.SGD(), "decoupled", torch.optim.SGD),
    ],
    ids=["AdamW", "Adam with a penalty", "gradient descent"],
)
def test_matrices_are_those_of_torch(ours, decay, theirs):
    begin = start(WIDTH, (0.4, 0.3), [own(1)])
    descent = Descent(optimizer=ours, rates=RATES, decays=DECAYS, decay=decay, noise=0.5)
    *_, found = itertools.islice(weights_in_time(begin, descent, tc.TANH, [own(7)]), STEPS)
    for mine, right in zip(found, by_hand(begin, theirs, 0.5), strict=True):
        torch.testing.assert_close(mine[0], right, rtol=1e-4, atol=1e-6)


def test_outputs_do_not_know_the_scale_of_weights():
    first, second = start(WIDTH, (1.0, 1.0), [own(2)])
    inputs, readout = torch.randn(1, 3, 8, generator=own(3)), torch.ones(1, 4, WIDTH)
    one, other = (
        weight_decay._outputs(pair, readout, tc.TANH, inputs) for pair in ((first, second), (3 * first, second / 7))
    )
    torch.testing.assert_close(one, other)


def test_the_start_is_whole_at_first_and_half_at_half_its_size():
    first, _ = start(WIDTH, (0.7, 1.0), [own(4), own(5)])
    assert overlap(first, first) == pytest.approx(torch.ones(2))
    assert overlap(first / 2, first) == pytest.approx(torch.full((2,), 0.5))
    assert root_mean_square(torch.full((2, 3, 4), -0.3)) == pytest.approx(torch.full((2,), 0.3))
