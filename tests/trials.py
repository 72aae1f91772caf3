"""How often what goes wrong by chance is tried: a few times, or as often as the environment says.

`KILLS=20 python -m pytest tests/plugin/test_killed_runs.py tests/store/test_processes.py -m slow` kills runs of each kind
twenty times, has eight processes use one store for a minute, and takes twenty minutes. What is counted stands below
the tests, whoever runs them.
"""

import math
import os

KILLS = int(os.environ.get("KILLS", 0))
SECONDS = 60 if KILLS else 20
"""For which many processes use one store."""


def rounds(kills, otherwise):
    """Numbers of rounds of so many kills each: those that make all that are asked for, or some."""
    return range(math.ceil(KILLS / kills) or otherwise)
