"""Experiments: a sweep described, and carried out."""

from theorychecks.experiment.calibration import calibrated as calibrated
from theorychecks.experiment.execution import Measured as Measured
from theorychecks.experiment.execution import measure as measure
from theorychecks.experiment.planning import costs as costs
from theorychecks.experiment.resources import Resources as Resources
from theorychecks.experiment.sweep import Sweep as Sweep
from theorychecks.experiment.trial import EngineTrial as EngineTrial
