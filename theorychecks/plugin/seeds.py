"""The seed of a run: pinned unless asked otherwise, drawn once where it is to be fresh."""

from __future__ import annotations

import argparse
import secrets
from typing import Final

import pytest

FRESH: Final = "fresh"
_MOST: Final = 2**20


def seed_or_fresh(text: str) -> int | str:
    """A whole number, or the word that asks for one to be drawn."""
    if text == FRESH:
        return text
    if not (text.isascii() and text.isdigit() and int(text) < _MOST):
        raise argparse.ArgumentTypeError(
            f"a seed is a whole number from 0 to {_MOST - 1:,}, or 'fresh', which draws one and prints it; got {text!r}"
        )
    return int(text)


SEED_KEY: Final = "theorychecks_seed"
"""Where the controller leaves the run's seed for its workers, which parse the command line anew."""


def settle_seed(config: pytest.Config) -> None:
    """Draw a fresh seed, once: workers take the controller's."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.option.theory_seed = worker[SEED_KEY]
    elif config.option.theory_seed == FRESH:
        config.option.theory_seed = secrets.randbelow(_MOST - 1) + 1


def run_seed(config: pytest.Config) -> int:
    """The seed of this run."""
    return int(config.option.theory_seed)
