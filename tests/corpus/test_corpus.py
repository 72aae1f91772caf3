"""What gates say of the corpus."""

import pytest

from tests.corpus import broken
from tests.corpus.__main__ import measured

QUICK = (
    "perceptron: hidden rate of SGD divided by the width",
    "perceptron: epsilon of one",
    "residual: a readout's std by its fan-out",
    "residual: branches divided by the root of the width",
    "decoder: logits over the root of heads that grow",
)
"""Each of another kind: a learning rate, an epsilon, an init, a multiplier, and one of attention logits."""


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_broken_model_fails_and_its_mistake_is_named_first(name):
    (entry,) = (entry for entry in broken.ENTRIES if entry.name == name)
    found = measured(entry, 0)
    assert found["outcome"] == "fail", found["text"]
    assert found["right"], found["text"]
