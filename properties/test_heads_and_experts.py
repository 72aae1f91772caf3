"""What the number of an attention's heads, and of a mixture's experts, does to a network of one width."""

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.attention_heads import drawn_heads
from properties.subjects.mixture import drawn_mixtures, expert_update
from properties.subjects.parts_in_training import trained_parts

SEEDS_OF_DATA = st.integers(0, 99)
NUMBERS = (4, 8, 16, 32, 64)
IN_NUMBER = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=4)
"""A mean over independent parts is off by m^-1/2, and its square by 1/m."""
STREAM, SIZE, OUTPUTS, STEP = 16, 4, 4, 0.02
ADAM, SGD = tc.Adam(epsilon=1e-300), tc.SGD()
RETURNED, OUT, VALUE, LOGITS, MOVED, EXPERT = (
    "what is added before training",
    "update of the projection",
    "update of the values",
    "change of the logits",
    "change of what is added",
    "update of an expert",
)


def rms(values):
    """Root mean square over all but the first dimension, [seed]."""
    return values.flatten(1).square().mean(dim=1).sqrt()


def batch(rows, data, entries=STREAM):
    """Normal inputs, and targets that depend on what the stream has of them: sines of a few random projections."""
    own = torch.Generator().manual_seed(data)
    projections = torch.randn(STREAM, OUTPUTS, generator=own, dtype=torch.float64)
    inputs = torch.randn(*rows, entries, generator=own, dtype=torch.float64)
    return inputs, torch.sin(inputs[..., :STREAM] @ projections)


def in_number(exponent, rival):
    """Exponents in the number of heads or experts."""
    return tc.PowerLaw(exponent, within=0.2, rival=rival, corrections=IN_NUMBER)


@tc.quantity(along="heads", name="heads with projections of H^-{init}, rates H^-{slower}", cost=1.0)
def attention_training(heads, draw, *, init, slower, steps, data):
    """What Adam changes of an attention, whose projection has entries of H^-init and rates of H^-slower."""
    number, (inputs, targets) = int(heads), batch((16, 8), data)
    own = [draw.generator(seed) for seed in draw.seeds]
    start = drawn_heads(number, SIZE, STREAM, OUTPUTS, SIZE**-0.5 * number**-init, own)
    rates = {"query": STEP, "key": STEP, "value": STEP, "out": STEP * (NUMBERS[0] / number) ** slower}
    after = trained_parts(start, inputs, targets, optimizer=ADAM, rates=rates, steps=steps)
    projected = torch.einsum("shbpk,shdk->sbpd", after.mixed(inputs), after.out - start.out)
    values = torch.einsum("bpd,shkd->shbpk", inputs, after.value - start.value)
    return {
        RETURNED: rms(start.returned(inputs)),
        OUT: rms(projected),
        VALUE: rms(values),
        LOGITS: rms(after.logits(inputs) - start.logits(inputs)),
    }


@tc.claim(
    id="HD-1",
    source="Bordelon, Chaudhry, Pehlevan 2024, arXiv:2405.15712 (abstract: limits in the number of heads in which "
    "attention learns features); exponents at a stream and a head of fixed sizes derived here",
)
@given(steps=st.integers(1, 3), data=SEEDS_OF_DATA)
@example(steps=3, data=0)
def test_heads_read_out_like_neurons(steps, data):
    """In an attention of H heads of fixed size on a stream of fixed size, trained by Adam for one to three steps with
    rates of 1/H in the output projection and of order one elsewhere, projections drawn with entries of order 1/H add
    Theta(H^-1/2) before training, and those of H^-1/2 Theta(1); the projection's effective update, the values' and the
    change of the attention logits are Theta(1), and with one rate for all matrices the projection's grows.
    """
    right = attention_training(init=1, slower=1, steps=steps, data=data).over(NUMBERS, budget=48)
    large = attention_training(init=0.5, slower=1, steps=1, data=data).over(NUMBERS, budget=48)
    fast = attention_training(init=1, slower=0, steps=1, data=data).over(NUMBERS, budget=48)

    tc.check(right.of(name=RETURNED), in_number(-1 / 2, 0))
    tc.check(large.of(name=RETURNED), in_number(0, -1 / 2))
    for name in (OUT, VALUE, LOGITS):
        tc.check(right.of(name=name), in_number(0, 1 / 2))
    tc.check_refuted(large.of(name=RETURNED), in_number(-1 / 2, 0))
    tc.check_refuted(fast.of(name=OUT), in_number(0, 1 / 2))


