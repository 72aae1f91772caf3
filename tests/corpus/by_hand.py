"""Correct models written in plain torch: six kinds, with initial weights and learning rates by hand.

Table 3 of Yang et al. 2022 (arXiv:2203.03466): entries of input-like matrices and of vectors are of order one, of hidden
ones fan_in^-1/2, of readouts 1/n, or of order one behind a multiplier of 1/n. Adam's learning rates are 1/n for hidden
matrices and for readouts without a multiplier; SGD's are n for input-like ones, vectors and readouts behind one.
"""

import functools

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.corpus.entry import Entry

BASE, TOKENS, LENGTH = 64, 24, 8
DRAW = torch.Generator().manual_seed(11)


def dense(fan_in, fan_out, *, std=None):
    """A matrix with entries of size fan_in^-1/2 unless told, and biases that begin at nought."""
    layer = nn.Linear(fan_in, fan_out)
    nn.init.normal_(layer.weight, std=fan_in**-0.5 if std is None else std)
    nn.init.zeros_(layer.bias)
    return layer


def head(fan_in, outputs):
    """A readout: entries of size one over the width."""
    return dense(fan_in, outputs, std=BASE**0.5 / fan_in)


def by_role(module, rate, *, ones, wide=()):
    """Groups of Adam: matrices have one over the width, but for those named in `ones`; vectors have the rate itself."""
    named = dict(module.named_parameters())
    scaled = [p for name, p in named.items() if p.ndim > 1 and not any(word in name for word in ones)]
    others = [p for p in named.values() if all(p is not each for each in scaled)]
    return [{"params": others, "lr": rate}, {"params": scaled, "lr": rate * BASE / module.width}]


def adam(module, *, ones, rate=1e-3):
    return torch.optim.Adam(by_role(module, rate, ones=ones))


def momentum(module, *, hidden, fixed, rate):
    """SGD with Nesterov's momentum: hidden matrices and what does not grow have the rate, all else in proportion."""
    groups = {True: [], False: []}
    for name, parameter in module.named_parameters():
        groups[name in fixed or (parameter.ndim > 1 and any(word in name for word in hidden))].append(parameter)
    stays, grows = {"params": groups[True]}, {"params": groups[False], "lr": rate * module.width / BASE}
    return torch.optim.SGD([stays, grows], lr=rate, momentum=0.9, nesterov=True)


class Cells(nn.Module):
    """Two layers of LSTM cells over tokens, which say what comes next; forget gates begin open."""

    def __init__(self, width):
        super().__init__()
        self.width, self.tokens = width, nn.Embedding(TOKENS, width)
        self.cells, self.head = nn.ModuleList(nn.LSTMCell(width, width) for _ in range(2)), head(width, TOKENS)
        for cell in self.cells:
            for name, parameter in cell.named_parameters():
                if parameter.ndim > 1:
                    nn.init.orthogonal_(parameter)
                else:
                    nn.init.constant_(parameter[width : 2 * width], 1.0 if name == "bias_ih" else 0.0)
                    nn.init.zeros_(parameter[:width]), nn.init.zeros_(parameter[2 * width :])

    def forward(self, tokens):
        states, logits = [None] * len(self.cells), []
        for x in self.tokens(tokens).unbind(1):
            for place, cell in enumerate(self.cells):
                states[place] = cell(x, states[place])
                x = states[place][0]
            logits.append(self.head(x))
        return torch.stack(logits, dim=2)


class DiTBlock(nn.Module):
    """Attention and a perceptron whose norms are shifted, scaled and gated by what the time says; gates begin at nought."""

    def __init__(self, width):
        super().__init__()
        self.heads = width // 16
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.qkv, self.proj = dense(width, 3 * width), dense(width, width)
        self.up, self.down = dense(width, 4 * width), dense(4 * width, width)
        self.modulation = dense(width, 6 * width, std=0.0)

    def forward(self, x, time):
        shift, scale, gate, shift2, scale2, gate2 = self.modulation(F.silu(time)).unsqueeze(1).chunk(6, dim=-1)
        inner = self.norms[0](x) * (1 + scale) + shift
        query, key, value = self.qkv(inner).unflatten(-1, (3, self.heads, 16)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        x = x + gate * self.proj(mixed.transpose(1, 2).flatten(2))
        inner = self.norms[1](x) * (1 + scale2) + shift2
        return x + gate2 * self.down(F.gelu(self.up(inner), approximate="tanh"))


class DiT(nn.Module):
    """A diffusion transformer over the patches of an image of eight by eight, whose last layer begins at nought."""

    def __init__(self, width):
        super().__init__()
        self.width, self.patches = width, nn.Conv2d(1, width, 2, stride=2)
        self.register_buffer("frequencies", torch.exp(-torch.arange(8) / 2))
        self.register_buffer("places", torch.randn(16, width))
        self.time = nn.Sequential(dense(16, width), nn.SiLU(), dense(width, width))
        self.blocks = nn.ModuleList(DiTBlock(width) for _ in range(2))
        self.norm, self.last = nn.LayerNorm(width, elementwise_affine=False), dense(width, 4, std=0.0)
        self.modulation = dense(width, 2 * width, std=0.0)
        nn.init.normal_(self.patches.weight, std=0.5)
        nn.init.zeros_(self.patches.bias)

    def forward(self, image, time):
        angles = 10 * time.unsqueeze(1) * self.frequencies
        time = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        x = self.patches(image).flatten(2).transpose(1, 2) + self.places
        for block in self.blocks:
            x = block(x, time)
        shift, scale = self.modulation(F.silu(time)).unsqueeze(1).chunk(2, dim=-1)
        return F.pixel_shuffle(self.last(self.norm(x) * (1 + scale) + shift).transpose(1, 2).unflatten(2, (4, 4)), 2)


class Basic(nn.Module):
    """Two convolutions with batch norms, and a shortcut with one where the size changes."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(2))
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        inner = self.norms[1](self.second(F.relu(self.norms[0](self.first(x)))))
        return F.relu(self.shortcut(x) + inner)


class ResNet(nn.Module):
    """A residual network of two stages with batch norms, whose outputs are divided by the width."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.stem, self.norm = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.stages = nn.Sequential(Basic(width, width, 1), Basic(width, 2 * width, 2))
        self.head = nn.Linear(2 * width, 5)
        # What is read out is divided by the width in front of the readout, as in the package mup.
        for convolution in self.modules():
            if isinstance(convolution, nn.Conv2d):
                nn.init.kaiming_normal_(convolution.weight)
        nn.init.normal_(self.head.weight, std=0.1)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.stages(F.relu(self.norm(self.stem(x)))).mean(dim=(2, 3)) * BASE / self.width)


