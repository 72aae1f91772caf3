"""Small models of many kinds, for the tests of what a gate makes of them."""

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from theorychecks.models import anatomy
from theorychecks.models.state import as_it_was
from theorychecks.models.training import drawn

BASE = 8


def pairs(count=3, *, inputs=5, outputs=3, samples=6):
    draw = torch.Generator().manual_seed(1)
    return [
        (torch.randn(samples, inputs, generator=draw), torch.randn(samples, outputs, generator=draw))
        for _ in range(count)
    ]


def tokens(count=3, *, vocabulary=7, length=5):
    found = torch.randint(vocabulary, (4, length), generator=torch.Generator().manual_seed(2))
    return [(found, (found + 1) % vocabulary)] * count


def sgd(module):
    return torch.optim.SGD(module.parameters(), lr=0.1)


def adam(module):
    return torch.optim.Adam(module.parameters(), lr=0.01)


def next_token(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Plain(nn.Module):
    """Two hidden layers, a norm, and a readout behind a multiplier."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second, self.norm = nn.Linear(5, width), nn.Linear(width, width), nn.LayerNorm(width)
        self.head = nn.Linear(width, 3, bias=False)
        self.multiplier = BASE / width

    def forward(self, x):
        return self.multiplier * self.head(self.norm(torch.tanh(self.second(torch.tanh(self.first(x))))))


class Reused(nn.Module):
    """One hidden layer, called three times."""

    def __init__(self, width):
        super().__init__()
        self.first, self.again, self.head = nn.Linear(5, width), nn.Linear(width, width), nn.Linear(width, 3)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for _ in range(3):
            x = x + torch.tanh(self.again(x))
        return self.head(x)


class Tied(nn.Module):
    """An embedding that is the readout as well."""

    def __init__(self, width):
        super().__init__()
        self.tokens, self.hidden = nn.Embedding(7, width), nn.Linear(width, width)
        self.head = nn.Linear(width, 7, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x):
        return self.head(torch.tanh(self.hidden(self.tokens(x))))


class Attentive(nn.Module):
    """Torch's own attention, of two heads that grow, or of more and more heads of one size."""

    def __init__(self, width, *, more_heads=False):
        super().__init__()
        self.tokens = nn.Embedding(7, width)
        self.attention = nn.MultiheadAttention(width, width // 4 if more_heads else 2, batch_first=True)
        self.head = nn.Linear(width, 7, bias=False)

    def forward(self, x):
        x = self.tokens(x)
        return self.head(x + self.attention(x, x, x, need_weights=False)[0])


class Convolutional(nn.Module):
    """Two convolutions and a readout."""

    def __init__(self, width):
        super().__init__()
        self.stem, self.body = nn.Conv1d(1, width, 3, padding=1), nn.Conv1d(width, width, 3, padding=1)
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(torch.relu(self.body(torch.relu(self.stem(x[:, None])))).mean(dim=-1))


class OwnLoss(nn.Module):
    """Keywords in, a dictionary with a loss out."""

    def __init__(self, width):
        super().__init__()
        self.inner = Plain(width)

    def forward(self, values, labels):
        found = self.inner(values)
        return {"loss": F.mse_loss(found, labels), "found": found}


class Fused(nn.Module):
    """One matrix onto what grows, half the width, and six entries that do not; in maximal update by `scaled_adam`.

    Those six are drawn as the others are, or smaller by n^-1/2, as output-like ones.
    """

    def __init__(self, width, *, half=lambda width: width // 2, fixed=0.0, growing=0.0, cut=None):
        super().__init__()
        self.sizes, self.cut = [half(width), 6], cut or (lambda fused, sizes: fused.split(sizes, dim=-1))
        self.first, self.second = nn.Linear(5, width, bias=False), nn.Linear(width, sum(self.sizes), bias=False)
        self.wide, self.fixed = nn.Linear(self.sizes[0], width, bias=False), nn.Linear(6, width, bias=False)
        self.head, self.multiplier = nn.Linear(width, 3, bias=False), BASE / width
        for layer in (self.first, self.second, self.wide, self.fixed):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        nn.init.normal_(self.head.weight, std=BASE**-0.5)
        with torch.no_grad():
            self.second.weight[: self.sizes[0]] *= (width / BASE) ** growing
            self.second.weight[self.sizes[0] :] *= (width / BASE) ** fixed

    def forward(self, x):
        wide, fixed = self.cut(self.second(torch.tanh(self.first(x))), self.sizes)
        return self.multiplier * self.head(torch.tanh(self.wide(wide) + self.fixed(fixed)))


class Dropped(nn.Module):
    """Dropout between two layers, and a batch norm with buffers."""

    def __init__(self, width):
        super().__init__()
        self.first, self.norm = nn.Linear(5, width), nn.BatchNorm1d(width)
        self.dropout, self.head = nn.Dropout(0.5), nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.dropout(torch.tanh(self.norm(self.first(x)))))


def plain(**changes):
    given = {"build": Plain, "optimizer": sgd, "batches": pairs(), "loss": F.mse_loss, "name": "plain"} | changes
    return tc.Model(given.pop("build"), given.pop("optimizer"), given.pop("batches"), **given)


def keywords(count=3):
    return [{"values": x, "labels": y} for x, y in pairs(count)]


MODELS = {
    "plain": plain(),
    "reused": plain(build=Reused),
    "tied": plain(build=Tied, batches=tokens(), loss=next_token),
    "attentive": plain(build=Attentive, optimizer=adam, batches=tokens(), loss=next_token),
    "convolutional": plain(build=Convolutional, optimizer=adam),
    "own loss": plain(build=OwnLoss, batches=keywords(), loss=None),
    "dropped": plain(build=Dropped),
}


def parts_of(model, *, widths=(8, 16)):
    with as_it_was():
        narrow, wide = (drawn(model, width, (0,), 0, 1) for width in widths)
        return anatomy(model, narrow.module, wide.module, widths, narrow.batches[0])


class Wrapped(nn.Module):
    """A model within a model, which hands on or changes what it returns."""

    def __init__(self, width, change=lambda y: y):
        super().__init__()
        self.inner, self.change = Plain(width), change

    def forward(self, x):
        return self.change(self.inner(x))


WIDTHS = (16, 32, 64, 128, 256)
"""Narrow, and the fewest that there may be."""


class Perceptron(nn.Module):
    """Two hidden layers in maximal update, whose readout has a multiplier and starts from zero or not."""

    def __init__(self, width, *, readout=0.0, multiplier=True):
        super().__init__()
        self.first, self.second = nn.Linear(5, width, bias=False), nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, 3, bias=False)
        self.multiplier = WIDTHS[0] / width if multiplier else 1.0
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        nn.init.normal_(self.head.weight, std=readout)

    def forward(self, x):
        return self.multiplier * self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


def scaled_adam(module, *, hidden=-1.0, input=0.0, rate=3e-3):
    """Adam in maximal update, or with other powers of the width in a learning rate."""
    ratio = module.second.weight.shape[0] / WIDTHS[0]
    return torch.optim.Adam(
        [
            {"params": [module.first.weight], "lr": rate * ratio**input},
            {"params": [module.second.weight], "lr": rate * ratio**hidden},
            {"params": [module.head.weight], "lr": rate},
        ]
    )


def perceptron(**changes):
    given = {"build": Perceptron, "optimizer": scaled_adam, "batches": pairs(samples=16), "name": "perceptron"}
    return plain(**given | changes)
