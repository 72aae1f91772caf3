"""Sizes of outputs, gradients, coordinates and spectral norms are those that numpy finds in a run's matrices."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from theorychecks.engines import dense, matrix_free
from theorychecks.engines.deferred import DeferredRun
from theorychecks.networks import CROSS_ENTROPY, MLP, MSE, NTK, STANDARD, TANH, GaussianMixture, Training, scaled
from theorychecks.observables.coordinates import CoordinateSize
from theorychecks.observables.gradients import GradientSize
from theorychecks.observables.outputs import (
    ClassProbabilities,
    Confidence,
    LargestProbability,
    OutputGradientSize,
    OutputSize,
    OutputSizeByStep,
)
from theorychecks.observables.spectral import OperatorAlignment, SpectralSize

WIDTH, SEEDS, STEPS = 12, (0, 3, 4), 3
DATA = GaussianMixture(dimension=4, classes=3, samples=6, test_samples=2)
PARAMETRIZATIONS = pytest.mark.parametrize("parametrization", [NTK, STANDARD], ids=lambda p: p.name)
LOSSES = pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY], ids=lambda loss: loss.name)


def deferred(*, parametrization=NTK, loss=CROSS_ENTROPY, centred=False, steps=STEPS, rate=1.0):
    network = MLP(2, TANH, parametrization, centred=centred)
    training = Training(network, learning_rate=scaled(rate), data=DATA, loss=loss, steps=steps, dtype="float64")
    return DeferredRun(training, WIDTH, SEEDS, 0)


def readings(observable, described):
    run = replace(described, kept=observable.times)
    return {str(parts): reading.values.numpy() for parts, reading in observable.read(run).items()}


def by_seed(described, time):
    """Each seed's matrices at a recorded time."""
    return list(zip(*(described.weights(k, time).numpy() for k in range(len(described.layers))), strict=True))


def forward(weights, x):
    """Preactivations of both hidden layers, and outputs."""
    first = x @ weights[0].T
    second = np.tanh(first) @ weights[1].T
    return first, second, np.tanh(second) @ weights[2].T


def softmax(outputs):
    raised = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def rms(values):
    return math.sqrt(np.mean(np.square(values)))


def final_outputs(described, x):
    return [forward(weights, x)[2] for weights in by_seed(described, described.training.steps)]


def test_outputs_are_sized_by_step():
    found = readings(OutputSizeByStep(), deferred())
    assert list(found) == ["step 1", "step 2", "step 3"]
    for steps, name in enumerate(found, start=1):
        # A shorter training of the same networks is the longer one's beginning.
        expected = [rms(f) for f in final_outputs(deferred(steps=steps), DATA.draw().inputs)]
        np.testing.assert_allclose(found[name], expected, rtol=1e-10)
    assert not np.allclose(found["step 1"], found["step 2"], rtol=1e-3)


def test_a_centred_network_s_outputs_are_changes():
    described = deferred(centred=True)
    start, end = (
        [forward(weights, DATA.draw().inputs)[2] for weights in by_seed(described, time)] for time in (0, STEPS)
    )
    found = readings(OutputSizeByStep(), described)["step 3"]
    np.testing.assert_allclose(found, [rms(b - a) for a, b in zip(start, end, strict=True)], rtol=1e-10)


@pytest.mark.parametrize("points", ["train", "test"])
def test_outputs_are_sized_at_the_points_asked_for(points):
    described, draw = deferred(), DATA.draw()
    x = draw.inputs if points == "train" else draw.test_inputs
    expected = [rms(f) for f in final_outputs(described, x)]
    np.testing.assert_allclose(readings(OutputSize(points), described)[""], expected, rtol=1e-11)


@LOSSES
@pytest.mark.parametrize("rate", [1.0, 100.0])
def test_the_gradient_in_the_outputs_is_that_of_one_sample_when_it_is_largest(loss, rate):
    draw = DATA.draw()
    sizes = []
    for steps in range(STEPS + 1):
        # A shorter training of the same networks is the longer one's beginning.
        made = final_outputs(deferred(loss=loss, rate=rate, steps=steps), draw.inputs)
        sizes.append([rms((f if loss is MSE else softmax(f)) - draw.targets) for f in made])
    found = readings(OutputGradientSize(), deferred(loss=loss, rate=rate))[""]
    np.testing.assert_allclose(found, np.max(sizes, axis=0), rtol=1e-9)


def test_probabilities_are_those_of_the_softmax():
    described, draw = deferred(), DATA.draw()
    at_train, at_test = (
        np.array([softmax(f) for f in final_outputs(described, x)]) for x in (draw.inputs, draw.test_inputs)
    )
    largest = at_train.max(axis=-1)
    np.testing.assert_allclose(readings(LargestProbability(), described)[""], largest.mean(axis=-1), rtol=1e-11)
    expected = -np.log(1 - largest).mean(axis=-1)
    np.testing.assert_allclose(readings(Confidence(), described)[""], expected, rtol=1e-9)
    found = readings(ClassProbabilities("test"), described)
    assert list(found)[:4] == ["input 0, class 0", "input 0, class 1", "input 0, class 2", "input 1, class 0"]
    np.testing.assert_allclose(np.array(list(found.values())).T, at_test.reshape(len(SEEDS), -1), rtol=1e-11)


