"""Parametrizations: which are one and the same, and what the coordinates, gradients and norms of each do with width.

A layer's matrix is W = n^-a w with w of standard deviation n^-b, trained at rate n^-c. Only two of the three exponents
matter; under maximal update every coordinate, and every matrix in its own unit, stays of order one.
"""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import TUTORIAL
from theorychecks.networks import LayerRole
from theorychecks.observables import CoordinateSize, GradientSize, OutputSize, SpectralSize
from theorychecks.strategies import activations, depths, losses, mixtures

WIDTHS = tc.widths(64, 65536, factor=4)
FEW_WIDTHS = (16, 64, 128)
MIXTURE = tc.GaussianMixture()
ADAM = tc.Adam(epsilon=1e-300)
"""Without an epsilon Adam does not see the size of gradients, which parametrizations of one network do not share."""
OPTIMIZERS = st.sampled_from([tc.SGD(), ADAM])
OUTPUTS = (OutputSize("test"), OutputSize("train"))
FUNCTION = tc.Together((*OUTPUTS, tc.FeatureChange()))
TITLES_OF_OUTPUTS = tuple(each.title for each in OUTPUTS)
ROUNDING = tc.Identity(ulps=1e5, dtype="float64")
"""Five steps on sums over 128 neurons, in another order of multiplications; a wrong exponent shows at 1e15."""
TENSOR_PROGRAMS = "Yang and Hu 2021, arXiv:2011.14522"
TRANSFER = "Yang et al. 2022, arXiv:2203.03466"
EVERETT = "Everett et al. 2024, arXiv:2407.05872"
HAAS = "Haas et al. 2025, arXiv:2505.22491"


def trained(
    parametrization: tc.Parametrization,
    *,
    depth: int = 3,
    activation: tc.Activation = tc.TANH,
    base: float = 0.3,
    steps: int = 1,
    centred: bool = True,
    **options: object,
) -> tc.Training:
    """A few steps under MSE at the parametrization's own rates."""
    network = tc.MLP(depth, activation, parametrization, centred=centred)
    options = {"learning_rate": tc.scaled(base), "data": MIXTURE, "loss": tc.MSE, "dtype": "float64"} | options
    return tc.Training(network, steps=steps, **options)


def functions(parametrization: tc.Parametrization, optimizer: tc.Optimizer, **options: object) -> tc.Sweep:
    """What five steps make of the same draws, at widths that store their matrices."""
    training = trained(parametrization, optimizer=optimizer, base=0.05, steps=5, centred=False, **options)
    return tc.Sweep(FUNCTION, training, widths=FEW_WIDTHS, seeds=4)


def shifted(
    parametrization: tc.Parametrization, shifts: dict[LayerRole, float], *, wrong: float = 0.0
) -> tc.Parametrization:
    """Each role's a, b and c with theta, -theta and -2 theta added (-theta under Adam); c with a mistake on top."""
    for role, theta in shifts.items():
        parametrization = parametrization.altered(
            role, multiplier=theta, init=-theta, sgd=wrong - 2 * theta, adam=wrong - theta
        )
    return replace(parametrization, name=f"{parametrization.name.split(' with ')[0]}, shifted")


SHIFTS = st.fixed_dictionaries(
    dict.fromkeys(("input", "hidden", "output"), st.integers(-4, 4).map(lambda quarters: quarters / 4))
)
ONE_SHIFT_EACH = {"input": 0.5, "hidden": 0.25, "output": -0.5}


@tc.claim(
    id="E1/symmetry",
    source=f"{TENSOR_PROGRAMS}, Equation 5 (public notes on it), {EVERETT} for Adam (a public summary); derived here",
)
@given(
    parametrization=st.sampled_from([tc.STANDARD, tc.NTK, tc.MEAN_FIELD, tc.MAXIMAL_UPDATE]),
    shifts=SHIFTS,
    optimizer=OPTIMIZERS,
    depth=depths(1, 3),
)
@example(parametrization=tc.MAXIMAL_UPDATE, shifts=ONE_SHIFT_EACH, optimizer=tc.SGD(), depth=2)
def test_exponents_are_determined_up_to_a_shift(parametrization, shifts, optimizer, depth):
    """Adding (theta, -theta, -2 theta) to a layer's exponents (a, b, c) leaves the function of a tanh network that is
    trained by gradient descent as it is, for each role with a theta of its own; for Adam without an epsilon it is
    (theta, -theta, -theta). With the readout's c off by 1/2 the function is another.
    """
    same = functions(shifted(parametrization, shifts), optimizer, depth=depth)
    wrong = functions(shifted(parametrization, {"output": 0.0}, wrong=-0.5), optimizer, depth=depth)
    own = functions(parametrization, optimizer, depth=depth)

    tc.check(same, ROUNDING, against=own)
    tc.check_refuted(wrong.of(observable=TITLES_OF_OUTPUTS), ROUNDING, against=own.of(observable=TITLES_OF_OUTPUTS))


