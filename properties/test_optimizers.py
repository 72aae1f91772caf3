"""How far an optimizer moves a layer in one step, and how large weights are in the long run."""

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from theorychecks.networks import Loss
from theorychecks.strategies import activations, depths, losses

EFFECTIVE = tc.UpdateSize("effective")
WIDTHS = tc.widths(64, 1024)
"""Matrices are stored, and each is made orthogonal."""
WITH_SHAPES = tc.STANDARD.altered("input", muon=-0.5).altered("output", muon=0.5)
"""Rates times (fan-out / fan-in)^1/2: that is n^1/2, one and n^-1/2, up to the numbers of inputs and outputs."""
MUON = {"input": -1 / 2, "hidden": 0, "output": 1 / 2}
SIGNS = {"input": 0, "hidden": 1, "output": 1}


def half_integer(value: float) -> tc.PowerLaw:
    """Exponents in the width, told from their neighbours."""
    return tc.PowerLaw(value, within=0.15, rival=value + 0.5)


def updates(
    optimizer: tc.Optimizer, base: float, *, depth: int, activation: tc.Activation, loss: Loss, data: int, budget: int
) -> tc.Sweep:
    """One small step of a centred network at one constant rate for all layers."""
    training = tc.Training(
        tc.MLP(depth, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(base),
        data=tc.GaussianMixture(classes=8, samples=16, seed=data),
        loss=loss,
        steps=1,
        optimizer=optimizer,
    )
    return tc.Sweep(EFFECTIVE, training, widths=WIDTHS, budget=budget)


@tc.claim(
    id="OP-1",
    source="Gupta, Ngom, Foreman, Vishwanath 2026, arXiv:2602.20937 (abstract, and Muon's Theta(1) for hidden matrices "
    "second-hand); Yang, Simon, Bernstein 2023, arXiv:2310.17813 (abstract); exponents derived here",
)
@given(
    depth=depths(2, 3),
    activation=activations(),
    loss=losses(),
    data=st.integers(0, 99),
    muon=st.sampled_from([tc.Muon(), tc.Muon(orthogonalisation="newton-schulz")]),
    by_entries=st.sampled_from([tc.SignDescent(), tc.Adam()]),
)
@example(depth=2, activation=tc.RELU, loss=tc.MSE, data=0, muon=tc.Muon(), by_entries=tc.SignDescent())
def test_muon_moves_layers_by_their_shape(depth, activation, loss, data, muon, by_entries):
    """Under standard parametrization one step of Muon at a constant rate moves what the input matrix, hidden matrices
    and the readout produce by Theta(n^-1/2), Theta(1) and Theta(n^1/2), and by Theta(1) each once rates have the factor
    (fan-out / fan-in)^1/2; a step of sign descent or Adam moves them by Theta(1), Theta(n) and Theta(n).
    """
    options = {"depth": depth, "activation": activation, "loss": loss, "data": data}
    raw = updates(muon, 0.01, budget=8, **options)
    shaped = raw.under(WITH_SHAPES)
    other = updates(by_entries, 1e-5, budget=32, **options)

    for role, exponent in MUON.items():
        tc.check(raw.of(role=role), half_integer(exponent))
        tc.check(shaped.of(role=role), half_integer(0))
        tc.check(other.of(role=role), half_integer(SIGNS[role]))
        tc.check_refuted(other.of(role=role), half_integer(exponent))
