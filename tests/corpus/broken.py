"""Models with one mistake of n^1/2 or more each."""

from dataclasses import replace
from functools import partial

import torch
from torch import nn

import theorychecks as tc
from tests.corpus import networks
from tests.corpus.entry import Entry, Mistake
from tests.corpus.networks import PICTURES, TEXT, model, rated, redrawn, rerated

WIDTHS, NATURAL = tc.widths(32, 512), (64, 96, 160, 288, 512)
DEPTHS = (4, 8, 16, 32, 64)
MOMENTUM = partial(torch.optim.SGD, momentum=0.9)
# Powers of the width in the rates of Adam, or of SGD, that are right.
HIDDEN = {"hidden.*.weight": -1.0}
BRANCHES = {"*.up.weight": -1.0, "*.down.weight": -1.0}
LAYERS = {"*norm*": 0.0, "layers.*": -1.0}
KERNELS = {"body.*": -1.0, "squeeze.weight": -1.0}
ENCODER = {"*proj*weight": -1.0, "*linear?.weight": -1.0}
PLAIN = {"hidden.*.weight": 0.0, "*": 1.0}


def off(kind, exponent, *parts):
    """A mistake that is named rightly by any of these parts."""
    return tuple(Mistake(kind, name, exponent) for name in parts)


rates = partial(off, "learning rate")


def each(pattern, count=2):
    return tuple(pattern.replace("*", str(number)) for number in range(count))


