"""Measuring trains each sweep once, whatever the memory, and counts runs that give no number."""

import math
from dataclasses import dataclass

import psutil
import pytest
import torch
from scipy.stats import ks_2samp

from theorychecks.engines import Limits, Unanswerable, dense
from theorychecks.engines.choice import Choice
from theorychecks.engines.deferred import DeferredRun
from theorychecks.experiment import Resources, Sweep, measure, subjects
from theorychecks.experiment.execution import measure_selected
from theorychecks.networks import MLP, MSE, NTK, RELU, STANDARD, Adam, Teacher, Training, scaled
from theorychecks.observables import (
    EnsembleKernelGap,
    InitialOutput,
    MaxStableLearningRate,
    Observable,
    OutputChange,
    Together,
    WeightChange,
    observable,
)
from theorychecks.observables.observable import Reading
from theorychecks.statistics import Parts, PartsError
from theorychecks.statistics.exponents import PowerLaw
from theorychecks.statistics.statuses import Status

WIDTHS = (8, 16, 64)
INPUT, OUTPUT = (Parts(layer=role, role=role, norm="frobenius") for role in ("input", "output"))


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    """Every (width, seeds) that the engine is asked to train."""
    calls = []
    train = dense.train

    def counted(training, width, seeds, **options):
        calls.append((width, tuple(seeds)))
        return train(training, width, seeds, **options)

    monkeypatch.setattr(dense, "train", counted)
    return calls


def sweep(read=None, *, widths=WIDTHS, seeds=4, root_seed=0, network=None, **options):
    options = {"learning_rate": scaled(0.1), "data": Teacher(dimension=4, samples=4), "steps": 2} | options
    training = Training(network or MLP(1, RELU, NTK), loss=MSE, **options)
    return Sweep(read or WeightChange(), training, widths=widths, seeds=seeds, root_seed=root_seed)


def values(measured, name):
    return measured.measurements[name].values


def test_a_measurement_has_the_values_of_its_runs():
    measured = measure(sweep(seeds=(5, 4, 3)))
    assert list(measured.measurements) == [INPUT, OUTPUT]
    assert measured.engine == "dense"
    assert measured.seconds > 0
    assert measured.trainings == 12
    trained = sum(n * dense.cost(sweep().training, w).flops for w, n in zip(WIDTHS, (5, 4, 3), strict=True))
    assert measured.flops == trained
    described = sweep().training
    for width, count, cell in zip(WIDTHS, (5, 4, 3), values(measured, OUTPUT), strict=True):
        run = dense.train(described, width, range(count))
        expected = run.weight_change_norm(1, "frobenius", 2) / run.weight_norm(1, "frobenius")
        assert cell == tuple(expected.tolist())
    measurement = measured.measurements[OUTPUT]
    assert measurement.axis_values == (8.0, 16.0, 64.0)
    assert measurement.name == "output, frobenius"
    assert {status for cell in measurement.statuses for status in cell} == {Status.OK}


def test_a_single_reading_goes_by_the_observables_name():
    (measurement,) = measure(sweep(OutputChange())).measurements.values()
    assert measurement.name == "output change"


def test_measuring_again_with_the_same_resources_trains_nothing(trained):
    resources = Resources()
    first = measure(sweep(), resources)
    assert trained == [(8, (0, 1, 2, 3)), (16, (0, 1, 2, 3)), (64, (0, 1, 2, 3))]
    assert measure(sweep(), resources) == first
    assert measure(sweep().of(role="output"), resources) == first
    assert len(trained) == 3
    measure(sweep(root_seed=1), resources)
    assert len(trained) == 6


