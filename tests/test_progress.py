"""A listener is told what is planned, under way and measured; numbers do not depend on one."""

from contextlib import contextmanager

import numpy as np
import pytest

import theorychecks as tc
from theorychecks.engines import dense
from theorychecks.experiment import Resources, Sweep, measure
from theorychecks.judging import Conditions, findings_of
from theorychecks.networks import MLP, MSE, NTK, RELU, Teacher, Training, scaled
from theorychecks.observables import WeightChange
from theorychecks.progress import Look, listener

WIDTHS = (8, 16, 32, 64, 128)
NOISE = 0.05


class Told:
    """Keeps all that it is told, in order."""

    def __init__(self):
        self.events = []

    def planned(self, cells, flops):
        self.events.append(("planned", cells, flops))

    def begun(self, title, axis, axis_value, look):
        self.events.append(("begun", title, axis, axis_value, look))

    def measured(self, cells, flops, planned):
        self.events.append(("measured", cells, flops, planned))

    def of(self, kind):
        return [event[1:] for event in self.events if event[0] == kind]


@contextmanager
def telling(told):
    token = listener.set(told)
    try:
        yield told
    finally:
        listener.reset(token)


@tc.quantity(along="width")
def size(width, draw):
    return width**-1.0 * np.exp(NOISE * np.array([draw.rng(seed).standard_normal() for seed in draw.seeds]))


def trained(**options):
    data = Teacher(dimension=4, samples=4)
    training = Training(MLP(2, RELU, NTK), loss=MSE, learning_rate=scaled(0.1), data=data, steps=2)
    return Sweep(WeightChange(), training, widths=WIDTHS, **options)


def test_cells_are_told_in_order_without_a_look_where_none_is_taken():
    with telling(Told()) as told:
        measure(size.over(WIDTHS, seeds=3))
    assert told.of("planned") == [(5, 0.0)]
    assert told.of("begun") == [("size", "width", float(width), None) for width in WIDTHS]
    assert told.of("measured") == [(1, 0.0, 0.0)] * 5


def test_what_is_known_is_not_planned_again():
    resources = Resources()
    measure(size.over(WIDTHS, seeds=(3, 3, 3, 6, 6)), resources)
    with telling(Told()) as told:
        measure(size.over(WIDTHS, seeds=5), resources)
        measure(size.over(WIDTHS, seeds=4), resources)
    assert told.of("planned") == [(3, 0.0)]
    assert [width for _, _, width, _ in told.of("begun")] == [8.0, 16.0, 32.0]


def test_every_look_is_told_with_its_number_and_none_afterwards():
    with telling(Told()) as told:
        # Nothing but the last of the looks decides whether the edge of a margin is passed.
        edge = tc.PowerLaw(-1.08, within=0.08, rival=-1.5)
        (finding,) = findings_of(size.over(tc.widths(64, 1024), budget=64), edge, conditions=Conditions())
        measure(size.over((8, 64), seeds=3))
    looks = list(dict.fromkeys(look for _, _, _, look in told.of("begun")))
    assert finding.looks.taken > 1
    assert looks == [*(Look(k, finding.looks.planned) for k in range(1, finding.looks.taken + 1)), None]


def test_operations_are_planned_by_the_engines_cost_model():
    sweep = trained(seeds=3)
    with telling(Told()) as told:
        made = measure(sweep)
    ((cells, flops),) = told.of("planned")
    assert cells == 5
    assert flops == pytest.approx(sum(3 * dense.cost(sweep.training, width).flops for width in WIDTHS))
    # The model leaves observables aside.
    assert sum(spent for _, spent, _ in told.of("measured")) == pytest.approx(made.flops)
    assert made.flops == pytest.approx(flops, rel=0.5)
    assert sum(planned for _, _, planned in told.of("measured")) == pytest.approx(flops)
    assert sum(cells for cells, _, _ in told.of("measured")) == 5


def test_numbers_are_those_without_a_listener():
    with telling(Told()):
        told = measure(trained(seeds=3)).measurements
    assert told == measure(trained(seeds=3)).measurements
