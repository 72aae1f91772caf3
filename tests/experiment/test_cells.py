"""What was measured is kept for whoever measures with the same resources, up to so many bytes."""

import pytest
import torch

import theorychecks as tc
from theorychecks.claims import Recorder, check, check_refuted, recording
from theorychecks.experiment import Cells, Resources
from theorychecks.experiment.cells import Block
from theorychecks.judging import Conditions
from theorychecks.observables import Reading
from theorychecks.statistics import Parts

WIDTHS = tc.widths(64, 1024)
TRAINING = tc.Training(
    tc.MLP(1, tc.TANH, tc.NTK),
    learning_rate=tc.scaled(0.1),
    data=tc.Teacher(dimension=4, samples=4),
    loss=tc.MSE,
    steps=1,
)


def block(numbers=128):
    """A kibibyte of numbers, and one of what is around them."""
    reading = Reading(torch.zeros(numbers, dtype=torch.float64))
    return Block({Parts(): reading}, seeds=numbers, seconds=0.0, flops=0.0, trainings=0)


def counted():
    """A sweep, and the widths that were read for it."""
    asked = []

    @tc.observable
    def loss(run):
        asked.append(run.width)
        return run.losses[-1]

    return tc.Sweep(loss, TRAINING, widths=WIDTHS, seeds=4), asked


def test_blocks_are_found_by_what_made_them():
    cells, one = Cells(), block()
    assert cells.blocks("first") == ()
    cells.keep("first", [one])
    assert cells.blocks("first") == (one,)
    assert cells.blocks("second") == ()


def test_what_nobody_has_asked_for_the_longest_goes_first():
    cells = Cells(most_bytes=4 * 2**10)
    cells.keep("first", [block()])
    cells.keep("second", [block()])
    assert cells.blocks("first")
    cells.keep("third", [block()])
    assert [bool(cells.blocks(key)) for key in ("first", "second", "third")] == [True, False, True]
    assert cells.bytes == 4 * 2**10


def test_a_cell_that_grows_is_counted_once():
    cells = Cells()
    cells.keep("first", [block()])
    cells.keep("first", [block(), block()])
    assert (len(cells), cells.bytes) == (1, 4 * 2**10)


def test_a_cell_beyond_the_bound_is_not_kept_and_takes_no_part_of_another_along():
    cells = Cells(most_bytes=2**10)
    cells.keep("first", [block()])
    assert (len(cells), cells.bytes) == (0, 0)


def test_all_looks_of_a_gate_of_two_times_sixteen_experts_are_kept():
    cells, reading = Cells(), Reading(torch.zeros(1, dtype=torch.float64))
    # Sixteen experts in each of two layers have as many coordinates; the default budget is 64 runs, one by one.
    run = Block({Parts(name=str(k)): reading for k in range(800)}, seeds=1, seconds=0.0, flops=0.0, trainings=1)
    for width in WIDTHS:
        cells.keep(width, [run] * 64)
    assert all(len(cells.blocks(width)) == 64 for width in WIDTHS)


@pytest.mark.parametrize(("most_bytes", "times"), [(2**20, 1), (0, 2)])
def test_a_cell_that_is_gone_is_trained_again_with_equal_numbers(most_bytes, times):
    sweep, asked = counted()
    resources = Resources(cells=Cells(most_bytes))
    first, second = (tc.measure(sweep, resources) for _ in range(2))
    assert asked == list(WIDTHS) * times
    assert first.measurements == second.measurements


def test_what_a_look_has_lost_is_trained_again_from_its_first_seed():
    sweep, _ = counted()
    small, ample = (Resources(cells=Cells(most_bytes)) for most_bytes in (0, 2**20))
    looks = [sweep.with_seeds(count) for count in (4, 6)]
    (lost, kept) = (
        [tc.measure(look, resources).measurements[Parts()] for look in looks] for resources in (small, ample)
    )
    for one, other in zip(lost, kept, strict=True):
        for cell, same in zip(one.values, other.values, strict=True):
            assert cell == pytest.approx(same, rel=1e-6)


def test_claims_under_the_same_conditions_share_what_was_measured():
    sweep, asked = counted()
    conditions = Conditions(resources=Resources())
    for _ in range(2):
        with recording(Recorder(conditions=conditions)):
            check(sweep, tc.UpperBound(1, within=0.2, rival=2))
            check_refuted(sweep, tc.PowerLaw(2))
    assert asked == list(WIDTHS)


def test_checks_outside_of_a_run_share_nothing_unless_resources_are_handed_over():
    sweep, asked = counted()
    for _ in range(2):
        tc.measure(sweep)
    assert asked == list(WIDTHS) * 2
    asked.clear()
    resources = Resources()
    for _ in range(2):
        tc.measure(sweep, resources)
    assert asked == list(WIDTHS)


def test_resources_are_told_apart_by_what_trainings_may_use_and_not_by_what_was_measured():
    sweep, _ = counted()
    resources = Resources()
    tc.measure(sweep, resources)
    assert len(resources.cells) == len(WIDTHS)
    assert resources == Resources()
    assert "cells" not in repr(resources)