def test_another_description_gives_other_numbers():
    start = values(measure(sweep()), OUTPUT)
    assert values(measure(sweep(root_seed=1)), OUTPUT) != start
    assert values(measure(sweep(learning_rate=scaled(0.05))), OUTPUT) != start
    assert values(measure(sweep(data=Teacher(dimension=4, samples=4, seed=1))), OUTPUT) != start
    more = values(measure(sweep(seeds=6)), OUTPUT)
    assert [cell[:4] for cell in more] == list(start)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_small_memory_budget_trains_in_chunks_and_changes_rounding_at_most(trained, optimizer):
    options = {"optimizer": Adam()} if optimizer == "adam" else {}
    described = sweep(**options)
    whole = measure(described)
    budget = 2 * dense.cost(described.training, 64).bytes
    del trained[:]
    chunked = measure(described, Resources(memory_budget=budget))
    assert [call for call in trained if call[0] == 64] == [(64, (0, 1)), (64, (2, 3))]
    assert [call for call in trained if call[0] == 8] == [(8, (0, 1, 2, 3))]
    for name in (INPUT, OUTPUT):
        for cell, other in zip(values(whole, name), values(chunked, name), strict=True):
            assert cell == pytest.approx(other, rel=1e-5)


def test_a_budget_below_one_network_is_refused_before_anything_is_trained(trained):
    budget = dense.cost(sweep().training, 40).bytes
    with pytest.raises(MemoryError, match=r"one network of width 64 takes .*KiB.* the widest that fits is 40\. Raise"):
        measure(sweep(), Resources(memory_budget=budget))
    with pytest.raises(MemoryError, match="none fits"):
        measure(sweep(), Resources(memory_budget=1))
    assert trained == []


def test_ensembles_stay_together_in_chunks(trained):
    described = sweep(EnsembleKernelGap(2), steps=1)
    whole = measure(described)
    assert trained[0] == (8, tuple(range(8)))
    del trained[:]
    chunked = measure(described, Resources(memory_budget=3 * dense.cost(described.training, 64).bytes))
    assert [call for call in trained if call[0] == 64] == [(64, (0, 1)), (64, (2, 3)), (64, (4, 5)), (64, (6, 7))]
    for cell, other in zip(values(whole, Parts()), values(chunked, Parts()), strict=True):
        assert cell == pytest.approx(other, rel=1e-3, nan_ok=True)
    pairs = "2 networks, which belong together, of width 64"
    with pytest.raises(MemoryError, match=pairs):
        measure(sweep(EnsembleKernelGap(2)), Resources(memory_budget=dense.cost(described.training, 64).bytes))


def test_widths_where_all_diverge_are_measured_and_counted():
    # A rate that grows as the square of the width is too large beyond some width.
    described = sweep(
        OutputChange(),
        widths=(8, 64, 128),
        network=MLP(2, RELU, STANDARD),
        learning_rate=scaled(0.3, width=2),
        steps=9,
    )
    measurement = measure(described).measurements[Parts()]
    assert measurement.not_finite == (0, 4, 4)
    expected = (
        "4 of 4 at width 64, 4 of 4 at width 128; where all diverged, lower the learning rate or take fewer steps"
    )
    assert expected in measurement.what_is_missing()


def test_the_first_width_with_a_negative_reading_ends_the_sweep(trained):
    @observable
    def signed(run):
        return run.losses[-1] - (10.0 if run.width == 16 else 0.0)

    with pytest.raises(
        ValueError, match=r"signed must be positive to have an exponent; it is -.* at width 16. Measure its size"
    ):
        measure(sweep(signed))
    assert [width for width, _ in trained] == [8, 16]


def test_what_a_design_does_not_select_may_have_a_sign():
    loss_and_signed = observable(
        lambda run: {Parts(what="loss"): run.losses[-1], Parts(what="signed"): run.losses[-1] - 10}
    )
    selected = sweep(loss_and_signed).of(what="loss")
    assert list(measure_selected(selected, Resources()).measurements) == [Parts(what="loss")]
    with pytest.raises(ValueError, match="signed must be positive to have an exponent"):
        measure(selected)


