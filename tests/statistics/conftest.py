"""Synthetic measurements whose truth is known."""

import numpy as np
import pytest

from theorychecks.statistics import Measurement

DENSE = tuple(2**power for power in range(6, 13))
"""Seven widths, 64 to 4096, as in a study that trains with Adam or tracks a kernel."""
FAST = tuple(2**power for power in range(9, 18))
"""Nine widths, 512 to 131072, as where one draw is cheap."""


class Synthetic:
    """Laws of a width, with noise on the natural logarithm."""

    DENSE = DENSE
    FAST = FAST

    @staticmethod
    def of_logs(widths, logs, *, shared_seeds=False):
        return Measurement.of(widths, [np.exp(cell) for cell in logs], shared_seeds=shared_seeds)

    @staticmethod
    def of_law(rng, law, *, widths=DENSE, seeds=8, noise=0.1):
        """Any law of the width, with normal noise."""
        counts = (seeds,) * len(widths) if isinstance(seeds, int) else seeds
        logs = [np.log(law(m)) + noise * rng.standard_normal(count) for m, count in zip(widths, counts, strict=True)]
        return Synthetic.of_logs(widths, logs)

    @staticmethod
    def power_law(rng, exponent, *, c=0.0, omega=0.5, widths=DENSE, seeds=8, noise=0.1):
        """A power of the width times the correction 1 + c m^-omega."""
        return Synthetic.of_law(
            rng, lambda m: m**exponent * (1 + c * m**-omega), widths=widths, seeds=seeds, noise=noise
        )

    @staticmethod
    def student(rng, exponent, *, widths=DENSE, seeds=8, noise=0.1):
        """Noise from Student's t with three degrees of freedom, scaled to the given standard deviation."""
        scale = noise / np.sqrt(3.0)
        logs = [exponent * np.log(m) + scale * rng.standard_t(3, seeds) for m in widths]
        return Synthetic.of_logs(widths, logs)

    @staticmethod
    def skewed(rng, exponent, *, widths=DENSE, seeds=8, noise=0.1):
        """Standardised lognormal noise on the logarithm: mean 0, the given standard deviation, skewness 6.2."""
        mean, deviation = np.exp(0.5), np.sqrt((np.e - 1) * np.e)
        logs = [exponent * np.log(m) + noise * (np.exp(rng.standard_normal(seeds)) - mean) / deviation for m in widths]
        return Synthetic.of_logs(widths, logs)

    @staticmethod
    def outliers(rng, exponent, *, share=0.03, widths=DENSE, seeds=8, noise=0.1):
        """Some runs are a factor e^7 too large."""
        logs = [
            exponent * np.log(m) + noise * rng.standard_normal(seeds) + 7.0 * (rng.random(seeds) < share)
            for m in widths
        ]
        return Synthetic.of_logs(widths, logs)

    @staticmethod
    def shared_levels(rng, exponent, *, level=0.3, widths=DENSE, seeds=8, noise=0.1):
        """Seed index s brings its own level to every width."""
        levels = level * rng.standard_normal(seeds)
        logs = [exponent * np.log(m) + levels + noise * rng.standard_normal(seeds) for m in widths]
        return Synthetic.of_logs(widths, logs, shared_seeds=True)

    @staticmethod
    def crossover(rng, before, after, *, widths=DENSE, seeds=8, noise=0.1):
        """One exponent up to the middle of the range, another after it."""
        middle = np.sqrt(widths[0] * widths[-1])
        return Synthetic.of_law(
            rng,
            lambda m: (m / middle) ** (before if m < middle else after),
            widths=widths,
            seeds=seeds,
            noise=noise,
        )

    @staticmethod
    def logarithm(rng, *, widths=DENSE, seeds=8, noise=0.1):
        return Synthetic.of_law(rng, np.log, widths=widths, seeds=seeds, noise=noise)

    @staticmethod
    def plateau(rng, *, c=0.0, omega=0.5, widths=DENSE, seeds=8, noise=0.1):
        return Synthetic.power_law(rng, 0.0, c=c, omega=omega, widths=widths, seeds=seeds, noise=noise)


@pytest.fixture(scope="session")
def synthetic():
    return Synthetic


@pytest.fixture
def exact_power_law():
    """m^-1/2 at seven widths, eight seeds, noise 0.1: what a test takes when it needs any sound measurement."""
    return Synthetic.power_law(np.random.default_rng(0), -0.5)
