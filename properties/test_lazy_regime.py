"""In the lazy regime weights barely move, and how barely depends on the layer and on the norm.

A gradient step changes a hidden matrix by a few outer products, so its spectral norm stands out by n^1/2 over its
Frobenius norm; the textbook's O(n^-1/2) is a bound over all layers and both norms, tight in the spectral norm.
"""

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from theorychecks.strategies import activations, depths, mixtures

RATES = {tc.STANDARD: tc.scaled(0.3, width=-1), tc.NTK: tc.scaled(0.3)}
WIDTHS = tc.widths(64, 65536, factor=4)
UNCENTRED_BUDGET = 64
"""Nothing subtracts the initial function, and its random size multiplies every change: noise, met with seeds."""
BOTH_NORMS = tc.together(tc.weight_change(norm="frobenius"), tc.weight_change(norm="spectral"))
MIXTURE = tc.GaussianMixture(dimension=8)
"""A random n x d matrix has spectral norm n^1/2 (1 + (d/n)^1/2): the correction's constant, 8^1/2, is in the class."""
MANY_CLASSES = tc.GaussianMixture(dimension=8, classes=8)
"""The size of a random initial function varies less from seed to seed, the more outputs it has."""


def exponent(value: float) -> tc.PowerLaw:
    """Exponents of this regime are half-integers, so the nearest rival is half a power away."""
    return tc.PowerLaw(value, rival=value + 0.5)


@tc.claim(
    id="LZ-1/standard",
    source="Yang and Hu 2021, arXiv:2011.14522, Theorem 4.1 (second-hand); exponents by layer derived here",
)
@given(depth=depths(2, 4), activation=activations(), data=mixtures())
@example(depth=3, activation=tc.TANH, data=MIXTURE)
def test_weights_move_by_role_and_norm_under_standard_parametrization(depth, activation, data):
    """Under standard parametrization with rate 1/n a centred network's input matrix moves by Theta(n^-3/2) of its size,
    a hidden one by Theta(1/n) in Frobenius and Theta(n^-1/2) in spectral norm, the readout by Theta(n^-1/2).
    """
    network = tc.MLP(depth, activation, tc.STANDARD, centred=True)
    lazy = tc.Training(network, learning_rate=tc.scaled(0.3, width=-1), data=data, loss=tc.MSE, steps=4)
    moved = tc.Sweep(BOTH_NORMS, lazy, widths=WIDTHS)
    rich = moved.under(tc.MAXIMAL_UPDATE)

    for words, predicted in {
        ("input",): exponent(-3 / 2),
        ("hidden", "frobenius"): exponent(-1),
        ("hidden", "spectral"): exponent(-1 / 2),
        ("output",): exponent(-1 / 2),
    }.items():
        tc.check(moved.of(*words), predicted)
        tc.check_refuted(rich.of(*words), predicted)


@tc.claim(
    id="LZ-1/NTK",
    source="Lee et al. 2019, arXiv:1902.06720, Fig. 1 (from memory, not re-read); spectral exponents derived here",
)
@given(depth=depths(2, 4), activation=activations())
@example(depth=3, activation=tc.TANH)
def test_weights_move_by_role_and_norm_under_ntk_parametrization(depth, activation):
    """Under NTK parametrization a centred network's input matrix and readout move by Theta(n^-1/2) of their size,
    a hidden matrix by Theta(1/n) in Frobenius and Theta(n^-1/2) in spectral norm.
    """
    network = tc.MLP(depth, activation, tc.NTK, centred=True)
    lazy = tc.Training(network, learning_rate=tc.scaled(0.3), data=MIXTURE, loss=tc.MSE, steps=4)
    moved = tc.Sweep(BOTH_NORMS, lazy, widths=WIDTHS)
    rich = moved.under(tc.MEAN_FIELD)

    for words, predicted in {
        ("input",): exponent(-1 / 2),
        ("hidden", "frobenius"): exponent(-1),
        ("hidden", "spectral"): exponent(-1 / 2),
        ("output",): exponent(-1 / 2),
    }.items():
        tc.check(moved.of(*words), predicted)
        tc.check_refuted(rich.of(*words), predicted)


@tc.claim(
    id="LZ-1/bound", source="Lee et al. 2019, arXiv:1902.06720, Theorem 2.1 (from memory, not re-read), for every layer"
)
@given(depth=depths(1, 4), activation=activations(), parametrization=st.sampled_from(list(RATES)))
@example(depth=3, activation=tc.TANH, parametrization=tc.NTK)
def test_every_weight_moves_by_at_most_one_over_root_width(depth, activation, parametrization):
    """In the lazy regime no layer moves by more than O(n^-1/2) of its size, in either norm, in two steps on eight
    classes, also with a random initial function.
    """
    network = tc.MLP(depth, activation, parametrization)
    lazy = tc.Training(network, learning_rate=RATES[parametrization], data=MANY_CLASSES, loss=tc.MSE, steps=2)
    bound = tc.UpperBound(-1 / 2, rival=0)

    moved = tc.Sweep(BOTH_NORMS, lazy, widths=WIDTHS, budget=UNCENTRED_BUDGET)

    tc.check(moved, bound)
    tc.check_refuted(moved.under(tc.MAXIMAL_UPDATE).of("spectral"), bound)