def test_a_diverged_seed_is_marked_and_the_others_are_kept():
    def one_in_four(run):
        numbers = run.losses[-1].clone()
        numbers[1] = math.inf
        return numbers

    measurement = measure(sweep(observable(one_in_four))).measurements[Parts()]
    for statuses, cell in zip(measurement.statuses, measurement.values, strict=True):
        assert statuses == (Status.OK, Status.DIVERGED, Status.OK, Status.OK)
        assert math.isnan(cell[1])
        assert all(value > 0 for value in (cell[0], cell[2], cell[3]))


def test_no_direction_of_an_update_of_zero_is_no_divergence():
    def directions(run):
        update = run.losses[-1] * torch.tensor([1.0, 0.0, 1.0, 1.0])
        return update / update

    measurement = measure(sweep(observable(directions))).measurements[Parts()]
    assert {statuses[1] for statuses in measurement.statuses} == {Status.UNDEFINED}
    assert {statuses[0] for statuses in measurement.statuses} == {Status.OK}


@dataclass(frozen=True)
class Sometimes(Observable):
    """A loss that so many of the first runs at the narrowest width do not have."""

    lacking: int = 0
    conditional: bool = True
    title = "a loss"

    def read(self, run):
        losses = run.losses[-1].clone()
        losses[: self.lacking if run.width == WIDTHS[0] else 0] = math.nan
        return {Parts(): Reading(losses)}


def test_runs_without_a_number_are_left_out_and_counted_where_four_others_are_there():
    found = measure(sweep(Sometimes(3), seeds=7)).measurements[Parts()]
    assert (found.seeds, found.left_out, found.made) == ((4, 7, 7), (3, 0, 0), (7, 7, 7))
    assert {status for row in found.statuses for status in row} == {Status.OK}
    kept = measure(sweep(Sometimes(0), seeds=7)).measurements[Parts()]
    assert found.values == (kept.values[0][3:], *kept.values[1:])
    for fewer in (Sometimes(4), Sometimes(3, conditional=False)):
        found = measure(sweep(fewer, seeds=7)).measurements[Parts()]
        assert (found.seeds, found.left_out) == ((7, 7, 7), (0, 0, 0))
        assert Status.UNDEFINED in found.statuses[0]


def test_a_zero_is_marked_and_zeros_everywhere_are_no_exponent():
    def one_zero(run):
        numbers = run.losses[-1].clone()
        numbers[2] = 0.0
        return numbers

    measurement = measure(sweep(observable(one_zero))).measurements[Parts()]
    assert [statuses[2] for statuses in measurement.statuses] == [Status.ZERO] * 3
    assert {statuses[0] for statuses in measurement.statuses} == {Status.OK}
    nothing = measure(sweep(InitialOutput(), network=MLP(1, RELU, NTK, centred=True))).measurements[Parts()]
    with pytest.raises(ValueError, match=r"has no number in any run, .* where all are zero, check that the observable"):
        PowerLaw(0).judge(nothing)


def test_an_observables_own_statuses_are_kept():
    threshold = MaxStableLearningRate("outputs", limit=1e-9, reach=2)
    measurement = measure(sweep(threshold)).measurements[Parts()]
    assert {status for cell in measurement.statuses for status in cell} == {Status.BELOW}
    assert all(math.isfinite(value) for cell in measurement.values for value in cell)


@pytest.mark.parametrize(
    "read", [lambda run: run.losses, lambda run: run.losses[-1].mean(), lambda run: run.losses[-1, :2]]
)
def test_a_reading_is_one_number_a_seed(read):
    with pytest.raises(ValueError, match=r"must give one number a seed, shape \(4,\); got .* for 'its only reading'"):
        measure(sweep(observable(read)))


def test_an_observable_that_reads_nothing_is_refused():
    with pytest.raises(ValueError, match="reads nothing at all: an empty claim would pass vacuously"):
        measure(sweep(observable(lambda run: {})))


def test_readings_that_change_with_the_width_are_refused():
    changing = observable(lambda run: {f"at {run.width}": run.losses[-1]})
    with pytest.raises(ValueError, match=r"has readings .*at 16.* at width 16, others before"):
        measure(sweep(changing))


