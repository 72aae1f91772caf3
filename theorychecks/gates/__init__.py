"""Gates: tests of a model of one's own, in one's own repository, with a verdict for each of its coordinates."""

from theorychecks.gates.coordinate_check import CoordinateCheck as CoordinateCheck
from theorychecks.gates.coordinate_check import coordinate_check as coordinate_check
from theorychecks.gates.coordinate_check import coordinate_check_refuted as coordinate_check_refuted
from theorychecks.gates.culprit import Culprit as Culprit
from theorychecks.gates.culprit import Diagnosis as Diagnosis
from theorychecks.gates.mutations import Certificate as Certificate
from theorychecks.gates.mutations import mutations as mutations
