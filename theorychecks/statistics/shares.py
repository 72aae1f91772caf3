"""Shares of runs that have a number: whether they are alike at both ends of an axis, and whether they are large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from typing import Final, TypeVar

from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.statuses import defined

_Reading = TypeVar("_Reading", bound=Hashable)
_MOST: Final = 3 / 4
"""Of the readings of one law, whose verdicts leave no need for those that few runs have."""


def p_of_equal_shares(measurement: Measurement) -> float:
    """Probability of shares of runs with a number that are as far apart at the two ends, were they the same there.

    By Fisher's exact test (Fisher 1934, Statistical Methods for Research Workers, 5th edition, section 21.02).
    """
    # A second to import, which plain runs need not wait for.
    from scipy import stats

    ends = [(measurement.seeds[end], measurement.left_out[end]) for end in (0, -1)]
    return float(stats.fisher_exact(ends).pvalue)


def has_few_runs(measurement: Measurement) -> bool:
    """Whether half of the runs or fewer have a number, at some axis value."""
    return any(2 * count <= made for count, made in zip(defined(measurement.statuses), measurement.made, strict=True))


def left_to_others(
    few: Collection[_Reading], settled: Mapping[_Reading, bool], alike: Mapping[_Reading, Hashable]
) -> set[_Reading]:
    """Readings that few runs have, and three quarters of whose law are settled: no further look is taken for them.

    An expert that few rows reach has a number in few runs, and a look that gives it enough costs more than all before.
    Which experts these are does not depend on what is read of them.

    Args:
        few: readings that few runs have.
        settled: all readings, and whether a verdict on them stands.
        alike: of which law readings are.
    """
    of, decided = Counter(map(alike.get, settled)), Counter(alike.get(each) for each in settled if settled[each])
    return {each for each in few if each in alike and decided[alike[each]] >= _MOST * of[alike[each]]}
