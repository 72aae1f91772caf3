"""Experiments: a sweep described, and carried out."""

from theorychecks.experiment.execution import Measured as Measured
from theorychecks.experiment.execution import measure as measure
from theorychecks.experiment.sweep import Sweep as Sweep
