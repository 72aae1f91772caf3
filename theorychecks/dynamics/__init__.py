"""Dynamics of models that are no multilayer perceptrons under gradient descent: particles, projected flows, recursions."""