def test_a_failed_sweep_is_not_remembered(trained):
    working = []

    @observable
    def broken_once(run):
        return {"": torch.ones(len(run.seeds))} if working else {}

    resources = Resources()
    with pytest.raises(ValueError, match="reads nothing"):
        measure(sweep(broken_once), resources)
    working.append(True)
    assert values(measure(sweep(broken_once), resources), Parts())[0] == (1.0,) * 4


def test_equal_observables_share_what_was_measured_and_others_do_not(trained):
    resources = Resources()
    first = measure(sweep(WeightChange("output")), resources)
    before = len(trained)
    assert measure(sweep(WeightChange(role="output", norm="frobenius")), resources) == first
    assert len(trained) == before
    spectral = measure(sweep(WeightChange("output", norm="spectral")), resources)
    assert len(trained) == 2 * before
    assert list(spectral.measurements) != list(first.measurements)


def test_a_functions_options_tell_what_was_measured_apart(trained):
    @observable
    def scaled_loss(run, *, factor=1.0):
        return factor * run.losses[-1]

    resources = Resources()
    plain, twice = (
        values(measure(sweep(each), resources), Parts())[0] for each in (scaled_loss, scaled_loss(factor=2.0))
    )
    assert twice == pytest.approx([2 * value for value in plain], rel=1e-6)
    before = len(trained)
    measure(sweep(scaled_loss(factor=2.0)), resources)
    assert len(trained) == before


def test_a_selection_that_no_reading_meets_ends_at_the_first_width(trained):
    with pytest.raises(PartsError, match="has layer='hidden 2'; there are layer='input', 'output'"):
        measure(sweep().of(layer="hidden 2"))
    assert [width for width, _ in trained] == [8]


@dataclass(frozen=True)
class Shapeless(Observable):
    title = "shapeless"

    def read(self, run):
        return run.losses[-1]


def test_a_class_of_ones_own_reads_readings_by_parts():
    with pytest.raises(TypeError, match=r"shapeless must read a mapping from tc\.Parts to tc\.Reading; got tensor"):
        measure(sweep(Shapeless()))


def test_observables_made_by_one_function_are_not_taken_for_each_other():
    def scaled_loss(factor):
        @observable
        def read(run):
            return factor * run.losses[-1]

        return read

    resources = Resources()
    single, double = (values(measure(sweep(scaled_loss(factor)), resources), Parts())[0] for factor in (1.0, 2.0))
    assert double == pytest.approx([2 * value for value in single], rel=1e-6)


BOTH_NORMS = Together((WeightChange(), WeightChange(norm="spectral")))
WIDE = {"widths": (4, 64, 1024), "network": MLP(2, RELU, NTK), "seeds": 3}


def test_wide_networks_are_trained_without_their_matrices():
    measured = measure(sweep(**WIDE))
    assert measured.engine == "dense, matrix_free from 1,024"
    assert measure(sweep(**WIDE), Resources(engine="dense")).engine == "dense"
    assert measure(sweep(**WIDE, optimizer=Adam())).engine == "dense"
    assert measure(sweep(**WIDE | {"network": MLP(2, RELU, NTK, entries="uniform")})).engine == "dense"


def test_an_engine_that_is_forced_leaves_narrow_networks_to_dense_and_says_so():
    measured = measure(sweep(**WIDE), Resources(engine="matrix_free"))
    # Four samples and two steps ask for twelve directions.
    assert measured.engine == "dense (fewer neurons than directions), matrix_free from 64"
    threshold = sweep(MaxStableLearningRate("outputs"), **WIDE)
    measured = measure(threshold, Resources(engine="matrix_free"))
    assert measured.engine == "dense (one network is trained several times)"


def test_wider_networks_keep_to_the_engine_that_was_faster_before(monkeypatch):
    faster = {64: "dense", 256: "dense", 512: "matrix_free", 1024: "dense", 2048: "matrix_free"}
    choices = []

    def choose(training, width, *, wanted, **options):
        choices.append((width, wanted))
        return Choice(faster[width] if wanted == "auto" else wanted, 8)

    monkeypatch.setattr(subjects, "choose", choose)
    measured = measure(sweep(**WIDE | {"widths": tuple(faster), "seeds": 3}))
    assert measured.engine == "dense, matrix_free from 512"
    assert (1024, "matrix_free") in choices


