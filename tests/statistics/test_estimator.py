"""The weights of an exponent are those of rational arithmetic, however calm or noisy the runs are."""

from fractions import Fraction

import numpy as np
import pytest

from theorychecks.statistics.estimator import weights_under_priors

PRIORS = np.array([(0.0, 0.0), (1e-5, 0.0), (0.0, 10.0), (1.0, 10.0), (1e3, 1e3)])


def solved(rows, right):
    """The solution of linear equations in rational numbers, by elimination."""
    rows = [[*map(Fraction, row), Fraction(value)] for row, value in zip(rows, right, strict=True)]
    for place in range(len(rows)):
        pivot = next(row for row in range(place, len(rows)) if rows[row][place])
        rows[place], rows[pivot] = rows[pivot], rows[place]
        rows[place] = [value / rows[place][place] for value in rows[place]]
        for row in range(len(rows)):
            if row != place and (factor := rows[row][place]):
                rows[row] = [value - factor * above for value, above in zip(rows[row], rows[place], strict=True)]
    return [row[-1] for row in rows]


def least_squares(axis, variances, slow, fast):
    """Weights of least variance among those that no level moves and that turn a power law into its exponent."""
    points, logs = len(axis), list(map(Fraction, np.log(axis)))
    curves = [(Fraction(prior), list(map(Fraction, axis**power))) for prior, power in ((slow, -0.5), (fast, -1.0))]
    covariance = [
        [sum(prior * curve[i] * curve[j] for prior, curve in curves) for j in range(points)] for i in range(points)
    ]
    for i, variance in enumerate(variances):
        covariance[i][i] += Fraction(variance)
    rows = [[*row, 1, log] for row, log in zip(covariance, logs, strict=True)]
    rows += [[1] * points + [0, 0], [*logs, 0, 0]]
    return np.array([float(weight) for weight in solved(rows, [0] * points + [0, 1])[:points]])


@pytest.mark.parametrize("points", [5, 9])
@pytest.mark.parametrize("level", [1e-20, 1e-8, 1e-3, 1.0])
@pytest.mark.parametrize("slope", [-1.5, 0.0, 1.5])
def test_weights_are_those_of_rational_arithmetic(points, level, slope):
    axis = 16 * 2.0 ** np.arange(points)
    variances = level * (axis / 64) ** slope
    found = weights_under_priors(axis, variances, axis, *PRIORS.T)
    for weights, (slow, fast) in zip(found, PRIORS, strict=True):
        assert weights == pytest.approx(least_squares(axis, variances, slow, fast), abs=1e-11)
