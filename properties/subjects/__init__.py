"""Flows, recursions, networks and kernels that one file of claims is about, each with its tests in tests/subjects."""
