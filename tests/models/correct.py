"""Ten models of different kinds in maximal update, as their owners would write them."""

import functools

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc

BASE, TOKENS, LENGTH = 64, 16, 8


def readout(width, outputs):
    """Entries of one size at every width: what it returns is to be multiplied by BASE / width."""
    layer = nn.Linear(width, outputs, bias=False)
    nn.init.normal_(layer.weight, std=BASE**-0.5)
    return layer


def linear(fan_in, fan_out):
    """A hidden or input matrix without a bias, its entries of size fan_in^-1/2."""
    layer = nn.Linear(fan_in, fan_out, bias=False)
    nn.init.normal_(layer.weight, std=fan_in**-0.5)
    return layer


def adam(module, *, hidden, rate=2e-3):
    """Adam with a learning rate of one over the width for hidden matrices, whose names hold one of the words."""
    named = dict(module.named_parameters())
    scaled = [p for name, p in named.items() if p.ndim > 1 and any(word in name for word in hidden)]
    others = [p for p in named.values() if all(p is not other for other in scaled)]
    return torch.optim.Adam([{"params": others}, {"params": scaled, "lr": rate * BASE / module.width}], lr=rate)


class Perceptron(nn.Module):
    """Two hidden layers of ReLU units."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.hidden, self.leave = linear(16, width), linear(width, width), readout(width, 4)

    def forward(self, x):
        return BASE / self.width * self.leave(torch.relu(self.hidden(torch.relu(self.enter(x)))))


def sgd(module, rate=0.2):
    """SGD with learning rates that grow as the width, but for hidden matrices."""
    ratio = module.width / BASE
    others = [module.enter.weight, module.leave.weight]
    return torch.optim.SGD([{"params": [module.hidden.weight]}, {"params": others, "lr": rate * ratio}], lr=rate)


class Residual(nn.Module):
    """Four residual layers with norms, as on tables of features."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.leave = nn.Linear(16, width), readout(width, 4)
        self.layers = nn.ModuleList(linear(width, width) for _ in range(4))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(5))

    def forward(self, x):
        x = self.enter(x)
        for layer, norm in zip(self.layers, self.norms[:4], strict=True):
            x = x + F.gelu(layer(norm(x)))
        return BASE / self.width * self.leave(self.norms[4](x))


class Convolutional(nn.Module):
    """A stem and a residual block of a column and a row of three, with group norms."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.stem = nn.Conv2d(1, width, 3, stride=2, padding=1)
        self.body = nn.ModuleList(
            nn.Conv2d(width, width, size, padding="same", bias=False) for size in ((3, 1), (1, 3))
        )
        self.norms, self.leave = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2)), readout(width, 4)
        for convolution in (self.stem, *self.body):
            nn.init.kaiming_normal_(convolution.weight)

    def forward(self, x):
        x = self.stem(x)
        inner = self.body[0](torch.relu(self.norms[0](x)))
        x = x + self.body[1](torch.relu(self.norms[1](inner)))
        return BASE / self.width * self.leave(x.mean(dim=(-2, -1)))


class Attention(nn.Module):
    """Causal or full attention of four heads that grow, whose logits are divided by their size."""

    def __init__(self, width, *, causal=True):
        super().__init__()
        self.query, self.key, self.value, self.out = (linear(width, width) for _ in range(4))
        self.causal = causal

    def forward(self, x):
        query, key, value = (
            part(x).unflatten(-1, (4, -1)).transpose(-2, -3) for part in (self.query, self.key, self.value)
        )
        scale = (BASE / 4) ** 0.5 / query.shape[-1]
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal, scale=scale)
        return self.out(mixed.transpose(-2, -3).flatten(-2))


class Decoder(nn.Module):
    """A layer of a language model with gated units and root mean square norms."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.tokens, self.places = nn.Embedding(TOKENS, width), nn.Embedding(LENGTH, width)
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in range(3))
        self.attention = Attention(width)
        self.gate, self.up, self.down = linear(width, width), linear(width, width), linear(width, width)
        self.leave = readout(width, TOKENS)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places.weight
        x = x + self.attention(self.norms[0](x))
        inner = self.norms[1](x)
        x = x + self.down(F.silu(self.gate(inner)) * self.up(inner))
        return BASE / self.width * self.leave(self.norms[2](x)).transpose(1, 2)


class Vision(nn.Module):
    """A vision transformer's encoder: patches, a class token, torch's own norms."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.place = nn.Linear(4, width), nn.Parameter(torch.randn(5, width))
        self.start = nn.Parameter(torch.randn(width))
        self.norms, self.leave = nn.ModuleList(nn.LayerNorm(width) for _ in range(3)), readout(width, 4)
        self.attention, self.up, self.down = Attention(width, causal=False), linear(width, width), linear(width, width)

    def forward(self, x):
        x = torch.cat([self.start.expand(len(x), 1, -1), self.enter(x.unflatten(-1, (4, 4)))], dim=1) + self.place
        x = x + self.attention(self.norms[0](x))
        x = x + self.down(F.gelu(self.up(self.norms[1](x))))
        return BASE / self.width * self.leave(self.norms[2](x)[:, 0])


class Recurrent(nn.Module):
    """An LSTM over eight numbers, read out at its end."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.cell, self.leave = nn.LSTM(2, width, batch_first=True), readout(width, 4)
        for parameter in self.cell.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            else:
                nn.init.zeros_(parameter)

    def forward(self, x):
        return BASE / self.width * self.leave(self.cell(x.unflatten(-1, (8, 2)))[0][:, -1])


