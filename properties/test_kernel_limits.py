"""Wide networks in the NTK parametrization are kernel regression, and each comparison has a rate of its own.

A network differs from regression with its own initial kernel by what the kernel moves, 1/n; from regression with the
infinite-width kernel by how its kernel fluctuates, n^-1/2; and the mean over an ensemble only by the bias, 1/n.
"""

from hypothesis import example, given

import theorychecks as tc
from theorychecks.strategies import activations, depths, regression_data

TEACHER = tc.Teacher(dimension=8, samples=6, test_samples=32, largest_cosine=0.5)
SMOOTH = (tc.TANH, tc.ERF)
OWN_KERNEL = tc.PowerLaw(-1, within=0.2, rival=-1 / 2)
LIMIT_KERNEL = tc.PowerLaw(-1 / 2, within=0.2, rival=-1)


def converged(depth: int, activation: tc.Activation, data: tc.Teacher, ridge: float = 0.0) -> tc.Training:
    """Centred gradient descent until nothing changes any more."""
    return tc.Training(
        tc.MLP(depth, activation, tc.NTK, centred=True),
        learning_rate=tc.scaled(1.0),
        data=data,
        loss=tc.MSE,
        steps=250,
        ridge=tc.Ridge(strength=ridge),
        dtype="float64",
    )


def distances(observable: tc.Observable, training: tc.Training) -> tc.Sweep:
    """One hidden layer reaches further than two at the same cost."""
    if training.network.depth == 1:
        return tc.Sweep(observable, training, widths=tc.widths(64, 4096), seeds=32)
    return tc.Sweep(observable, training, widths=tc.widths(64, 1024), seeds=(64, 64, 48, 32, 24))


@tc.claim(id="KR-1/own", source="Jacot, Gabriel, Hongler 2018, arXiv:1806.07572; the rate derived here")
@given(depth=depths(1, 2), activation=activations(among=SMOOTH), data=regression_data())
@example(depth=1, activation=tc.TANH, data=TEACHER)
def test_a_network_is_regression_with_its_own_kernel(depth, activation, data):
    """Trained to interpolation, a centred network with smooth activation differs from ridgeless regression with its
    initial tangent kernel by Theta(1/n)."""
    gap = distances(tc.kernel_gap("initial"), converged(depth, activation, data))

    tc.check(gap, OWN_KERNEL)
    tc.check_refuted(gap.under(tc.MEAN_FIELD), OWN_KERNEL)


@tc.claim(id="KR-1/limit", source="Jacot, Gabriel, Hongler 2018, arXiv:1806.07572; the rate derived here")
@given(depth=depths(1, 2), activation=activations(among=SMOOTH), data=regression_data())
@example(depth=1, activation=tc.TANH, data=TEACHER)
def test_a_network_is_regression_with_the_limit_kernel(depth, activation, data):
    """Trained to interpolation, a centred network differs from ridgeless regression with the infinite-width tangent
    kernel by Theta(n^-1/2)."""
    gap = distances(tc.kernel_gap("analytic"), converged(depth, activation, data))

    tc.check(gap, LIMIT_KERNEL)
    tc.check_refuted(gap.under(tc.MEAN_FIELD), LIMIT_KERNEL)


@tc.claim(id="KR-1/ensemble", source="derived here; one hidden layer, where the initial kernel has no bias")
@given(activation=activations(among=SMOOTH), data=regression_data(samples=4, dimension=4))
@example(activation=tc.TANH, data=tc.Teacher(dimension=4, samples=4, test_samples=32, largest_cosine=0.5))
def test_the_mean_of_an_ensemble_is_regression_with_the_limit_kernel(activation, data):
    """The mean over an ensemble of networks with one hidden layer differs from ridgeless regression with the
    infinite-width tangent kernel by Theta(1/n)."""
    network = tc.MLP(1, activation, tc.NTK, centred=True)
    training = tc.Training(network, learning_rate=tc.scaled(1.5), data=data, loss=tc.MSE, steps=100)
    gap = tc.Sweep(tc.ensemble_kernel_gap(256), training, widths=tc.widths(64, 1024))

    tc.check(gap, OWN_KERNEL)
    tc.check_refuted(gap.with_observable(tc.ensemble_kernel_gap(16)).under(tc.MEAN_FIELD), OWN_KERNEL)


@tc.claim(id="KR-2/own", source="Hu, Li, Yu 2020, arXiv:1905.11368; the rate derived here")
@given(depth=depths(1, 2), activation=activations(among=SMOOTH), data=regression_data())
@example(depth=1, activation=tc.TANH, data=TEACHER)
def test_anchored_ridge_is_ridge_regression_with_the_own_kernel(depth, activation, data):
    """With a ridge towards its initial weights a centred network differs from ridge regression with its initial
    tangent kernel by Theta(1/n); with the same ridge towards zero it does not come near."""
    gap = distances(tc.kernel_gap("initial"), converged(depth, activation, data, ridge=0.1))
    towards_zero = tc.Ridge(strength=0.1, towards="zero")

    tc.check(gap, OWN_KERNEL)
    tc.check_refuted(gap.with_training(ridge=towards_zero), OWN_KERNEL)


@tc.claim(id="KR-2/limit", source="Hu, Li, Yu 2020, arXiv:1905.11368; the rate derived here")
@given(depth=depths(1, 2), activation=activations(among=SMOOTH), data=regression_data())
@example(depth=1, activation=tc.TANH, data=TEACHER)
def test_anchored_ridge_is_ridge_regression_with_the_limit_kernel(depth, activation, data):
    """With a ridge towards its initial weights a centred network differs from ridge regression with the infinite-width
    tangent kernel by Theta(n^-1/2); with the same ridge towards zero it does not come near."""
    gap = distances(tc.kernel_gap("analytic"), converged(depth, activation, data, ridge=0.1))
    towards_zero = tc.Ridge(strength=0.1, towards="zero")

    tc.check(gap, LIMIT_KERNEL)
    tc.check_refuted(gap.with_training(ridge=towards_zero), LIMIT_KERNEL)
