"""The named parametrizations have the exponents of the literature, and equivalent ones train the same function."""

import pytest
import torch

from theorychecks.engines import dense
from theorychecks.networks import (
    GELU,
    LINEAR,
    MAXIMAL_UPDATE,
    MEAN_FIELD,
    MLP,
    MSE,
    NTK,
    SGD,
    STANDARD,
    TANH,
    Adam,
    GaussianMixture,
    Muon,
    Parametrization,
    Scaling,
    SignDescent,
    Sphere,
    Training,
    parametrization,
    scaled,
)

ROLES = ("input", "hidden", "output")
# Adam is invariant only as far as its epsilon is negligible beside the gradients.
FREE_ADAM = Adam(epsilon=1e-30)
DESCENT, SIGNS, MUON = SGD(), SignDescent(), Muon(momentum=0.0)

# Effective exponents (input, hidden, output) of W = n^-a w: standard deviation a + b; rate c + 2a under SGD and c + a
# under Adam and Muon. NTK, maximal update and mean field: Yang and Hu 2021 (arXiv:2011.14522), Table 1; Everett et al. 2024
# (arXiv:2407.05872) for mean field at any depth and for Adam. Muon under maximal update: the spectral norms of updates
# in Yang, Simon, Bernstein 2023 (arXiv:2310.17813) are n to minus these; under standard and NTK, one rate for all.
EFFECTIVE = {
    "standard": ((0, 0.5, 0.5), (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    "NTK": ((0, 0.5, 0.5), (0, 1, 1), (0, 0.5, 0.5), (0, 0.5, 0.5)),
    "mean field": ((0, 0.5, 1), (-1, 0, 1), (0, 1, 1), (-0.5, 0, 0.5)),
    "maximal update": ((0, 0.5, 1), (-1, 0, 1), (0, 1, 1), (-0.5, 0, 0.5)),
}


@pytest.mark.parametrize("name", EFFECTIVE)
def test_effective_exponents_are_those_of_the_literature(name):
    scalings = [parametrization(name).scaling(role) for role in ROLES]
    init, sgd, adam, muon = EFFECTIVE[name]
    assert tuple(s.multiplier + s.init for s in scalings) == init
    assert tuple(s.sgd + 2 * s.multiplier for s in scalings) == sgd
    assert tuple(s.adam + s.multiplier for s in scalings) == adam
    assert tuple(s.muon + s.multiplier for s in scalings) == muon


def test_no_two_named_parametrizations_are_the_same_but_mean_field_and_maximal_update():
    assert EFFECTIVE["mean field"] == EFFECTIVE["maximal update"]
    assert len(set(EFFECTIVE.values())) == 3
    assert MEAN_FIELD != MAXIMAL_UPDATE


def trained(network, *, rate, optimizer=DESCENT, data=None, width=64):
    data = data or GaussianMixture(dimension=5, classes=3, samples=6, test_samples=4)
    training = Training(network, learning_rate=rate, data=data, loss=MSE, steps=5, optimizer=optimizer, dtype="float64")
    return dense.train(training, width, (0, 1))


def same(one, other, relative=1e-10):
    """Whether two runs have the same losses, functions and matrices."""
    pairs = [(one.losses, other.losses), (one.outputs(5, "test"), other.outputs(5, "test"))]
    pairs += [(one.weights(k, 5), other.weights(k, 5)) for k in range(len(one.layers))]
    return all(torch.linalg.norm(a - b) <= relative * torch.linalg.norm(b) for a, b in pairs)


def moved(one, other):
    return all(torch.linalg.norm(run.losses[-1]) < 0.99 * torch.linalg.norm(run.losses[0]) for run in (one, other))


def shifted(given, theta, *, sgd, adam, roles=ROLES):
    for role in roles:
        given = given.altered(
            role, multiplier=theta, init=-theta, sgd=sgd * theta, adam=adam * theta, muon=adam * theta
        )
    return given


@pytest.mark.parametrize("theta", [0.3, -0.5])
@pytest.mark.parametrize("given", [STANDARD, NTK, MAXIMAL_UPDATE], ids=lambda p: p.name)
@pytest.mark.parametrize(
    "optimizer, base, rule",
    [(DESCENT, 0.002, -2), (FREE_ADAM, 0.003, -1), (SIGNS, 0.001, -1), (MUON, 0.01, -1)],
    ids=["sgd", "adam", "sign descent", "muon"],
)
@pytest.mark.parametrize("roles", [ROLES, ("hidden",)], ids=["all layers", "hidden layers"])
def test_shifting_a_b_and_c_together_leaves_training_as_it_is(theta, given, optimizer, base, rule, roles):
    # Yang and Hu 2021 (arXiv:2011.14522), section 3: (a + theta, b - theta, c - 2 theta) for SGD; c - theta for Adam,
    # and wherever the size of a gradient does not matter.
    network, rate = MLP(3, TANH, given), scaled(base)
    expected = trained(network, rate=rate, optimizer=optimizer)
    right = shifted(given, theta, sgd=-2, adam=-1, roles=roles)
    run = trained(network.under(right), rate=rate, optimizer=optimizer)
    assert moved(run, expected)
    assert same(run, expected, relative=1e-8)
    # The other optimizer's rule, and no rule, give another training.
    for wrong in ({-2: -1, -1: -2}[rule], 0):
        broken = shifted(given, theta, sgd=wrong, adam=wrong, roles=roles)
        assert not same(trained(network.under(broken), rate=rate, optimizer=optimizer), expected, relative=1e-3)


def test_standard_with_one_over_n_is_ntk_with_a_constant_rate_up_to_the_input_layer():
    # NTK's exponents with the width-free constants in the initial weights, where STANDARD has them.
    plain = Parametrization(name="NTK, plain", input=NTK.input, hidden=NTK.hidden, output=NTK.output)
    tangent = trained(MLP(3, GELU, plain), rate=scaled(0.5))
    rate = scaled(0.5, width=-1, input=1)
    assert same(trained(MLP(3, GELU, STANDARD), rate=rate), tangent)
    # With 1/n for all layers the input layer learns n times too slowly: "SP(1/n) is NTP" is false layer by layer.
    slow = trained(MLP(3, GELU, STANDARD), rate=scaled(0.5, width=-1))
    assert not same(slow, tangent, relative=1e-3)
    # With its constants in the multipliers, NTK trains hidden layers and readout gain^2 and the input 1/d times as fast.
    assert not same(trained(MLP(3, GELU, NTK), rate=scaled(0.5)), tangent, relative=1e-3)


def test_mean_field_is_maximal_update_where_the_width_free_constants_are_one():
    # Gain 1 and one-dimensional inputs: nothing is left that could sit in a multiplier instead of a weight.
    line = Sphere(dimension=1, samples=4, test_samples=3)
    mean_field = trained(MLP(3, LINEAR, MEAN_FIELD), rate=scaled(0.05), data=line)
    maximal = trained(MLP(3, LINEAR, MAXIMAL_UPDATE), rate=scaled(0.05), data=line)
    assert moved(mean_field, maximal)
    assert same(mean_field, maximal)
    plane = Sphere(dimension=2, samples=4, test_samples=3)
    mean_field = trained(MLP(3, LINEAR, MEAN_FIELD), rate=scaled(0.05), data=plane)
    maximal = trained(MLP(3, LINEAR, MAXIMAL_UPDATE), rate=scaled(0.05), data=plane)
    assert not same(mean_field, maximal, relative=1e-3)


def test_mean_field_is_maximal_update_under_adam_where_the_width_free_constants_are_one():
    line = Sphere(dimension=1, samples=4, test_samples=3)
    networks = [MLP(3, LINEAR, given) for given in (MEAN_FIELD, MAXIMAL_UPDATE)]
    one, other = (trained(network, rate=scaled(0.01), data=line, optimizer=FREE_ADAM) for network in networks)
    assert moved(one, other)
    assert same(one, other, relative=1e-8)
    assert not same(one, trained(networks[0], rate=scaled(0.01), data=line, optimizer=Adam(), width=32), relative=1e-3)


def test_altering_one_exponent_leaves_the_others():
    broken = MAXIMAL_UPDATE.altered("output", init=-0.5)
    assert broken.output == Scaling(init=0.5, sgd=1.0, adam=1.0, muon=0.5)
    assert (broken.input, broken.hidden, broken.constants) == (MAXIMAL_UPDATE.input, MAXIMAL_UPDATE.hidden, "init")
    assert broken.name == "maximal update with output init -0.5"
    assert NTK.altered("hidden", sgd=1.0).constants == "multiplier"
    assert MAXIMAL_UPDATE.altered("input", muon=0.25).input.muon == -0.25


def test_an_exponent_that_is_not_known_stays_so_and_cannot_be_altered():
    given = Parametrization(name="mine", input=Scaling(), hidden=Scaling(), output=Scaling())
    assert given.altered("hidden", sgd=1.0).hidden == Scaling(sgd=1.0, muon=None)
    with pytest.raises(ValueError, match=r"'mine' has no muon exponent to add \+0.5 to. Write one"):
        given.altered("hidden", muon=0.5)


def test_names_are_looked_up_and_unknown_ones_refused():
    assert parametrization("maximal update") is MAXIMAL_UPDATE
    with pytest.raises(ValueError, match="unknown parametrization 'muP'; the named ones are standard, NTK, mean field"):
        parametrization("muP")


def test_roles_and_places_for_constants_are_checked():
    with pytest.raises(ValueError, match="input, hidden, output; got 'readout'"):
        STANDARD.scaling("readout")
    with pytest.raises(ValueError, match="got 'embedding'"):
        STANDARD.altered("embedding", init=1.0)
    with pytest.raises(ValueError, match="'init' or 'multiplier'; got 'rate'"):
        Parametrization(name="x", input=Scaling(), hidden=Scaling(), output=Scaling(), constants="rate")
