"""Products of weights and deep networks whose output is divided by the feature-learning strength gamma.

Two quantities follow from gamma and the number of layers alone: the largest stable learning rate, and the unit of time.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects import product_of_weights


@dataclass(frozen=True)
class Product:
    """A product of so many weights, or of random matrices with ReLU between them where there are data to fit."""

    name: str
    layers: int
    data: tc.GaussianMixture | tc.Digits | None = None

    def start(self, gamma, draw):
        """Initial products at a feature-learning strength; the same weights at each."""
        generators = [draw.generator(seed, "weights") for seed in draw.seeds]
        if self.data is None:
            return product_of_weights.weights(self.layers, strength=gamma, generators=generators)
        drawn = self.data.draw()
        inputs, signs = torch.from_numpy(drawn.inputs), torch.ones(self.data.samples, dtype=torch.float64)
        signs[::2] = -1
        return product_of_weights.networks(self.layers, NEURONS, inputs, signs, strength=gamma, generators=generators)


NEURONS = 32
MIXTURE = tc.GaussianMixture(dimension=8, classes=2, samples=4)
FACTORS = {layers: Product(f"{layers} weights", layers) for layers in (2, 3)}
CLOUDS = {layers: Product(f"{layers} layers, clouds", layers, MIXTURE) for layers in (2, 3)}
DIGITS = {layers: Product(f"{layers} layers, digits", layers, tc.Digits(samples=4, seed=3)) for layers in (2, 3)}
ONE_DIGIT = {layers: Product(f"{layers} layers, one digit", layers, tc.Digits(samples=1)) for layers in (2, 3)}
WEAK, STRONG = tuple(2.0**k for k in range(-18, -9, 2)), tuple(2.0**k for k in range(4, 13, 2))
FEW_STEPS, MANY_STEPS = 100, 300
"""At large gamma the loss stands still at first, for a time that grows with gamma."""


@tc.quantity(along="feature strength", name="{product}", shared=True)
def stable_rate(gamma, draw, *, product, power, steps):
    """The largest learning rate at which a product fits its targets, searched for about this power of gamma."""
    offsets = [draw.rng(seed, "grid", gamma).random() for seed in draw.seeds]
    begun = product.start(gamma, draw)
    return product_of_weights.largest_rate(begun, gamma**power, steps=steps, offsets=offsets)


@tc.claim(
    id="FL-6",
    source="Atanasov et al. 2025, arXiv:2410.04642 (abstract) for the exponents of the optimal learning rate; "
    "for the largest stable one, and for products of weights, derived here",
    evidence=True,
)
@given(product=st.sampled_from([*FACTORS.values(), *CLOUDS.values(), *DIGITS.values()]))
@example(product=FACTORS[2])
@example(product=CLOUDS[3])
@example(product=DIGITS[2])
def test_the_largest_stable_rate_grows_as_the_square_and_then_as_a_root_of_the_strength(product):
    """Of products of L = 2 or 3 weights, and of ReLU networks of as many weight layers, with a centred output divided
    by gamma, the largest learning rate at which the mean squared error halves, and never exceeds ten times its start,
    is Theta(gamma^2) for gamma << 1, 2^-18 to 2^-10 and 100 steps, and Theta(gamma^(2/L)) for gamma >> 1, 2^4 to 2^12
    and 300 steps; the latter does not hold with the other number of layers, nor the former for gamma >> 1.
    """
    layers = product.layers
    (others,) = (kind for kind in (FACTORS, CLOUDS, DIGITS) if kind[layers] == product)
    another = others[5 - layers]
    weak = stable_rate(product=product, power=2, steps=FEW_STEPS).over(WEAK, seeds=24)
    strong = stable_rate(product=product, power=2 / layers, steps=MANY_STEPS).over(STRONG, seeds=24)
    with_other_layers = stable_rate(product=another, power=2 / another.layers, steps=MANY_STEPS).over(STRONG, seeds=24)
    orders = tuple(sorted({1 / layers, 1 / 2, 1.0}))
    from_below = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), towards="zero")
    from_above = tc.FiniteSizeClass(rho=3 / 8, omegas=orders, fewest_units=16)
    square = tc.PowerLaw(2, within=0.15, rival=1, corrections=from_below)
    root = tc.PowerLaw(2 / layers, within=0.15, rival=2 / another.layers, corrections=from_above)

    tc.check(weak, square)
    tc.check(strong, root)
    tc.check_refuted(strong, replace(square, corrections=from_above))
    tc.check_refuted(with_other_layers, root)


@tc.quantity(along="feature strength", name="{product}", shared=True)
def loss_times(gamma, draw, *, product):
    """How long the loss takes to its first level and from one to the next, in units of the rich rate."""
    begun = product.start(gamma, draw)
    rate = torch.full((len(draw.seeds),), 0.05 * product_of_weights.rich_rate(begun), dtype=torch.float64)
    passed = product_of_weights.crossings(begun, rate, steps=MOST_STEPS, levels=LOSSES)
    between = {between_losses(*pair): passed[k + 1] - passed[k] for k, pair in enumerate(pairwise(LOSSES))}
    return {"to the first loss": passed[0], **between}


def between_losses(first, second):
    """What reports call the time between two losses."""
    return f"rescaled, from loss {first:g} to {second:g}"


MOST_STEPS = 8000
LOSSES = (0.75, 0.5, 0.25, 0.1)
RESCALED = tuple(between_losses(*pair) for pair in pairwise(LOSSES))


@tc.claim(
    id="FL-7",
    source="Atanasov et al. 2025, arXiv:2410.04642 (abstract); time scale and onset derived here",
)
@given(product=st.sampled_from([*FACTORS.values(), *ONE_DIGIT.values()]))
@example(product=FACTORS[3])
@example(product=ONE_DIGIT[2])
def test_loss_curves_of_large_strengths_coincide_after_rescaling_time(product):
    """Of products of L = 2 or 3 weights, and of ReLU networks of as many weight layers that fit one sample, at
    feature-learning strengths gamma of 2^8 to 2^16 the loss takes a time of its own to fall to three quarters, and
    falls from there to a tenth along one curve, within 10 per cent, with gradient flow's time in units of gamma^(2/L).
    """
    curve = loss_times(product=product).over((2.0**8, 2.0**12, 2.0**16))

    tc.check(curve.of(name=RESCALED), tc.Collapse(0.1))
    tc.check_refuted(curve.of(name="to the first loss"), tc.Collapse(0.1))
