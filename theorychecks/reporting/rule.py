"""The rule by which a verdict is reached, in words and with its numbers."""

import math

from theorychecks.finding import Finding
from theorychecks.statistics.exponents import power_text


def rule(finding: Finding) -> str:
    """Return the rule by which the verdict is reached, with its numbers."""
    allowed = finding.judgement.allowed
    if allowed is None or finding.exponent is None:
        return "supported when the data are as predicted beyond chance, refuted when they are not, else inconclusive"
    if finding.expectation.kind in ("half_integer", "half_integer_bound"):
        return _half_integer_rule(finding)
    low, high = f"{allowed.low:+.3g}", f"{allowed.high:+.3g}"
    inside, outside = f"lies inside [{low}, {high}]", "lies outside it"
    if allowed.low == -math.inf:
        inside, outside = f"reaches no higher than {high}", f"lies above {high}"
    elif allowed.high == math.inf:
        inside, outside = f"reaches no lower than {low}", f"lies below {low}"
    return f"supported when the whole interval {inside} and no flag fired, refuted when it {outside}, else inconclusive"


def _half_integer_rule(finding: Finding) -> str:
    expected, axis = finding.expectation, finding.measurement.axis
    assert expected.exponent is not None
    assert expected.rival is not None
    above, below = expected.rival, 2 * expected.exponent - expected.rival
    bounded = expected.kind == "half_integer_bound"
    rivals = power_text(axis, above) if bounded else f"{power_text(axis, below)} and {power_text(axis, above)}"
    nearest = "no further above" if bounded else "no further"
    return (
        f"supported when the estimate lies {nearest} than {expected.margin:.3g} from the prediction and the interval "
        f"excludes {rivals}, refuted when the interval holds nothing so near; where a flag fired the same must hold "
        "for corrections of twice the size; else inconclusive, and so where the noise itself is in doubt"
    )
