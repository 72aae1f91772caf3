"""The catapult, which turns what would diverge: it moves the largest constant rate that is stable by a factor.

In a linear network with one hidden layer and one sample training is a recursion of two numbers, at any width.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from properties.subjects import linear_recursion
from theorychecks.observables import Readings
from theorychecks.observables.stability import stability_threshold
from theorychecks.strategies import activations

RECURSION_WIDTHS = tc.widths(256, 2**20, factor=4)
ROOT = "derived here from Lewkowycz et al. 2020, arXiv:2003.02218 (abstract; 2 in a public summary, 4 from memory)"


def start(width: float, draw: tc.Draw, *, ntk: bool = False) -> linear_recursion.State:
    """Where the networks of a draw begin."""
    return linear_recursion.initial_state(int(width), [draw.rng(seed) for seed in draw.seeds], ntk=ntk)


@tc.quantity(along="width", name="largest stable rate")
def constant_rate(width: float, draw: tc.Draw) -> np.ndarray:
    """Without a schedule."""
    return linear_recursion.max_stable_rate(start(width, draw))


@tc.quantity(along="width", name="with a warm-up", cost=0.5)
def warmed_up_rate(width: float, draw: tc.Draw) -> np.ndarray:
    """The largest stable rate after a warm-up over a tenth of training."""
    return linear_recursion.max_stable_rate(start(width, draw), warm_up=0.1)


@tc.observable
def both_ends(run):
    """The output and its tangent kernel before training, and the output after it."""
    first, last = (run.outputs(time)[:, 0, 0] for time in (0, run.training.steps))
    return {"first": first, "kernel": run.tangent_kernel(0)[:, 0, 0], "last": last}


@tc.quantity(along="width")
def recursion_over_training(width: float, draw: tc.Draw, *, data: int) -> dict[str, np.ndarray]:
    """The recursion's last output over that of a trained network with the same initial weights."""
    n, line = int(width), tc.Sphere(dimension=1, outputs=1, samples=1, test_samples=1, seed=data)
    training = tc.Training(
        tc.MLP(1, tc.LINEAR, tc.STANDARD),
        # Beyond 2 / lambda: the first steps are a catapult.
        learning_rate=tc.scaled(2.2, width=-1),
        data=line,
        loss=tc.MSE,
        steps=10,
        dtype="float64",
    )
    found = draw.read(both_ends, training, n)
    first, kernel, last = (reading.values.numpy() for reading in found.values())
    (_, ((target,),), _) = line.draw()
    state = linear_recursion.State(first, kernel)
    rates = np.full(len(last), training.learning_rate.base / n)
    plain, stale = state, state
    for _step in range(training.steps):
        plain = linear_recursion.step(plain, rates, target)
        stale = linear_recursion.step(stale, rates, target)._replace(kernels=state.kernels)
    return {"exact": np.abs(plain.outputs / last), "kernel kept": np.abs(stale.outputs / last)}


@tc.claim(
    id="H20/recursion",
    source=f"Haas et al. 2025, arXiv:2505.22491, the authors' code; {ROOT}",
)
@given(data=st.integers(0, 99))
@example(data=0)
def test_a_two_layer_linear_network_on_one_sample_is_a_recursion_of_two_numbers(data):
    """The output of a linear network with one hidden layer and one sample after ten steps of gradient descent, at 2.2
    in units of 1/n, a catapult, is that of a recursion of two numbers, output and tangent kernel, up to rounding and at
    widths from 64 to 4,096. With the kernel kept as it was it is not.
    """
    exact = tc.Identity(2.0**16, dtype="float64")
    ratio = recursion_over_training(data=data).over((64, 256, 1024, 4096))

    tc.check(ratio.of(name="exact"), exact)
    tc.check_refuted(ratio.of(name="kernel kept"), exact)


@tc.claim(
    id="H20",
    source=f"Haas et al. 2025, arXiv:2505.22491, Fig. C.2 of the authors' code; {ROOT}",
    paper=LARGE_RATES,
)
def test_the_catapult_leaves_the_largest_stable_rate_at_one_over_width():
    """In a linear network with one hidden layer under standard parametrization and MSE on one sample, trained for 20
    over the rate steps, the largest rate that does not diverge is Theta(1/n); a warm-up over a tenth of training raises
    it to Theta(n^-1/2).
    """
    constant, warmed = constant_rate.over(RECURSION_WIDTHS), warmed_up_rate.over(tc.widths(512, 8192))

    tc.check(constant, tc.PowerLaw(-1))
    tc.check(warmed, tc.PowerLaw(-1 / 2, within=0.2, rival=-1))
    tc.check_refuted(warmed, tc.PowerLaw(-1))


def aligned(state: linear_recursion.State, draw: tc.Draw) -> linear_recursion.State:
    """The readout nearly along the input weights: outputs of the kernel's order, which half of it bounds."""
    shares = np.array([draw.rng(seed, "alignment").uniform(0.75, 1) for seed in draw.seeds])
    return state._replace(outputs=shares * state.kernels / (2 * math.sqrt(state.squared_multiplier)))