PAIRS = {
    "standard and NTK": (replace(tc.STANDARD, constants="multiplier"), tc.NTK),
    "maximal update and mean field": (replace(tc.MAXIMAL_UPDATE, constants="multiplier"), tc.MEAN_FIELD),
}
MATCHED = {
    ("standard and NTK", "sgd"): tc.scaled(0.05, hidden=-1, output=-1),
    ("standard and NTK", "adam"): tc.scaled(0.05, hidden=-1 / 2, output=-1 / 2),
}
"""Rates by which the first of a pair is trained as the second; the other pair's exponents match by themselves."""


@tc.claim(id="E1/classes", source=f"{EVERETT}, its two classes (a public summary); derived here")
@given(pair=st.sampled_from(list(PAIRS)), optimizer=OPTIMIZERS, activation=activations())
@example(pair="standard and NTK", optimizer=tc.SGD(), activation=tc.TANH)
@example(pair="maximal update and mean field", optimizer=tc.SGD(), activation=tc.TANH)
def test_four_parametrizations_are_two(pair, optimizer, activation):
    """By gradient descent, and by Adam without an epsilon, at matched learning rates standard and NTK parametrization
    train the same function, and so do maximal update and mean field, up to where constants stand; with hidden matrices'
    rates off by n^1/2 they do not.
    """
    first, second = PAIRS[pair]
    rate = MATCHED.get((pair, optimizer.name), tc.scaled(0.05))
    one = functions(first, optimizer, activation=activation, learning_rate=rate)
    other = functions(second, optimizer, activation=activation)
    unmatched = one.with_training(learning_rate=replace(rate, hidden=rate.hidden + 1 / 2))

    tc.check(one, ROUNDING, against=other)
    tc.check_refuted(
        unmatched.of(observable=TITLES_OF_OUTPUTS), ROUNDING, against=other.of(observable=TITLES_OF_OUTPUTS)
    )


TABLE_8 = tc.Parametrization(
    name="maximal update by an output multiplier",
    input=tc.Scaling(sgd=-1.0),
    hidden=tc.Scaling(init=0.5, adam=1.0),
    output=tc.Scaling(multiplier=1.0, sgd=-1.0),
)
DEFINITION_5_1 = tc.Parametrization(
    name="maximal update with one learning rate",
    input=tc.Scaling(multiplier=-0.5, init=0.5, adam=0.5),
    hidden=tc.Scaling(init=0.5, adam=1.0),
    output=tc.Scaling(multiplier=0.5, init=0.5, adam=0.5),
)


@tc.claim(
    id="E1/tables",
    source=f"{TRANSFER}, Tables 3, 8 and 9 (transcribed in public notes); {TENSOR_PROGRAMS}, Definition 5.1 (public "
    "notes on it)",
)
@given(table=st.sampled_from([TABLE_8, DEFINITION_5_1]), optimizer=OPTIMIZERS, activation=activations())
@example(table=TABLE_8, optimizer=tc.SGD(), activation=tc.TANH)
@example(table=DEFINITION_5_1, optimizer=tc.SGD(), activation=tc.TANH)
@example(table=DEFINITION_5_1, optimizer=ADAM, activation=tc.TANH)
def test_the_tables_of_maximal_update_are_one(table, optimizer, activation):
    """The three published tables of maximal update, by learning rates, by an output multiplier and with one learning
    rate of gradient descent for all layers, train the same function by gradient descent and by Adam without an epsilon;
    with any one learning rate off by n^1/2 they do not.
    """
    tabled = functions(table, optimizer, activation=activation)
    own = functions(tc.MAXIMAL_UPDATE, optimizer, activation=activation)

    tc.check(tabled, ROUNDING, against=own)
    for role in ("input", "hidden", "output"):
        wrong = functions(table.altered(role, sgd=0.5, adam=0.5), optimizer, activation=activation)
        tc.check_refuted(wrong.of(observable=TITLES_OF_OUTPUTS), ROUNDING, against=own.of(observable=TITLES_OF_OUTPUTS))


