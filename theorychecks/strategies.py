"""Hypothesis strategies for what theorems quantify over."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from theorychecks.networks import CROSS_ENTROPY, ERF, GELU, MSE, RELU, TANH, Activation, GaussianMixture, Loss, Teacher
from theorychecks.networks.data import Data, Digits
from theorychecks.networks.mlp import DEEPEST


def depths(shallowest: int = 1, deepest: int = DEEPEST) -> st.SearchStrategy[int]:
    """Numbers of hidden layers, both ends included."""
    if not 1 <= shallowest <= deepest <= DEEPEST:
        raise ValueError(f"depths lie between 1 and {DEEPEST}; got {shallowest} to {deepest}")
    return st.integers(shallowest, deepest)


def activations(
    *, smooth: bool = False, among: Sequence[Activation] = (TANH, RELU, ERF, GELU)
) -> st.SearchStrategy[Activation]:
    """Nonlinear activations; with `smooth`, those whose derivative is continuous."""
    chosen = [activation for activation in among if activation.smooth or not smooth]
    if not chosen:
        raise ValueError(f"no smooth activation among {among}")
    return st.sampled_from(chosen)


def losses() -> st.SearchStrategy[Loss]:
    """Mean squared error and cross-entropy."""
    return st.sampled_from([MSE, CROSS_ENTROPY])


def mixtures(*, dimension: int = 8, samples: int = 8, largest_seed: int = 99) -> st.SearchStrategy[Data]:
    """Gaussian mixtures, many draws."""
    return st.builds(
        lambda seed: GaussianMixture(dimension=dimension, samples=samples, seed=seed), st.integers(0, largest_seed)
    )


def digits(*, samples: int = 8, largest_seed: int = 99) -> st.SearchStrategy[Data]:
    """Handwritten digits, many draws."""
    return st.builds(lambda seed: Digits(samples=samples, seed=seed), st.integers(0, largest_seed))


def regression_data(
    *,
    samples: int = 6,
    test_samples: int = 32,
    dimension: int = 8,
    outputs: int = 4,
    largest_cosine: float = 0.5,
    largest_seed: int = 99,
) -> st.SearchStrategy[Data]:
    """Teachers with well-separated inputs, many draws."""

    def teacher(seed: int) -> Teacher:
        return Teacher(
            samples=samples,
            test_samples=test_samples,
            dimension=dimension,
            outputs=outputs,
            largest_cosine=largest_cosine,
            seed=seed,
        )

    return st.builds(teacher, st.integers(0, largest_seed))
