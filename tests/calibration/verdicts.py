"""How often claims are supported and refuted, and checks fire, one law and study at a time."""

from typing import NamedTuple

import numpy as np
import truths
from methods import means_line
from rates import fit
from simulation import generator

from theorychecks.statistics import Interval, Verdict, decide


class Shares(NamedTuple):
    """Shares of the replications.

    Attributes:
        supported, refuted: verdicts.
        drift, flagged: how often the drift check fires, how often any does.
        naive: how often the interval of least squares on means, t(K-2), lies inside the margin.
    """

    supported: float
    refuted: float
    drift: float
    flagged: float
    naive: float


def flags(found):
    return [name for name, check in found.checks.items() if check.fired]


def judge(study, name, replications):
    """Shares for one law."""
    claim = truths.TRUTHS[name].claim
    allowed = Interval(claim.exponent - claim.margin, claim.exponent + claim.margin)
    logs = truths.draw(generator("verdicts", *study, name), name, study, replications)
    fits = [fit(study, runs) for runs in logs]
    fired = [flags(found) for found in fits]
    verdicts = [decide(found.interval, allowed, flagged=bool(names)) for found, names in zip(fits, fired, strict=True)]
    low, high = means_line(np.log(study.widths), logs)
    return Shares(
        supported=np.mean([verdict is Verdict.SUPPORTED for verdict in verdicts]),
        refuted=np.mean([verdict is Verdict.REFUTED for verdict in verdicts]),
        drift=np.mean(["drift" in names for names in fired]),
        flagged=np.mean([bool(names) for names in fired]),
        naive=np.mean((low >= allowed.low) & (high <= allowed.high)),
    )
