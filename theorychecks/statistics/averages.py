"""Sizes of averages: how large a mean over samples is, without the noise floor that the plain norm has."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theorychecks.arguments import array_of


def size_of_mean(samples: ArrayLike) -> NDArray[np.float64]:
    """Root mean square, over entries, of the mean over independent samples, for each batch of them.

    The mean of S samples is never smaller than its noise, sd / sqrt(S), so the plain norm of a mean that falls with the
    width ends on a plateau that nothing but S has made. The product of the means of two halves has no such floor: their
    noise is independent, so its expectation is the squared size itself (derived here).
    Where the product is negative, the mean is lost in the noise and the size is zero, which `Measurement.of` records as
    `Status.ZERO`: counted, and tolerated as far as other missing runs are.

    Each batch makes one value, to be used as a seed is: take eight batches or more, so that cells can be trimmed, and
    the same number of samples at every axis value, or the noise has an exponent of its own.

    Args:
        samples: [batch, sample, ...], an even number of independent samples a batch; what follows are entries.

    Returns:
        [batch], never negative; not finite where a sample is not.

    Raises:
        ValueError: unless a batch has an even number of samples, two or more; for masked samples.
        TypeError: if samples are no real numbers.
    """
    array = array_of(samples, "samples")
    if array.ndim < 2 or array.shape[1] < 2 or array.shape[1] % 2:
        raise ValueError(
            "each batch is split into halves, so it has an even number of samples, in an array "
            f"[batch, sample, ...]; got shape {array.shape}"
        )
    half = array.shape[1] // 2
    first, second = array[:, :half].mean(axis=1), array[:, half:].mean(axis=1)
    squared = np.mean(first * second, axis=tuple(range(1, first.ndim)))
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float64)
