"""Small models of one's own, in double precision, for the tests of the module engine."""

import copy
import functools

import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.networks.randomness import integer

STEPS = 3
SEEDS = (0, 3, 4)
WIDTH = 16
DRAW = torch.Generator().manual_seed(0)
IMAGES = [(torch.randn(5, 2, 6, 6, generator=DRAW, dtype=torch.float64), torch.randint(3, (5,), generator=DRAW))]
IMAGES += [(torch.randn(5, 2, 6, 6, generator=DRAW, dtype=torch.float64), torch.randint(3, (5,), generator=DRAW))] * 2
TOKENS = torch.randint(7, (3, 4, 6), generator=DRAW)
TEXT = [(tokens, (tokens + 1) % 7) for tokens in TOKENS]
ROWS = [
    (torch.randn(6, 5, generator=DRAW, dtype=torch.float64), torch.randn(6, 3, generator=DRAW, dtype=torch.float64))
    for _ in range(STEPS)
]


class Residual(nn.Module):
    """A stem, two residual blocks of which one is strided, and a readout; biases everywhere."""

    def __init__(self, width, norm=nn.Identity):
        super().__init__()
        self.stem = nn.Conv2d(2, width, 3, padding=1)
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1, groups=4)
        self.down, self.skip = nn.Conv2d(width, width, 3, stride=2), nn.Conv2d(width, width, 1, stride=2)
        self.norm, self.head = norm(width), nn.Linear(width, 3)
        self.double()

    def forward(self, x):
        x = self.norm(self.stem(x))
        x = x + self.second(torch.relu(self.first(torch.relu(x))))
        x = self.skip(x)[..., :2, :2] + self.down(torch.relu(x))
        return self.head(x.mean(dim=(-2, -1)))


class Block(nn.Module):
    """Causal attention of two heads, and a perceptron."""

    def __init__(self, width):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=k == 3) for k in range(4))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        normed = self.norms[0](x)
        query, key, value = (
            part(normed).unflatten(-1, (2, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(-2))
        return x + self.down(F.gelu(self.up(self.norms[1](x))))


class Decoder(nn.Module):
    """Two blocks between an embedding of tokens, one of places and a readout behind a multiplier."""

    def __init__(self, width, vocabulary=7):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Parameter(torch.randn(6, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.width = width
        self.double()

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places
        for block in self.blocks:
            x = block(x)
        return 8 / self.width * self.head(self.norm(x))


class Plain(nn.Module):
    """Two hidden layers and a readout."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(5, width), nn.Linear(width, width), nn.Linear(width, 3)
        self.double()

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


def next_token(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def sgd(module, rate=0.05):
    return torch.optim.SGD(module.parameters(), lr=rate, momentum=0.5)


def adam(module, rate=0.01):
    return torch.optim.Adam(module.parameters(), lr=rate)


def apart(optimizer):
    """The same optimizer, which cannot be stacked for its hook that does nothing."""

    def hooked(module):
        made = optimizer(module)
        made.register_step_pre_hook(lambda *_: None)
        return made

    return hooked


def model(build=Plain, optimizer=sgd, batches=tuple(ROWS), **options):
    given = {"loss": F.mse_loss, "name": getattr(build, "__name__", "model").lower()} | options
    return tc.Model(build, optimizer, batches, **given)


RESIDUAL = model(Residual, sgd, IMAGES, loss=F.cross_entropy)
DECODER = model(Decoder, adam, TEXT, loss=next_token)
BATCH_NORMED = model(functools.partial(Residual, norm=nn.BatchNorm2d), sgd, IMAGES, loss=F.cross_entropy, name="normed")
MODELS = {"residual": RESIDUAL, "decoder": DECODER, "plain": model()}


def trainer(described, *, steps=STEPS, widths=(WIDTH, 2 * WIDTH)):
    return Trainer(described, widths, steps=steps)


def run(described, *, width=WIDTH, seeds=SEEDS, steps=STEPS, **options):
    return ModuleRun(trainer(described, steps=steps), width, seeds, **options)


def plainly(described, seed, *, steps=STEPS, width=WIDTH, root_seed=0):
    """One seed's module before and after each step of a plain loop, the losses and the batches."""
    torch.manual_seed(integer(root_seed, "width", float(width), "model", width, seed) % 2**63)
    module = described.build(width)
    optimizer, found, losses = described.optimizer(module), [copy.deepcopy(module)], []
    for inputs, targets in described.batches[:steps]:
        optimizer.zero_grad()
        loss = described.loss(module(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        found.append(copy.deepcopy(module))
    return found, losses


def seen_by_hooks(module, layer, inputs):
    """What one call of a module is given and returns."""
    calls = []
    part = module.get_submodule(layer.module)
    handle = part.register_forward_hook(lambda _part, given, output: calls.append((given[0], output)))
    module(inputs)
    handle.remove()
    return calls[layer.call - 1]