def test_another_rate_is_another_network_without_its_matrices():
    described = sweep(**WIDE).training
    run = DeferredRun(described, 64, (0, 1), 0, Choice("matrix_free", 2))
    with pytest.raises(Unanswerable, match=r"cannot train one network several times.*retrains = True"):
        run.histories([0, 0], torch.tensor([1.0, 2.0]), Limits())


def test_both_engines_measure_one_law():
    cells = [
        values(
            measure(sweep(**WIDE | {"seeds": 200}), Resources(engine=engine)),
            Parts(layer="hidden 2", role="hidden", norm="frobenius"),
        )[1]
        for engine in ("dense", "matrix_free")
    ]
    assert cells[0] != cells[1]
    assert ks_2samp(*cells).pvalue > 0.001


@pytest.mark.parametrize(
    "options, message",
    [
        ({"optimizer": Adam()}, "updates by adam are no sums of gradients.*Use engine 'dense' or 'auto'"),
        ({"network": MLP(2, RELU, NTK, entries="uniform")}, "uniform entries.*Use engine 'dense' or 'auto'"),
    ],
)
def test_a_forced_engine_that_cannot_is_refused_before_anything_is_trained(trained, options, message):
    with pytest.raises(ValueError, match=message):
        measure(sweep(**WIDE | options), Resources(engine="matrix_free"))
    assert trained == []


@pytest.mark.parametrize(
    "options, message",
    [
        ({"engine": "sparse"}, "'auto', 'dense', 'matrix_free'; got 'sparse'"),
        ({"workers": 0}, "workers is a positive integer; got 0"),
        ({"memory_budget": 0}, "positive number of bytes; got 0"),
        ({"memory_budget": 1.5}, "positive number of bytes; got 1.5"),
        ({"device": "abacus"}, "'cpu' or 'cuda'; got 'abacus'"),
        ({"device": "meta"}, "'cpu' or 'cuda'; got 'meta'"),
        ({"device": "cuda:99"}, "there is no device 'cuda:99'.*Use device 'cpu'"),
    ],
)
def test_resources_that_there_are_not_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Resources(**options)


def test_half_of_what_is_free_is_used():
    free = psutil.virtual_memory().available
    assert 0.3 * free < Resources().budget() < 0.7 * free
    assert Resources(memory_budget=10**9).budget() == 10**9


def test_a_threshold_counts_its_trainings(trained):
    threshold = sweep(MaxStableLearningRate("outputs", limit=10))
    measured = measure(threshold)
    assert measured.trainings == sum(len(seeds) for _, seeds in trained)
    assert 3 * 4 * 4 < measured.trainings < 3 * 4 * 30


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and torch sees none")
@pytest.mark.parametrize("engine", ["dense", "matrix_free"])
def test_a_gpu_gives_the_same_numbers(engine):
    on_cpu = measure(sweep(BOTH_NORMS, **WIDE), Resources(engine=engine))
    on_gpu = measure(sweep(BOTH_NORMS, **WIDE), Resources(engine=engine, device="cuda"))
    assert on_cpu is not on_gpu
    for name in on_cpu.measurements:  # both norms of every matrix
        for cell, other in zip(values(on_cpu, name), values(on_gpu, name), strict=True):
            assert cell == pytest.approx(other, rel=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and torch sees none")
def test_a_gpu_finds_the_same_thresholds():
    threshold = sweep(MaxStableLearningRate("outputs", limit=10))
    on_cpu, on_gpu = (measure(threshold, Resources(device=device)) for device in ("cpu", "cuda"))
    for cell, other in zip(values(on_cpu, Parts()), values(on_gpu, Parts()), strict=True):
        assert cell == pytest.approx(other, rel=0.2)
