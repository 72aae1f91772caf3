"""Data: small fixed problems, synthetic and real, described here and drawn when training starts.

A theorem quantifies over data, and then holds them fixed while width grows; so every width and every seed of a sweep
sees the same draw, and another draw is another setting of the claim.
Inputs have squared norm close to their dimension, so that first-layer preactivations are of order one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from theorychecks.arguments import whole_number

Array = NDArray[np.float64]
_DRAWS: Final = 10_000


class Draw(NamedTuple):
    """One drawn problem: inputs [P, d], targets [P, C], test_inputs [Q, d]."""

    inputs: Array
    targets: Array
    test_inputs: Array


class Data(Protocol):
    """A description of data; equal descriptions draw equal data."""

    @property
    def samples(self) -> int:
        """Number of training samples."""
        ...

    @property
    def test_samples(self) -> int:
        """Number of test inputs."""
        ...

    @property
    def dimension(self) -> int:
        """Input dimension."""
        ...

    @property
    def outputs(self) -> int:
        """Output dimension."""
        ...

    @property
    def classes_are_targets(self) -> bool:
        """Whether each target is a distribution over classes, as cross-entropy needs."""
        ...

    def draw(self) -> Draw:
        """Draw the data."""
        ...


@dataclass(frozen=True, kw_only=True)
class GaussianMixture:
    """Classes are Gaussian clouds about random directions; targets are one-hot.

    Attributes:
        dimension, classes, samples, test_samples: sizes.
        spread: standard deviation of a cloud, where class centres have squared norm `dimension`.
        label_noise: fraction of training labels replaced by uniformly drawn ones.
        seed: of the draw.
    """

    dimension: int = 16
    classes: int = 4
    samples: int = 8
    test_samples: int = 8
    spread: float = 0.5
    label_noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sizes(self)
        _check_fraction(self.label_noise)
        _check_positive("spread", self.spread)

    @property
    def outputs(self) -> int:
        """One output a class."""
        return self.classes

    @property
    def classes_are_targets(self) -> bool:
        """Targets are one-hot."""
        return True

    def draw(self) -> Draw:
        """Draw balanced classes, normalised inputs and, where asked for, label noise."""
        rng = np.random.default_rng([self.seed, 1])
        centres = _on_sphere(rng.standard_normal((self.classes, self.dimension)))
        labels = np.arange(self.samples + self.test_samples) % self.classes
        clouds = centres[labels] + self.spread * rng.standard_normal((len(labels), self.dimension))
        inputs = _on_sphere(clouds)
        train = _with_label_noise(labels[: self.samples], self.classes, self.label_noise, rng)
        return Draw(inputs[: self.samples], np.eye(self.classes)[train], inputs[self.samples :])


@dataclass(frozen=True, kw_only=True)
class Sphere:
    """Inputs uniform on the sphere of squared radius `dimension`; targets are standard normal labels, nothing to learn.

    Attributes:
        dimension, outputs, samples, test_samples: sizes.
        largest_cosine: between two training inputs; they are drawn again until none exceeds it in size.
        seed: of the draw.
    """

    dimension: int = 16
    outputs: int = 1
    samples: int = 8
    test_samples: int = 8
    largest_cosine: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sizes(self)
        _check_positive("largest_cosine", self.largest_cosine, largest=1.0)

    @property
    def classes_are_targets(self) -> bool:
        """Targets are real numbers."""
        return False

    def draw(self) -> Draw:
        """Draw inputs and labels."""
        rng = np.random.default_rng([self.seed, 2])
        train = _separated(self.samples, self.dimension, self.largest_cosine, rng)
        test = _on_sphere(rng.standard_normal((self.test_samples, self.dimension)))
        return Draw(train, rng.standard_normal((self.samples, self.outputs)), test)


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """Inputs uniform on the sphere; targets are those of a random two-layer tanh network of root mean square one.

    Attributes:
        dimension, outputs, samples, test_samples: sizes.
        neurons: of the teacher.
        largest_cosine: between two training inputs; they are drawn again until none exceeds it in size.
        seed: of the draw.
    """

    dimension: int = 16
    outputs: int = 1
    samples: int = 8
    test_samples: int = 8
    neurons: int = 4
    largest_cosine: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sizes(self)
        _check_positive("largest_cosine", self.largest_cosine, largest=1.0)

    @property
    def classes_are_targets(self) -> bool:
        """Targets are real numbers."""
        return False

    def draw(self) -> Draw:
        """Draw inputs and the teacher."""
        rng = np.random.default_rng([self.seed, 3])
        train = _separated(self.samples, self.dimension, self.largest_cosine, rng)
        test = _on_sphere(rng.standard_normal((self.test_samples, self.dimension)))
        first = rng.standard_normal((self.dimension, self.neurons)) / np.sqrt(self.dimension)
        targets = np.tanh(train @ first) @ rng.standard_normal((self.neurons, self.outputs))
        targets /= np.sqrt(np.mean(targets**2))
        return Draw(train, targets, test)


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Handwritten digits, 8 x 8 pixels and 10 classes, as scikit-learn ships them (Alpaydin and Kaynak 1998).

    Attributes:
        samples, test_samples: how many are drawn without replacement.
        label_noise: fraction of training labels replaced by uniformly drawn ones.
        seed: of the draw.
    """

    samples: int = 8
    test_samples: int = 8
    label_noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sizes(self)
        _check_fraction(self.label_noise)
        if self.samples + self.test_samples > 1797:
            raise ValueError(f"there are 1,797 digits; got samples + test_samples = {self.samples + self.test_samples}")

    @property
    def dimension(self) -> int:
        """One input a pixel."""
        return 64

    @property
    def outputs(self) -> int:
        """One output a digit."""
        return 10

    @property
    def classes_are_targets(self) -> bool:
        """Targets are one-hot."""
        return True

    def draw(self) -> Draw:
        """Draw digits, centred and normalised.

        Raises:
            ModuleNotFoundError: without scikit-learn, saying how to get it.
        """
        images, labels = _digits()
        rng = np.random.default_rng([self.seed, 4])
        chosen = rng.permutation(len(labels))[: self.samples + self.test_samples]
        inputs = _on_sphere(images[chosen] - images.mean(axis=0))
        train = _with_label_noise(labels[chosen[: self.samples]], 10, self.label_noise, rng)
        return Draw(inputs[: self.samples], np.eye(10)[train], inputs[self.samples :])


