"""Networks are matched up to permutations and signs, and fitted to their teacher's function."""

import pytest
import torch

import theorychecks as tc
from properties.subjects import identification
from properties.subjects.identification import distance_after_matching, networks_of_one_function, outputs

NETWORK = torch.tensor([[1.0, 2.0, 0.0], [-1.0, 0.0, 3.0], [2.0, 1.0, 1.0]], dtype=torch.float64)
ORDER = [2, 0, 1]


def test_a_permuted_network_is_the_same_one():
    assert distance_after_matching(NETWORK, NETWORK[ORDER], signs=False) == 0


def test_flipped_neurons_are_the_same_where_signs_are_allowed_and_not_elsewhere():
    flipped = NETWORK[ORDER] * torch.tensor([[1.0], [-1.0], [-1.0]])
    assert distance_after_matching(NETWORK, flipped, signs=True) == 0
    assert distance_after_matching(NETWORK, flipped, signs=False) > 0.5


def test_one_neuron_apart_is_measured_in_the_size_of_the_first_network():
    apart = NETWORK.clone()
    apart[0] *= 1.1
    # A tenth of the neuron's size, root 5, over the network's, root 21.
    assert distance_after_matching(NETWORK, apart, signs=True) == pytest.approx(0.1 * (5 / 21) ** 0.5)


@pytest.mark.parametrize("activation", [tc.TANH, tc.GELU])
def test_fitted_networks_have_the_function_of_their_teacher_off_the_inputs_too(activation):
    generator = torch.Generator().manual_seed(0)
    inputs, others = torch.randn((2, 64, 2), generator=generator, dtype=torch.float64)
    pair = networks_of_one_function(activation, NETWORK, inputs, generator)
    for network in pair:
        torch.testing.assert_close(
            outputs(activation, network[None], others), outputs(activation, NETWORK[None], others), rtol=1e-7, atol=1e-9
        )
    assert not torch.equal(*pair)


def test_what_cannot_be_fitted_is_an_error(monkeypatch):
    monkeypatch.setattr(identification, "_ROUNDS", 1)
    monkeypatch.setattr(identification, "_STEPS", 1)
    inputs = torch.randn((64, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with pytest.raises(ArithmeticError, match="of 32 starts 0 have ended at zero loss"):
        networks_of_one_function(tc.TANH, NETWORK, inputs, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("unit", [1e-17, 1e-120, 0.0])
def test_a_step_does_not_depend_on_the_units_of_parameters(unit):
    """A neuron that saturates has next to no effect by its weights, or none."""
    generator = torch.Generator().manual_seed(1)
    jacobian, damping = torch.randn((2, 4, 64), generator=generator).double(), torch.tensor([1e-12, 1.7]).double()
    residuals = torch.randn((2, 64), generator=generator, dtype=torch.float64)
    units = torch.tensor([1.0, unit, 1e9, unit], dtype=torch.float64)
    known = [0, 1, 2, 3] if unit else [0, 2]
    expected = identification._step(jacobian[:, known], residuals, damping)
    step = identification._step(units[:, None] * jacobian, residuals, damping)
    torch.testing.assert_close(step[:, known] * units[known], expected, rtol=1e-10, atol=0)
    assert (step[:, [1, 3]] == 0).all() == (not unit)
    # Each is Marquardt's: of the least squares with as much added to the diagonal, in proportion to it.
    normal = jacobian[1, known] @ jacobian[1, known].T
    solved = torch.linalg.solve(normal + 1.7 * torch.diag(torch.diagonal(normal)), jacobian[1, known] @ residuals[1])
    torch.testing.assert_close(expected[1], solved, rtol=1e-6, atol=0)
