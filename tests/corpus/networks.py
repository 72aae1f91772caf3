"""Networks of many kinds, all but the LSTM in maximal update as they stand; helpers and arguments spoil them."""

import fnmatch
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc

BASE, CLASSES, TOKENS, LENGTH = 64, 4, 16, 8
ADAM = torch.optim.Adam


def linear(fan_in, fan_out, *, std=None, bias=False):
    """Entries of size fan_in^-1/2 unless said otherwise, and torch's own bias."""
    layer = nn.Linear(fan_in, fan_out, bias=bias)
    nn.init.normal_(layer.weight, std=fan_in**-0.5 if std is None else std)
    return layer


def rated(powers, *, rate=1e-3, make=ADAM):
    """An optimizer with a rate for each parameter: a power of the width, by the first pattern that names it."""

    def optimizer(module):
        groups = {}
        for name, parameter in module.named_parameters():
            power = next((power for pattern, power in powers.items() if fnmatch.fnmatch(name, pattern)), 0.0)
            groups.setdefault(power, []).append(parameter)
        return make([{"params": each, "lr": rate * module.ratio**power} for power, each in groups.items()], lr=rate)

    return optimizer


def redrawn(build, stds):
    """A model of which modules named by a pattern have weights drawn anew, with a std at each width, or depth."""

    def rebuilt(width):
        module = build(width)
        for name, part in module.named_modules():
            for pattern, std in stds.items():
                if fnmatch.fnmatch(name, pattern) and getattr(part, "weight", None) is not None:
                    nn.init.normal_(part.weight, std=std(width))
        return module

    return rebuilt


def rerated(model, pattern, power, *, base):
    """A model with another power of the width in the rates of parameters named by a pattern."""

    def optimizer(module):
        found = model.optimizer(module)
        chosen = {id(p) for name, p in module.named_parameters() if fnmatch.fnmatch(name, pattern)}
        factor = (module.config.hidden_size / base) ** power
        groups = []
        for group in found.param_groups:
            for picked in (False, True):
                if each := [p for p in group["params"] if (id(p) in chosen) == picked]:
                    groups.append(group | {"params": each, "lr": group["lr"] * (factor if picked else 1.0)})
        found.param_groups = groups
        return found

    return replace(model, optimizer=optimizer)


class Perceptron(nn.Module):
    def __init__(self, width, *, hidden=1, bias=False, multiplier=lambda ratio: 1 / ratio):
        super().__init__()
        self.ratio = width / BASE
        self.multiplier = multiplier(self.ratio)
        self.enter = linear(12, width, bias=bias)
        self.hidden = nn.ModuleList(linear(width, width, bias=bias) for _ in range(hidden))
        self.leave = linear(width, CLASSES, std=BASE**-0.5)

    def forward(self, x):
        for layer in (self.enter, *self.hidden):
            x = F.relu(layer(x))
        return self.multiplier * self.leave(x)


