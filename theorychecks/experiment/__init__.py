"""Experiments: a sweep over widths, or a quantity over its axis, described and carried out."""

from theorychecks.experiment.calibration import calibrated as calibrated
from theorychecks.experiment.cells import Cells as Cells
from theorychecks.experiment.design import Design as Design
from theorychecks.experiment.draws import Draw as Draw
from theorychecks.experiment.execution import Measured as Measured
from theorychecks.experiment.execution import measure as measure
from theorychecks.experiment.execution import measure_selected as measure_selected
from theorychecks.experiment.processes import Processes as Processes
from theorychecks.experiment.quantity import Quantity as Quantity
from theorychecks.experiment.quantity import quantity as quantity
from theorychecks.experiment.resources import Resources as Resources
from theorychecks.experiment.scan import Scan as Scan
from theorychecks.experiment.sweep import Sweep as Sweep
from theorychecks.experiment.tasks import ExecutorError as ExecutorError