ENTRIES = {
    tc.STANDARD: (-1 / 2, -1 / 2, 0),
    tc.NTK: (-1 / 2, -1, -1 / 2),
    DEFINITION_5_1: (-1 / 2, -1, -1 / 2),
    tc.MEAN_FIELD: (-1, -3 / 2, -1),
}


@tc.claim(id="E4", source=f"derived here; {EVERETT} has such exponents (not seen)", paper=TUTORIAL)
@given(parametrization=st.sampled_from(list(ENTRIES)), depth=depths(2, 4), activation=activations(), data=mixtures())
@example(parametrization=tc.STANDARD, depth=3, activation=tc.TANH, data=MIXTURE)
@example(parametrization=tc.MEAN_FIELD, depth=3, activation=tc.TANH, data=MIXTURE)
def test_gradient_entries_shrink_by_parametrization_and_role(parametrization, depth, activation, data):
    """The squared error's gradient has entries in the trainable weights of the input matrix, a hidden one and the
    readout of a centred network that are Theta(n^g) at initialisation, with g = -1/2, -1/2, 0 under standard, -1/2, -1,
    -1/2 under NTK and (in the form with one learning rate) maximal update, and -1, -3/2, -1 under mean-field
    parametrization.
    """
    training = trained(parametrization, depth=depth, activation=activation, steps=0, data=data)
    entries = tc.Sweep(GradientSize(), training, widths=WIDTHS)
    exchanged = tc.MEAN_FIELD if parametrization is tc.STANDARD else tc.STANDARD
    others = entries.under(exchanged)

    for role, exponent in zip(("input", "hidden", "output"), ENTRIES[parametrization], strict=True):
        tc.check(entries.of(role=role), tc.PowerLaw(exponent))
        if exponent != ENTRIES[exchanged][("input", "hidden", "output").index(role)]:
            tc.check_refuted(others.of(role=role), tc.PowerLaw(exponent))


@tc.claim(id="M1", source=f"{TRANSFER}, the authors' package (its page read), for the check; exponents derived here")
@given(depth=depths(2, 4), activation=activations(), loss=losses(), data=mixtures())
@example(depth=3, activation=tc.TANH, loss=tc.MSE, data=MIXTURE)
def test_the_coordinate_check_of_maximal_update_is_flat(depth, activation, loss, data):
    """Under maximal update the mean absolute coordinate of every layer's preactivations, and of what outputs have moved
    by, is Theta(1) after three steps of gradient descent on one batch; under standard parametrization those of the
    second layer and of the outputs are not, after one.
    """
    training = trained(tc.MAXIMAL_UPDATE, depth=depth, activation=activation, base=0.3, steps=3, loss=loss, data=data)
    sizes = tc.Sweep(CoordinateSize(), training, widths=WIDTHS)
    standard = replace(sizes, training=replace(training, steps=1)).under(tc.STANDARD)

    tc.check(sizes, tc.Plateau())
    tc.check_refuted(standard.of(layer=(2, "output")), tc.Plateau())


MANY_OUTPUTS = tc.GaussianMixture(classes=16, samples=16)
"""The size of a random initial function varies less from seed to seed, the more outputs it has."""


@tc.claim(
    id="M2",
    source=f"{TENSOR_PROGRAMS}, Corollary 3.10 (public notes on it), that it vanishes; exponents derived here",
)
@given(depth=depths(1, 4), activation=activations())
@example(depth=3, activation=tc.TANH)
def test_maximal_update_begins_at_a_vanishing_function(depth, activation):
    """Under maximal update the initial function is Theta(n^-1/2), under standard parametrization Theta(1); with the
    readout's fan-in forgotten it is neither.
    """
    training = trained(tc.MAXIMAL_UPDATE, depth=depth, activation=activation, steps=0, centred=False, data=MANY_OUTPUTS)
    start = tc.Sweep(tc.InitialOutput(), training, widths=WIDTHS)
    forgotten = start.under(tc.STANDARD.altered("output", init=-0.5))

    tc.check(start, tc.PowerLaw(-1 / 2))
    tc.check(start.under(tc.STANDARD), tc.Plateau())
    tc.check_refuted(forgotten, tc.PowerLaw(-1 / 2))
    tc.check_refuted(forgotten, tc.Plateau())


