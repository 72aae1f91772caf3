"""Controlled divergence: under cross-entropy outputs may diverge with the width while nothing else does.

Under standard parametrization at a rate n^-alpha, alpha in [1/2, 1], one step makes outputs of size n^(1-alpha). The
gradient of cross-entropy in the outputs is bounded, so they diverge no further; that of MSE is not, and each step
multiplies them once more. Networks are centred: a random initial function would multiply all changes by one factor.
"""

import math
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from theorychecks.observables import Confidence, OutputSizeByStep
from theorychecks.strategies import activations, depths

WIDTHS = tc.widths(1024, 131072, factor=2)
"""Below 1,024 what reaches the second layer from the first, 1/n of its own change, bends the second one's exponent."""
ALPHAS = st.integers(50, 100).map(lambda percent: percent / 100)
CHANGES = tc.Together((OutputSizeByStep(), tc.FeatureChange()))
HAAS = "Haas et al. 2025, arXiv:2505.22491"
FEW = tc.GaussianMixture(dimension=4, samples=4, test_samples=1, spread=0.3)


def trained(
    alpha: float,
    *,
    depth: int = 3,
    activation: tc.Activation = tc.TANH,
    base: float = 1.0,
    loss: object = tc.CROSS_ENTROPY,
    steps: int = 1,
    data: object = tc.GaussianMixture(),
) -> tc.Training:
    """Standard parametrization at rate base * n^-alpha, in numbers that resolve changes of 1e-7."""
    network = tc.MLP(depth, activation, tc.STANDARD, centred=True)
    rate = tc.scaled(base, width=-alpha)
    return tc.Training(network, learning_rate=rate, data=data, loss=loss, steps=steps, dtype="float64")


@tc.claim(
    id="H5",
    source=f"{HAAS}, Proposition 2 (public notes on it; n^1/2 at the edge in the authors' code); MSE's derived here",
    paper=LARGE_RATES,
)
@given(alpha=ALPHAS, depth=depths(2, 4), activation=activations())
@example(alpha=0.5, depth=3, activation=tc.TANH)
@example(alpha=0.75, depth=3, activation=tc.TANH)
def test_outputs_diverge_as_the_rate_times_the_width(alpha, depth, activation):
    """Under standard parametrization and cross-entropy one step at rate n^-alpha, alpha in [1/2, 1], moves a centred
    network's outputs by Theta(n^(1-alpha)); under MSE with alpha = 3/4 this no longer holds at the second step, nor at
    the third.
    """
    setting = {"depth": depth, "activation": activation}
    moved = tc.Sweep(CHANGES, trained(alpha, **setting), widths=WIDTHS)
    squared = tc.Sweep(CHANGES, trained(3 / 4, loss=tc.MSE, steps=3, **setting), widths=WIDTHS)

    tc.check(moved.of(observable="outputs"), tc.PowerLaw(1 - alpha))
    tc.check_refuted(squared.of(step=2), tc.PowerLaw(1 / 4))
    tc.check_refuted(squared.of(step=3), tc.PowerLaw(1 / 4))


@tc.claim(
    id="H5/four steps",
    source=f"{HAAS}, Proposition 2 (public notes on it); only at the ends of [1/2, 1], measured here",
    paper=LARGE_RATES,
)
@given(alpha=st.sampled_from([0.5, 1.0]), activation=activations())
@example(alpha=0.5, activation=tc.TANH)
@example(alpha=1.0, activation=tc.TANH)
def test_outputs_stay_as_large_for_four_steps(alpha, activation):
    """Under standard parametrization and cross-entropy at rate n^-alpha, alpha = 1/2 and 1, the outputs of a centred
    network with three hidden layers have after four steps the exponent that they have after one, 1 - alpha; and
    features of the input layer theirs, -1/2 - alpha. Under MSE with alpha = 3/4 outputs no longer have theirs at the
    third step.
    """
    moved = tc.Sweep(CHANGES, trained(alpha, activation=activation, steps=4), widths=WIDTHS)
    squared = tc.Sweep(CHANGES, trained(3 / 4, activation=activation, loss=tc.MSE, steps=3), widths=WIDTHS)

    tc.check(moved.of(step=4), tc.PowerLaw(1 - alpha))
    tc.check(moved.of(layer=1), tc.PowerLaw(-1 / 2 - alpha))
    tc.check_refuted(squared.of(step=3), tc.PowerLaw(1 / 4))


