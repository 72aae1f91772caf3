"""A small residual convolutional network whose width is its number of channels, in two parametrizations."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

BASE_WIDTH = 64
"""At this width both parametrizations are one."""
CLASSES = 4
BLOCKS = 3


class ConvNet(nn.Module):
    """A stem that halves the image, three residual blocks, and a readout of means over positions.

    A block adds the convolution of all channels, normalised and rectified, to what it is given; the readout sees them
    normalised and rectified as well. Normalisations are those of a single group (Wu and He 2018, arXiv:1803.08494, from
    memory), with gains and biases. Images continue at the opposite edge, so that no position sees fewer weights than
    others. Initial weights are He et al.'s (arXiv:1502.01852, from memory). Standard parametrization has a readout of
    variance one over the width; maximal update has one of order one, behind a multiplier that falls as one over the
    width.
    """

    def __init__(self, width: int, *, maximal_update: bool) -> None:
        super().__init__()
        self.stem = convolution(1, width, stride=2)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(1, width), nn.ReLU(), convolution(width, width, stride=1)) for _ in range(BLOCKS)
        )
        self.norm = nn.GroupNorm(1, width)
        self.head = nn.Linear(width, CLASSES, bias=False)
        self.multiplier = BASE_WIDTH / width if maximal_update else 1.0
        for name, parameter in self.named_parameters():
            if parameter.ndim == 4:
                gain = 1.0 if name == "stem.weight" else 2.0
                nn.init.normal_(parameter, std=math.sqrt(gain / parameter[0].numel()))
        nn.init.normal_(self.head.weight, std=(BASE_WIDTH if maximal_update else width) ** -0.5)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        x = self.stem(images)
        for block in self.blocks:
            x = x + block(x)
        logits: Tensor = self.head(torch.relu(self.norm(x)).mean(dim=(-2, -1)))
        return self.multiplier * logits


def convolution(inputs: int, outputs: int, *, stride: int) -> nn.Conv2d:
    """Three by three, on a torus."""
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, padding_mode="circular", bias=False)
