"""What the size of batches does: the gradient's noise, the best rate of a step, and rules that keep a training."""

import functools

import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

import theorychecks as tc
from properties.subjects.noisy_batches import Networks, best_rates, excess_loss
from theorychecks.strategies import activations

SIZES = (4, 8, 16, 32, 64)
EXACT = tc.FiniteSizeClass(constant=1.0, omegas=(1.0,), unit=1 / 64)
"""The variance of a mean of independent samples is 1 / B of one sample's; a class is positive, and this one small."""


class Perceptron(nn.Module):
    """One hidden layer."""

    def __init__(self, activation):
        super().__init__()
        self.first, self.readout, self.activation = nn.Linear(6, 16), nn.Linear(16, 3), activation

    def forward(self, x):
        """Outputs by sample."""
        return self.readout(self.activation.function(self.first(x)))


def drawn(generator, size, *, distinct=None):
    """Four batches, of which some samples are distinct, and the others these again."""
    found = []
    for _ in range(4):
        inputs, noise = (torch.randn(distinct or size, features, generator=generator) for features in (6, 3))
        again = size // len(inputs)
        found.append((inputs.repeat(again, 1), (inputs[:, :3] + noise).repeat(again, 1)))
    return found


def descent(module, size):
    """At a rate in proportion to the size."""
    return torch.optim.SGD(module.parameters(), lr=1e-3 * size)


def noise(activation, **options):
    """Of a perceptron's gradient, along the batch size."""
    model = tc.Model(
        functools.partial(Perceptron, activation),
        descent,
        functools.partial(drawn, **options),
        loss=F.mse_loss,
        axis="batch size",
        name="perceptron",
    )
    return tc.Sweep(tc.GradientNoise(), model, batch_sizes=SIZES, budget=64)


MCCANDLISH = (
    "McCandlish, Kaplan, Amodei et al. 2018, arXiv:1812.06162 (public notes: a noise scale from the gradient's "
    "covariance, and a best rate of SGD that is first linear in the batch size)"
)


@tc.claim(id="BT-1", source=f"{MCCANDLISH}; that it is exact, and the control, derived here")
@given(activation=activations())
@example(activation=tc.TANH)
def test_gradient_noise_falls_with_the_root_of_the_batch(activation):
    """The gradient of a mean loss over a batch of B independent samples differs from batch to batch by Theta(B^-1/2),
    in each matrix, at fixed weights; where a batch has four distinct samples, each B/4 times, by Theta(1).
    """
    root = tc.PowerLaw(-1 / 2, within=0.1, rival=0, corrections=EXACT)
    repeated = noise(activation, distinct=4)

    tc.check(noise(activation), root)
    tc.check(repeated, tc.PowerLaw(0, within=0.1, rival=-1 / 2, corrections=EXACT))
    tc.check_refuted(repeated, root)


STEPPED = (16, 32, 64, 128, 256)
NOISE = 64.0
"""Standard deviation of what is added to targets of order one."""
BELOW = tc.FiniteSizeClass(constant=1.0, omegas=(1.0,), unit=2500.0, towards="zero")
"""A best rate is off by the batch size over the noise scale, at most by a share of B / 2,500: in 128 networks of each
activation that were looked at the noise scale lies between 3,500 and 310,000."""
ABOVE = tc.FiniteSizeClass(constant=1.0, omegas=(1.0,))
"""The mean of B gradients is normal, and its signs are as often right as those of normal numbers, up to 1 / B."""
SIGNS = tc.Adam(epsilon=1e-30)
"""Its first step goes along signs."""


def generators(draw):
    """One a seed, of its network, and another of its batches."""
    return [[draw.generator(seed, what) for seed in draw.seeds] for what in ("network", "batches")]


@tc.quantity(along="batch size", name="best rate of a step of {optimizer.name}", cost=0.0, shared=True)
def best_rate(size, draw, *, optimizer, activation, noise):
    """Of the first step on a batch to whose targets noise of this standard deviation is added."""
    own, data = generators(draw)
    return best_rates(Networks.drawn(activation, own), int(size), optimizer, data, noise=noise)


