"""Kernels of wide networks, and regression with a kernel."""

from theorychecks.kernels.analytic import DualActivation, Kernels, analytic_kernels, dual_activation
from theorychecks.kernels.regression import first_order_regression, gradient_descent_on_kernel, kernel_regression

__all__ = [
    "DualActivation",
    "Kernels",
    "analytic_kernels",
    "dual_activation",
    "first_order_regression",
    "gradient_descent_on_kernel",
    "kernel_regression",
]
