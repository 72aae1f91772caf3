"""Kinks: what ReLU neurons that cross theirs do to the lazy regime, whose bounds smooth activations do not reach."""

from hypothesis import example, given

import theorychecks as tc
from theorychecks.observables import SwitchedOff
from theorychecks.strategies import activations, regression_data

WIDTHS = tc.widths(512, 131072, factor=4)
DERIVED = "derived and measured here"


def trained(activation: tc.Activation, data: tc.Teacher) -> tc.Training:
    """Four steps of a centred network with one hidden layer."""
    network = tc.MLP(1, activation, tc.NTK, centred=True)
    return tc.Training(network, learning_rate=tc.scaled(1.0), data=data, loss=tc.MSE, steps=4)


@tc.claim(id="LZ-2/kinks", source=DERIVED)
@given(data=regression_data(dimension=16, samples=16, outputs=8, largest_cosine=1.0))
@example(data=tc.Teacher(dimension=16, samples=16, outputs=8))
def test_neurons_switch_off_at_the_points_they_are_trained_on(data):
    """Under NTK parametrization, in a centred network with one hidden layer of ReLU on the squared error, more neurons
    switch off at a training point than switch on, net by a fraction Theta(n^-1/2) of all pairs of a neuron and a
    training point; under mean field that fraction is not Theta(n^-1/2).
    """
    # Whatever is on is pushed by that point itself, whatever is off is not.
    off = tc.Sweep(SwitchedOff(), trained(tc.RELU, data), widths=WIDTHS)
    predicted = tc.PowerLaw(-1 / 2, rival=-3 / 4)

    tc.check(off, predicted)
    tc.check_refuted(off.under(tc.MEAN_FIELD), predicted)


@tc.claim(
    id="LZ-2/kinks/drift",
    source=f"{DERIVED}: n^-3/4 where neurons switch with random signs, n^-1/2 where they go off at training points. "
    "The sum falls with local exponents from -0.76 to -0.47 over these widths, so that only a bound is claimed",
)
@given(
    smooth=activations(smooth=True),
    data=regression_data(dimension=16, samples=16, outputs=1, test_samples=8, largest_cosine=1.0),
)
@example(smooth=tc.TANH, data=tc.Teacher(dimension=16, samples=16))
def test_kinks_make_the_tangent_kernel_drift_more_slowly_with_the_width(smooth, data):
    """Under NTK parametrization, in a centred network with one hidden layer on the squared error, the tangent kernel on
    the training points moves by Omega(n^-3/4) of its size with ReLU; with a smooth activation it moves by less,
    Theta(1/n).
    """
    kinked, even = (
        tc.Sweep(tc.TangentKernelDrift(), trained(activation, data), widths=WIDTHS) for activation in (tc.RELU, smooth)
    )
    bound = tc.LowerBound(-3 / 4, within=0.1, rival=-1)

    tc.check(kinked, bound)
    tc.check(even, tc.PowerLaw(-1, within=0.1, rival=-3 / 4))
    tc.check_refuted(even, bound)
