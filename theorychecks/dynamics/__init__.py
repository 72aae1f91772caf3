"""Dynamics that the engines do not have: flows, slides, particles, recursions, networks with normalisation."""