def muon_and_adam(module):
    """Muon's updates as large as Adam's, which is no size for spectral norms: they take n^1/2 of it."""
    muon = torch.optim.Muon(module.hidden.parameters(), lr=0.02, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    others = [module.enter.weight, module.leave.weight]
    return [muon, torch.optim.Adam(others, lr=1e-3)]


def decaying_with_the_width(module):
    """As hidden matrices' rates of one over the width need it, and no other ones."""
    adam = rated(HIDDEN, make=torch.optim.AdamW)(module)
    for group in adam.param_groups:
        group["weight_decay"] = 64 * module.ratio
    return adam


GPT2, LLAMA, BERT = (
    tc.hf_model(name, parametrization=tc.MAXIMAL_UPDATE, base_width=64) for name in ("gpt2", "llama", "bert")
)

PERCEPTRONS = (
    Entry(
        "perceptron: one rate of Adam for all",
        lambda: model(networks.Perceptron, rated({})),
        WIDTHS,
        mistakes=rates(1.0, "hidden.0.weight"),
    ),
    Entry(
        "perceptron: the input layer's rate divided by the width, too",
        lambda: model(networks.Perceptron, rated(HIDDEN | {"enter.*": -1.0})),
        NATURAL,
        mistakes=rates(-1.0, "enter.weight"),
    ),
    # Under Adam a rate that is n times as large makes up for the second factor: outputs are then small at first only.
    Entry(
        "perceptron: base over width taken twice",
        lambda: model(partial(networks.Perceptron, multiplier=lambda ratio: ratio**-2), rated(HIDDEN)),
        WIDTHS,
        mistakes=off("multiplier", -1.0, "leave") + rates(-1.0, "leave.weight"),
    ),
    Entry(
        "perceptron: the root of base over width",
        lambda: model(partial(networks.Perceptron, multiplier=lambda ratio: ratio**-0.5), rated(HIDDEN)),
        NATURAL,
        mistakes=off("multiplier", 0.5, "leave"),
    ),
    Entry(
        "perceptron: no readout multiplier under SGD",
        lambda: model(
            partial(networks.Perceptron, multiplier=lambda _: 1.0), rated(PLAIN, rate=0.02, make=torch.optim.SGD)
        ),
        WIDTHS,
        mistakes=off("multiplier", 1.0, "leave"),
    ),
    Entry(
        "perceptron: hidden rate of SGD divided by the width",
        lambda: model(networks.Perceptron, rated(PLAIN | HIDDEN, rate=0.1, make=torch.optim.SGD)),
        WIDTHS,
        mistakes=rates(-1.0, "hidden.0.weight"),
    ),
    Entry(
        "perceptron: input rate of momentum without the width",
        lambda: model(networks.Perceptron, rated({"enter.*": 0.0} | PLAIN, rate=0.1, make=MOMENTUM)),
        NATURAL,
        mistakes=rates(-1.0, "enter.weight"),
    ),
    Entry(
        "perceptron: rates of biases under SGD without the width",
        lambda: model(
            partial(networks.Perceptron, bias=True), rated({"*.bias": 0.0} | PLAIN, rate=0.1, make=torch.optim.SGD)
        ),
        WIDTHS,
        mistakes=rates(-1.0, "enter.bias", "hidden.0.bias"),
    ),
    Entry(
        "perceptron: std of 0.02 everywhere",
        lambda: model(redrawn(partial(networks.Perceptron, hidden=3), {"*": lambda _: 0.02}), rated(HIDDEN, rate=2e-4)),
        WIDTHS,
        mistakes=off("init", 0.5, *each("hidden.*", 3)),
    ),
    # The decay's sign, and no gradient, is what Adam follows: a random direction in the place of an aligned one.
    Entry(
        "perceptron: decay in the gradients of Adam",
        lambda: model(networks.Perceptron, rated(HIDDEN, make=partial(torch.optim.Adam, weight_decay=1.0))),
        WIDTHS,
        mistakes=off("weight decay", -0.5, "hidden.0.weight", "leave.weight"),
    ),
    # Entries of the readout are no larger than base^-1/2, and what decays of them is n^1/2 too much of outputs.
    Entry(
        "perceptron: decay with the width for all",
        lambda: model(networks.Perceptron, decaying_with_the_width),
        WIDTHS,
        mistakes=off("weight decay", 1.0, "enter.weight") + off("weight decay", 0.5, "leave.weight"),
    ),
    Entry(
        "perceptron: epsilon of one",
        lambda: model(networks.Perceptron, rated(HIDDEN, rate=0.05, make=partial(torch.optim.Adam, eps=1.0))),
        WIDTHS,
        mistakes=off("epsilon", -1.0, "enter.weight", "hidden.0.weight", "leave.weight"),
    ),
    Entry(
        "perceptron: Muon's updates as large as Adam's",
        lambda: model(networks.Perceptron, muon_and_adam),
        WIDTHS,
        mistakes=rates(0.5, "hidden.0.weight"),
    ),
)

RESIDUAL = (
    Entry(
        "residual: one layer out of the group",
        lambda: model(networks.ResidualNet, rated({"blocks.2.up.weight": 0.0} | BRANCHES)),
        WIDTHS,
        mistakes=rates(1.0, "blocks.2.up.weight"),
    ),
    Entry(
        "residual: rates of norms under SGD without the width",
        lambda: model(
            networks.ResidualNet,
            rated({"*.up.weight": 0.0, "*.down.weight": 0.0, "*norm*": 0.0, "*": 1.0}, rate=0.1, make=torch.optim.SGD),
        ),
        WIDTHS,
        mistakes=rates(
            -1.0, "norm.weight", "norm.bias", *each("blocks.*.norm.weight", 3), *each("blocks.*.norm.bias", 3)
        ),
    ),
    Entry(
        "residual: branches divided by the root of the width",
        lambda: model(partial(networks.ResidualNet, branch=lambda ratio: ratio**-0.5), rated(BRANCHES)),
        WIDTHS,
        mistakes=off("multiplier", -0.5, *each("blocks.*.down", 3)),
    ),
    Entry(
        "residual: a readout's std by its fan-out",
        lambda: model(
            redrawn(partial(networks.ResidualNet, multiplier=lambda _: 1.0), {"leave": lambda _: 0.5}),
            rated(BRANCHES | {"leave.*": -1.0}),
        ),
        NATURAL,
        mistakes=off("init", 1.0, "leave"),
    ),
)

DECODERS = (
    Entry(
        "decoder: logits over the root of heads that grow",
        lambda: model(partial(networks.LanguageModel, scale=lambda size: size**-0.5), rated(LAYERS), TEXT),
        WIDTHS,
        mistakes=off("multiplier", 0.5, *each("layers.*.attention attention logits")),
    ),
    Entry(
        "decoder: logits without a scale",
        lambda: model(partial(networks.LanguageModel, fused=True, scale=lambda _: 0.25), rated(LAYERS), TEXT),
        WIDTHS,
        mistakes=off("multiplier", 1.0, *each("layers.*.attention attention logits")),
    ),
    Entry(
        "decoder: normed queries and keys over the root of heads that grow",
        lambda: model(partial(networks.LanguageModel, norms=True, scale=lambda size: size**-0.5), rated(LAYERS), TEXT),
        NATURAL,
        mistakes=off("multiplier", 0.5, *each("layers.*.attention attention logits")),
    ),
    Entry(
        "decoder: queries, keys and values out of the group",
        lambda: model(networks.LanguageModel, rated({"*.[qkv].weight": 0.0} | LAYERS), TEXT),
        WIDTHS,
        mistakes=rates(1.0, *(name for part in "qkv" for name in each(f"layers.*.attention.{part}.weight"))),
    ),
    Entry(
        "decoder: std of 0.02 everywhere",
        lambda: model(
            redrawn(
                partial(networks.LanguageModel, fused=True),
                dict.fromkeys(("*qkv", "*out", "*up", "*down", "head", "tokens", "places"), lambda _: 0.02),
            ),
            rated(LAYERS, rate=2e-4),
            TEXT,
        ),
        NATURAL,
        mistakes=off(
            "init",
            0.5,
            *(
                name
                for part in ("attention.qkv", "attention.out", "mlp.up", "mlp.down")
                for name in each(f"layers.*.{part}")
            ),
        ),
    ),
    Entry(
        "decoder: embeddings times the root of the width, drawn with a fixed std",
        lambda: model(partial(networks.LanguageModel, embed=lambda width: width**0.5 / 8), rated(LAYERS), TEXT),
        WIDTHS,
        mistakes=off("multiplier", 0.5, "tokens"),
    ),
    Entry(
        "decoder: embeddings drawn as matrices are",
        lambda: model(
            redrawn(networks.LanguageModel, {"tokens": lambda width: width**-0.5}), rated(LAYERS, rate=2e-4), TEXT
        ),
        WIDTHS,
        mistakes=off("init", -0.5, "tokens"),
    ),
    Entry(
        "decoder: tied, and no readout multiplier",
        lambda: model(partial(networks.LanguageModel, tied=True, multiplier=lambda _: 1.0), rated(LAYERS), TEXT),
        WIDTHS,
        mistakes=off("multiplier", 1.0, "head"),
    ),
)

IMAGES_AND_SEQUENCES = (
    Entry(
        "convolutions: a stem's std by its fan-out",
        lambda: model(
            redrawn(networks.ConvNet, {"stem": lambda width: (9 * width / 2) ** -0.5}),
            rated(KERNELS, rate=2e-4),
            PICTURES,
        ),
        WIDTHS,
        mistakes=off("init", -0.5, "stem"),
    ),
    Entry(
        "convolutions: kernels' std by their size alone",
        lambda: model(redrawn(networks.ConvNet, {"body.*": lambda _: 1 / 24}), rated(KERNELS), PICTURES),
        WIDTHS,
        mistakes=off("init", 0.5, *each("body.*")),
    ),
    Entry(
        "convolutions: depthwise rates divided by the width",
        lambda: model(networks.DepthwiseNet, rated(BRANCHES | {"depthwise.*.weight": -1.0}), PICTURES),
        WIDTHS,
        mistakes=rates(-1.0, *each("depthwise.*.weight")),
    ),
    Entry(
        "convolutions: a squeeze drawn as hidden matrices are",
        lambda: model(
            redrawn(partial(networks.ConvNet, squeezes=True), {"squeeze": lambda width: width**-0.5}),
            rated(KERNELS),
            PICTURES,
        ),
        WIDTHS,
        mistakes=off("init", 0.5, "squeeze"),
    ),
    Entry(
        "LSTM: torch's own init, by the hidden size",
        lambda: model(partial(networks.Recurrent, kind=nn.LSTM, own=True), rated({"cell.weight_hh_l0": -1.0})),
        WIDTHS,
        mistakes=off("init", -0.5, "cell"),
    ),
    Entry(
        "GRU: one rate of Adam for all",
        lambda: model(networks.Recurrent, rated({})),
        WIDTHS,
        mistakes=rates(1.0, "cell.weight_hh_l0"),
    ),
    # What mixes a fixed number of places has no side that grows, and Adam's rate for it none to make up for.
    Entry(
        "mixer: rates over places divided by the width",
        lambda: model(networks.TokenMixer, rated(BRANCHES | {"mixes.*": -1.0}), TEXT),
        WIDTHS,
        mistakes=rates(-1.0, *each("mixes.*.weight")),
    ),
    # A readout of zeros shows no init, and its multiplier shows as its rate does.
    Entry(
        "vision transformer: a readout's rate divided by the width, besides its multiplier",
        lambda: model(networks.ViT, rated(ENCODER | {"head.*": -1.0}), PICTURES),
        WIDTHS,
        mistakes=rates(-1.0, "head.weight") + off("multiplier", -1.0, "head"),
    ),
    Entry(
        "vision transformer: four heads at every width under torch's own attention",
        lambda: model(partial(networks.ViT, heads=4), rated(ENCODER), PICTURES),
        NATURAL,
        mistakes=off("multiplier", 0.5, *each("layers.*.self_attn attention logits")),
    ),
)

HUGGING_FACE = (
    Entry(
        "GPT-2: fused queries, keys and values out of the group",
        lambda: rerated(GPT2, "*.c_attn.weight", 1.0, base=64),
        NATURAL,
        mistakes=rates(1.0, *each("transformer.h.*.attn.c_attn.weight")),
    ),
    Entry(
        "Llama: a readout drawn as hidden matrices are",
        lambda: replace(LLAMA, build=redrawn(LLAMA.build, {"lm_head": lambda width: width**-0.5})),
        NATURAL,
        mistakes=off("init", 0.5, "lm_head"),
    ),
    Entry(
        "BERT: a matrix drawn as a readout is",
        lambda: replace(
            BERT, build=redrawn(BERT.build, {"bert.encoder.layer.0.intermediate.dense": lambda width: 8 / width})
        ),
        NATURAL,
        mistakes=off("init", -0.5, "bert.encoder.layer.0.intermediate.dense"),
    ),
)

DEEP = (
    Entry(
        "deep perceptron: no multiplier of blocks",
        lambda: model(partial(networks.DeepPerceptron, factor=lambda _: 1 / 4), rated({}), axis="depth"),
        DEPTHS,
        tc.COMPLETE_P,
        off("multiplier", 1.0, *(f"blocks.({place})" for place in ("first", "middle"))),
    ),
    Entry(
        "deep decoder: the root of the depth in the multiplier",
        lambda: model(
            partial(networks.DeepDecoder, factor=lambda depth: depth**-0.5 / 2), rated({}), TEXT, axis="depth"
        ),
        DEPTHS,
        tc.COMPLETE_P,
        off("multiplier", 0.5, *(f"layers.({place})" for place in ("first", "middle"))),
    ),
    Entry(
        "deep perceptron: rates in blocks divided by the depth",
        lambda: model(networks.DeepPerceptron, rated({"blocks.*": -1.0}), axis="depth"),
        DEPTHS,
        tc.COMPLETE_P,
        rates(
            -1.0,
            *(
                f"blocks.({place}).{name}"
                for place in ("first", "middle", "last")
                for name in ("norm.weight", "norm.bias", "up.weight", "down.weight")
            ),
        ),
    ),
)

ENTRIES = (*PERCEPTRONS, *RESIDUAL, *DECODERS, *IMAGES_AND_SEQUENCES, *HUGGING_FACE, *DEEP)
