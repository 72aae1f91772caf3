"""Analytic kernels of many inputs."""

import numpy as np
import pytest

from theorychecks.kernels import analytic_kernels


@pytest.mark.parametrize("inputs", [1000, 2000])
def test_analytic_kernels(faster, note, inputs):
    points = np.random.default_rng(0).standard_normal((inputs, 16))
    square = np.random.default_rng(1).standard_normal((inputs, inputs))
    ratio, own = faster(
        lambda: analytic_kernels(points, depth=3, activation="relu", weight_variance=2.0), lambda: square @ square
    )
    note(
        f"analytic NNGP and NTK, relu, 3 layers, {inputs:,} inputs",
        f"{own:.3g} s, as {1 / ratio:.3g} matrix products",
        "a product of two matrices of that size",
        seconds=own,
        products=1 / ratio,
    )
