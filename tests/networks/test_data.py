"""A description of data draws the same problem each time, normalised and of the size it names."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from theorychecks.networks import (
    CROSS_ENTROPY,
    MLP,
    MSE,
    RELU,
    STANDARD,
    Digits,
    GaussianMixture,
    Sphere,
    Teacher,
    Training,
    scaled,
)

KINDS = [GaussianMixture, Sphere, Teacher, Digits]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_descriptions_draw_equal_data_and_another_seed_does_not(kind):
    first, second, other = kind(seed=3).draw(), kind(seed=3).draw(), kind(seed=4).draw()
    for one, same in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, same)
    assert not np.allclose(first.inputs, other.inputs)
    assert kind(seed=3) == kind(seed=3)
    assert hash(kind(seed=3)) == hash(kind(seed=3))
    assert kind(seed=3) != kind(seed=4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_has_the_shapes_that_its_description_names(kind):
    data = kind(samples=6, test_samples=5)
    draw = data.draw()
    assert draw.inputs.shape == (6, data.dimension)
    assert draw.targets.shape == (6, data.outputs)
    assert draw.test_inputs.shape == (5, data.dimension)
    assert {array.dtype for array in draw} == {np.dtype(np.float64)}


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_have_squared_norm_equal_to_their_dimension(kind):
    draw = kind(samples=20).draw()
    for inputs in (draw.inputs, draw.test_inputs):
        np.testing.assert_allclose(np.sum(inputs**2, axis=1), inputs.shape[1], rtol=1e-12)
    assert len(np.unique(np.vstack([draw.inputs, draw.test_inputs]), axis=0)) == 28


@pytest.mark.parametrize("kind", [Sphere, Teacher])
def test_a_sphere_is_covered_evenly(kind):
    inputs = kind(dimension=4, samples=1000).draw().inputs
    # Uniform on the sphere of squared radius d: each coordinate has mean 0 and variance 1, and pairs are uncorrelated.
    # Five standard errors; the variance of a coordinate's square is at most 3.
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=5 / np.sqrt(1000))
    np.testing.assert_allclose(inputs.T @ inputs / 1000, np.eye(4), atol=5 * np.sqrt(3 / 1000))


def test_sphere_labels_are_standard_normal_noise():
    targets = Sphere(samples=1000, outputs=2).draw().targets
    assert abs(targets.mean()) < 5 / np.sqrt(2000)
    assert targets.var() == pytest.approx(1, abs=5 * np.sqrt(2 / 2000))


@pytest.mark.parametrize("kind", [Sphere, Teacher])
def test_inputs_are_as_far_from_parallel_as_asked_for(kind):
    def closest(**options):
        inputs = kind(dimension=8, samples=6, **options).draw().inputs
        return np.abs(inputs @ inputs.T / 8 - np.eye(6)).max()

    assert closest(largest_cosine=0.5) <= 0.5
    assert closest() > 0.5
    # In two dimensions five lines have two within 36 degrees of each other.
    with pytest.raises(
        ValueError, match=r"5 inputs in 2 dimensions with cosines up to 0.5 were not found .* Take fewer"
    ):
        kind(dimension=2, samples=5, largest_cosine=0.5).draw()


def test_teacher_targets_have_size_one_and_follow_from_the_inputs():
    data = Teacher(dimension=3, samples=300, test_samples=300, neurons=2)
    draw = data.draw()
    assert np.sqrt(np.mean(draw.targets**2)) == pytest.approx(1, rel=1e-12)
    # An odd function: the regression on odd features of such low dimension explains it; noise it would not.
    cubes = np.einsum("pi,pj,pk->pijk", draw.inputs, draw.inputs, draw.inputs).reshape(300, -1)
    features = np.hstack([draw.inputs, cubes])

    def unexplained(targets):
        fitted = features @ np.linalg.lstsq(features, targets, rcond=None)[0]
        return np.mean((targets - fitted) ** 2) / np.mean(targets**2)

    assert unexplained(draw.targets) < 0.05
    assert unexplained(Sphere(dimension=3, samples=300, test_samples=300).draw().targets) > 0.5


def test_classes_are_balanced_and_targets_one_hot():
    targets = GaussianMixture(classes=4, samples=12).draw().targets
    np.testing.assert_array_equal(targets.sum(axis=0), [3, 3, 3, 3])
    np.testing.assert_array_equal(targets.sum(axis=1), 1)
    assert set(np.unique(targets)) == {0.0, 1.0}
    uneven = GaussianMixture(classes=5, samples=12).draw().targets.sum(axis=0)
    assert uneven.max() - uneven.min() == 1


def test_a_tight_mixture_clusters_and_a_wide_one_does_not():
    def within(spread):
        draw = GaussianMixture(classes=2, samples=40, spread=spread).draw()
        label = draw.targets.argmax(axis=1)
        return np.mean([np.var(draw.inputs[label == c], axis=0).mean() for c in (0, 1)])

    assert within(0.01) < 1e-3
    assert within(10.0) > 0.8


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_label_noise_redraws_that_fraction_of_training_labels(fraction):
    samples, classes = 4000, 4
    clean = GaussianMixture(samples=samples, classes=classes).draw()
    noisy = GaussianMixture(samples=samples, classes=classes, label_noise=fraction).draw()
    np.testing.assert_array_equal(noisy.inputs, clean.inputs)
    np.testing.assert_array_equal(noisy.test_inputs, clean.test_inputs)
    changed = np.mean(noisy.targets.argmax(axis=1) != clean.targets.argmax(axis=1))
    # A redrawn label is the old one a quarter of the time.
    expected = fraction * (1 - 1 / classes)
    assert changed == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / samples) + 1e-12)


def test_digits_are_those_of_scikit_learn():
    images, labels = load_digits(return_X_y=True)
    centred = images - images.mean(axis=0)
    centred *= 8 / np.linalg.norm(centred, axis=1, keepdims=True)
    draw = Digits(samples=30, test_samples=10, seed=5).draw()
    found = []
    for pixels, target in zip(draw.inputs, draw.targets, strict=True):
        (match,) = np.flatnonzero(np.abs(centred - pixels).max(axis=1) < 1e-9)
        assert labels[match] == target.argmax()
        found.append(match)
    for pixels in draw.test_inputs:
        (match,) = np.flatnonzero(np.abs(centred - pixels).max(axis=1) < 1e-9)
        found.append(match)
    assert len(set(found)) == 40


def test_all_digits_can_be_drawn_and_no_more():
    Digits(samples=1700, test_samples=97)
    with pytest.raises(ValueError, match="1,797 digits; got samples \\+ test_samples = 1798"):
        Digits(samples=1700, test_samples=98)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["samples", "test_samples"])
@pytest.mark.parametrize("bad", [0, -1, 2.0, True])
def test_sizes_are_positive_integers(kind, name, bad):
    with pytest.raises(ValueError, match=f"{name} is a positive integer; got {bad}"):
        kind(**{name: bad})


@pytest.mark.parametrize(
    "kind, name",
    [(GaussianMixture, "dimension"), (GaussianMixture, "classes"), (Sphere, "outputs"), (Teacher, "neurons")],
)
def test_other_sizes_are_positive_integers_too(kind, name):
    with pytest.raises(ValueError, match=f"{name} is a positive integer; got 0"):
        kind(**{name: 0})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [-1, 0.5, True])
def test_a_data_seed_is_a_whole_number(kind, bad):
    with pytest.raises(ValueError, match=f"a data seed is a whole number, 0 or above; got {bad}"):
        kind(seed=bad)


@pytest.mark.parametrize("kind", [GaussianMixture, Digits])
@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_label_noise_is_a_fraction(kind, bad):
    with pytest.raises(ValueError, match="a fraction between 0 and 1; got"):
        kind(label_noise=bad)


@pytest.mark.parametrize("kind", KINDS)
def test_cross_entropy_takes_classes_and_refuses_real_targets(kind):
    options = {"learning_rate": scaled(0.1), "data": kind(), "steps": 1}
    Training(MLP(1, RELU, STANDARD), loss=MSE, **options)
    if kind in (GaussianMixture, Digits):
        Training(MLP(1, RELU, STANDARD), loss=CROSS_ENTROPY, **options)
    else:
        with pytest.raises(ValueError, match=f"{kind.__name__}.* has real targets. Use MSE, or data with classes"):
            Training(MLP(1, RELU, STANDARD), loss=CROSS_ENTROPY, **options)