class Branch(nn.Module):
    """A norm, and a perceptron of twice the width."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), linear(width, 2 * width), linear(2 * width, width)

    def forward(self, x):
        return self.down(F.gelu(self.up(self.norm(x))))


class ResidualNet(nn.Module):
    def __init__(self, width, *, branch=lambda ratio: 1.0, multiplier=lambda ratio: 1 / ratio):
        super().__init__()
        self.ratio = width / BASE
        self.branch, self.multiplier = branch(self.ratio), multiplier(self.ratio)
        self.enter, self.blocks = linear(12, width), nn.ModuleList(Branch(width) for _ in range(3))
        self.norm, self.leave = nn.LayerNorm(width), linear(width, CLASSES, std=BASE**-0.5)

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = x + self.branch * block(x)
        return self.multiplier * self.leave(self.norm(x))


class Attention(nn.Module):
    """Four heads, which grow."""

    def __init__(self, width, *, fused=False, scale=None, norms=False):
        super().__init__()
        self.fused, self.scale, self.norms = fused, scale or (lambda size: 4 / size), norms
        if fused:
            self.qkv = linear(width, 3 * width)
        else:
            self.q, self.k, self.v = (linear(width, width) for _ in range(3))
        if norms:
            self.q_norm, self.k_norm = nn.RMSNorm(width // 4), nn.RMSNorm(width // 4)
        self.out = linear(width, width)

    def forward(self, x):
        parts = self.qkv(x).chunk(3, dim=-1) if self.fused else (self.q(x), self.k(x), self.v(x))
        q, k, v = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in parts)
        if self.norms:
            q, k = self.q_norm(q), self.k_norm(k)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale(q.shape[-1]))
        return self.out(mixed.transpose(1, 2).flatten(-2))


class DecoderLayer(nn.Module):
    def __init__(self, width, **attention):
        super().__init__()
        self.norm, self.attention, self.mlp = nn.LayerNorm(width), Attention(width, **attention), Branch(width)

    def forward(self, x, factor=1.0):
        x = x + factor * self.attention(self.norm(x))
        return x + factor * self.mlp(x)


class LanguageModel(nn.Module):
    """A decoder of two layers, its readout tied or not."""

    def __init__(self, width, *, tied=False, embed=lambda width: 1.0, multiplier=lambda ratio: 1 / ratio, **attention):
        super().__init__()
        self.ratio = width / BASE
        self.embed, self.multiplier = embed(width), multiplier(self.ratio)
        self.tokens, self.places = nn.Embedding(TOKENS, width), nn.Embedding(LENGTH, width)
        self.layers = nn.ModuleList(DecoderLayer(width, **attention) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), linear(width, TOKENS, std=BASE**-0.5)
        if tied:
            self.head.weight = self.tokens.weight
            self.multiplier = self.multiplier / BASE**0.5

    def forward(self, tokens):
        x = self.embed * self.tokens(tokens) + self.places.weight
        for layer in self.layers:
            x = layer(x)
        return self.multiplier * self.head(self.norm(x)).transpose(1, 2)


class ConvNet(nn.Module):
    """A strided stem and two convolutions on a residual stream; with squeezed channels as gates, if so desired."""

    def __init__(self, width, *, squeezes=False):
        super().__init__()
        self.ratio, self.squeezes = width / BASE, squeezes
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        for convolution in (self.stem, *self.body):
            nn.init.kaiming_normal_(convolution.weight)
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2))
        if squeezes:
            self.squeeze, self.excite = linear(width, 16, std=BASE**0.5 / width), linear(16, width)
        self.leave = linear(width, CLASSES, std=BASE**-0.5)

    def forward(self, x):
        x = self.stem(x)
        for convolution, norm in zip(self.body, self.norms, strict=True):
            x = x + convolution(F.relu(norm(x)))
        if self.squeezes:
            gates = self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3))))).sigmoid()
            x = x * gates[:, :, None, None]
        return 1 / self.ratio * self.leave(x.mean(dim=(2, 3)))


class DepthwiseNet(nn.Module):
    """Patches, and two blocks of a depthwise convolution and a perceptron over channels."""

    def __init__(self, width):
        super().__init__()
        self.ratio = width / BASE
        self.patches = nn.Conv2d(3, width, 2, stride=2)
        self.depthwise = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, groups=width) for _ in range(2))
        self.channels = nn.ModuleList(Branch(width) for _ in range(2))
        self.norm, self.leave = nn.LayerNorm(width), linear(width, CLASSES, std=BASE**-0.5)

    def forward(self, x):
        x = self.patches(x)
        for depthwise, channels in zip(self.depthwise, self.channels, strict=True):
            x = x + channels(depthwise(x).movedim(1, -1)).movedim(-1, 1)
        return 1 / self.ratio * self.leave(self.norm(x.mean(dim=(2, 3))))


class Recurrent(nn.Module):
    """An LSTM over four steps, its weights as torch draws them, by the hidden size: those of three inputs too small."""

    def __init__(self, width):
        super().__init__()
        self.ratio, self.cell = width / BASE, nn.LSTM(3, width)
        self.leave = linear(width, CLASSES, std=BASE**-0.5)

    def forward(self, x):
        steps = x.unflatten(-1, (4, 3)).transpose(0, 1)
        return 1 / self.ratio * self.leave(self.cell(steps)[0][-1])


class TokenMixer(nn.Module):
    """A perceptron over eight places, whose number is fixed, and one over channels, twice."""

    def __init__(self, width):
        super().__init__()
        self.ratio, self.tokens = width / BASE, nn.Embedding(TOKENS, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.mixes = nn.ModuleList(linear(LENGTH, LENGTH) for _ in range(2))
        self.channels = nn.ModuleList(Branch(width) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), linear(width, TOKENS, std=BASE**-0.5)

    def forward(self, tokens):
        x = self.tokens(tokens)
        for norm, mix, channels in zip(self.norms, self.mixes, self.channels, strict=True):
            x = x + mix(norm(x).transpose(1, 2)).transpose(1, 2)
            x = x + channels(x)
        return 1 / self.ratio * self.head(self.norm(x)).transpose(1, 2)


class ViT(nn.Module):
    """Torch's own encoder layers behind patches and a class token; heads of one size, or so many at every width."""

    def __init__(self, width, *, heads=None):
        super().__init__()
        self.ratio, self.patches = width / BASE, nn.Conv2d(3, width, 4, stride=4)
        self.start, self.places = nn.Parameter(torch.randn(width)), nn.Parameter(0.5 * torch.randn(5, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads or width // 8, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(2)
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.start.expand(len(x), 1, -1), x], dim=1) + self.places
        for layer in self.layers:
            x = layer(x)
        return 1 / self.ratio * self.head(self.norm(x[:, 0]))