EFFECTIVE, PROPAGATING = tc.UpdateSize("effective"), tc.UpdateSize("propagating")


@tc.claim(id="M3", source=f"{TRANSFER} (the trend); exponents derived here, as in the code of {HAAS} (read)")
@given(depth=depths(2, 4), activation=activations(), data=mixtures())
@example(depth=3, activation=tc.TANH, data=MIXTURE)
def test_the_coordinate_check_of_standard_parametrization_blows_up(depth, activation, data):
    """Under standard parametrization one small step of gradient descent on a centred network's squared error at a
    constant rate gives effective updates Theta(n^-1/2) in the input layer, Theta(n^1/2) in hidden layers and Theta(n)
    in the outputs; under maximal update the orders are others.
    """
    training = trained(tc.STANDARD, depth=depth, activation=activation, base=1e-4, data=data)
    updates = tc.Sweep(EFFECTIVE, training, widths=WIDTHS)
    flat = updates.under(tc.MAXIMAL_UPDATE)

    for role, exponent in {"input": -1 / 2, "hidden": 1 / 2, "output": 1}.items():
        tc.check(updates.of(role=role), tc.PowerLaw(exponent))
        tc.check_refuted(flat.of(role=role), tc.PowerLaw(exponent))


@tc.claim(id="M3/Adam", source=f"{TRANSFER} (the trend); exponents derived here, as in the code of {HAAS} (read)")
@given(depth=depths(2, 3), activation=activations(smooth=True), data=mixtures())
@example(depth=2, activation=tc.TANH, data=MIXTURE)
def test_the_coordinate_check_of_adam_blows_up(depth, activation, data):
    """With a smooth activation, under standard parametrization, one small step of Adam on a centred network's squared
    error at a constant rate gives effective updates Theta(1) in the input layer and Theta(n) in hidden layers and the
    outputs; under maximal update the latter are not Theta(n).
    """
    training = trained(tc.STANDARD, depth=depth, activation=activation, base=1e-6, optimizer=ADAM, data=data)
    updates = tc.Sweep(EFFECTIVE, training, widths=tc.widths(64, 1024))
    growing = tc.PowerLaw(1, within=0.2, rival=1 / 2)
    flat = updates.under(tc.MAXIMAL_UPDATE)

    tc.check(updates.of(role="input"), tc.Plateau(within=0.2, rival=1 / 2))
    for role in ("hidden", "output"):
        tc.check(updates.of(role=role), growing)
        tc.check_refuted(flat.of(role=role), growing)


SPECTRAL = "Yang, Simon, Bernstein 2023, arXiv:2310.17813, Condition 1 (abstract, and a public page that states it)"
NARROW_DATA = tc.GaussianMixture(dimension=8)
"""A random n x d matrix has spectral norm n^1/2 (1 + (d/n)^1/2): the correction's constant, 8^1/2, is in the class."""


@tc.claim(id="S1", source=SPECTRAL, evidence=True)
@given(depth=depths(2, 4), activation=activations(), data=mixtures())
@example(depth=3, activation=tc.TANH, data=NARROW_DATA)
def test_maximal_update_meets_the_spectral_condition(depth, activation, data):
    """Under maximal update the spectral norms of a centred network's initial weights, and of their changes in three
    steps of gradient descent on the squared error, are Theta((fan_out / fan_in)^1/2) in every layer, and features
    change by Theta(1). Under standard parametrization at rate 1/n changes of the input and hidden matrices, and the
    readout's weights, are not of this order.
    """
    weights, change, features = SpectralSize("weights"), SpectralSize("change"), tc.FeatureChange()
    training = trained(tc.MAXIMAL_UPDATE, depth=depth, activation=activation, base=0.3, steps=3, data=data)
    rich = tc.Sweep(tc.Together((weights, change, features)), training, widths=WIDTHS)
    lazy = rich.under(tc.STANDARD, learning_rate=tc.scaled(1.0, width=-1))

    for role in ("input", "hidden", "output"):
        tc.check(rich.of(observable=weights.title, role=role), tc.Plateau())
        tc.check(rich.of(observable=change.title, role=role), tc.Plateau())
    tc.check(rich.of(observable=features.title), tc.Plateau())
    for role in ("input", "hidden"):
        tc.check_refuted(lazy.of(observable=change.title, role=role), tc.Plateau())
    tc.check_refuted(lazy.of(observable=weights.title, role="output"), tc.Plateau())


