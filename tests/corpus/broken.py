"""Models with one mistake of n^1/2 or more each, and the diagnoses of it that are right."""

from dataclasses import replace
from functools import partial

import torch

import theorychecks as tc
from tests.corpus.entry import Entry, Mistake
from tests.corpus.networks import (
    PICTURES,
    ROWS,
    TEXT,
    ConvNet,
    DeepDecoder,
    DeepPerceptron,
    DepthwiseNet,
    LanguageModel,
    Perceptron,
    Recurrent,
    ResidualNet,
    TokenMixer,
    ViT,
    model,
    rated,
    redrawn,
    rerated,
)

WIDTHS, NATURAL, NARROW = tc.widths(32, 512), (64, 96, 160, 288, 512), (32, 64, 96, 160, 256)
DEPTHS = (4, 8, 12, 20, 32)
SGD, MOMENTUM = torch.optim.SGD, partial(torch.optim.SGD, momentum=0.9)
# Powers of the width in rates that are right: of Adam, and of plain gradients.
HIDDEN = {"hidden.*.weight": -1.0}
BRANCHES = {"*.up.weight": -1.0, "*.down.weight": -1.0}
LAYERS = {"*norm*": 0.0, "layers.*": -1.0}
KERNELS = {"body.*": -1.0, "squeeze.weight": -1.0}
RECURRENT = {"cell.weight_hh_l0": -1.0}
ENCODER = {"*proj*weight": -1.0, "*linear?.weight": -1.0}
PLAIN = {"hidden.*.weight": 0.0, "*.up.weight": 0.0, "*.down.weight": 0.0, "*": 1.0}


def entry(name, build, optimizer, mistakes, *, batches=ROWS, values=WIDTHS):
    made = partial(model, build, optimizer, batches, name=name.partition(":")[0])
    return Entry(name, made, values, mistakes=mistakes)


def deep(name, build, optimizer, mistakes, *, batches=ROWS):
    made = partial(model, build, optimizer, batches, name=name.partition(":")[0], axis="depth")
    return Entry(name, made, DEPTHS, tc.COMPLETE_P, mistakes)


def off(kind, exponent, *parts):
    """A mistake that is named rightly by any of these parts, in each of which a star is a number up to two."""
    names = dict.fromkeys(part.replace("*", str(number)) for part in parts for number in range(3))
    return tuple(Mistake(kind, name, exponent) for name in names)


rate, init, multiplier = partial(off, "learning rate"), partial(off, "init"), partial(off, "multiplier")


