"""Two runs of the same claims: verdicts that changed, exponents that moved, and what takes more work than before."""

from theorychecks.reporting.comparison.changes import ALARMS as ALARMS
from theorychecks.reporting.comparison.changes import compare as compare
from theorychecks.reporting.comparison.sides import Side as Side