@tc.claim(id="S2", source=f"{SPECTRAL}; exponents derived here", evidence=True)
@given(depth=depths(2, 4), activation=activations(), data=mixtures())
@example(depth=3, activation=tc.TANH, data=NARROW_DATA)
def test_maximal_update_moves_matrices_in_spectral_norm(depth, activation, data):
    """Under maximal update hidden matrices move by Theta(1) of their spectral norm and by Theta(n^-1/2) of their
    Frobenius norm, in three steps of gradient descent on a centred network's squared error; under NTK parametrization
    by neither.
    """
    norms = tc.Together((tc.WeightChange(norm="spectral"), tc.WeightChange(norm="frobenius")))
    training = trained(tc.MAXIMAL_UPDATE, depth=depth, activation=activation, base=0.3, steps=3, data=data)
    rich = tc.Sweep(norms, training, widths=WIDTHS)
    lazy = rich.under(tc.NTK)

    tc.check(rich.of(role="hidden", norm="spectral"), tc.Plateau())
    tc.check(rich.of(role="hidden", norm="frobenius"), tc.PowerLaw(-1 / 2))
    tc.check_refuted(lazy.of(role="hidden", norm="spectral"), tc.Plateau())
    tc.check_refuted(lazy.of(role="hidden", norm="frobenius"), tc.PowerLaw(-1 / 2))


FULL_ALIGNMENT = tc.Parametrization(
    name="standard with rates for full alignment",
    input=tc.Scaling(sgd=-0.5),
    hidden=tc.Scaling(init=0.5, sgd=0.5),
    output=tc.Scaling(init=0.5, sgd=1.0),
)


@tc.claim(
    id="H19",
    source=f"{HAAS}, the three learning rates in the authors' code (read); exponents derived here, and seen to four "
    "layers, where ReLU's corrections at width 256 exceed the class",
)
@given(depth=depths(2, 3), activation=activations(), loss=losses(), data=mixtures())
@example(depth=3, activation=tc.TANH, loss=tc.CROSS_ENTROPY, data=MIXTURE)
def test_standard_parametrization_for_full_alignment_diverges_through_its_initial_readout(
    depth, activation, loss, data
):
    """Under standard parametrization with learning rates n^1/2, n^-1/2 and n^-1 by role, one step of gradient descent
    gives a centred network effective updates Theta(1) in every layer and propagating ones Theta(1) in hidden layers,
    but Theta(n^1/2) in the outputs: they diverge through W_0 dx alone, as they do not under maximal update. Where the
    readout is trained at n^-1/2, its own update is not Theta(1) either.
    """
    training = trained(FULL_ALIGNMENT, depth=depth, activation=activation, base=0.03, loss=loss, data=data)
    updates = tc.Together((EFFECTIVE, PROPAGATING))
    sizes = tc.Sweep(updates, training, widths=tc.widths(256, 262144, factor=4))
    diverges = tc.PowerLaw(1 / 2)
    large = sizes.under(FULL_ALIGNMENT.altered("output", sgd=-0.5))

    tc.check(sizes.of(observable=EFFECTIVE.title), tc.Plateau())
    tc.check(sizes.of(observable=PROPAGATING.title, role="hidden"), tc.Plateau())
    tc.check(sizes.of(observable=PROPAGATING.title, role="output"), diverges)
    tc.check_refuted(large.of(observable=EFFECTIVE.title, role="output"), tc.Plateau())
    flat = sizes.under(tc.MAXIMAL_UPDATE)
    tc.check_refuted(flat.of(observable=PROPAGATING.title, role="output"), diverges)