class DeepPerceptron(nn.Module):
    """Blocks behind norms, of so many at one width, with a factor on what each adds."""

    def __init__(self, depth, *, factor=lambda depth: 1 / depth):
        super().__init__()
        self.ratio, self.factor = depth / 4, factor(depth)
        self.enter, self.blocks = linear(12, 32), nn.ModuleList(Branch(32) for _ in range(depth))
        self.norm, self.leave = nn.LayerNorm(32), linear(32, CLASSES)

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = x + self.factor * block(x)
        return self.leave(self.norm(x))


class DeepDecoder(nn.Module):
    """So many layers of a decoder at one width, with a factor on what attention and perceptrons add."""

    def __init__(self, depth, *, factor=lambda depth: 1 / depth):
        super().__init__()
        self.ratio, self.factor = depth / 4, factor(depth)
        self.tokens = nn.Embedding(TOKENS, 32)
        self.layers = nn.ModuleList(DecoderLayer(32) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(32), linear(32, TOKENS)

    def forward(self, tokens):
        x = self.tokens(tokens)
        for layer in self.layers:
            x = layer(x, self.factor)
        return self.head(self.norm(x)).transpose(1, 2)


DRAW = torch.Generator().manual_seed(11)
ROWS = [(torch.randn(16, 12, generator=DRAW), torch.randint(CLASSES, (16,), generator=DRAW)) for _ in range(4)]
PICTURES = [(torch.randn(6, 3, 8, 8, generator=DRAW), torch.randint(CLASSES, (6,), generator=DRAW)) for _ in range(4)]
TEXT = [(torch.randint(TOKENS, (4, LENGTH), generator=DRAW),) * 2 for _ in range(4)]
TEXT = [(tokens, tokens.roll(-1, dims=1)) for tokens, _ in TEXT]


def model(build, optimizer, batches=ROWS, **options):
    return tc.Model(build, optimizer, batches, loss=F.cross_entropy, **options)
