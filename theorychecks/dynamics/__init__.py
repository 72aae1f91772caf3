"""Dynamics that no engine has: particles in the mean-field scaling, and two-layer networks under gradient flow.

`particles` has systems of neurons, their limit and couplings of both; `two_layer` networks with exact Jacobians;
`zero_loss` their gradient flow, with or without a ridge, up to zero loss and along it.
"""

from theorychecks.dynamics.particles import (
    Field,
    Particles,
    coupled_distances,
    gaussian_noise,
    own_noise,
    quasi_random_field,
    same_noise,
    trajectory,
    wide_field,
)
from theorychecks.dynamics.two_layer import Linearised, TwoLayer, initial_weights
from theorychecks.dynamics.zero_loss import Fitting, anchored_flow, flow_path, gradient_flow, kkt_residual, slide

__all__ = [
    "Field",
    "Fitting",
    "Linearised",
    "Particles",
    "TwoLayer",
    "anchored_flow",
    "coupled_distances",
    "flow_path",
    "gaussian_noise",
    "gradient_flow",
    "initial_weights",
    "kkt_residual",
    "own_noise",
    "quasi_random_field",
    "same_noise",
    "slide",
    "trajectory",
    "wide_field",
]