@tc.quantity(along="width", name="catapult threshold, {parametrization}, {begun} start, {fitted} target")
def catapult_threshold(
    width: float, draw: tc.Draw, *, parametrization: str, begun: str = "random", fitted: str = "small"
) -> dict[tc.Parts, np.ndarray]:
    """Thresholds as rates, and in units of the inverse of the kernel at the start."""
    found, state = {}, start(width, draw, ntk=parametrization == "NTK")
    # In units of the kernel all bisections would end on one grid.
    dither = np.array([draw.rng(seed, "dither").uniform(1, 2) for seed in draw.seeds])
    if begun == "aligned":
        state = aligned(state, draw)
    target = float(width) if fitted == "large" else 0.0
    for threshold in ("monotone", "bounded"):
        rates = linear_recursion.catapult_threshold(state, threshold, target=target, dither=dither)
        found[tc.Parts(threshold=threshold, unit="rate")] = rates
        found[tc.Parts(threshold=threshold, unit="eta lambda")] = rates * state.kernels
    return found


CATAPULT = {"monotone": 2.0, "bounded": 4.0}
"""In units of the inverse kernel: where the loss first rises, and beyond which it diverges."""


@tc.claim(
    id="C1",
    source="Lewkowycz et al. 2020, arXiv:2003.02218 (abstract; 2 in a public summary, 4 from memory), for both; what a "
    f"large output or target changes, and exponents by parametrization, {ROOT}",
)
def test_a_catapult_lies_between_two_and_four_over_the_kernel_at_every_width():
    """In a linear network with one hidden layer on one sample, outputs of order one and a target of zero the loss first
    rises at a rate of 2, and diverges beyond one of 4, times the inverse of the initial kernel, within 2 per cent from
    width 256 to 1,048,576: Theta(1/n) under standard, and Theta(1) under NTK parametrization. The first is another
    where readout and input weights are nearly aligned, the second where the target is as large as the width.
    """
    number = tc.Equal(0.02)
    found = {name: catapult_threshold(parametrization=name).over(RECURSION_WIDTHS) for name in ("standard", "NTK")}
    large_output, large_target = (
        catapult_threshold(parametrization="standard", begun=begun, fitted=fitted).over(RECURSION_WIDTHS)
        for begun, fitted in (("aligned", "small"), ("random", "large"))
    )

    for threshold, expected in CATAPULT.items():
        for either in found.values():
            tc.check(either.of(threshold=threshold, unit="eta lambda"), number, against=expected)
        standard, ntk = (either.of(threshold=threshold, unit="rate") for either in found.values())
        tc.check(standard, tc.PowerLaw(-1))
        tc.check(ntk, tc.Plateau())
        tc.check_refuted(standard, tc.Plateau())
        tc.check_refuted(ntk, tc.PowerLaw(-1))
    tc.check_refuted(large_output.of(threshold="monotone", unit="eta lambda"), number, against=2.0)
    tc.check_refuted(large_target.of(threshold="bounded", unit="eta lambda"), number, against=4.0)


FAR = 1e8
"""A catapult's outputs reach the width before they come back, which takes a number of steps of order log n."""


@dataclass(frozen=True)
class StableRateAndSharpness(tc.Observable):
    """The largest stable rate, and in units of the inverse of the largest eigenvalue of the Gauss-Newton matrix."""

    title = "largest stable rate and sharpness"
    retrains = True
    parts = ("unit",)

    def read(self, run: tc.Run) -> Readings:
        """Two rates."""
        threshold = stability_threshold(run, "outputs", limit=FAR)
        sharpness = torch.linalg.eigvalsh(run.tangent_kernel(0))[:, -1].to(torch.float64) / run.training.data.samples
        in_sharpness = tc.Reading(threshold.values * sharpness, threshold.statuses)
        return {tc.Parts(unit="rate"): threshold, tc.Parts(unit="eta lambda"): in_sharpness}


def on_a_fixed_batch(activation: tc.Activation, parametrization: tc.Parametrization, power: float) -> tc.Training:
    """Thirty-two steps of a centred network with one hidden layer, searching from 3 n^power."""
    return tc.Training(
        tc.MLP(1, activation, parametrization, centred=True),
        learning_rate=tc.scaled(3.0, width=power),
        data=tc.GaussianMixture(samples=16),
        loss=tc.MSE,
        steps=32,
    )


@tc.claim(id="C1/networks", source=f"{ROOT}; measured here")
@given(activation=activations(among=(tc.TANH, tc.ERF, tc.LINEAR)))
@example(activation=tc.TANH)
def test_the_largest_stable_rate_of_a_network_is_a_constant_in_units_of_its_sharpness(activation):
    """Under standard parametrization the largest rate at which a centred network with one hidden layer, tanh, erf or
    linear, does not diverge under MSE in 32 steps on a fixed batch is Theta(1) times the inverse of its initial
    sharpness, and Theta(1/n); under NTK parametrization it is not Theta(1/n).
    """
    standard, ntk = (
        tc.Sweep(
            StableRateAndSharpness(),
            on_a_fixed_batch(activation, parametrization, power),
            widths=tc.widths(128, 4096),
        )
        for parametrization, power in ((tc.STANDARD, -1), (tc.NTK, 0))
    )

    tc.check(standard.of(unit="eta lambda"), tc.Plateau(within=0.2, rival=-1))
    tc.check(standard.of(unit="rate"), tc.PowerLaw(-1, within=0.2, rival=-1 / 2))
    tc.check_refuted(ntk.of(unit="rate"), tc.PowerLaw(-1, within=0.2, rival=-1 / 2))
