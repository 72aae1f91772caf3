"""Dynamics of models that are no multilayer perceptrons: particles, projected flows, recursions."""
