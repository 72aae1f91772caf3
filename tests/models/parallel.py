"""Models of any number of heads or experts on a stream of one width, as their owners would write them."""

import functools

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.models.deep import linear

WIDTH, SIZE, OUTPUTS, FIRST = 32, 8, 4, 4
NUMBERS = (4, 8, 16, 32, 64)
FEWER = (4, 8, 12, 16, 32)
"""So few that two thousand rows reach them all."""


class Attention(nn.Module):
    """Causal attention of heads of one size, which may share their keys and values."""

    def __init__(self, heads, *, init=1.0, shared=False):
        super().__init__()
        self.heads, self.shared = heads, shared
        self.q_proj = linear(WIDTH, SIZE * heads)
        self.k_proj, self.v_proj = (linear(WIDTH, SIZE if shared else SIZE * heads) for _ in range(2))
        self.o_proj = linear(SIZE * heads, WIDTH)
        nn.init.normal_(self.o_proj.weight, std=SIZE**-0.5 * (FIRST / heads) ** init / 4)

    def forward(self, x):
        projected = [project(x) for project in (self.q_proj, self.k_proj, self.v_proj)]
        by_head = [part.unflatten(-1, (-1, SIZE)).transpose(1, 2) for part in projected]
        mixed = F.scaled_dot_product_attention(*by_head, is_causal=True, enable_gqa=self.shared)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class Attending(nn.Module):
    """One layer of attention on a residual stream."""

    def __init__(self, heads, *, multiplier=0.0, **options):
        super().__init__()
        self.number, self.scale = heads, (heads / FIRST) ** multiplier
        self.enter, self.attn, self.leave = linear(WIDTH, WIDTH), Attention(heads, **options), linear(WIDTH, OUTPUTS)

    def forward(self, x):
        x = self.enter(x)
        return self.leave(x + self.scale * self.attn(x))


class Expert(nn.Module):
    """Two matrices and a ReLU."""

    def __init__(self):
        super().__init__()
        self.up, self.down = linear(WIDTH, WIDTH), linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.down(torch.relu(self.up(x)))


class Averaged(nn.Module):
    """All experts, each with a weight of number^-power."""

    def __init__(self, experts, *, power=1.0):
        super().__init__()
        self.experts, self.scale = nn.ModuleList(Expert() for _ in range(experts)), experts**-power

    def forward(self, x):
        return self.scale * sum(expert(x) for expert in self.experts)


class Soft(nn.Module):
    """All experts, with the weights of a softmax times number^(1 - power)."""

    def __init__(self, experts, *, power=1.0):
        super().__init__()
        self.router = linear(WIDTH, experts)
        self.experts, self.scale = nn.ModuleList(Expert() for _ in range(experts)), experts ** (1 - power)

    def forward(self, x):
        weights = F.softmax(self.router(x), dim=-1)
        return self.scale * sum(w * expert(x) for w, expert in zip(weights.split(1, -1), self.experts, strict=True))


class Routed(nn.Module):
    """Two experts for each row, whose weights add up to number^(1 - power) over four^(1 - power)."""

    def __init__(self, experts, *, power=1.0):
        super().__init__()
        self.router = linear(WIDTH, experts)
        self.experts, self.scale = nn.ModuleList(Expert() for _ in range(experts)), (experts / FIRST) ** (1 - power)

    def forward(self, x):
        logits, chosen = self.router(x).topk(2, dim=-1)
        weights, mixed = self.scale * F.softmax(logits, dim=-1), torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            row, place = (chosen == number).nonzero(as_tuple=True)
            mixed = mixed.index_add(0, row, weights[row, place, None] * expert(x[row]))
        return mixed


class Falling(Routed):
    """Two experts for each row, with weights of a softmax over all, which fall as there are more."""

    def forward(self, x):
        logits = self.router(x)
        chosen = logits.topk(2, dim=-1).indices
        given = self.scale * logits.softmax(dim=-1).gather(-1, chosen)
        mixed = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            row, place = (chosen == number).nonzero(as_tuple=True)
            mixed = mixed.index_add(0, row, given[row, place, None] * expert(x[row]))
        return mixed


class InOne(nn.Module):
    """All experts as matrices of one parameter, and their router."""

    def __init__(self, experts, *, power=1.0):
        super().__init__()
        self.router, self.scale = linear(WIDTH, experts), experts ** (1 - power)
        self.up, self.down = (nn.Parameter(WIDTH**-0.5 * torch.randn(experts, WIDTH, WIDTH)) for _ in range(2))

    def weights(self, x):
        return F.softmax(self.router(x), dim=-1)

    def forward(self, x):
        hidden = torch.relu(torch.einsum("rd,edw->rew", x, self.up))
        return self.scale * torch.einsum("re,rew,ewd->rd", self.weights(x), hidden, self.down)


class RoutedInOne(InOne):
    """Two of them for each row."""

    def weights(self, x):
        logits, chosen = self.router(x).topk(2, dim=-1)
        return torch.zeros(len(x), len(self.up)).scatter(1, chosen, F.softmax(logits, dim=-1))


class Mixing(nn.Module):
    """One mixture on a residual stream, or in the place of one."""

    def __init__(self, experts, *, mixture=Averaged, residual=True, **options):
        super().__init__()
        self.number, self.residual = experts, residual
        self.enter, self.moe, self.leave = linear(WIDTH, WIDTH), mixture(experts, **options), linear(WIDTH, OUTPUTS)

    def forward(self, x):
        x = self.enter(x)
        return self.leave(self.residual * x + self.moe(x))


def adam(module, *, slow, slower, rate=1e-2):
    """Adam, with rates of number^-slower where a name begins with one of some words."""
    named = dict(module.named_parameters())
    inside = [name for name in named if name.startswith(slow)]
    groups = [
        {"params": [named[name] for name in named if name not in inside]},
        {"params": [named[name] for name in inside], "lr": rate * (FIRST / module.number) ** slower},
    ]
    return torch.optim.Adam(groups, lr=rate, eps=1e-12)


def batches(*rows):
    """Four of them, of targets that depend on the inputs."""
    draw = torch.Generator().manual_seed(0)
    projection = WIDTH**-0.5 * torch.randn(WIDTH, OUTPUTS, generator=draw)
    inputs = [torch.randn(*rows, WIDTH, generator=draw) for _ in range(4)]
    return [(x, torch.sin(x @ projection)) for x in inputs]


def attending(build=Attending, *, slower=1.0, slow=("attn.o_proj",), **options):
    optimizer = functools.partial(adam, slow=slow, slower=slower)
    build = functools.partial(build, **options)
    return tc.Model(build, optimizer, batches(16, 8), loss=F.mse_loss, axis="heads", name="attention")


def mixing(build=Mixing, *, slower=0.0, rows=512, roles=(), **options):
    optimizer = functools.partial(adam, slow=("moe.experts", "moe.up", "moe.down"), slower=slower, rate=3e-3)
    build = functools.partial(build, **options)
    return tc.Model(build, optimizer, batches(rows), loss=F.mse_loss, axis="experts", name="mixture", roles=dict(roles))