class MixerBlock(nn.Module):
    """A perceptron over patches, of which the inner size grows as the channels do, and one over channels."""

    def __init__(self, patches, width):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.tokens = nn.Sequential(dense(patches, width // 2), nn.GELU(), head(width // 2, patches))
        self.channels = nn.Sequential(dense(width, 2 * width), nn.GELU(), dense(2 * width, width))

    def forward(self, x):
        x = x + self.tokens(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norms[1](x))


class Mixer(nn.Module):
    """Two blocks of a mixer over sixteen patches."""

    def __init__(self, width):
        super().__init__()
        self.width, self.patches = width, nn.Conv2d(3, width, 2, stride=2)
        self.blocks = nn.Sequential(MixerBlock(16, width), MixerBlock(16, width))
        self.norm, self.head = nn.LayerNorm(width), head(width, 5)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.patches(x).flatten(2).transpose(1, 2))).mean(dim=1))


class Tanh(nn.Module):
    """Three hidden layers, outputs divided by the width."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.inner = dense(12, width), nn.ModuleList(dense(width, width) for _ in range(2))
        self.leave = nn.Linear(width, 3, bias=False)
        nn.init.normal_(self.leave.weight, std=BASE**-0.5)

    def forward(self, x):
        x = torch.tanh(self.enter(x))
        for layer in self.inner:
            x = torch.tanh(layer(x))
        return self.leave(x) * BASE / self.width


class Autoencoder(nn.Module):
    """Twelve numbers through a latent of three; what leaves the latent has biases of order one, torch's own."""

    def __init__(self, width):
        super().__init__()
        self.width, self.enter, self.grow = width, nn.Linear(12, width), nn.Linear(3, width)
        self.inner, self.latent = dense(width, width), head(width, 3)
        self.outer, self.leave = dense(width, width), head(width, 12)

    def forward(self, x):
        latent = self.latent(F.gelu(self.inner(F.gelu(self.enter(x)))))
        return self.leave(F.gelu(self.outer(F.gelu(self.grow(latent)))))


def noised():
    """Images with noise, the time of each, and the noise."""
    image, noise = (torch.randn(4, 1, 8, 8, generator=DRAW) for _ in range(2))
    time = torch.rand(4, generator=DRAW)
    share = time[:, None, None, None]
    return [(((1 - share) * image + share * noise, time), noise)] * 4


START = torch.randint(TOKENS, (4, 1), generator=DRAW)
LINES = (START + 5 * torch.arange(LENGTH + 1)) % TOKENS
ROWS = torch.randn(16, 12, generator=DRAW)
TEXT = [(LINES[:, :-1], LINES[:, 1:])] * 4
IMAGES = [(torch.randn(8, 3, 8, 8, generator=DRAW), torch.randint(5, (8,), generator=DRAW))] * 4


def entry(build, optimizer, batches, widths, loss=F.cross_entropy):
    name = build.__name__.lower()
    return Entry(name, lambda: tc.Model(build, optimizer, batches, loss=loss, name=name), widths)


ENTRIES = (
    entry(Cells, functools.partial(adam, ones=["tokens"], rate=2e-3), TEXT, tc.widths(32, 512)),
    entry(DiT, functools.partial(adam, ones=["patches", "time.0"]), noised(), (64, 112, 192, 320, 512), F.mse_loss),
    entry(
        ResNet,
        functools.partial(momentum, hidden=["stages"], fixed=["head.bias"], rate=0.02),
        IMAGES,
        (16, 32, 64, 128, 256),
    ),
    entry(Mixer, functools.partial(adam, ones=["patches", "tokens.0"]), IMAGES, tc.widths(32, 512)),
    entry(
        Tanh,
        functools.partial(momentum, hidden=["inner"], fixed=[], rate=0.1),
        [(ROWS, torch.stack([ROWS[:, 0], ROWS[:, 1] * ROWS[:, 2], ROWS[:, 3].abs()], dim=1))] * 4,
        tc.widths(64, 1024),
        F.mse_loss,
    ),
    entry(
        Autoencoder,
        functools.partial(adam, ones=["enter", "grow"], rate=2e-3),
        [(ROWS, ROWS)] * 4,
        (64, 112, 192, 320, 512),
        F.mse_loss,
    ),
)
