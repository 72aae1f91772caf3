"""Shares: whether runs have a number as often at one end of an axis as at the other."""

from __future__ import annotations

from theorychecks.statistics.measurement import Measurement


def p_of_equal_shares(measurement: Measurement) -> float:
    """Probability of shares of runs with a number that are as far apart at the two ends, were they the same there.

    By Fisher's exact test (Fisher 1934, Statistical Methods for Research Workers, 5th edition, section 21.02).
    """
    # A second to import, which plain runs need not wait for.
    from scipy import stats

    ends = [(measurement.seeds[end], measurement.left_out[end]) for end in (0, -1)]
    return float(stats.fisher_exact(ends).pvalue)
