"""Residual networks of any depth and one width, as their owners would write them: blocks behind L^-power."""

import functools

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc

WIDTH, TOKENS, LENGTH = 32, 16, 8
DEPTHS = (4, 8, 16, 32, 64)


def linear(fan_in, fan_out):
    """A matrix without a bias, its entries of size fan_in^-1/2."""
    layer = nn.Linear(fan_in, fan_out, bias=False)
    nn.init.normal_(layer.weight, std=fan_in**-0.5)
    return layer


class Block(nn.Module):
    """Two matrices and a ReLU, added to the stream."""

    def __init__(self, branch):
        super().__init__()
        self.up, self.down, self.branch = linear(WIDTH, WIDTH), linear(WIDTH, WIDTH), branch

    def forward(self, x):
        return x + self.branch * self.down(torch.relu(self.up(x)))


class Perceptron(nn.Module):
    """A residual perceptron."""

    def __init__(self, depth, *, power=1.0):
        super().__init__()
        self.depth, self.power = depth, power
        self.enter, self.leave = linear(8, WIDTH), linear(WIDTH, 4)
        self.blocks = nn.ModuleList(Block(depth**-power) for _ in range(depth))

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.leave(x)


class InSequence(nn.Sequential):
    """The same with all in one sequence, where the readout has another number at each depth."""

    def __init__(self, depth, *, power=1.0):
        blocks = [Block(depth**-power) for _ in range(depth)]
        super().__init__(linear(8, WIDTH), *blocks, linear(WIDTH, 4))
        self.depth, self.power = depth, power

    @property
    def blocks(self):
        return nn.ModuleList(list(self)[1:-1])


class Outside(Perceptron):
    """The same with the multiplier outside of its blocks, which return what is to be added."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth, power=power)
        self.blocks = nn.ModuleList(
            nn.Sequential(linear(WIDTH, WIDTH), nn.ReLU(), linear(WIDTH, WIDTH)) for _ in range(depth)
        )

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = x + self.depth**-self.power * block(x)
        return self.leave(x)


class Attention(nn.Module):
    """Causal attention of two heads."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj = linear(WIDTH, 3 * WIDTH), linear(WIDTH, WIDTH)

    def forward(self, x):
        query, key, value = self.qkv(x).unflatten(-1, (2, -1)).transpose(1, 2).chunk(3, -1)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """A layer of a language model, both of whose parts are behind the multiplier."""

    def __init__(self, branch):
        super().__init__()
        self.ln1, self.attn, self.ln2 = nn.LayerNorm(WIDTH), Attention(), nn.LayerNorm(WIDTH)
        self.fc1, self.fc2, self.branch = linear(WIDTH, 2 * WIDTH), linear(2 * WIDTH, WIDTH), branch

    def forward(self, x):
        x = x + self.branch * self.attn(self.ln1(x))
        return x + self.branch * self.fc2(F.gelu(self.fc1(self.ln2(x))))


class Decoder(nn.Module):
    """A language model."""

    def __init__(self, depth, *, power=1.0):
        super().__init__()
        self.depth, self.power = depth, power
        self.tokens, self.places = nn.Embedding(TOKENS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Layer(depth**-power) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(WIDTH), linear(WIDTH, TOKENS)

    def forward(self, x):
        x = self.tokens(x) + self.places.weight[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def adam(module, *, slower=None, rate=1e-3):
    """Adam, whose rates in blocks fall as L^-slower: as L^(power - 1) unless given, so that the stream moves by one."""
    slower = 1 - module.power if slower is None else slower
    inside = list(module.blocks.parameters())
    rest = [p for p in module.parameters() if all(p is not other for other in inside)]
    groups = [{"params": rest}, {"params": inside, "lr": rate * module.depth**-slower}]
    return torch.optim.Adam(groups, lr=rate, eps=1e-12)


_draw = torch.Generator().manual_seed(0)
VALUES = [(torch.randn(16, 8, generator=_draw), torch.randn(16, 4, generator=_draw)) for _ in range(4)]
TEXTS = [tuple(torch.randint(TOKENS, (4, LENGTH), generator=_draw) for _ in range(2)) for _ in range(4)]


def next_token(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def perceptron(build=Perceptron, *, power=1.0, slower=None, **options):
    given = {"loss": F.mse_loss, "axis": "depth", "name": "perceptron"} | options
    return tc.Model(functools.partial(build, power=power), functools.partial(adam, slower=slower), VALUES, **given)


def decoder(*, power=1.0, slower=None):
    build = functools.partial(Decoder, power=power)
    return tc.Model(build, functools.partial(adam, slower=slower), TEXTS, loss=next_token, axis="depth", name="decoder")
