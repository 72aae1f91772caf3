"""Gates for models of one's own: copy what resembles yours, and change the model."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCABULARY, LENGTH, BASE_WIDTH = 32, 8, 64


class Attention(nn.Module):
    """Causal attention of four heads; maximal update divides by their size, standard practice by its root."""

    def __init__(self, width: int, *, heads: int = 4, maximal_update: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (BASE_WIDTH / heads) ** 0.5 / (width / heads) if maximal_update else (width / heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for part in self.qkv(x).chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=self.scale)
        return self.proj(mixed.transpose(-2, -3).flatten(-2))


class Block(nn.Module):
    """One layer of a decoder."""

    def __init__(self, width: int, *, maximal_update: bool) -> None:
        super().__init__()
        self.ln1, self.attn = nn.LayerNorm(width), Attention(width, maximal_update=maximal_update)
        self.ln2, self.fc1, self.fc2 = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x))
        return x + self.fc2(F.gelu(self.fc1(self.ln2(x))))


class Decoder(nn.Module):
    """A decoder-only transformer of four layers."""

    def __init__(self, width: int, *, maximal_update: bool = True) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(Block(width, maximal_update=maximal_update) for _ in range(4))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCABULARY, bias=False)
        self.multiplier = BASE_WIDTH / width if maximal_update else 1.0
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                embeds, reads = "tokens" in name or "places" in name, name == "head.weight" and maximal_update
                fan_in = 1 if embeds else BASE_WIDTH if reads else parameter.shape[1]
                nn.init.normal_(parameter, std=fan_in**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.multiplier * self.head(self.norm(x))


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    """One learning rate for all, as standard parametrization has it."""
    return torch.optim.AdamW(model.parameters(), lr=5e-4)


def scaled_adamw(model: nn.Module) -> torch.optim.Optimizer:
    """Maximal update: the learning rate of hidden matrices falls as one over the width."""
    hidden = [p for name, p in model.named_parameters() if p.ndim == 2 and name.startswith("blocks")]
    others = [p for name, p in model.named_parameters() if not (p.ndim == 2 and name.startswith("blocks"))]
    width = model.norm.weight.shape[0]
    return torch.optim.AdamW(
        [{"params": others}, {"params": hidden, "lr": 5e-4 * BASE_WIDTH / width}], lr=5e-4, weight_decay=0.0
    )


def token_batches() -> list[tuple[Tensor, Tensor]]:
    """One batch for four steps: sequences, each to be continued by the next token of a cycle."""
    tokens = torch.randint(VOCABULARY, (4, LENGTH), generator=torch.Generator().manual_seed(0))
    return [(tokens, (3 * tokens + 1) % VOCABULARY)] * 4


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy, in nats a token."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
