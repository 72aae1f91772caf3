"""Losses are torch's, for each seed of a batch, with autograd's gradients."""

import pytest
import torch

from theorychecks.networks import CROSS_ENTROPY, MSE, SOFTMAX_MSE

SEEDS, SAMPLES, CLASSES = 3, 5, 4


@pytest.fixture
def outputs():
    return torch.randn(SEEDS, SAMPLES, CLASSES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def targets():
    """Distributions over classes that are not one-hot."""
    drawn = torch.randn(SAMPLES, CLASSES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return torch.softmax(drawn, dim=1)


def plain(loss, outputs, targets):
    if loss is MSE:
        return torch.nn.functional.mse_loss(outputs, targets, reduction="sum") / 2 / SAMPLES
    if loss is SOFTMAX_MSE:
        return torch.nn.functional.mse_loss(outputs.softmax(dim=1), targets, reduction="sum") / 2 / SAMPLES
    return torch.nn.functional.cross_entropy(outputs, targets)


@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY, SOFTMAX_MSE], ids=repr)
def test_the_value_is_that_of_torch_for_each_seed(loss, outputs, targets):
    expected = torch.stack([plain(loss, one, targets) for one in outputs])
    torch.testing.assert_close(loss.value(outputs, targets), expected, rtol=1e-12, atol=0.0)
    other = MSE if loss is CROSS_ENTROPY else CROSS_ENTROPY
    assert not torch.allclose(other.value(outputs, targets), expected, rtol=0.01)


@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY, SOFTMAX_MSE], ids=repr)
def test_the_gradient_is_that_of_autograd(loss, outputs, targets):
    leaf = outputs.clone().requires_grad_()
    sum(plain(loss, one, targets) for one in leaf).backward()
    torch.testing.assert_close(loss.gradient(outputs, targets), leaf.grad, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY, SOFTMAX_MSE], ids=repr)
def test_a_sample_seen_twice_counts_no_more_than_once(loss, outputs, targets):
    twice = loss.value(torch.cat([outputs, outputs], dim=1), torch.cat([targets, targets]))
    torch.testing.assert_close(twice, loss.value(outputs, targets), rtol=1e-12, atol=0.0)


def test_cross_entropy_stays_finite_where_the_softmax_saturates():
    outputs = torch.tensor([[[1e4, -1e4]]])
    assert CROSS_ENTROPY.value(outputs, torch.tensor([[0.0, 1.0]])).item() == pytest.approx(2e4)
    assert CROSS_ENTROPY.gradient(outputs, torch.tensor([[0.0, 1.0]])).tolist() == [[[1.0, -1.0]]]
    assert CROSS_ENTROPY.value(outputs, torch.tensor([[1.0, 0.0]])).item() == 0.0


def test_the_gradient_of_squared_softmax_is_bounded_and_vanishes_where_the_softmax_saturates():
    targets = torch.tensor([[1.0, 0.0]])
    sizes = [SOFTMAX_MSE.gradient(torch.tensor([[[-m, m]]]), targets).abs().max().item() for m in (0.5, 1.0, 200.0)]
    assert max(sizes) < 1
    assert sizes[-1] == 0.0
    assert MSE.gradient(torch.tensor([[[-200.0, 200.0]]]), targets).abs().max() > 100


def test_what_is_taken_of_a_softmax_needs_distributions():
    assert CROSS_ENTROPY.needs_distributions
    assert SOFTMAX_MSE.needs_distributions
    assert not MSE.needs_distributions
    assert (repr(MSE), repr(CROSS_ENTROPY)) == ("MSE", "cross-entropy")
