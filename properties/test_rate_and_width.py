"""Which combination of learning rate and width decides what a network under standard parametrization does.

The function that is learned in a few steps depends on the rate times the width, as each unit of the rate moves outputs
by n. Features of a hidden layer move by n^1/2 for each, so that no combination of rate and width stands for both.
"""

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import TUTORIAL
from theorychecks.networks import Loss
from theorychecks.strategies import activations, depths

WIDTHS = (512, 2048, 8192)
SEEDS = (16, 12, 12)


@tc.observable
def loss_left(run):
    """The last loss over the first one."""
    return run.losses[-1] / run.losses[0]


@tc.observable
def movement(run):
    """How far the last hidden layer's features have moved, over their size."""
    last = run.training.network.depth
    first, now = (run.features(last, time) for time in (0, run.training.steps))
    return torch.linalg.vector_norm(now - first, dim=(-2, -1)) / torch.linalg.vector_norm(first, dim=(-2, -1))


@tc.quantity(along="width", name="{observable.title} at rates times n^{power:g}", cost=1.0)
def at_rates(
    width: float,
    draw: tc.Draw,
    *,
    observable: tc.Observable,
    loss: Loss,
    steps: int,
    depth: int,
    activation: tc.Activation,
    data: int,
    rates: tuple[float, ...],
    power: float,
) -> dict[str, np.ndarray]:
    """An observable of a centred network on a fixed batch, at rates in units of n^-power."""
    found = {}
    for rate in rates:
        training = tc.Training(
            tc.MLP(depth, activation, tc.STANDARD, centred=True),
            learning_rate=tc.scaled(rate, width=-power),
            data=tc.GaussianMixture(samples=16, seed=data),
            loss=loss,
            steps=steps,
        )
        found[f"at {rate:g}"] = draw.values(observable, training, int(width)).numpy()
    return found


@tc.claim(
    id="LZ-12",
    source="the tutorial's key insight, read: 'the ratio of learning rate to width'; exponents from Yang and Hu 2021, "
    "arXiv:2011.14522 (public notes on it); that no single combination will do, derived here",
    paper=TUTORIAL,
)
@given(depth=depths(2, 3), activation=activations(), data=st.integers(0, 99))
@example(depth=3, activation=tc.RELU, data=0)
def test_the_loss_depends_on_the_rate_times_the_width_and_features_on_the_rate_times_its_root(depth, activation, data):
    """Under standard parametrization the loss that four steps leave a centred network under MSE is the same at widths
    from 512 to 8,192, up to a fifth, at rates of 1/8 and 1/2 over n, as a function of the rate times the width, and
    neither as one of the rate nor of its ratio to the width; the movement of the last features in a step under
    cross-entropy is the same at rates of 1/2 and 2 over n^1/2, as a function of the rate times n^1/2, and not of the
    rate times n.
    """
    setting = {"depth": depth, "activation": activation, "data": data}
    lazy = {"observable": loss_left, "loss": tc.MSE, "steps": 4} | setting
    rich = {"observable": movement, "loss": tc.CROSS_ENTROPY, "steps": 1} | setting
    same = tc.Collapse(within=0.2)

    tc.check(at_rates(rates=(1 / 8, 1 / 2), power=1, **lazy).over(WIDTHS, seeds=SEEDS), same)
    tc.check(at_rates(rates=(1 / 2, 2.0), power=1 / 2, **rich).over(WIDTHS, seeds=SEEDS), same)
    tc.check_refuted(at_rates(rates=(2.0**-14,), power=0, **lazy).over(WIDTHS, seeds=SEEDS), same)
    tc.check_refuted(at_rates(rates=(2.0**-27,), power=-1, **lazy).over(WIDTHS, seeds=SEEDS), same)
    tc.check_refuted(at_rates(rates=(16.0,), power=1, **rich).over(WIDTHS, seeds=SEEDS), same)
