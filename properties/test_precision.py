"""Where arithmetic, and not the dynamics, ends training: probabilities that round to one, and outputs that overflow.

Under cross-entropy a large rate lets outputs grow with the width and leaves activations alone, so that the first thing
to break is the number format.
"""

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from theorychecks.kernels import analytic_kernels

PRECISIONS = {8: torch.bfloat16, 11: torch.float16, 24: torch.float32, 53: torch.float64}
"""Number formats by the bits of their significand, the implicit one included."""
SINGLE = 24
LARGEST_HALF = float(torch.finfo(torch.float16).max)
HALVINGS = 60


def smallest_margin(dtype: torch.dtype, *, underflow: bool) -> float:
    """The smallest margin between two classes, in bits, at which the larger probability is one, or the smaller zero."""
    low, high = 0.0, 2000.0
    for _ in range(HALVINGS):
        margin = torch.tensor((low + high) / 2, dtype=dtype)
        small = torch.exp(-margin)
        saturated = small == 0 if underflow else 1 / (1 + small) == 1
        low, high = (low, float(margin)) if saturated else ((low + high) / 2, high)
    return high / np.log(2)


@tc.quantity(along="bits of precision", name="margin")
def saturation(bits: float, draw: tc.Draw) -> dict[str, np.ndarray]:
    """Margins in whole bits over what the format's precision and exponents predict, the same for every seed."""
    dtype = PRECISIONS[int(bits)]
    one, zero = (round(smallest_margin(dtype, underflow=underflow)) for underflow in (False, True))
    # The smallest number above zero is 2^(e - p + 1) with the smallest exponent e; half of it rounds to zero.
    least = -round(np.log2(torch.finfo(dtype).smallest_normal)) + int(bits)
    everywhere = np.ones(len(draw.seeds))
    return {
        "rounds to one": one / bits * everywhere,
        "rounds to zero": zero / least * everywhere,
        "against single precision": one / SINGLE * everywhere,
    }


@tc.claim(id="N1", source="derived here from IEEE 754 and the rounding of 1 + exp(-margin)")
def test_a_probability_saturates_at_a_margin_of_as_many_bits_as_the_significand():
    """With two classes and a significand of p bits the probability of the right class is exactly one from a margin of
    ln 2^p on, 16.6 in single and 36.7 in double precision; and the other probability is exactly zero from the margin on
    that halves the smallest positive number.
    """
    margins = saturation.over(tuple(PRECISIONS), seeds=3)
    exact = tc.Identity(dtype="float64")

    tc.check(margins.of(name="rounds to one"), exact)
    tc.check(margins.of(name="rounds to zero"), exact)
    tc.check_refuted(margins.of(name="against single precision"), exact)


RATE = 8.0
SEEDS = 10
"""What a crossing needs; the outputs of a centred network scatter by a hundredth."""
AROUND = (0.6, 0.8, 0.93, 1.08, 1.4)
"""Widths over the predicted one; a transition steeper than these steps is bracketed within the margin."""


def one_step(activation: tc.Activation, data: int, rate: float, dtype: str) -> tc.Training:
    """One step of a centred network with one hidden layer at a rate that does not fall with the width."""
    return tc.Training(
        tc.MLP(1, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(rate),
        data=tc.GaussianMixture(seed=data),
        loss=tc.CROSS_ENTROPY,
        steps=1,
        dtype=dtype,
    )


def predicted_width(activation: tc.Activation, data: int) -> float:
    """The width at which the largest output after one step is the largest half-precision number.

    Outputs start at zero, so that the readout moves along labels minus 1/C, and features have inner products
    n E phi(h) phi(h'): Lee et al. 2018, arXiv:1711.00165 (from memory).
    """
    inputs, targets, _ = tc.GaussianMixture(seed=data).draw()
    moments = analytic_kernels(inputs, depth=1, activation=activation.name, weight_variance=1.0).nngp
    outputs_per_neuron = RATE / len(targets) * moments @ (targets - 1 / targets.shape[1])
    return LARGEST_HALF / float(np.abs(outputs_per_neuron).max())


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
    """One step of SGD at a constant rate, with one hidden layer under standard parametrization, overflows the outputs
    in half precision from the width on at which the infinite-width kernel makes them 65,504, and no sooner; in double
    precision and in bfloat16 they are finite at twice that width.
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
