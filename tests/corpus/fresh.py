"""Correct models that were written after predictions were changed for others, and for which nothing was changed.

A U-Net with concatenations, dilated causal convolutions with gates, latents that read points by cross-attention, and
the OPT of Hugging Face's transformers; initial weights and learning rates as in `by_hand`.
"""

import functools

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.corpus.by_hand import BASE, LENGTH, TOKENS, adam, dense, head
from tests.corpus.entry import Entry
from tests.corpus.of_transformers import SENTENCES, in_maximal_update, settings

DRAW = torch.Generator().manual_seed(29)


def drawn(layer, *, std=None):
    """A convolution with entries of size fan_in^-1/2 unless told, and biases that begin at nought."""
    fan_in = layer.in_channels * layer.weight[0, 0].numel()
    nn.init.normal_(layer.weight, std=fan_in**-0.5 if std is None else std)
    nn.init.zeros_(layer.bias)
    return layer


class UNet(nn.Module):
    """Two resolutions: what goes down and comes up again is concatenated to what stayed."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter = drawn(nn.Conv2d(3, width, 3, padding=1))
        self.down = drawn(nn.Conv2d(width, width, 3, stride=2, padding=1))
        self.middle = drawn(nn.Conv2d(width, width, 3, padding=1))
        self.up = drawn(nn.ConvTranspose2d(width, width, 2, stride=2), std=width**-0.5)
        self.join = drawn(nn.Conv2d(2 * width, width, 3, padding=1))
        self.leave = drawn(nn.Conv2d(width, 3, 1), std=BASE**0.5 / width)
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(3))

    def forward(self, x):
        stayed = F.silu(self.norms[0](self.enter(x)))
        deep = F.silu(self.norms[1](self.down(stayed)))
        back = self.up(F.silu(self.middle(deep)))
        return self.leave(F.silu(self.norms[2](self.join(torch.cat([back, stayed], dim=1)))))


class WaveNet(nn.Module):
    """Causal convolutions with holes, each gated by half of what it returns, and added to what they are given."""

    def __init__(self, width):
        super().__init__()
        self.width, self.tokens = width, nn.Embedding(TOKENS, width)
        self.gated = nn.ModuleList(drawn(nn.Conv1d(width, 2 * width, 2, dilation=2**k)) for k in range(3))
        self.mixed = nn.ModuleList(drawn(nn.Conv1d(width, width, 1)) for _ in range(3))
        self.head = head(width, TOKENS)

    def forward(self, tokens):
        x = self.tokens(tokens).transpose(1, 2)
        for gated, mixed in zip(self.gated, self.mixed, strict=True):
            signal, gate = gated(F.pad(x, (gated.dilation[0], 0))).chunk(2, dim=1)
            x = x + mixed(torch.tanh(signal) * torch.sigmoid(gate))
        return self.head(x.transpose(1, 2)).transpose(1, 2)


class Perceiver(nn.Module):
    """Four learned latents that read a cloud of points by attention with heads of sixteen, and are averaged."""

    def __init__(self, width):
        super().__init__()
        self.width, self.latents = width, nn.Parameter(torch.randn(4, width))
        self.enter, self.query = dense(3, width, std=1.0), dense(width, width)
        self.key, self.value, self.out = (dense(width, width) for _ in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.up, self.down, self.head = dense(width, 2 * width), dense(2 * width, width), head(width, 4)

    def forward(self, points):
        given, latents = self.norms[0](self.enter(points)), self.latents.expand(len(points), -1, -1)
        query, key, value = (
            layer(x).unflatten(-1, (-1, 16)).transpose(1, 2)
            for layer, x in ((self.query, self.norms[1](latents)), (self.key, given), (self.value, given))
        )
        latents = latents + self.out(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        latents = latents + self.down(F.gelu(self.up(self.norms[2](latents))))
        return self.head(latents.mean(dim=1))


def opt(width):
    """Learned places, biases everywhere, and ReLU."""
    from transformers import OPTConfig, OPTForCausalLM

    small = settings(width, ffn_dim=2 * width, init_std=BASE**-0.5, word_embed_proj_dim=width, dropout=0.0)
    return OPTForCausalLM(OPTConfig(**small))


IMAGES = torch.randn(4, 3, 8, 8, generator=DRAW)
POINTS = torch.randn(8, 6, 3, generator=DRAW)
LINES = (torch.randint(TOKENS, (4, 1), generator=DRAW) + 3 * torch.arange(LENGTH + 1)) % TOKENS


def entry(build, ones, batch, widths, loss=F.cross_entropy):
    name = build.__name__.lower()
    model = functools.partial(tc.Model, build, functools.partial(adam, ones=ones), [batch] * 4, loss=loss, name=name)
    return Entry(name, model, widths)


ENTRIES = (
    entry(UNet, ["enter"], (IMAGES, -IMAGES.roll(1, 3)), (32, 56, 96, 160, 256), F.mse_loss),
    entry(WaveNet, ["tokens"], (LINES[:, :-1], LINES[:, 1:]), tc.widths(32, 512)),
    entry(Perceiver, ["enter", "latents"], (POINTS, (POINTS.sum((1, 2)) > 0).long()), (64, 112, 192, 320, 512)),
    Entry("opt", lambda: in_maximal_update(opt, SENTENCES), (64, 112, 192, 320, 512)),
)
