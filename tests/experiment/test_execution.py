"""Measuring trains each sweep once, whatever the memory, and stops at the first width that is of no use."""

import math

import pytest
import torch

from theorychecks.experiment import Sweep, execution, measure
from theorychecks.networks import ADAM, MLP, MSE, NTK, RELU, STANDARD, Teacher, Training, scaled
from theorychecks.observables import (
    Observable,
    Reading,
    ensemble_kernel_gap,
    from_run,
    initial_output,
    max_stable_learning_rate,
    observable,
    output_change,
    weight_change,
)
from theorychecks.statistics.measurement import Status

WIDTHS = (8, 16, 64)
INPUT, OUTPUT = "input, frobenius", "output, frobenius"


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    """Every (width, seeds) that the engine is asked to train, from an empty memory of sweeps."""
    calls = []
    train = execution.dense.train

    def counted(training, width, seeds, **options):
        calls.append((width, tuple(seeds)))
        return train(training, width, seeds, **options)

    monkeypatch.setattr(execution, "_DONE", {})
    monkeypatch.setattr(execution.dense, "train", counted)
    return calls


def sweep(read=None, *, widths=WIDTHS, seeds=4, root_seed=0, network=None, **options):
    options = {"learning_rate": scaled(0.1), "data": Teacher(dimension=4, samples=4), "steps": 2} | options
    training = Training(network or MLP(1, RELU, NTK), loss=MSE, **options)
    return Sweep(read or weight_change(), training, widths=widths, seeds=seeds, root_seed=root_seed)


def values(measured, name):
    return measured.measurements[name].values


def test_a_measurement_has_the_values_of_its_runs():
    measured = measure(sweep(seeds=(5, 4, 3)))
    assert list(measured.measurements) == ["input, frobenius", "output, frobenius"]
    assert measured.engine == "dense"
    assert measured.seconds > 0
    described = sweep().training
    for width, count, cell in zip(WIDTHS, (5, 4, 3), values(measured, OUTPUT), strict=True):
        run = execution.dense.train(described, width, range(count))
        expected = run.weight_change_norm(1, "frobenius", 2) / run.weight_norm(1, "frobenius")
        assert cell == tuple(expected.tolist())
    measurement = measured.measurements[OUTPUT]
    assert measurement.axis_values == (8.0, 16.0, 64.0)
    assert measurement.name == OUTPUT
    assert {status for cell in measurement.statuses for status in cell} == {Status.OK}


def test_a_single_reading_goes_by_the_observables_name():
    (measurement,) = measure(sweep(output_change())).measurements.values()
    assert measurement.name == "output change"


def test_measuring_again_trains_nothing(trained):
    first = measure(sweep())
    assert trained == [(8, (0, 1, 2, 3)), (16, (0, 1, 2, 3)), (64, (0, 1, 2, 3))]
    assert measure(sweep()) is first
    assert measure(sweep().of("output")) is first
    assert len(trained) == 3
    measure(sweep(root_seed=1))
    assert len(trained) == 6


def test_another_description_gives_other_numbers():
    start = values(measure(sweep()), OUTPUT)
    assert values(measure(sweep(root_seed=1)), OUTPUT) != start
    assert values(measure(sweep(learning_rate=scaled(0.05))), OUTPUT) != start
    assert values(measure(sweep(data=Teacher(dimension=4, samples=4, seed=1))), OUTPUT) != start
    more = values(measure(sweep(seeds=6)), OUTPUT)
    assert [cell[:4] for cell in more] == list(start)


@pytest.mark.parametrize("optimizer, copies", [("sgd", 4), ("adam", 6)])
def test_a_small_memory_budget_trains_in_chunks_and_changes_rounding_at_most(trained, optimizer, copies):
    options = {"optimizer": ADAM} if optimizer == "adam" else {}
    whole = measure(sweep(**options))
    # A neuron has five weights, in so many copies, and four samples' features in four: room for two seeds at width 64.
    budget = 2 * 64 * (5 * copies + 4 * 4) * 4
    del trained[:]
    execution._DONE.clear()
    chunked = measure(sweep(**options), memory_budget=budget)
    assert [call for call in trained if call[0] == 64] == [(64, (0, 1)), (64, (2, 3))]
    assert [call for call in trained if call[0] == 8] == [(8, (0, 1, 2, 3))]
    for name in (INPUT, OUTPUT):
        for cell, other in zip(values(whole, name), values(chunked, name), strict=True):
            assert cell == pytest.approx(other, rel=1e-5)


def test_the_smallest_budget_trains_one_seed_at_a_time(trained):
    measure(sweep(), memory_budget=1)
    assert trained == [(width, (seed,)) for width in WIDTHS for seed in range(4)]


