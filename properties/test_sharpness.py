"""Sharpness along full-batch gradient descent: where features are learned it rises to the edge of stability and stays.

In the kernel regime the curvature does not move, so that wide networks never meet the edge. Widths play no part in
either, which is why the edge explains no exponent of a learning rate.
"""

import torch
from hypothesis import example, given

import theorychecks as tc
from properties.subjects.sharpness import sharpness_times_rate
from theorychecks.strategies import activations, regression_data

SIZES = {"dimension": 16, "samples": 64, "test_samples": 2, "outputs": 1, "largest_cosine": 1.0}
TASK = tc.Teacher(**SIZES)
STEPS = 300
"""By then tanh networks have lost all but a thousandth of their loss, and ReLU networks a billionth."""
RATES = {tc.MAXIMAL_UPDATE: 0.7, tc.NTK: 1.75}
"""At these ReLU networks of both parametrizations start at 0.7 times the edge."""
WIDTHS = (64, 128, 256, 512)


@tc.observable
def share_of_the_edge(run):
    """The largest curvature after training times the rate, over 2."""
    training = run.training
    data = training.data.draw()
    return (
        sharpness_times_rate(
            [run.weights(matrix, run.steps) for matrix in range(len(run.layers))],
            [training.rate(layer.role, run.width) * layer.multiplier**2 for layer in run.layers],
            training.network.activation,
            torch.as_tensor(data.inputs),
            torch.as_tensor(data.targets),
        )
        / 2
    )


def trained(parametrization, activation, data):
    """Two hidden layers, until the loss is gone."""
    training = tc.Training(
        tc.MLP(2, activation, parametrization),
        learning_rate=tc.scaled(RATES[parametrization]),
        data=data,
        loss=tc.MSE,
        steps=STEPS,
    )
    return tc.Sweep(share_of_the_edge, training, widths=WIDTHS, seeds=12)


@tc.claim(
    id="C1/edge",
    source="Cohen et al. 2021, arXiv:2103.00065 (introduction read): sharpness rises to 2 / rate and stays; Noci et "
    "al. 2024, arXiv:2402.17457 (abstract): independent of the width under maximal update, not under NTK "
    "parametrization; rates, task and margins chosen and measured here",
    trend=True,
    evidence=True,
)
@given(activation=activations(), data=regression_data(**SIZES))
@example(activation=tc.RELU, data=TASK)
@example(activation=tc.TANH, data=TASK)
def test_sharpness_ends_at_the_edge_of_stability_under_maximal_update_and_below_it_under_ntk(activation, data):
    """After 300 steps of full-batch gradient descent on the squared error, with two hidden layers under maximal update
    at a base rate of 0.7, the largest curvature times the rate is 2, within 10 per cent, at every width from 64 to 512.
    Under NTK parametrization, at 2.5 times the base rate, it ends more than 10 per cent below.
    """
    rich, lazy = (trained(parametrization, activation, data) for parametrization in RATES)
    edge, below = tc.Equal(0.1), tc.Ordering("below")

    tc.check(rich, edge)
    tc.check_refuted(lazy, edge)
    tc.check(lazy, below, against=0.9)
    tc.check_refuted(rich, below, against=0.9)
