"""Presets pass in maximal update, and fail as they come."""

import pytest

import theorychecks as tc
from tests.gates import under_check
from theorychecks.gates.coordinate_check import STEPS

WIDTHS = (64, 112, 192, 320, 512)


@pytest.fixture(autouse=True)
def quiet():
    transformers = pytest.importorskip("transformers", reason="pip install 'theorychecks[hf]'")
    transformers.logging.set_verbosity_error()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gpt2", "vit"])
def test_maximal_update_passes(kind):
    model = tc.hf_model(kind, parametrization=tc.MAXIMAL_UPDATE)
    check = under_check.checked(model, widths=WIDTHS, steps=STEPS)
    assert check.passed, str(check)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_as_it_comes_fails(kind):
    assert under_check.checked(tc.hf_model(kind), widths=WIDTHS, steps=STEPS).failed
