"""Wide networks in the NTK parametrization are kernel regression, and each comparison has a rate of its own.

A network differs from regression with its own initial kernel by what the kernel moves, 1/n; from regression with the
infinite-width kernel by how its kernel fluctuates, n^-1/2; and the mean over an ensemble only by the bias, 1/n.
"""

from hypothesis import example, given

import theorychecks as tc
from properties.papers import TUTORIAL
from theorychecks.strategies import activations, depths, regression_data

TEACHER = tc.Teacher(dimension=8, outputs=4, samples=6, test_samples=32, largest_cosine=0.5)
SMALL_TEACHER = tc.Teacher(dimension=4, outputs=4, samples=4, test_samples=32, largest_cosine=0.5)
BOTH_KERNELS = tc.Together((tc.KernelGap("initial"), tc.KernelGap("analytic")))
SMOOTH = (tc.ERF, tc.TANH)
BUDGET = 32
GENTLE = tc.scaled(0.25)
"""For the rich controls, whose kernels grow: a step near 2 / lambda would show the edge of stability instead."""
OWN_KERNEL = tc.PowerLaw(-1, within=0.2, rival=-1 / 2)
LIMIT_KERNEL = tc.PowerLaw(-1 / 2, within=0.2, rival=-1)


def converged(depth: int, activation: tc.Activation, data: tc.Teacher, ridge: float = 0.0) -> tc.Training:
    """Centred gradient descent until nothing changes any more, which is sooner with a ridge."""
    return tc.Training(
        tc.MLP(depth, activation, tc.NTK, centred=True),
        learning_rate=tc.scaled(0.75),
        data=data,
        loss=tc.MSE,
        steps=100 if ridge else 200,
        ridge=tc.Ridge(strength=ridge),
    )


def distances(training: tc.Training) -> tc.Sweep:
    """To regression with either kernel; one hidden layer reaches further than two at the same cost."""
    if training.network.depth == 1:
        return tc.Sweep(BOTH_KERNELS, training, widths=tc.widths(64, 4096), budget=BUDGET)
    return tc.Sweep(BOTH_KERNELS, training, widths=tc.widths(64, 2048), budget=BUDGET)


@tc.claim(
    id="KR-1",
    source="Jacot, Gabriel, Hongler 2018, arXiv:1806.07572, Theorems 1 and 2 and section 5 (their text read), for the "
    "limit; the two rates derived here",
    paper=TUTORIAL,
)
@given(depth=depths(1, 2), activation=activations(among=SMOOTH), data=regression_data())
@example(depth=1, activation=tc.TANH, data=TEACHER)
def test_a_wide_network_is_kernel_regression(depth, activation, data):
    """Trained to interpolation under NTK parametrization, a centred tanh or erf network with one or two hidden layers
    differs from ridgeless regression with its initial tangent kernel by Theta(1/n), and with the infinite-width tangent
    kernel by Theta(n^-1/2); under mean-field parametrization by neither.
    """
    gap = distances(converged(depth, activation, data))
    rich = gap.under(tc.MEAN_FIELD, learning_rate=GENTLE)

    tc.check(gap.of(kernel="initial kernel"), OWN_KERNEL)
    tc.check(gap.of(kernel="analytic kernel"), LIMIT_KERNEL)
    tc.check_refuted(rich.of(kernel="initial kernel"), OWN_KERNEL)
    tc.check_refuted(rich.of(kernel="analytic kernel"), LIMIT_KERNEL)


@tc.claim(
    id="KR-1/ensemble", source="derived here; one hidden layer, where the initial kernel has no bias", evidence=True
)
@given(activation=activations(among=SMOOTH), data=regression_data(samples=4, dimension=4))
@example(activation=tc.TANH, data=SMALL_TEACHER)
def test_the_mean_of_an_ensemble_is_regression_with_the_limit_kernel(activation, data):
    """Trained to interpolation under NTK parametrization, centred networks with one hidden layer, tanh or erf, have a
    mean that differs from ridgeless regression with the infinite-width tangent kernel by Theta(1/n); under mean-field
    parametrization their mean does not.
    """
    network = tc.MLP(1, activation, tc.NTK, centred=True)
    training = tc.Training(network, learning_rate=tc.scaled(1.0), data=data, loss=tc.MSE, steps=100)
    gap = tc.Sweep(tc.EnsembleKernelGap(64), training, widths=tc.widths(64, 2048), budget=32)

    tc.check(gap, OWN_KERNEL)
    small = gap.with_observable(tc.EnsembleKernelGap(16))
    tc.check_refuted(small.under(tc.MEAN_FIELD, learning_rate=GENTLE), OWN_KERNEL)


@tc.claim(
    id="KR-2",
    source="Hu, Li, Yu 2020, arXiv:1905.11368, Theorem 4.1, for the linearised network (abstract, introduction, and "
    "public notes that state it); the two rates derived here",
)
@given(depth=depths(1, 2), activation=activations(among=SMOOTH), data=regression_data())
@example(depth=1, activation=tc.TANH, data=TEACHER)
def test_anchored_ridge_is_kernel_ridge_regression(depth, activation, data):
    """Under NTK parametrization and with a ridge of 0.1 towards its initial weights a centred tanh or erf network with
    one or two hidden layers differs from ridge regression with its initial tangent kernel by Theta(1/n), and with the
    infinite-width tangent kernel by Theta(n^-1/2). With the same ridge towards zero it comes near neither at these
    rates.
    """
    gap = distances(converged(depth, activation, data, ridge=0.1))
    plain = gap.with_training(ridge=tc.Ridge(strength=0.1, towards="zero"))

    tc.check(gap.of(kernel="initial kernel"), OWN_KERNEL)
    tc.check(gap.of(kernel="analytic kernel"), LIMIT_KERNEL)
    tc.check_refuted(plain.of(kernel="initial kernel"), OWN_KERNEL)
    tc.check_refuted(plain.of(kernel="analytic kernel"), LIMIT_KERNEL)
