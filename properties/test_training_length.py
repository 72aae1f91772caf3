"""What a longer training does to weight decay: how much of the start is left at the end."""

import functools
import math

import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

import theorychecks as tc
from theorychecks.strategies import activations

LENGTHS = (32, 64, 128, 256)
RATE = 1e-4
"""So small that updates add little to weights in any of these trainings."""


class Perceptron(nn.Module):
    """Two layers, the first of which is looked at."""

    def __init__(self, activation):
        super().__init__()
        self.first = nn.Linear(6, 32, bias=False)
        self.readout, self.activation = nn.Linear(32, 3, bias=False), activation

    def forward(self, x):
        """Outputs by sample."""
        return self.readout(self.activation.function(self.first(x)))


def drawn(generator):
    """Batches of eight samples, for ever, with targets that are noise."""
    while True:
        yield torch.randn(8, 6, generator=generator), torch.randn(8, 3, generator=generator)


def decaying(module, steps, *, kind, longest, times):
    """With a decay that takes so many time scales for a training of these steps, or of the longest one."""
    decay = times / (RATE * (longest or steps))
    return kind(module.parameters(), lr=RATE, weight_decay=decay)


@tc.observable
def start_left(run):
    """How much of the first matrix at its start is left in it at the end: one at the start, zero once forgotten."""
    begin, end = (run.weights(0, time) for time in (0, run.steps))
    return (begin * end).sum(dim=(1, 2)) / begin.square().sum(dim=(1, 2))


def left(activation, times, *, kind=torch.optim.AdamW, longest=None):
    """Along the training length."""
    model = tc.Model(
        functools.partial(Perceptron, activation),
        functools.partial(decaying, kind=kind, longest=longest, times=times),
        drawn,
        loss=F.mse_loss,
        axis="training length",
        name="perceptron",
    )
    return tc.Sweep(start_left, model, training_lengths=LENGTHS, seeds=16)


@tc.claim(
    id="TL-1",
    source="Wang, Aitchison 2024, arXiv:2405.13698 (abstract: weights under AdamW are a moving average of updates, "
    "whose best time scale in epochs hardly depends on the data set's size, so that the decay falls with it; that it "
    "stays the best one is not asked); what is left is an identity of AdamW's definition, derived here as the controls",
)
@given(activation=activations(), times=st.sampled_from([0.5, 1.0, 1.5]))
@example(activation=tc.TANH, times=1.0)
def test_a_decay_of_one_over_the_steps_leaves_as_much_of_the_start_in_short_and_long_trainings(activation, times):
    """Under AdamW at a small rate eta with a decay of c / (eta T), c of 1/2, 1 or 3/2, exp(-c) of the start is left in
    a matrix after T steps, within 10 per cent, for T of 32 to 256; with a decay that does not depend on T what is left
    is not the same for all T, and with the decay in Adam's gradient, each step of which is at most about eta, it is not
    exp(-c). That AdamW leaves so much is an identity, (1 - c / T)^T by its definition, up to what small updates add:
    the claim tests implementations, and no theory of training.
    """
    scaled = left(activation, times)
    fixed = left(activation, times, longest=LENGTHS[-1])
    penalty = left(activation, times, kind=torch.optim.Adam)

    tc.check(scaled, tc.Collapse(0.1))
    tc.check_refuted(fixed, tc.Collapse(0.1))
    tc.check(scaled, tc.Equal(0.1), against=math.exp(-times))
    tc.check_refuted(penalty, tc.Equal(0.1), against=math.exp(-times))
