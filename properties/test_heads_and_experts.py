"""What the number of an attention's heads, and of a mixture's experts, does to a network of one width."""

from dataclasses import replace

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.attention_heads import drawn_heads
from properties.subjects.mixture import drawn_mixtures, expert_updates
from properties.subjects.parts_in_training import begun_alike, trained_parts

SEEDS_OF_DATA = st.integers(0, 99)
NUMBERS = (4, 8, 16, 32, 64)
IN_NUMBER = tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=4)
"""A mean over independent parts is off by m^-1/2, and its square by 1/m."""
STREAM, SIZE, OUTPUTS, STEP = 16, 4, 4, 0.02
ADAM, SGD = tc.Adam(epsilon=1e-300), tc.SGD()
RETURNED, MOVED, LOGITS = "what is added before training", "change of what is added", "change of the logits"
OUT, ELSEWHERE = "update of the projection", "update of the projection on another head"
INSIDE = {name: f"update of the {name}" for name in ("query", "key", "value")}
EXPERT = {"up": "update of an expert's first matrix", "down": "update of an expert's second matrix"}
ALL = {"up": "what updates of first matrices add", "down": "what updates of second matrices add"}


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


NOT_GROWING, NOT_FALLING, FALLING_AS_A_ROOT = in_number(0, 1 / 2), in_number(0, -1 / 2), in_number(-1 / 2, 0)


@tc.quantity(along="heads", name="heads with projections of H^-{init} by {optimizer.name}", cost=1.0)
def attention_training(heads, draw, *, init, steps, data, optimizer=ADAM, alike=False):
    """What a training at rates of 1/H in the projection, with entries of H^-init, and of one elsewhere changes."""
    number, (inputs, targets) = int(heads), batch((16, 8), data)
    own = [draw.generator(seed) for seed in draw.seeds]
    start = drawn_heads(number, SIZE, STREAM, OUTPUTS, SIZE**-0.5 * number**-init, own)
    if alike:
        start = begun_alike(start, *INSIDE, "out")
    rates = {"out": STEP * NUMBERS[0] / number} | dict.fromkeys(INSIDE, STEP)
    after = trained_parts(start, inputs, targets, optimizer=optimizer, rates=rates, steps=steps)
    mixed, update = after.mixed(inputs), after.out - start.out
    inside = {
        label: rms(torch.einsum("bpd,shkd->shbpk", inputs, getattr(after, name) - getattr(start, name)))
        for name, label in INSIDE.items()
    }
    return inside | {
        RETURNED: rms(start.returned(inputs)),
        MOVED: rms(after.returned(inputs) - start.returned(inputs)),
        LOGITS: rms(after.logits(inputs) - start.logits(inputs)),
        OUT: rms(torch.einsum("shbpk,shdk->sbpd", mixed, update)),
        ELSEWHERE: rms(torch.einsum("shbpk,shdk->sbpd", mixed, update.roll(1, dims=1))),
    }


@tc.claim(
    id="HD-1",
    source="Bordelon, Chaudhry, Pehlevan 2024, arXiv:2405.15712 (abstract: limits in the number of heads in which "
    "attention learns features); exponents at a stream and a head of fixed sizes derived here",
)
@given(steps=st.integers(1, 3), data=SEEDS_OF_DATA)
@example(steps=3, data=0)
def test_heads_read_out_like_neurons(steps, data):
    """In an attention of H heads of fixed size on a stream of fixed size, whose output projection has entries of order
    1/H and a rate of 1/H, and whose other rates are of order one, heads add Theta(H^-1/2) before training, and
    not where they begin as one. In one to three steps of Adam what they add, the attention logits, and by their
    effective updates the projection, queries, keys and values move by Theta(1). In a step, what is added does not where
    the projection has entries of H^-1/2, nor do logits, queries, keys and values by plain gradients at these rates;
    and the projection's update is no Theta(1) on the outputs of other heads than those that it has learned from.
    """
    right = attention_training(init=1, steps=steps, data=data).over(NUMBERS, budget=48)
    alike = attention_training(init=1, steps=1, data=data, alike=True).over(NUMBERS, budget=48)
    large = attention_training(init=0.5, steps=1, data=data).over(NUMBERS, budget=48)
    slow = attention_training(init=1, steps=1, data=data, optimizer=SGD).over(NUMBERS, budget=48)

    tc.check(right.of(name=RETURNED), FALLING_AS_A_ROOT)
    tc.check_refuted(alike.of(name=RETURNED), FALLING_AS_A_ROOT)
    tc.check(right.of(name=MOVED), NOT_GROWING)
    tc.check_refuted(large.of(name=MOVED), NOT_GROWING)
    tc.check(right.of(name=OUT), NOT_FALLING)
    tc.check_refuted(right.of(name=ELSEWHERE), NOT_FALLING)
    for name in (LOGITS, *INSIDE.values()):
        tc.check(right.of(name=name), NOT_FALLING)
        tc.check_refuted(slow.of(name=name), NOT_FALLING)


def changes_of_experts(start, after, inputs):
    """What a training has changed of a mixture: each expert on its rows, and all of them as they add up."""
    before, updates = start.returned(inputs), expert_updates(start, after, inputs)
    return {RETURNED: rms(before)} | {
        label: values
        for name in EXPERT
        for label, values in (
            (EXPERT[name], updates[name]),
            (ALL[name], rms(replace(start, **{name: getattr(after, name)}).returned(inputs) - before)),
        )
    }


