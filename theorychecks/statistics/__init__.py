"""Verdicts from numbers: measurements, intervals, predictions. Needs numpy and scipy only."""

from theorychecks.statistics.averages import size_of_mean as size_of_mean
from theorychecks.statistics.collapse import Collapse as Collapse
from theorychecks.statistics.crossing import Crossing as Crossing
from theorychecks.statistics.curvature import Check as Check
from theorychecks.statistics.design import widths as widths
from theorychecks.statistics.exponents import LowerBound as LowerBound
from theorychecks.statistics.exponents import Plateau as Plateau
from theorychecks.statistics.exponents import PowerLaw as PowerLaw
from theorychecks.statistics.exponents import UpperBound as UpperBound
from theorychecks.statistics.finite_size import FiniteSizeClass as FiniteSizeClass
from theorychecks.statistics.growth import LogarithmicGrowth as LogarithmicGrowth
from theorychecks.statistics.identity import Identity as Identity
from theorychecks.statistics.interval import Fit as Fit
from theorychecks.statistics.interval import Interval as Interval
from theorychecks.statistics.interval import fit_power_law as fit_power_law
from theorychecks.statistics.measurement import Measurement as Measurement
from theorychecks.statistics.optimum import InteriorOptimum as InteriorOptimum
from theorychecks.statistics.ordering import Ordering as Ordering
from theorychecks.statistics.prediction import Prediction as Prediction
from theorychecks.statistics.same_law import SameLaw as SameLaw
from theorychecks.statistics.statuses import Status as Status
from theorychecks.statistics.verdict import Expectation as Expectation
from theorychecks.statistics.verdict import Finding as Finding
from theorychecks.statistics.verdict import Verdict as Verdict
from theorychecks.statistics.verdict import decide as decide
