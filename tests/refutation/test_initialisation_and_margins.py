"""Claims on coordinates, initial functions, initial kernels and margins fail when their subject is broken."""

import numpy as np
import pytest
from breakages import BREAKAGES
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import logistic_flow


def canonical(module):
    return {"depth": 3, "activation": tc.TANH}


CLAIMS = {
    "M1": Claim(
        "test_parametrizations",
        "test_the_coordinate_check_of_maximal_update_is_flat",
        lambda module: {"loss": tc.MSE, "data": module.MIXTURE, **canonical(module)},
    ),
    "M2": Claim("test_parametrizations", "test_maximal_update_begins_at_a_vanishing_function", canonical),
    "M3": Claim(
        "test_parametrizations",
        "test_the_coordinate_check_of_standard_parametrization_blows_up",
        lambda module: {"data": module.MIXTURE, **canonical(module)},
    ),
    "LZ-7": Claim(
        "test_random_features",
        "test_kernels_at_initialisation_come_near_their_limit",
        lambda module: {"depth": 2, "activation": tc.TANH, "data": module.TEACHER},
    ),
    "EX-15": Claim(
        "test_criticality",
        "test_the_margin_comes_near_the_largest_like_one_over_the_logarithm_of_time",
        lambda module: {"samples": 12, "dimension": 4},
    ),
}


def weights_at_the_logarithm_of_time(monkeypatch):
    """The flow takes a time for its logarithm."""
    right = logistic_flow.logistic_flow
    monkeypatch.setattr(logistic_flow, "logistic_flow", lambda points, times: right(points, np.log(times)))


MISTAKES = {name: breakage.apply for name, breakage in BREAKAGES.items()} | {
    "weights at the logarithm of time": weights_at_the_logarithm_of_time
}


@pytest.mark.parametrize(
    "mistake, claim",
    [
        ("loss averaged over the root of the width", "M1"),
        ("readout under maximal update too small", "M2"),
        ("hidden learning rate too large", "M3"),
        ("derivative missing", "LZ-7"),
        ("weights at the logarithm of time", "EX-15"),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(mistake, claim, judged):
    refuted(judged(CLAIMS[claim], MISTAKES[mistake]))
