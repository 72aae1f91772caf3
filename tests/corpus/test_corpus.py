"""Entries of the corpus are judged as they are: the quickest ones of several kinds, on one seed."""

import pytest

from tests.corpus import broken, correct
from tests.corpus.__main__ import measured

CORRECT = {entry.name: entry for entry in correct.ENTRIES}
BROKEN = {entry.name: entry for entry in broken.ENTRIES}
QUICK = (
    "perceptron: hidden rate of SGD divided by the width",
    "perceptron: epsilon of one",
    "residual: a readout's std by its fan-out",
    "residual: branches divided by the root of the width",
    "decoder: logits over the root of heads that grow",
)
"""Each of another kind: a learning rate, an epsilon, an init, a multiplier, and one of attention logits."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gemma", "convnext", "resnet", "decayed_decoder", "muon_decoder", "tanh"])
def test_correct_models_pass(name):
    if CORRECT[name] in correct.of_transformers.ENTRIES:
        pytest.importorskip("transformers", reason="pip install 'theorychecks[hf]'").logging.set_verbosity_error()
    found = measured(CORRECT[name], seed=0)
    assert found["outcome"] == "pass", found["text"]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_broken_model_fails_and_its_mistake_is_named_first(name):
    found = measured(BROKEN[name], seed=0)
    assert found["outcome"] == "fail", found["text"]
    assert found["right"], found["text"]