class Mixer(nn.Module):
    """A mixer: one perceptron over four patches, whose number is fixed, and one over channels."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.norms = nn.Linear(4, width), nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.patches, self.leave = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 4)), readout(width, 4)
        self.channels = nn.Sequential(linear(width, width), nn.GELU(), linear(width, width))

    def forward(self, x):
        x = self.enter(x.unflatten(-1, (4, 4)))
        x = x + self.patches(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channels(self.norms[1](x))
        return BASE / self.width * self.leave(self.norms[2](x).mean(dim=1))


class Graph(nn.Module):
    """Two rounds of messages on a fixed graph of eight nodes, each with two features."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.leave = nn.Linear(2, width), readout(width, 4)
        self.messages = nn.ModuleList(linear(width, width) for _ in range(2))
        self.selves = nn.ModuleList(linear(width, width) for _ in range(2))
        edges = torch.rand(8, 8, generator=torch.Generator().manual_seed(3)) < 0.4
        edges = (edges | edges.T).float() + torch.eye(8)
        self.register_buffer("edges", edges / edges.sum(dim=1, keepdim=True))

    def forward(self, x):
        x = torch.relu(self.enter(x.unflatten(-1, (8, 2))))
        for message, own in zip(self.messages, self.selves, strict=True):
            x = torch.relu(own(x) + self.edges @ message(x))
        return BASE / self.width * self.leave(x.mean(dim=1))


class Experts(nn.Module):
    """A dense mixture of four experts, weighted by a router that is read out as the model's outputs are."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.leave, self.router = nn.Linear(16, width), readout(width, 4), linear(width, 4)
        nn.init.normal_(self.router.weight, std=BASE**0.5 / width)
        self.up = nn.ModuleList(linear(width, width) for _ in range(4))
        self.down = nn.ModuleList(linear(width, width) for _ in range(4))

    def forward(self, x):
        x = torch.tanh(self.enter(x))
        shares = self.router(x).softmax(dim=-1)
        each = [down(F.gelu(up(x))) for up, down in zip(self.up, self.down, strict=True)]
        return BASE / self.width * self.leave(x + (shares.unsqueeze(-1) * torch.stack(each, dim=-2)).sum(dim=-2))


class Gpt2(nn.Module):
    """Hugging Face's GPT-2 of one layer, with heads of one size, its readout tied to the embedding."""

    def __init__(self, width):
        super().__init__()
        import transformers

        config = transformers.GPT2Config(
            vocab_size=TOKENS, n_positions=LENGTH, n_embd=width, n_layer=1, n_head=width // 16, use_cache=False,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
        self.width, self.model = width, transformers.GPT2LMHeadModel(config)
        for name, parameter in self.model.named_parameters():
            if parameter.ndim == 2:
                embeds = "wte" in name or "wpe" in name
                nn.init.normal_(parameter, std=1.0 if embeds else parameter.shape[0] ** -0.5)

    def forward(self, tokens):
        return BASE / self.width / 8 * self.model(input_ids=tokens).logits.transpose(1, 2)


DRAW = torch.Generator().manual_seed(0)
ROWS = [(torch.randn(16, 16, generator=DRAW), torch.randint(4, (16,), generator=DRAW))] * 4
IMAGES = [(rows[:8].reshape(8, 1, 4, 4), labels[:8]) for rows, labels in ROWS]
TEXT = [(text := torch.randint(TOKENS, (4, LENGTH), generator=DRAW), (3 * text + 1) % TOKENS)] * 4


def model(build, optimizer, batches):
    return tc.Model(build, optimizer, batches, loss=F.cross_entropy, name=build.__name__.lower())


MODELS = {
    found.name: found
    for found in (
        model(Perceptron, sgd, ROWS),
        model(Residual, functools.partial(adam, hidden=["layers"]), ROWS),
        model(Convolutional, functools.partial(adam, hidden=["body"]), IMAGES),
        model(Decoder, functools.partial(adam, hidden=["attention", "gate", "up", "down"]), TEXT),
        model(Vision, functools.partial(adam, hidden=["attention", "up", "down"], rate=2e-4), ROWS),
        model(Recurrent, functools.partial(adam, hidden=["weight_hh"]), ROWS),
        model(Mixer, functools.partial(adam, hidden=["channels"], rate=5e-4), ROWS),
        model(Graph, functools.partial(adam, hidden=["messages", "selves"]), ROWS),
        model(Experts, functools.partial(adam, hidden=["up", "down", "router"]), ROWS),
        model(Gpt2, functools.partial(adam, hidden=["model.transformer.h"]), TEXT),
    )
}