@lru_cache(maxsize=1)
def _digits() -> tuple[Array, NDArray[np.int64]]:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the digits come with scikit-learn, which is not installed: pip install 'theorychecks[data]'"
        ) from error
    images, labels = load_digits(return_X_y=True)
    return np.asarray(images, dtype=np.float64), np.asarray(labels, dtype=np.int64)


def _on_sphere(inputs: Array) -> Array:
    return np.asarray(inputs * np.sqrt(inputs.shape[1]) / np.linalg.norm(inputs, axis=1, keepdims=True))


def _separated(samples: int, dimension: int, largest_cosine: float, rng: np.random.Generator) -> Array:
    """Inputs on the sphere, no two of them closer to parallel or antiparallel than asked for.

    Raises:
        ValueError: if that many do not fit, or hardly.
    """
    for _ in range(_DRAWS):
        inputs = _on_sphere(rng.standard_normal((samples, dimension)))
        cosines = np.abs(inputs @ inputs.T) / dimension - np.eye(samples)
        if cosines.max() <= largest_cosine:
            return inputs
    raise ValueError(
        f"{samples} inputs in {dimension} dimensions with cosines up to {largest_cosine:g} were not found in {_DRAWS} "
        "draws. Take fewer samples, more dimensions or a larger cosine."
    )


def _with_label_noise(
    labels: NDArray[np.int64], classes: int, fraction: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    redrawn = rng.random(len(labels)) < fraction
    return np.where(redrawn, rng.integers(classes, size=len(labels)), labels)


def _check_sizes(data: object) -> None:
    for name in ("dimension", "classes", "outputs", "samples", "test_samples", "neurons"):
        whole_number(getattr(data, name, 1), name)
    whole_number(getattr(data, "seed", 0), "a data seed", least=0)


def _check_positive(name: str, value: float, *, largest: float = math.inf) -> None:
    if not 0 < value <= largest:
        raise ValueError(f"{name} is positive{'' if largest == math.inf else f', at most {largest:g}'}; got {value!r}")


def _check_fraction(value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"label_noise is a fraction between 0 and 1; got {value!r}")