def test_confidence_grows_where_a_probability_has_become_one():
    sizes = [readings(Confidence(), deferred(rate=rate, parametrization=STANDARD))[""] for rate in (1e3, 1e5)]
    assert (sizes[0] > 40).all()
    assert (sizes[1] > 10 * sizes[0]).all()


@PARAMETRIZATIONS
@LOSSES
def test_gradient_entries_are_those_of_autograd(parametrization, loss):
    described, draw = deferred(parametrization=parametrization, loss=loss), DATA.draw()
    found = readings(GradientSize(), described)
    assert list(found) == ["input", "hidden 2", "output"]
    x, targets = torch.as_tensor(draw.inputs), torch.as_tensor(draw.targets)
    multipliers = [layer.multiplier for layer in described.layers]
    for seed, weights in enumerate(by_seed(described, 0)):
        trainable = [torch.as_tensor(w / m).requires_grad_() for w, m in zip(weights, multipliers, strict=True)]
        h = x
        for k, (w, m) in enumerate(zip(trainable, multipliers, strict=True)):
            h = h @ (m * w).T if k == 0 else torch.tanh(h) @ (m * w).T
        value = (
            0.5 * ((h - targets) ** 2).sum(-1).mean()
            if loss is MSE
            else torch.nn.functional.cross_entropy(h, targets.argmax(-1))
        )
        for name, gradient in zip(found, torch.autograd.grad(value, trainable), strict=True):
            np.testing.assert_allclose(found[name][seed], rms(gradient.numpy()), rtol=1e-9)


def test_coordinates_are_mean_absolute_preactivations_and_outputs():
    described = deferred()
    found = readings(CoordinateSize(), described)
    assert list(found) == ["layer 1", "layer 2", "output"]
    for seed, weights in enumerate(by_seed(described, STEPS)):
        for values, made in zip(found.values(), forward(weights, DATA.draw().inputs), strict=True):
            np.testing.assert_allclose(values[seed], np.abs(made).mean(), rtol=1e-11)
            assert not np.isclose(values[seed], rms(made), rtol=1e-3)


def test_spectral_sizes_are_singular_values_in_their_unit():
    described = deferred()
    starts, ends = by_seed(described, 0), by_seed(described, STEPS)
    units = [math.sqrt(w.shape[0] / w.shape[1]) for w in starts[0]]
    weights, changes = (readings(SpectralSize(of), described) for of in ("weights", "change"))
    for k, name in enumerate(("input", "hidden 2", "output")):
        largest = [np.linalg.norm(start[k], 2) / units[k] for start in starts]
        np.testing.assert_allclose(weights[name], largest, rtol=2e-4)
        moved = [np.linalg.norm(end[k] - start[k], 2) / units[k] for start, end in zip(starts, ends, strict=True)]
        np.testing.assert_allclose(changes[name], moved, rtol=2e-4)
    # Xavier's unit (Glorot and Bengio 2010) would be the fan-in's alone.
    assert units[0] > 1 > units[2]


def test_operator_alignment_is_the_share_of_the_most_that_a_norm_allows():
    described = deferred()
    found = readings(OperatorAlignment(), described)
    x = DATA.draw().inputs
    for seed, (start, end) in enumerate(zip(by_seed(described, 0), by_seed(described, STEPS), strict=True)):
        first, second, _ = forward(end, x)
        for k, vector in enumerate((x, np.tanh(first), np.tanh(second))):
            change = end[k] - start[k]
            most = np.linalg.norm(change, 2) * math.sqrt(change.shape[1] / change.shape[0]) * rms(vector)
            value = list(found.values())[k][seed]
            np.testing.assert_allclose(value, rms(vector @ change.T) / most, rtol=2e-4)
            assert 0 < value <= 1 + 1e-6


def test_a_random_direction_is_less_aligned_the_wider_the_network():
    training = deferred().training
    narrow, wide = (
        {
            str(parts): reading.values.mean()
            for parts, reading in OperatorAlignment(direction="random")
            .read(DeferredRun(training, width, tuple(range(6)), 0))
            .items()
        }
        for width in (32, 512)
    )
    for name in ("hidden 2", "output"):
        assert 2.5 < narrow[name] / wide[name] < 6
    assert 0.7 < narrow["input"] / wide["input"] < 1.4


@pytest.mark.parametrize("observable", [GradientSize(), CoordinateSize(), SpectralSize("change")])
def test_both_engines_have_sizes_of_one_law(observable):
    training = deferred().training
    means = []
    for engine in (dense, matrix_free):
        run = engine.train(training, 256, range(24))
        means.append({parts: reading.values.log().mean() for parts, reading in observable.read(run).items()})
    for name in means[0]:
        assert abs(means[0][name] - means[1][name]) < 0.15


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: SpectralSize("updates"), "that of the 'weights' or of their 'change'; got 'updates'"),
        (lambda: OperatorAlignment(direction="other"), "a direction is 'trained' or 'random'; got 'other'"),
    ],
)
def test_what_is_not_known_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