def muon_and_adam(module):
    """Muon's updates as large as Adam's, in entries, and by n^1/2 too large in spectral norm."""
    muon = torch.optim.Muon(module.hidden.parameters(), lr=0.02, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    return [muon, torch.optim.Adam([module.enter.weight, module.leave.weight], lr=1e-3)]


def decaying_with_the_width(module):
    """As hidden matrices need it, whose rates fall as the decay grows, and no others."""
    adam = rated(HIDDEN, make=torch.optim.AdamW)(module)
    for group in adam.param_groups:
        group["weight_decay"] = 64 * module.ratio
    return adam


GPT2, LLAMA, BERT = (
    tc.hf_model(name, parametrization=tc.MAXIMAL_UPDATE, base_width=64) for name in ("gpt2", "llama", "bert")
)

PERCEPTRONS = (
    entry("perceptron: one rate of Adam for all", Perceptron, rated({}), rate(1.0, "hidden.0.weight")),
    entry(
        "perceptron: the input layer's rate divided by the width, too",
        Perceptron,
        rated(HIDDEN | {"enter.*": -1.0}),
        rate(-1.0, "enter.weight"),
        values=NATURAL,
    ),
    # Under Adam a rate that is n times as large makes up for the second factor: outputs are small at first, no more.
    entry(
        "perceptron: base over width taken twice",
        partial(Perceptron, multiplier=lambda ratio: ratio**-2),
        rated(HIDDEN),
        multiplier(-1.0, "leave") + rate(-1.0, "leave.weight"),
    ),
    entry(
        "perceptron: the root of base over width",
        partial(Perceptron, multiplier=lambda ratio: ratio**-0.5),
        rated(HIDDEN),
        multiplier(0.5, "leave"),
        values=NATURAL,
    ),
    entry(
        "perceptron: no readout multiplier under SGD",
        partial(Perceptron, multiplier=lambda _: 1.0),
        rated(PLAIN, rate=0.02, make=SGD),
        multiplier(1.0, "leave"),
    ),
    entry(
        "perceptron: hidden rate of SGD divided by the width",
        Perceptron,
        rated(PLAIN | HIDDEN, rate=0.1, make=SGD),
        rate(-1.0, "hidden.0.weight"),
    ),
    entry(
        "perceptron: input rate of momentum without the width",
        Perceptron,
        rated({"enter.*": 0.0} | PLAIN, rate=0.1, make=MOMENTUM),
        rate(-1.0, "enter.weight"),
        values=NATURAL,
    ),
    entry(
        "perceptron: rates of biases under SGD without the width",
        partial(Perceptron, bias=True),
        rated({"*.bias": 0.0} | PLAIN, rate=0.1, make=SGD),
        rate(-1.0, "enter.bias", "hidden.0.bias"),
    ),
    # Of two layers alike the second one's init makes the first one's gradients, too, n^1/2 too large.
    entry(
        "perceptron: hidden matrices drawn with one std under SGD",
        redrawn(partial(Perceptron, hidden=2), {"hidden.*": lambda _: 0.1}),
        rated(PLAIN, rate=0.02, make=SGD),
        init(0.5, "hidden.*"),
    ),
    # Adam follows the decay's sign and no gradient: a random direction in the place of an aligned one.
    entry(
        "perceptron: decay in the gradients of Adam",
        Perceptron,
        rated(HIDDEN, make=partial(torch.optim.Adam, weight_decay=1.0)),
        off("weight decay", -0.5, "hidden.0.weight", "leave.weight"),
    ),
    # What decays of the readout, which is drawn of one size, is as random as its outputs are, n^-1/2.
    entry(
        "perceptron: decay with the width for all",
        Perceptron,
        decaying_with_the_width,
        off("weight decay", 1.0, "enter.weight") + off("weight decay", 0.5, "leave.weight"),
    ),
    entry(
        "perceptron: epsilon of one",
        Perceptron,
        rated(HIDDEN, rate=0.05, make=partial(torch.optim.Adam, eps=1.0)),
        off("epsilon", -1.0, "enter.weight", "hidden.0.weight", "leave.weight"),
    ),
    entry("perceptron: Muon's updates as large as Adam's", Perceptron, muon_and_adam, rate(0.5, "hidden.0.weight")),
)

RESIDUAL = (
    entry(
        "residual: one layer out of the group",
        ResidualNet,
        rated({"blocks.2.up.weight": 0.0} | BRANCHES),
        rate(1.0, "blocks.2.up.weight"),
    ),
    entry(
        "residual: rates of norms under SGD without the width",
        ResidualNet,
        rated({"*norm*": 0.0} | PLAIN, rate=0.1, make=SGD),
        rate(-1.0, "norm.weight", "norm.bias", "blocks.*.norm.weight", "blocks.*.norm.bias"),
    ),
    entry(
        "residual: branches divided by the root of the width",
        partial(ResidualNet, branch=lambda ratio: ratio**-0.5),
        rated(BRANCHES),
        multiplier(-0.5, "blocks.*.down"),
    ),
    entry(
        "residual: a readout's std by its fan-out",
        redrawn(partial(ResidualNet, multiplier=lambda _: 1.0), {"leave": lambda _: 0.5}),
        rated(BRANCHES | {"leave.*": -1.0}),
        init(1.0, "leave"),
        values=NATURAL,
    ),
)

DECODERS = (
    entry(
        "decoder: logits over the root of heads that grow",
        partial(LanguageModel, scale=lambda size: size**-0.5),
        rated(LAYERS),
        multiplier(0.5, "layers.*.attention attention logits"),
        batches=TEXT,
    ),
    entry(
        "decoder: logits without a scale",
        partial(LanguageModel, fused=True, scale=lambda _: 0.25),
        rated(LAYERS),
        multiplier(1.0, "layers.*.attention attention logits"),
        batches=TEXT,
    ),
    entry(
        "decoder: normed queries and keys over the root of heads that grow",
        partial(LanguageModel, norms=True, scale=lambda size: size**-0.5),
        rated(LAYERS),
        multiplier(0.5, "layers.*.attention attention logits"),
        batches=TEXT,
        values=NATURAL,
    ),
    entry(
        "decoder: queries, keys and values out of the group",
        LanguageModel,
        rated({"*.[qkv].weight": 0.0} | LAYERS),
        rate(1.0, *(f"layers.*.attention.{part}.weight" for part in "qkv")),
        batches=TEXT,
    ),
    entry(
        "decoder: std of 0.02 everywhere",
        redrawn(
            partial(LanguageModel, fused=True),
            dict.fromkeys(("*qkv", "*out", "*up", "*down", "head", "tokens", "places"), lambda _: 0.02),
        ),
        rated(LAYERS, rate=2e-4),
        init(0.5, *(f"layers.*.{part}" for part in ("attention.qkv", "attention.out", "mlp.up", "mlp.down"))),
        batches=TEXT,
        values=NATURAL,
    ),
    entry(
        "decoder: embeddings times the root of the width, drawn with one std",
        partial(LanguageModel, embed=lambda width: width**0.5 / 8),
        rated(LAYERS),
        multiplier(0.5, "tokens"),
        batches=TEXT,
    ),
    entry(
        "decoder: embeddings drawn as matrices are",
        redrawn(LanguageModel, {"tokens": lambda width: width**-0.5}),
        rated(LAYERS, rate=2e-4),
        init(-0.5, "tokens"),
        batches=TEXT,
    ),
    entry(
        "decoder: tied, and no readout multiplier",
        partial(LanguageModel, tied=True, multiplier=lambda _: 1.0),
        rated(LAYERS),
        multiplier(1.0, "head"),
        batches=TEXT,
    ),
)

IMAGES_AND_SEQUENCES = (
    entry(
        "convolutions: a stem's std by its fan-out",
        redrawn(ConvNet, {"stem": lambda width: (9 * width / 2) ** -0.5}),
        rated(KERNELS, rate=2e-4),
        init(-0.5, "stem"),
        batches=PICTURES,
        values=NARROW,
    ),
    entry(
        "convolutions: kernels' std by their size alone",
        redrawn(ConvNet, {"body.*": lambda _: 1 / 24}),
        rated(KERNELS),
        init(0.5, "body.*"),
        batches=PICTURES,
        values=NARROW,
    ),
    entry(
        "convolutions: depthwise rates divided by the width",
        DepthwiseNet,
        rated(BRANCHES | {"depthwise.*.weight": -1.0}),
        rate(-1.0, "depthwise.*.weight"),
        batches=PICTURES,
        values=NARROW,
    ),
    entry(
        "convolutions: a squeeze drawn as hidden matrices are",
        redrawn(partial(ConvNet, squeezes=True), {"squeeze": lambda width: width**-0.5}),
        rated(KERNELS),
        init(0.5, "squeeze"),
        batches=PICTURES,
        values=NARROW,
    ),
    # Torch draws all of its cells' weights by the hidden size, those of three inputs too.
    entry(
        "LSTM: torch's own init",
        Recurrent,
        rated(RECURRENT),
        init(-0.5, "cell"),
    ),
    # What mixes a fixed number of places has no side that grows, and Adam's rate for it none to make up for.
    entry(
        "mixer: rates over places divided by the width",
        TokenMixer,
        rated(BRANCHES | {"mixes.*": -1.0}),
        rate(-1.0, "mixes.*.weight"),
        batches=TEXT,
    ),
    # A readout of zeros shows no init, and its multiplier shows as its rate does.
    entry(
        "vision transformer: a readout's rate divided by the width, besides its multiplier",
        ViT,
        rated(ENCODER | {"head.*": -1.0}),
        rate(-1.0, "head.weight") + multiplier(-1.0, "head"),
        batches=PICTURES,
    ),
    entry(
        "vision transformer: four heads at every width under torch's own attention",
        partial(ViT, heads=4),
        rated(ENCODER),
        multiplier(0.5, "layers.*.self_attn attention logits"),
        batches=PICTURES,
        values=NATURAL,
    ),
)

HUGGING_FACE = (
    Entry(
        "GPT-2: fused queries, keys and values out of the group",
        lambda: rerated(GPT2, "*.c_attn.weight", 1.0, base=64),
        NARROW,
        mistakes=rate(1.0, "transformer.h.*.attn.c_attn.weight"),
    ),
    Entry(
        "Llama: a readout drawn as hidden matrices are",
        lambda: replace(LLAMA, build=redrawn(LLAMA.build, {"lm_head": lambda width: width**-0.5})),
        NARROW,
        mistakes=init(0.5, "lm_head"),
    ),
    Entry(
        "BERT: a matrix drawn as a readout is",
        lambda: replace(BERT, build=redrawn(BERT.build, {"*.0.intermediate.dense": lambda width: 8 / width})),
        NARROW,
        mistakes=init(-0.5, "bert.encoder.layer.0.intermediate.dense"),
    ),
)

PLACES = ("first", "middle", "last")
DEEP = (
    deep(
        "deep perceptron: no multiplier of blocks",
        partial(DeepPerceptron, factor=lambda _: 1 / 4),
        rated({}),
        multiplier(1.0, *(f"blocks.({place})" for place in PLACES)),
    ),
    deep(
        "deep decoder: the root of the depth in the multiplier",
        partial(DeepDecoder, factor=lambda depth: depth**-0.5 / 2),
        rated({}),
        multiplier(0.5, *(f"layers.({place})" for place in PLACES)),
        batches=TEXT,
    ),
    # GPT-2 divides this std by the root of the depth in the place of a multiplier.
    deep(
        "deep perceptron: branches drawn as in GPT-2, besides the multiplier",
        redrawn(DeepPerceptron, {"*.down": lambda depth: (64 * 2 * depth) ** -0.5}),
        rated({}),
        init(-0.5, *(f"blocks.({place}).down" for place in PLACES)),
    ),
    deep(
        "deep perceptron: rates in blocks divided by the depth",
        DeepPerceptron,
        rated({"blocks.*": -1.0}),
        rate(-1.0, *(f"blocks.({place}).{layer}.weight" for place in PLACES for layer in ("norm", "up", "down"))),
    ),
)

ENTRIES = (*PERCEPTRONS, *RESIDUAL, *DECODERS, *IMAGES_AND_SEQUENCES, *HUGGING_FACE, *DEEP)