@tc.quantity(along="experts", name="mean of experts by {optimizer.name}", cost=1.0)
def averaged_training(experts, draw, *, steps, data, optimizer=ADAM, alike=False):
    """What an optimizer at one rate changes of the mean of all experts."""
    number, (inputs, targets) = int(experts), batch((128,), data, 2 * STREAM)
    own = [draw.generator(seed) for seed in draw.seeds]
    start = drawn_mixtures(number, STREAM, STREAM, OUTPUTS, own, scale=1 / number)
    if alike:
        start = begun_alike(start, *EXPERT)
    rates = dict.fromkeys(EXPERT, STEP)
    after = trained_parts(start, inputs, targets, optimizer=optimizer, rates=rates, steps=steps)
    moved = rms(after.returned(inputs) - start.returned(inputs))
    return {MOVED: moved} | changes_of_experts(start, after, inputs)


@tc.claim(
    id="MO-1",
    source="Jiang, Bordelon, Pehlevan, Hanin 2026, arXiv:2601.20205 (abstract and a public summary: a mean-field limit "
    "in the number of experts at a fixed share of active ones); exponents derived here",
)
@given(steps=st.integers(1, 3), data=SEEDS_OF_DATA)
@example(steps=3, data=0)
def test_a_mean_of_experts_moves_as_each_of_them_does(steps, data):
    """The mean of E experts of fixed size on a stream of fixed size is Theta(E^-1/2) before training, and not
    where they begin as one. In one to three steps of Adam at rates that do not depend on E it moves by Theta(1), and so
    do an expert's first and second matrix, by their effective updates, and what all first matrices and all second ones
    add to it; in a step of plain gradients at one rate none of these is Theta(1).
    """
    mean = averaged_training(steps=steps, data=data).over(NUMBERS, budget=48)
    alike = averaged_training(steps=1, data=data, alike=True).over(NUMBERS, budget=48)
    slow = averaged_training(steps=1, data=data, optimizer=SGD).over(NUMBERS, budget=48)

    tc.check(mean.of(name=RETURNED), FALLING_AS_A_ROOT)
    tc.check_refuted(alike.of(name=RETURNED), FALLING_AS_A_ROOT)
    for name in (MOVED, *EXPERT.values(), *ALL.values()):
        tc.check(mean.of(name=name), NOT_FALLING)
        tc.check_refuted(slow.of(name=name), NOT_FALLING)


SHARE = 64
"""Rows that an expert gets, on average."""
SPARSE = (*NUMBERS, 128, 256)
"""Gradients of experts with few rows are noisy, and an exponent of them needs a longer range: up to 128 experts the
interval is as long as the margin, and two of five master seeds are undecided."""


@tc.quantity(along="experts", name="{chosen} of E experts by {optimizer.name} at rates E^{power}", cost=1.0)
def routed_training(experts, draw, *, chosen, optimizer, power, rate, data, over_all=False):
    """What a step changes of a mixture of which a row has a few experts, at rates of E^power."""
    number = int(experts)
    inputs, targets = batch((SHARE * number // chosen,), data, 2 * STREAM)
    own = [draw.generator(seed) for seed in draw.seeds]
    start = drawn_mixtures(number, SIZE, STREAM, OUTPUTS, own, scale=1.0, chosen=chosen, over_all=over_all)
    rates = dict.fromkeys(("router", *EXPERT), rate * number**power)
    after = trained_parts(start, inputs, targets, optimizer=optimizer, rates=rates, steps=1)
    logits = rms(after.logits(inputs) - start.logits(inputs))
    return {LOGITS: logits} | changes_of_experts(start, after, inputs)


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
    rows on average, routed by other entries than those that experts read, what is added is Theta(1) before training.
    In a step the router's logits, an expert's first and second matrix, by their effective updates, and what all first
    and all second matrices add move by Theta(1), by Adam at rates that do not depend on E, and by plain gradients at
    rates of E. None of these is Theta(1) by plain gradients at one rate, nor at rates of E where a row's weights are
    those of a softmax over all experts, and neither is then what is added.
    """
    adam, descent, slow, of_all = (
        routed_training(chosen=chosen, data=data, **options).over(SPARSE, budget=budget)
        for budget, options in (
            (96, {"optimizer": ADAM, "power": 0, "rate": STEP}),
            (96, {"optimizer": SGD, "power": 1, "rate": 0.1}),
            (24, {"optimizer": SGD, "power": 0, "rate": 0.1}),
            (24, {"optimizer": SGD, "power": 1, "rate": 0.1, "over_all": True}),
        )
    )

    tc.check(adam.of(name=RETURNED), NOT_FALLING)
    tc.check_refuted(of_all.of(name=RETURNED), NOT_FALLING)
    for name in (LOGITS, *EXPERT.values(), *ALL.values()):
        tc.check(adam.of(name=name), NOT_FALLING)
        tc.check(descent.of(name=name), NOT_FALLING)
        tc.check_refuted(slow.of(name=name), NOT_FALLING)
        tc.check_refuted(of_all.of(name=name), NOT_FALLING)