def test_ensembles_stay_together_in_chunks(trained):
    whole = measure(sweep(ensemble_kernel_gap(2), steps=1))
    assert trained[0] == (8, tuple(range(8)))
    del trained[:]
    execution._DONE.clear()
    chunked = measure(sweep(ensemble_kernel_gap(2), steps=1), memory_budget=1)
    assert [call for call in trained if call[0] == 8] == [(8, (0, 1)), (8, (2, 3)), (8, (4, 5)), (8, (6, 7))]
    for cell, other in zip(values(whole, ""), values(chunked, ""), strict=True):
        assert cell == pytest.approx(other, rel=1e-3, nan_ok=True)


def test_the_first_width_where_all_diverge_ends_the_sweep(trained):
    # A rate that grows as the square of the width is too large beyond some width.
    described = sweep(
        output_change(),
        widths=(8, 64, 128),
        network=MLP(2, RELU, STANDARD),
        learning_rate=scaled(0.3, width=2),
        steps=9,
    )
    with pytest.raises(
        ValueError, match=r"all 4 runs diverged at width 64, so output change was not measured there\. Lower"
    ):
        measure(described)
    assert [width for width, _ in trained] == [8, 64]


def test_the_first_width_with_a_negative_reading_ends_the_sweep(trained):
    negative = from_run("signed", lambda run: run.losses[-1] - (10.0 if run.width == 16 else 0.0))
    with pytest.raises(
        ValueError, match=r"signed must be positive to have an exponent; it is -.* at width 16. Measure its size"
    ):
        measure(sweep(negative))
    assert [width for width, _ in trained] == [8, 16]


def test_a_diverged_seed_is_marked_and_the_others_are_kept():
    def one_in_four(run):
        numbers = run.losses[-1].clone()
        numbers[1] = math.inf if run.width == 8 else math.nan
        return numbers

    measurement = measure(sweep(from_run("partly diverged", one_in_four))).measurements[""]
    for statuses, cell in zip(measurement.statuses, measurement.values, strict=True):
        assert statuses == (Status.OK, Status.DIVERGED, Status.OK, Status.OK)
        assert math.isnan(cell[1])
        assert all(value > 0 for value in (cell[0], cell[2], cell[3]))


def test_a_zero_is_marked_and_zero_everywhere_is_refused():
    def one_zero(run):
        numbers = run.losses[-1].clone()
        numbers[2] = 0.0
        return numbers

    measurement = measure(sweep(from_run("partly zero", one_zero))).measurements[""]
    assert [statuses[2] for statuses in measurement.statuses] == [Status.ZERO] * 3
    assert {statuses[0] for statuses in measurement.statuses} == {Status.OK}
    with pytest.raises(ValueError, match="zero"):
        measure(sweep(initial_output(), network=MLP(1, RELU, NTK, centred=True)))


def test_an_observables_own_statuses_are_kept():
    threshold = max_stable_learning_rate("outputs", limit=1e-9, reach=2)
    measurement = measure(sweep(threshold)).measurements[""]
    assert {status for cell in measurement.statuses for status in cell} == {Status.BELOW}
    assert all(math.isfinite(value) for cell in measurement.values for value in cell)


@pytest.mark.parametrize(
    "read", [lambda run: run.losses, lambda run: run.losses[-1].mean(), lambda run: run.losses[-1, :2]]
)
def test_a_reading_is_one_number_a_seed(read):
    with pytest.raises(ValueError, match=r"must give one number a seed, shape \(4,\); got .* for 'its only reading'"):
        measure(sweep(from_run("misshapen", read)))


def test_an_observable_that_reads_nothing_is_refused():
    with pytest.raises(ValueError, match="reads nothing at all: an empty claim would pass vacuously"):
        measure(sweep(from_run("empty", lambda run: {})))


def test_readings_that_change_with_the_width_are_refused():
    changing = from_run("changing", lambda run: {f"at {run.width}": run.losses[-1]})
    with pytest.raises(ValueError, match=r"changing has readings .*at 16.* at width 16, others before"):
        measure(sweep(changing))


def test_a_failed_sweep_is_not_remembered(trained):
    broken = Observable("broken once", lambda trial: {})
    with pytest.raises(ValueError, match="reads nothing"):
        measure(sweep(broken))
    mended = Observable("broken once", lambda trial: {"": Reading(torch.ones(len(trial.seeds)))})
    assert values(measure(sweep(mended)), "")[0] == (1.0,) * 4


def test_observables_made_by_one_function_are_not_taken_for_each_other():
    def scaled_loss(factor):
        @observable
        def read(run):
            return factor * run.losses[-1]

        return read

    single, double = (values(measure(sweep(scaled_loss(factor))), "")[0] for factor in (1.0, 2.0))
    assert double == pytest.approx([2 * value for value in single], rel=1e-6)