@tc.quantity(along="experts", name="mean of experts times E^{power}", cost=1.0)
def averaged_training(experts, draw, *, power, steps, data):
    """What Adam at one rate changes of E^(power - 1) times the sum of all experts."""
    number, (inputs, targets) = int(experts), batch((128,), data, 2 * STREAM)
    own = [draw.generator(seed) for seed in draw.seeds]
    start = drawn_mixtures(number, STREAM, STREAM, OUTPUTS, own, scale=number ** (power - 1))
    after = trained_parts(start, inputs, targets, optimizer=ADAM, rates={"up": STEP, "down": STEP}, steps=steps)
    return {
        RETURNED: rms(start.returned(inputs)),
        MOVED: rms(after.returned(inputs) - start.returned(inputs)),
        EXPERT: expert_update(start, after, inputs),
    }


@tc.claim(
    id="MO-1",
    source="Jiang, Bordelon, Pehlevan, Hanin 2026, arXiv:2601.20205 (abstract and a public summary: a mean-field limit "
    "in the number of experts at a fixed share of active ones); exponents derived here",
)
@given(steps=st.integers(1, 3), data=SEEDS_OF_DATA)
@example(steps=3, data=0)
def test_a_mean_of_experts_moves_as_each_of_them_does(steps, data):
    """The mean of E experts of fixed size on a stream of fixed size is Theta(E^-1/2) before training; in one to three
    steps of Adam at rates that do not depend on E it moves by Theta(1), and so does each expert's first matrix. E^1/2
    times the mean is not Theta(E^-1/2) before training, and does not move by Theta(1) in a step.
    """
    mean, large = (
        averaged_training(power=power, steps=steps if not power else 1, data=data).over(NUMBERS, budget=48)
        for power in (0, 0.5)
    )

    tc.check(mean.of(name=RETURNED), in_number(-1 / 2, 0))
    tc.check(mean.of(name=MOVED), in_number(0, 1 / 2))
    tc.check(mean.of(name=EXPERT), in_number(0, 1 / 2))
    tc.check_refuted(large.of(name=RETURNED), in_number(-1 / 2, 0))
    tc.check_refuted(large.of(name=MOVED), in_number(0, 1 / 2))


SHARE = 64
"""Rows that an expert gets, on average."""


@tc.quantity(along="experts", name="{chosen} of E experts, {optimizer} at rates E^{power}", cost=1.0)
def routed_training(experts, draw, *, chosen, optimizer, power, rate, data):
    """What a step changes of a mixture of which a row has a few experts, at rates of E^power in experts."""
    number = int(experts)
    inputs, targets = batch((SHARE * number // chosen,), data, 2 * STREAM)
    own = [draw.generator(seed) for seed in draw.seeds]
    start = drawn_mixtures(number, SIZE, STREAM, OUTPUTS, own, scale=1.0, chosen=chosen)
    inside = rate * number**power
    after = trained_parts(
        start, inputs, targets, optimizer=optimizer, rates={"router": rate, "up": inside, "down": inside}, steps=1
    )
    return {
        RETURNED: rms(start.returned(inputs)),
        MOVED: rms(after.returned(inputs) - start.returned(inputs)),
        EXPERT: expert_update(start, after, inputs),
    }


@tc.claim(
    id="MO-2",
    source="the share of the loss that one of E experts has, and Adam's steps of one size, derived here; rates of "
    "experts that do not depend on their number also in Jiang, Bordelon, Pehlevan, Hanin 2026, arXiv:2601.20205 "
    "(abstract: hyperparameters transfer across numbers of experts)",
)
@given(chosen=st.sampled_from([2, 4]), data=SEEDS_OF_DATA)
@example(chosen=2, data=0)
def test_experts_of_a_sparse_mixture_learn_at_one_rate_by_adam_and_by_their_number_otherwise(chosen, data):
    """In mixtures of E experts of which each row has k = 2 or 4 with weights that add up to one, and each expert 64
    rows on average, routed by other entries than those that experts read, what is added is Theta(1) before training,
    and the effective update of an expert's first matrix in a step is Theta(1) by Adam at a rate that does not depend on
    E, and by plain gradients at rates of E; by these at one rate it is not.
    """
    adam = routed_training(chosen=chosen, optimizer=ADAM, power=0, rate=STEP, data=data).over(NUMBERS, budget=24)
    descent, slow = (
        routed_training(chosen=chosen, optimizer=SGD, power=power, rate=0.1, data=data).over(NUMBERS, budget=24)
        for power in (1, 0)
    )

    tc.check(adam.of(name=RETURNED), in_number(0, -1 / 2))
    tc.check(adam.of(name=EXPERT), in_number(0, 1 / 2))
    tc.check(descent.of(name=EXPERT), in_number(0, -1 / 2))
    tc.check_refuted(slow.of(name=EXPERT), in_number(0, -1 / 2))
