"""Models under a coordinate check that records nothing, and their coordinates."""

import theorychecks as tc
from tests.models import zoo
from theorychecks.experiment import Resources
from theorychecks.gates.coordinate_check import checked as judged
from theorychecks.gates.coordinate_check import swept
from theorychecks.gates.examined import Examined
from theorychecks.judging import Conditions


def checked(model, parametrization=tc.MAXIMAL_UPDATE, *, widths=zoo.WIDTHS, seed=0, seconds=None, block=0, **options):
    sweep = swept(model, parametrization, widths, **({"steps": 3} | options)).redrawn(block)
    return judged(sweep, parametrization, Conditions(seed=seed, seconds=seconds))


def examined(model, *, widths=zoo.WIDTHS, steps=3, **options):
    return Examined(swept(model, tc.MAXIMAL_UPDATE, widths, steps=steps, **options), Resources())
