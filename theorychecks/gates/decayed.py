"""Decayed: updates of readouts of which a weight decay is more than what they learn, judged without it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from theorychecks.finding import Finding
from theorychecks.gates.examined import Examined
from theorychecks.models import Adjustment, Model
from theorychecks.models.adjusted import adjusted_model
from theorychecks.models.coordinates import EFFECTIVE
from theorychecks.models.hooks import plain
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger

Judge = Callable[[Model, Collection[Moment], str], dict[Moment, Finding]]
"""From a model, some of its coordinates and a label to findings of these."""


def without_decay(
    examined: Examined,
    findings: Mapping[Moment, Finding],
    expected: Mapping[Moment, HalfInteger],
    judge: Judge,
) -> dict[Moment, Finding]:
    """Findings without a decay of readouts, of their updates that seem too small with it, and are as predicted then.

    What a step takes of a readout W moves outputs by rate * decay * W x, which falls as n^-1/2, and what it learns by
    Theta(1): the sum is Theta(1), and falls as long as the decay is the larger part. A decay in gradients that are
    normalised is no such part, and is left as it is.

    Args:
        examined: the model.
        findings: of all coordinates, with the decay.
        expected: what is predicted of them.
        judge: as these findings were made.
    """
    low = [moment for moment, finding in findings.items() if _falls(examined, moment, finding, expected[moment])]
    if not low or not examined.decays:
        return {}
    times = {width: examined.decay_times(width) for width in examined.widths}
    low = [moment for moment in low if all(moment.coordinate.parameter in found for found in times.values())]
    if not low:
        return {}
    names, model = {moment.coordinate.parameter for moment in low}, examined.model

    def given_back(width: int) -> Adjustment:
        before = model.adjustment(width)
        return replace(before, decay={**before.decay, **{name: -1 / times[width][name] for name in names}})

    label = f"{model.title} with no decay of {' and '.join(sorted(names))}"
    found = judge(adjusted_model(model, given_back), low, label)
    return {moment: finding for moment, finding in found.items() if finding.passed}


def _falls(examined: Examined, moment: Moment, finding: Finding, expected: HalfInteger) -> bool:
    """Whether an update of a readout seems to fall with the width, and to exceed its prediction nowhere."""
    if finding.passed or moment.coordinate.quantity != EFFECTIVE or examined.sweep.axis != "width":
        return False
    used = examined.anatomy.used_in(plain(moment.coordinate.module))
    reads_out = any(part.name == moment.coordinate.parameter and part.role == "output" for part in used)
    interval, exponent = finding.interval, finding.exponent
    bounded = interval is not None and interval.high <= expected.allowed.high
    return reads_out and bounded and exponent is not None and exponent < expected.exponent


def note_on_decayed(decayed: Sequence[Moment]) -> str:
    """What was judged without its decay, and why, in a line."""
    names = ", ".join(dict.fromkeys(moment.coordinate.parameter for moment in decayed))
    return (
        f"- judged without weight decay: {names}, of which a step takes more than it learns at these widths; that part "
        "falls with the width"
    )
