"""Rare phases: what a mean over runs owes to runs that are too rare to be among them."""

from __future__ import annotations

import math
from typing import Final

from theorychecks.statistics.measurement import Measurement

RAREST: Final = 0.01
"""A phase that fewer than one run in a hundred enters is outside of what a verdict on a mean speaks of."""
_UNSEEN: Final = 0.025
"""How often a phase as frequent as that may hide from all runs at a point."""
RUNS_TO_SEE: Final = math.ceil(math.log(_UNSEEN) / math.log1p(-RAREST))
"""368 runs: as many as a mean needs at each point.

The scatter of a mean says nothing of a large phase that no run has entered: samples that missed it are the calm ones,
and their intervals exclude the truth (97 times in a hundred, of nine widths with 32 runs each and a phase thirty times
as large that one run in 200 enters at the widest). No number of runs certifies a mean without a bound on its runs.
"""


def unseen(measurement: Measurement) -> str | None:
    """Why a mean cannot be judged on so few runs, and the way out; None where there are enough."""
    fewest = min(measurement.seeds)
    if fewest >= RUNS_TO_SEE:
        return None
    hidden = -math.expm1(math.log(_UNSEEN) / fewest)
    return (
        f"a phase that one run in {1 / hidden:.0f} enters may be missed by all {fewest} runs at a {measurement.axis}, "
        f"and can carry the mean: about {RUNS_TO_SEE} runs a {measurement.axis} instead of {fewest} show one in "
        f"{1 / RAREST:.0f}, or ask for the mean of logs"
    )


PROVISO: Final = f"; of a mean up to phases that fewer than one run in {1 / RAREST:.0f} enters"
"""What a verdict on a mean leaves out."""
