"""Where arithmetic, and not the dynamics, ends training: gradients that underflow, and outputs that overflow.

Under cross-entropy a large rate lets outputs grow with the width and leaves activations alone, so that the first thing
to break is the number format.
"""

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from theorychecks.kernels import analytic_kernels

FORMATS = ("float16", "bfloat16", "float32")
LARGEST_HALF = float(torch.finfo(torch.float16).max)
SEEDS = 10
"""What a crossing needs; the outputs of a centred network scatter by a hundredth."""
AROUND = (0.6, 0.8, 0.93, 1.08, 1.4)
"""Widths over the predicted one; a transition steeper than these steps is bracketed within the margin."""


def outputs_after_one_step(activation: tc.Activation, data: int) -> np.ndarray:
    """Outputs of a wide centred network after one step at rate 1/n, by sample and class.

    They start at zero, so that the readout moves along labels minus 1/C, and features have inner products
    n E phi(h) phi(h'): Lee et al. 2018, arXiv:1711.00165 (from memory).
    """
    inputs, targets, _ = tc.GaussianMixture(seed=data).draw()
    moments = analytic_kernels(inputs, depth=1, activation=activation.name, weight_variance=1.0).nngp
    return moments @ (targets - 1 / targets.shape[1]) / len(targets)


def one_step(activation: tc.Activation, data: int, rate: float, dtype: str, *, alpha: float = 0.0) -> tc.Training:
    """One step of a centred network with one hidden layer at rate times n^-alpha."""
    return tc.Training(
        tc.MLP(1, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(rate, width=-alpha),
        data=tc.GaussianMixture(seed=data),
        loss=tc.CROSS_ENTROPY,
        steps=1,
        dtype=dtype,
    )


UNDERFLOWS_NEAR = 2.0**16
"""The width that rates of the claim on underflow are chosen for; smallest margins scatter there by two hundredths."""


def vanishing_margin(dtype: str) -> float:
    """The margin from which on the gradient of the mean loss of P samples in the outputs is exactly zero.

    The probability of a wrong class is a multiple of the smallest positive number, and rounds to zero when divided by P
    if it is P/2 of them, the tie going to the even zero. It rounds to no more than that below P/2 + 1/2 of them.
    """
    samples, limits = tc.GaussianMixture().samples, torch.finfo(getattr(torch, dtype))
    return -float(np.log((samples + 1) / 2) + np.log(limits.smallest_normal) + np.log(limits.eps))


def smallest_margin(activation: tc.Activation, data: int) -> float:
    """Over samples and wrong classes, after one step at rate 1/n."""
    outputs = outputs_after_one_step(activation, data)
    right = tc.GaussianMixture(seed=data).draw().targets.astype(bool)
    return float(min((own[label] - own[~label]).min() for own, label in zip(outputs, right, strict=True)))


@tc.observable
def vanished(run):
    """Whether the loss's gradient in the outputs is exactly zero after the last step: one, or zero."""
    return (run.loss_gradients(run.training.steps) == 0).all(dim=-1).all(dim=-1).to(torch.float64)


@tc.quantity(along="width", name="zero gradients in {training.dtype}")
def underflow(width: float, draw: tc.Draw, *, training: tc.Training) -> dict[str, np.ndarray]:
    """Which networks have no gradient left: as one or zero, and as two or one."""
    found = draw.values(vanished, training, int(width)).numpy()
    return {"zero": found, "two, or one": found + 1}


@tc.claim(
    id="N1",
    source="Haas et al. 2025, arXiv:2505.22491, the authors' thread, for precision failure at scale; the width derived "
    "here from the kernel of Lee et al. 2018 and IEEE 754",
    paper=LARGE_RATES,
)
@given(activation=st.sampled_from([tc.RELU, tc.TANH]), data=st.integers(0, 99), dtype=st.sampled_from(FORMATS))
@example(activation=tc.RELU, data=0, dtype="float16")
@example(activation=tc.RELU, data=0, dtype="bfloat16")
@example(activation=tc.RELU, data=0, dtype="float32")
def test_gradients_underflow_to_zero_at_the_predicted_width(activation, data, dtype):
    """At rate n^-1/2 under cross-entropy one step of gradient descent of a centred ReLU or tanh network with one hidden
    layer under standard parametrization leaves a gradient that is exactly zero, in half and single precision and
    bfloat16, from some width on, with a base rate chosen so that this is near 2^16. It is, within 10 per cent, the
    width at which the infinite-width kernel makes the smallest margin between classes so large that by the format's
    least number the gradient rounds to zero; in double precision it is not zero at twice that width.
    """
    margin, rise = vanishing_margin(dtype), smallest_margin(activation, data)
    rate = float(f"{margin / rise / UNDERFLOWS_NEAR**0.5:.2g}")
    width = (margin / rise / rate) ** 2
    around, wide = (tuple(round(factor * width) for factor in factors) for factors in (AROUND, (0.25, 1.0, 2.0)))
    below = around[:2] + around[3:4]
    trained, faster = (
        underflow(training=one_step(activation, data, factor * rate, dtype, alpha=1 / 2)) for factor in (1, 1.2)
    )
    at_the_prediction, never = tc.Crossing(width, within=0.1), tc.Identity(dtype="float64")
    precise = underflow(training=one_step(activation, data, rate, "float64", alpha=1 / 2))

    tc.check(trained.over(around, seeds=SEEDS).of(name="zero"), at_the_prediction)
    tc.check_refuted(faster.over(below, seeds=SEEDS).of(name="zero"), at_the_prediction)
    tc.check(precise.over(wide, seeds=3).of(name="two, or one"), never)
    tc.check_refuted(trained.over(wide, seeds=3).of(name="two, or one"), never)


RATE = 8.0


def predicted_width(activation: tc.Activation, data: int) -> float:
    """The width at which the largest output after one step is the largest half-precision number."""
    return LARGEST_HALF / float(RATE * np.abs(outputs_after_one_step(activation, data)).max())


@tc.observable
def overflown(run):
    """Whether some output is not finite after the last step: one, or zero."""
    return (~run.outputs(run.training.steps).isfinite()).any(dim=-1).any(dim=-1).to(torch.float64)


@tc.quantity(along="width", name="{training.dtype} outputs")
def overflow(width: float, draw: tc.Draw, *, training: tc.Training) -> dict[str, np.ndarray]:
    """Which networks overflow: as one or zero, and as two or one."""
    found = draw.values(overflown, training, int(width)).numpy()
    return {"overflow": found, "two, or one": found + 1}


@tc.claim(
    id="N2",
    source="derived here: outputs grow as n after one step at a constant rate, with the kernel of Lee et al. 2018",
)
@given(activation=st.sampled_from([tc.RELU, tc.TANH]), data=st.integers(0, 99))
@example(activation=tc.RELU, data=0)
def test_outputs_overflow_half_precision_at_the_predicted_width(activation, data):
    """Under cross-entropy one step of SGD at a constant rate, of a centred ReLU or tanh network with one hidden layer
    under standard parametrization, takes outputs beyond half precision from the width on at which the infinite-width
    kernel makes them 65,504, within 10 per cent; in double precision and in bfloat16 they are finite at twice that
    width.
    """
    width = predicted_width(activation, data)
    around, wide = (tuple(round(factor * width) for factor in factors) for factors in (AROUND, (0.25, 1.0, 2.0)))
    below = around[:2] + around[3:4]
    half = overflow(training=one_step(activation, data, RATE, "float16"))
    faster = overflow(training=one_step(activation, data, 1.45 * RATE, "float16"))
    at_the_prediction, finite = tc.Crossing(width, within=0.1), tc.Identity(dtype="float64")

    tc.check(half.over(around, seeds=SEEDS).of(name="overflow"), at_the_prediction)
    tc.check_refuted(faster.over(below, seeds=SEEDS).of(name="overflow"), at_the_prediction)
    for dtype in ("float64", "bfloat16"):
        precise = overflow(training=one_step(activation, data, RATE, dtype))
        tc.check(precise.over(wide, seeds=3).of(name="two, or one"), finite)
    tc.check_refuted(half.over(wide, seeds=3).of(name="two, or one"), finite)