@tc.claim(
    id="H6+H7",
    source=f"{HAAS}, Proposition 4 (public notes on it; -1 and 0 at the edge in the authors' code); MSE's derived here",
    paper=LARGE_RATES,
)
@given(alpha=ALPHAS, depth=depths(2, 4), activation=activations())
@example(alpha=0.5, depth=3, activation=tc.TANH)
@example(alpha=0.75, depth=3, activation=tc.TANH)
def test_features_move_by_layer(alpha, depth, activation):
    """Under standard parametrization and cross-entropy one step at rate n^-alpha, alpha in [1/2, 1], moves a centred
    network's input-layer features by Theta(n^(-1/2-alpha)) and those of deeper layers by Theta(n^(1/2-alpha)), Theta(1)
    at alpha = 1/2; under MSE with alpha = 3/4 three steps no longer do.
    """
    setting = {"depth": depth, "activation": activation}
    moved = tc.Sweep(CHANGES, trained(alpha, **setting), widths=WIDTHS)
    squared = tc.Sweep(CHANGES, trained(3 / 4, loss=tc.MSE, steps=3, **setting), widths=WIDTHS)

    tc.check(moved.of(layer=1), tc.PowerLaw(-1 / 2 - alpha))
    tc.check_refuted(squared.of(layer=1), tc.PowerLaw(-5 / 4))
    for layer in range(2, depth + 1):
        tc.check(moved.of(layer=layer), tc.PowerLaw(1 / 2 - alpha))
        tc.check_refuted(squared.of(layer=layer), tc.PowerLaw(-1 / 4))


NARROW, WIDE = 1024, 1024 * 64
RATE_FALLS = tuple((WIDE / NARROW) ** (percent / 100) for percent in (50, 60, 70, 80, 90, 100))
"""By which factor n^-alpha falls from the narrow to the wide network, for alpha from 1/2 to 1."""


@tc.quantity(along="fall of the rate", name="growth from width 1,024 to 65,536", shared=True)
def growth_by_rate(falls, draw, *, activation, roles):
    """How many times larger changes are at the wide network than at the narrow one, when some roles' rates fall."""
    alpha = math.log(falls, WIDE / NARROW)
    training = trained(alpha, activation=activation, depth=2)
    if roles == "readout":
        training = replace(training, learning_rate=tc.scaled(1.0, width=-1, output=1 - alpha))
    narrow, wide = draw.read(CHANGES, training, NARROW), draw.read(CHANGES, training, WIDE)
    return {name: wide[name].values / narrow[name].values for name in wide}


@tc.claim(
    id="H5+H6+H7/slope",
    source="derived here from the three exponents of " + HAAS + " (public notes on it)",
    paper=LARGE_RATES,
)
@given(activation=activations())
@example(activation=tc.TANH)
def test_every_exponent_falls_with_that_of_the_rate(activation):
    """Under standard parametrization and cross-entropy exponents of outputs and features of a centred network with two
    hidden layers are one less for each one of alpha: where the rate falls between widths 1,024 and 65,536 by a factor
    F, what one step does grows between them by a power -1 of F. Features do not follow the readout's rate.
    """
    # Linear response, with the same networks at every rate: what is left is of the order of the rate.
    slope = tc.PowerLaw(-1, corrections=tc.FiniteSizeClass(rho=1 / 8, omegas=(1.0,), unit=1.0))

    every, readout = (
        growth_by_rate(activation=activation, roles=roles).over(RATE_FALLS) for roles in ("every", "readout")
    )

    tc.check(every, slope)
    tc.check_refuted(readout.of(observable=tc.FeatureChange().title), slope)


@tc.claim(
    id="H9/confidence",
    source=f"derived here from the outputs' exponent in {HAAS} (public notes on it)",
    paper=LARGE_RATES,
)
@given(activation=activations())
@example(activation=tc.TANH)
def test_confidence_grows_as_the_outputs_do(activation):
    """Under standard parametrization at rate n^-1/2 and cross-entropy -log(1 - p), with p the largest softmax
    probability of a centred network with three hidden layers after one step, grows as Theta(n^1/2); at 1/n it does not.
    """
    # At a rate n^-alpha the correction is n^(alpha-1), the inverse of the margin between classes: slower than the
    # finite-size class allows for any alpha above a half.
    certain = tc.Sweep(Confidence(), trained(1 / 2, activation=activation), widths=WIDTHS)

    tc.check(certain, tc.PowerLaw(1 / 2))
    tc.check_refuted(certain.with_training(learning_rate=tc.scaled(1.0, width=-1)), tc.PowerLaw(1 / 2))


@tc.claim(
    id="H11",
    source="derived and measured here; that MSE has no controlled divergence: " + HAAS + " (abstract)",
    paper=LARGE_RATES,
)
@given(steps=st.sampled_from([2, 3]), activation=activations(smooth=True))
@example(steps=2, activation=tc.TANH)
@example(steps=3, activation=tc.TANH)
def test_under_mse_outputs_compound(steps, activation):
    """With a smooth activation, under standard parametrization and MSE at rate n^-3/4, outputs of a centred network
    with one hidden layer are Theta(n^(t/4)) after t = 2 and 3 steps, at widths from 8,192 on and a base rate far above
    the threshold, up to 0.08 in the exponent; under cross-entropy they are not.
    """
    # The correction is one over the base rate times n^(1/4), slower than the class has it; at three steps it leaves
    # +0.05 in the exponent.
    training = trained(3 / 4, depth=1, activation=activation, base=7.0, loss=tc.MSE, steps=steps, data=FEW)
    outputs = tc.Sweep(OutputSizeByStep(), training, widths=tc.widths(8192, 524288)).of(step=steps)

    tc.check(outputs, tc.PowerLaw(steps / 4))
    tc.check_refuted(outputs.with_training(loss=tc.CROSS_ENTROPY), tc.PowerLaw(steps / 4))
