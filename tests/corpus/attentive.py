"""Correct models with attention or the like, in plain torch: decoders along width and depth, experts, two towers."""

import math

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.corpus.by_hand import BASE, DRAW, LENGTH, TOKENS, by_role, dense, head
from tests.corpus.entry import Entry


class Attention(nn.Module):
    """Causal attention of heads of eight entries each, whose queries and keys are normalised."""

    def __init__(self, width):
        super().__init__()
        self.query, self.key, self.value, self.out = (dense(width, width) for _ in range(4))
        self.norms = nn.ModuleList(nn.RMSNorm(8) for _ in range(2))

    def forward(self, x):
        query, key, value = (layer(x).unflatten(-1, (-1, 8)) for layer in (self.query, self.key, self.value))
        query, key = (norm(part).transpose(1, 2) for norm, part in zip(self.norms, (query, key), strict=True))
        mixed = F.scaled_dot_product_attention(query, key, value.transpose(1, 2), is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and gated units behind root mean square norms; what each adds is multiplied."""

    def __init__(self, width, share=1.0):
        super().__init__()
        self.share, self.norms = share, nn.ModuleList(nn.RMSNorm(width) for _ in range(2))
        self.attention = Attention(width)
        self.gate, self.up, self.down = dense(width, 2 * width), dense(width, 2 * width), dense(2 * width, width)

    def forward(self, x):
        x = x + self.share * self.attention(self.norms[0](x))
        inner = self.norms[1](x)
        return x + self.share * self.down(F.silu(self.gate(inner)) * self.up(inner))


class Decoder(nn.Module):
    """A language model of a number of blocks."""

    def __init__(self, width, depth=2, share=1.0):
        super().__init__()
        self.width, self.depth = width, depth
        self.tokens, self.places = nn.Embedding(TOKENS, width), nn.Parameter(torch.randn(LENGTH, width))
        self.blocks = nn.ModuleList(Block(width, share) for _ in range(depth))
        self.norm, self.head = nn.RMSNorm(width), head(width, TOKENS)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).transpose(1, 2)


EMBEDDINGS = ("tokens", "places")


def deep(depth):
    """A decoder of one width, each of whose branches adds one over the number of blocks."""
    return Decoder(32, depth, share=2 / depth)


def deep_adam(module):
    return torch.optim.Adam(module.parameters(), lr=1e-3, eps=1e-12)


def decayed(module, rate=2e-3, decay=0.1):
    """AdamW: matrices, but not vectors and embeddings, are decayed by the same share a step at every width."""
    others, scaled = by_role(module, rate, ones=EMBEDDINGS)
    scaled |= {"weight_decay": decay * module.width / BASE}
    return torch.optim.AdamW([others | {"weight_decay": 0.0}, scaled], betas=(0.9, 0.95))


def muon_and_adamw(module):
    """Muon for matrices of blocks and AdamW for all else, warmed up over two steps, gradients clipped."""
    named = dict(module.named_parameters())
    hidden = [p for name, p in named.items() if "blocks" in name and p.ndim == 2]
    others = [p for name, p in named.items() if p.ndim == 1 or name in ("tokens.weight", "places")]
    muon = torch.optim.Muon(hidden, lr=0.02, momentum=0.95, weight_decay=0.0)
    readout = {"params": [module.head.weight], "lr": 2e-3 * BASE / module.width}
    adamw = torch.optim.AdamW([{"params": others}, readout], lr=2e-3, betas=(0.8, 0.95), weight_decay=0.0)
    optimizers = [muon, adamw]
    warm_ups = [torch.optim.lr_scheduler.LambdaLR(each, lambda step: min((step + 1) / 3, 1)) for each in optimizers]

    def step(batch):
        tokens, targets = batch
        loss = F.cross_entropy(module(tokens), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        for each in (*optimizers, *warm_ups):
            each.step()
        for each in optimizers:
            each.zero_grad()

    return step


class Expert(nn.Module):
    """A perceptron of an expert's own."""

    def __init__(self, width):
        super().__init__()
        self.up, self.down = dense(width, 2 * width), dense(2 * width, width)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))


class SoftExperts(nn.Module):
    """Three experts with a slot each: tokens go to slots, and come back from them, in shares that a router reads out."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.enter, self.norms = nn.Linear(3, width), nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.router, self.experts = head(width, 3), nn.ModuleList(Expert(width) for _ in range(3))
        self.share, self.leave = nn.Parameter(torch.full((width,), 0.3)), head(width, 4)

    def forward(self, x):
        x = self.enter(x)
        inner = self.norms[0](x)
        routed = self.router(inner)
        slots = (routed.softmax(dim=1).transpose(1, 2) @ inner).unbind(1)
        answers = torch.stack([expert(slot) for expert, slot in zip(self.experts, slots, strict=True)], dim=1)
        x = x + self.share * (routed.softmax(dim=2) @ answers)
        return self.leave(self.norms[1](x).mean(dim=1))


class Tower(nn.Module):
    """An embedding of what it is given, and a perceptron that ends in as many numbers as it is wide."""

    def __init__(self, enter, width):
        super().__init__()
        self.enter, self.inner, self.project = enter, dense(width, width), dense(width, width)

    def forward(self, x):
        return self.project(torch.tanh(self.inner(torch.tanh(self.enter(x)))))


class TwoTowers(nn.Module):
    """Images and captions, whose likeness is the cosine of what two towers make of them, times a learned number."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.image = Tower(nn.Linear(16, width), width)
        self.caption = Tower(nn.EmbeddingBag(TOKENS, width, mode="mean"), width)
        self.temperature = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, image, caption):
        image, caption = F.normalize(self.image(image), dim=1), F.normalize(self.caption(caption), dim=1)
        return self.temperature.exp() * image @ caption.T


def both_ways(logits, labels):
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


START = torch.randint(TOKENS, (4, 1), generator=DRAW)
LINES = (START + 5 * torch.arange(LENGTH + 1)) % TOKENS
TEXT = [(LINES[:, :-1], LINES[:, 1:])] * 4
POINTS = [(torch.randn(8, 6, 3, generator=DRAW), torch.randint(4, (8,), generator=DRAW))] * 4
PAIRS = [((torch.randn(8, 16, generator=DRAW), torch.randint(TOKENS, (8, 5), generator=DRAW)), torch.arange(8))] * 4
WIDTHS = tc.widths(32, 512)

ENTRIES = (
    Entry(
        "deep_decoder",
        lambda: tc.Model(deep, deep_adam, TEXT, loss=F.cross_entropy, axis="depth"),
        (4, 8, 16, 32, 64),
        tc.COMPLETE_P,
    ),
    Entry("decayed_decoder", lambda: tc.Model(Decoder, decayed, TEXT, loss=F.cross_entropy), WIDTHS),
    Entry(
        "muon_decoder",
        lambda: tc.Model(Decoder, muon_and_adamw, TEXT, loss=F.cross_entropy),
        (32, 56, 96, 160, 256),
    ),
    Entry(
        "soft_experts",
        lambda: tc.Model(
            SoftExperts, lambda m: torch.optim.Adam(by_role(m, 1e-3, ones=("enter",))), POINTS, loss=F.cross_entropy
        ),
        WIDTHS,
    ),
    Entry(
        "two_towers",
        lambda: tc.Model(
            TwoTowers, lambda m: torch.optim.Adam(by_role(m, 1e-3, ones=("enter",))), PAIRS, loss=both_ways
        ),
        WIDTHS,
    ),
)
