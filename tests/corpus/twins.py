"""The networks of broken models without their mistakes, so that a refutation has no other cause."""

from functools import partial

import torch

import theorychecks as tc
from tests.corpus.broken import (
    BERT,
    BRANCHES,
    DEPTHS,
    ENCODER,
    GPT2,
    HIDDEN,
    KERNELS,
    LAYERS,
    LLAMA,
    MOMENTUM,
    NATURAL,
    PLAIN,
    RECURRENT,
    SGD,
    WIDTHS,
)
from tests.corpus.entry import Entry
from tests.corpus.networks import (
    PICTURES,
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
)

BY_GRADIENTS = rated(PLAIN, rate=0.1, make=SGD)
OWN_READOUT = redrawn(partial(ResidualNet, multiplier=lambda _: 1.0), {"leave": lambda width: 8 / width})


class Redrawn(Recurrent):
    """Weights of inputs and biases have one size at every width; those of the state are as torch draws them."""

    def __init__(self, width):
        super().__init__(width)
        with torch.no_grad():
            for parameter in (self.cell.weight_ih_l0, self.cell.bias_ih_l0, self.cell.bias_hh_l0):
                parameter.mul_(self.ratio**0.5)


def twin(name, build, optimizer, *batches, values=WIDTHS):
    return Entry(name, partial(model, build, optimizer, *batches), values)


def deep(name, build, *batches):
    return Entry(name, partial(model, build, rated({}), *batches, axis="depth"), DEPTHS, tc.COMPLETE_P)


ENTRIES = (
    twin("perceptron", Perceptron, rated(HIDDEN)),
    twin("perceptron, three hidden layers", partial(Perceptron, hidden=3), rated(HIDDEN, rate=2e-4)),
    twin("perceptron, SGD", Perceptron, BY_GRADIENTS),
    twin("perceptron, SGD, biases", partial(Perceptron, bias=True), BY_GRADIENTS),
    twin("perceptron, momentum", Perceptron, rated(PLAIN, rate=0.1, make=MOMENTUM), values=NATURAL),
    twin("residual", ResidualNet, rated(BRANCHES)),
    twin("residual, SGD", ResidualNet, BY_GRADIENTS),
    twin("residual, readout of 1/n", OWN_READOUT, rated(BRANCHES | {"leave.*": -1.0}), values=NATURAL),
    twin("decoder", LanguageModel, rated(LAYERS), TEXT),
    twin("decoder, fused", partial(LanguageModel, fused=True), rated(LAYERS), TEXT),
    twin("decoder, normed queries and keys", partial(LanguageModel, norms=True), rated(LAYERS), TEXT, values=NATURAL),
    twin("decoder, tied", partial(LanguageModel, tied=True), rated(LAYERS), TEXT),
    twin("convolutions", ConvNet, rated(KERNELS), PICTURES),
    twin("convolutions, a squeeze", partial(ConvNet, squeezes=True), rated(KERNELS), PICTURES),
    twin("convolutions, depthwise", DepthwiseNet, rated(BRANCHES), PICTURES),
    twin("LSTM", Redrawn, rated(RECURRENT)),
    twin("mixer", TokenMixer, rated(BRANCHES), TEXT),
    twin("vision transformer", ViT, rated(ENCODER), PICTURES),
    Entry("GPT-2", lambda: GPT2, NATURAL),
    Entry("Llama", lambda: LLAMA, NATURAL),
    Entry("BERT", lambda: BERT, NATURAL),
    deep("deep perceptron", DeepPerceptron),
    deep("deep decoder", DeepDecoder, TEXT),
)
