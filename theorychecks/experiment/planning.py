"""What one network costs at each width, for planning: the same on every machine, so that designs are."""

from __future__ import annotations

from typing import Final

from theorychecks.engines.choice import ENGINES, REFERENCE_RATES, choose
from theorychecks.engines.cost import batch_size
from theorychecks.experiment.design import Design
from theorychecks.experiment.scan import Scan
from theorychecks.experiment.sweep import Sweep

_NO_LIMIT: Final = 2**62


def costs(design: Design) -> tuple[float, ...]:
    """What one run costs at each axis value, as far as plans have to know.

    Of a sweep, seconds that one value takes on the machine of reference, with the engine it would choose: plans must
    not depend on the machine that carries them out, since pinned seeds are to give the same numbers.
    """
    if isinstance(design, Scan):
        return tuple(value**design.cost for value in design.values)
    assert isinstance(design, Sweep)
    batch = batch_size(design.training)
    found = []
    for width in design.widths:
        engine = choose(
            design.training, width, retrains=design.observable.retrains, memory_budget=_NO_LIMIT, group=1
        ).engine
        cost = ENGINES[engine].cost(design.training, width)
        found.append(design.observable.networks * REFERENCE_RATES[engine].seconds(cost, width, batch))
    return tuple(found)
