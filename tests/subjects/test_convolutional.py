"""The network is what numpy makes of shifted images, and its two parametrizations differ as they should."""

import numpy as np
import pytest
import torch

from properties.subjects.convolutional import BASE_WIDTH, ConvNet


def drawn(width, *, maximal_update):
    torch.manual_seed(0)
    return ConvNet(width, maximal_update=maximal_update).double()


def images(count):
    return torch.randn(count, 1, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def shifted_and_summed(maps, weights):
    """A correlation on a torus: every neighbour's channels times the weights of its place."""
    shifts = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]
    return sum(
        np.einsum("oc,bchw->bohw", weights[:, :, row + 1, column + 1], np.roll(maps, (-row, -column), axis=(2, 3)))
        for row, column in shifts
    )


def rectified(maps):
    """Image by image, less its mean and over its deviation; then without what is negative."""
    axes = (1, 2, 3)
    centred = maps - maps.mean(axis=axes, keepdims=True)
    return np.maximum(centred / np.sqrt((centred**2).mean(axis=axes, keepdims=True) + 1e-5), 0)


@pytest.mark.parametrize("maximal_update, multiplier", [(False, 1.0), (True, 4.0)])
def test_logits_are_those_of_shifted_images(maximal_update, multiplier):
    network = drawn(16, maximal_update=maximal_update)
    stem, *blocks = (layer.weight.detach().numpy() for layer in (network.stem, *(b[2] for b in network.blocks)))
    x = shifted_and_summed(images(3).numpy(), stem)[:, :, ::2, ::2]
    for block in blocks:
        x = x + shifted_and_summed(rectified(x), block)
    expected = multiplier * rectified(x).mean(axis=(2, 3)) @ network.head.weight.detach().numpy().T

    np.testing.assert_allclose(network(images(3)).detach().numpy(), expected, rtol=1e-10)


def test_both_parametrizations_are_one_at_the_base_width():
    maximal, standard = (drawn(BASE_WIDTH, maximal_update=which)(images(2)) for which in (True, False))
    torch.testing.assert_close(maximal, standard, rtol=0, atol=0)


def test_every_convolution_returns_a_mean_square_of_one():
    network, sizes = drawn(256, maximal_update=False), []
    for layer in (network.stem, *(block[2] for block in network.blocks)):
        layer.register_forward_hook(lambda _, __, returned: sizes.append(float(returned.detach().square().mean())))
    network(images(16))
    # He et al.'s law, for what is normalised and rectified: half of its square is left, and weights make up for it.
    assert sizes == pytest.approx([1.0] * 4, abs=0.15)


def test_outputs_of_maximal_update_fall_as_one_over_root_width():
    assert outputs_at(256, maximal_update=True) / outputs_at(64, maximal_update=True) == pytest.approx(0.5, abs=0.1)
    assert outputs_at(256, maximal_update=False) / outputs_at(64, maximal_update=False) == pytest.approx(1, abs=0.2)


def outputs_at(width, *, maximal_update, count=24):
    """Root mean square of the logits of so many networks."""
    torch.manual_seed(0)
    made = [ConvNet(width, maximal_update=maximal_update).double()(images(2)).detach() for _ in range(count)]
    return float(torch.stack(made).square().mean().sqrt())