LINEAR = tc.PowerLaw(1, within=0.15, rival=1 / 2, corrections=BELOW)
ROOT = tc.PowerLaw(1 / 2, within=0.15, rival=1, corrections=ABOVE)


LI = "Li, Zhao, Zhang et al. 2024, arXiv:2405.14578 (abstract: of signs of gradients the best rate first rises)"


@tc.claim(id="BT-2", source=f"{MCCANDLISH}; {LI}; the exponent 1/2 for signs, and the controls, derived here")
@given(activation=activations())
@example(activation=tc.TANH)
def test_the_best_rate_is_linear_in_the_batch_for_gradients_and_a_root_for_signs(activation):
    """Where targets are mostly noise, the learning rate at which one step lowers the expected loss most, by its slope
    and the curvature of Gauss and Newton, is Theta(B) for gradient descent and Theta(B^1/2) for the first step of Adam,
    which goes along signs; where targets have no noise neither law holds.
    """
    for optimizer, expected in ((tc.SGD(), LINEAR), (SIGNS, ROOT)):
        noisy, clean = (
            best_rate(optimizer=optimizer, activation=activation, noise=noise).over(STEPPED, budget=64)
            for noise in (NOISE, 0.0)
        )
        tc.check(noisy, expected)
        tc.check_refuted(clean, expected)


COURSES = (8, 16, 32, 64)
LARGEST = COURSES[-1]
SAMPLES = 8192


def adam(forgotten):
    """Whose moments forget so much in a step."""
    return tc.Adam(betas=(1 - forgotten, 1 - forgotten), epsilon=1e-30)


@tc.quantity(
    along="batch size",
    name="loss after as many samples, {kind} at B^{power}, 1 - beta at B^{forgetting}",
    cost=-1.0,
    shared=True,
)
def course(size, draw, *, kind, power, activation, forgetting=1.0):
    """Of a pass over fresh samples with noisy targets."""
    own, data = generators(draw)
    share = size / LARGEST
    # A pass has 128 of the largest batches, so that moments of a hundred steps matter.
    optimizer, rate = (tc.SGD(), 0.1) if kind == "SGD" else (adam(0.01 * share**forgetting), 0.03)
    networks = Networks.drawn(activation, own)
    return excess_loss(networks, int(size), optimizer, rate * share**power, data, noise=4.0, samples=SAMPLES)


MALLADI = (
    "Malladi, Lyu, Panigrahi, Arora 2022, arXiv:2205.10287 (abstract and introduction: the linear rule for SGD at a "
    "fixed number of epochs, the square-root rule for Adam, from SDEs; from memory, that rule scales 1 - beta with the "
    "batch as well)"
)


@tc.claim(
    id="BT-3",
    source=f"{MALLADI}; what betas that do not depend on the size lead to, derived here",
    evidence=True,
)
@given(kind=st.sampled_from(["SGD", "Adam"]), activation=activations())
@example(kind="SGD", activation=tc.TANH)
@example(kind="Adam", activation=tc.TANH)
def test_a_training_stays_the_same_by_the_linear_rule_for_sgd_and_the_root_rule_for_adam(kind, activation):
    """Where targets have noise of standard deviation four, the loss over the second half of a pass, without that noise,
    is the same for batches of 8 to 64, within 20 per cent: at rates in proportion to B under SGD, and at rates as
    B^1/2, with moments that average over as many samples, under Adam; by the other's rule it is not, nor under Adam
    with moments of a hundred steps, which are most of a pass in the largest batches and a tenth of one in the smallest.
    """
    right, wrong = (1.0, 0.5) if kind == "SGD" else (0.5, 1.0)
    same, other, by_step = (
        course(kind=kind, power=power, activation=activation, forgetting=forgetting).over(COURSES, seeds=seeds)
        for power, forgetting, seeds in (
            (right, 1.0, 64),
            # Half as many leave a control of Adam open on three of eight master seeds.
            (wrong, 1.0, 64 if kind == "SGD" else 256),
            (right, 0.0, 256),
        )
    )

    tc.check(same, tc.Collapse(0.2))
    tc.check_refuted(other, tc.Collapse(0.2))
    if kind == "Adam":
        tc.check_refuted(by_step, tc.Collapse(0.2))
