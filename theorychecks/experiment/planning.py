"""What one network costs at each width, for planning: the same on every machine, so that designs are."""

from __future__ import annotations

from typing import Final

from theorychecks.engines.choice import ENGINES, REFERENCE_RATES, choose
from theorychecks.engines.cost import batch_size
from theorychecks.experiment.sweep import Sweep

_NO_LIMIT: Final = 2**62


def costs(sweep: Sweep) -> tuple[float, ...]:
    """Seconds that one value takes at each width, on the machine of reference and with the engine it would choose.

    Plans must not depend on the machine that carries them out, since pinned seeds are to give the same numbers.
    """
    batch = batch_size(sweep.training)
    found = []
    for width in sweep.widths:
        engine = choose(
            sweep.training, width, retrains=sweep.observable.retrains, memory_budget=_NO_LIMIT, group=1
        ).engine
        cost = ENGINES[engine].cost(sweep.training, width)
        found.append(sweep.observable.networks * REFERENCE_RATES[engine].seconds(cost, width, batch))
    return tuple(found)
