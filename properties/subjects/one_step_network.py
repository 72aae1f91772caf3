"""A network with one hidden layer that takes one step of gradient descent on its weights, and then fits its readout.

It learns the parity of half of its bits, from inputs of which some are easy: all bits that count have one sign.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]

NEURONS_A_BIT: Final = 4
RIDGE: Final = 1e-3
"""Of the readout, relative to features whose size is that of the number of bits."""


def parities(count: int, bits: int, share: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Inputs [count, 2 bits] of signs, and the parity [count] of the first half of them.

    So large a share of the inputs, in the mean, has one sign in all of the first half; the others are uniform.
    """
    inputs = rng.choice([-1.0, 1.0], (count, 2 * bits))
    easy = rng.random(count) < share
    inputs[easy, :bits] = rng.choice([-1.0, 1.0], (int(easy.sum()), 1))
    return inputs, inputs[:, :bits].prod(axis=1)


def first_step(inputs: FloatArray, targets: FloatArray) -> FloatArray:
    """The weights [d] of a neuron with readout one after one step, up to its rate; those of readout a are a times it.

    Weights start at zero, all biases are positive, so that every neuron is on the slope of the ReLU, and each bias has
    both readouts, so that outputs are zero: the gradient of the squared error is minus the mean of target times input.
    """
    return np.asarray(targets @ inputs / len(inputs))


def error_on(test_inputs: FloatArray, test_targets: FloatArray, *, inputs: FloatArray, targets: FloatArray) -> float:
    """Mean squared error after the step, at a rate that gives weights the norm of the root of the bits, and the fit.

    Biases are evenly spaced up to the number of bits, each with readouts one and minus one.
    """
    bits = inputs.shape[1] // 2
    neurons = NEURONS_A_BIT * bits
    weights = first_step(inputs, targets)
    weights = weights * np.sqrt(bits) / np.linalg.norm(weights)
    readouts = (-1.0) ** np.arange(neurons)
    biases = np.repeat(bits * np.arange(1, neurons // 2 + 1) / (neurons // 2), 2)

    def features(of: FloatArray) -> FloatArray:
        return np.asarray(np.maximum((of @ weights)[:, None] * readouts + biases, 0))

    fitted, mean = features(inputs), targets.mean()
    centre = fitted.mean(axis=0)
    fitted = fitted - centre
    gram = fitted.T @ fitted / len(inputs) + RIDGE * np.eye(neurons)
    coefficients = np.linalg.solve(gram, fitted.T @ (targets - mean) / len(inputs))
    return float(np.mean((test_targets - mean - (features(test_inputs) - centre) @ coefficients) ** 2))
