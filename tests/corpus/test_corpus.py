"""Entries of the corpus are judged as they are: the quickest ones, on one seed."""

import pytest

from tests.corpus import correct
from tests.corpus.__main__ import measured

CORRECT = {entry.name: entry for entry in correct.ENTRIES}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gemma", "convnext", "decayed_decoder", "tanh"])
def test_correct_models_pass(name):
    if CORRECT[name] in correct.of_transformers.ENTRIES:
        pytest.importorskip("transformers", reason="pip install 'theorychecks[hf]'").logging.set_verbosity_error()
    found = measured(CORRECT[name], seed=0)
    assert found["outcome"] == "pass", found["text"]
