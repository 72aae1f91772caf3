"""Along the batch size and the training length the module stays, and its training takes the value of the axis."""

import itertools
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from theorychecks.models.model import AXES, plural_of

SIZES = (2, 4, 8, 16, 32)
LENGTHS = (4, 8, 16, 32)


def build():
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))


def optimizer(module, size):
    return torch.optim.SGD(module.parameters(), lr=0.01 * size)


def batch(draw, size):
    return torch.randn(size, 6, generator=draw), torch.randn(size, 3, generator=draw)


def batches(draw, size):
    return [batch(draw, size) for _ in range(4)]


def endless(draw):
    while True:
        yield batch(draw, 8)


def over_sizes(**other):
    given = {"build": build, "optimizer": optimizer, "batches": batches} | other
    return tc.Model(**given, loss=F.mse_loss, axis="batch size")


def over_lengths(**other):
    given = {"build": build, "optimizer": optimizer, "batches": endless} | other
    return tc.Model(**given, loss=F.mse_loss, axis="training length")


@tc.observable
def samples(run):
    """How many there are in a batch."""
    return torch.full((len(run.seeds),), float(len(run.outputs(0)[0])))


@tc.observable
def steps(run):
    """How many there are of a training, and of its losses less one."""
    assert len(run.losses) == run.steps + 1
    return torch.full((len(run.seeds),), float(run.steps))


@tc.observable
def moved(run):
    """By how much the first matrix is moved for each unit of its gradient in one step."""
    return run.weight_change_norm(0, "frobenius", 1) / run.gradient_size(0, 0)


def read(observable, model, **values):
    (measurement,) = tc.measure(tc.Sweep(observable, model, seeds=3, **values)).measurements.values()
    assert measurement.axis == model.axis
    return [cell[0] for cell in measurement.values]


def test_batches_have_the_size_and_the_optimizer_its_rate():
    assert read(samples, over_sizes(), batch_sizes=SIZES) == list(SIZES)
    single = over_sizes(steps=1)
    root = (16 * 6) ** 0.5
    assert read(moved, single, batch_sizes=SIZES) == pytest.approx([0.01 * size * root for size in SIZES], rel=1e-4)


def test_a_training_has_as_many_steps_as_it_is_long():
    assert read(steps, over_lengths(), training_lengths=LENGTHS) == list(LENGTHS)


def test_all_matrices_of_a_model_of_which_none_grows_are_layers():
    for model, values in ((over_sizes(), {"batch_sizes": SIZES}), (over_lengths(), {"training_lengths": LENGTHS})):
        found = tc.measure(tc.Sweep(tc.WeightChange(), model, seeds=3, **values)).measurements
        assert [(parts["layer"], parts["role"]) for parts in found] == [("0", "hidden"), ("2", "hidden")]


def test_the_factor_on_a_rate_that_is_stable_is_read_along_the_batch_size():
    observable = tc.MaxStableLearningRate("loss", resolution=1.0, reach=3.0)
    assert len(read(observable, over_sizes(), batch_sizes=SIZES)) == len(SIZES)


@pytest.mark.parametrize("axis", AXES)
def test_a_sweep_shows_its_values_by_the_name_of_their_axis(axis):
    made = batches if axis == "batch size" else [batch(torch.Generator().manual_seed(0), 2)]
    model = tc.Model(build, optimizer, made, loss=F.mse_loss, axis=axis)
    swept = tc.Sweep(tc.DecayTime(), model, **{plural_of(axis): SIZES})
    assert {name for name in map(plural_of, AXES) if f" {name}=" in repr(swept)} == {plural_of(axis)}
    assert repr(swept).endswith(f"training={model!r}, {plural_of(axis)}={SIZES})")


def test_other_values_than_those_of_the_axis_are_refused():
    model = over_sizes()
    with pytest.raises(
        TypeError, match=r"varies along the batch size, and takes batch_sizes=\(\.\.\.\) alone; got depth"
    ):
        tc.Sweep(tc.WeightChange(), model, depths=SIZES)
    with pytest.raises(TypeError, match=r"takes batch_sizes=.* alone; got widths and batch_sizes"):
        tc.Sweep(tc.WeightChange(), model, widths=SIZES, batch_sizes=SIZES)
    with pytest.raises(TypeError, match=r"takes training_lengths=.* alone; got no values"):
        tc.Sweep(tc.WeightChange(), over_lengths())
    with pytest.raises(TypeError, match=r"takes widths=.* alone; got batch_sizes.*axis=\"batch size\""):
        tc.Sweep(
            tc.WeightChange(),
            tc.Model(nn.Linear, optimizer, [batch(torch.Generator().manual_seed(0), 2)], loss=F.mse_loss),
            batch_sizes=SIZES,
        )


@pytest.mark.parametrize(
    "values, error, said",
    [
        (8, TypeError, r"batch sizes are several, such as \(8, 16, 32, 64\); got 8"),
        ((8, "a"), ValueError, "a batch size is a positive integer; got 'a'"),
        ((16, 8), ValueError, r"batch sizes must increase, each named once; got \[16, 8\]"),
    ],
)
def test_values_that_are_none_go_by_their_name(values, error, said):
    with pytest.raises(error, match=said):
        tc.Sweep(tc.WeightChange(), over_sizes(), batch_sizes=values)


@pytest.mark.parametrize("model", [over_sizes(), over_lengths()])
def test_a_model_may_be_replaced_in_part(model):
    assert replace(model, name="another").title == "another"


def test_the_best_rate_on_a_batch_that_was_trained_on_is_refused_along_its_size():
    with pytest.raises(TypeError, match=r"which it has trained on.*Read the loss of other samples in a tc\.quantity"):
        tc.Sweep(tc.OptimalLearningRate(), over_sizes(), batch_sizes=SIZES)


def test_a_sweep_keeps_its_values_when_something_else_is_replaced():
    sweep = tc.Sweep(tc.WeightChange(), over_sizes(), batch_sizes=SIZES)
    assert sweep.with_observable(tc.OutputChange()).axis_values == SIZES
    assert sweep.on((3, 3, 3)).axis_values == SIZES[:3]


def fixed(_draw, _size):
    """Ignores the size."""
    return [batch(torch.Generator().manual_seed(0), 8)] * 4


def capped(draw, size):
    """As from a data set of twenty samples."""
    return batches(draw, min(size, 20))


def by_width(width):
    return nn.Sequential(nn.Linear(6, width), nn.Linear(width, 3))


@pytest.mark.parametrize(
    "model, said",
    [
        (
            over_sizes(batches=fixed),
            r"size 2 begin with .* shape \(8, 6\), and of size 4 .* \(8, 6\): .* in proportion",
        ),
        (over_sizes(batches=capped), r"of size 32 with one of shape \(20, 6\)"),
        (
            over_sizes(batches=lambda draw: batches(draw, 2)),
            r"batches\(generator, size\), called with .* and 2, has raised TypeE",
        ),
        (over_sizes(build=by_width), r"build\(\) has raised TypeError.*Along the batch size the model stays as it is"),
        (
            over_sizes(optimizer=lambda module: optimizer(module, 1)),
            r"optimizer\(module, size\), called .* has raised TypeE",
        ),
        (over_lengths(optimizer=lambda module: optimizer(module, 1)), r"optimizer\(module, steps\), called"),
        (
            over_lengths(batches=lambda draw: itertools.islice(endless(draw), 9)),
            "16 steps need 16 batches; .* has given 9 and is exhausted",
        ),
        (
            over_lengths(batches=batches(torch.Generator().manual_seed(0), 4) * 3),
            "16 steps need 16 batches; got 12. Give more batches, or take short",
        ),
    ],
)
def test_a_set_up_that_does_not_take_the_axis_is_refused_by_name(model, said):
    values = {"batch_sizes": SIZES} if model.axis == "batch size" else {"training_lengths": LENGTHS}
    with pytest.raises(tc.ModelError, match=said):
        tc.measure(tc.Sweep(tc.WeightChange(), model, seeds=3, **values))


def test_what_is_no_model_along_the_axis_is_refused_where_it_is_written():
    with pytest.raises(TypeError, match=r"batches is a function, batches\(generator, size\).*got list"):
        over_sizes(batches=batches(torch.Generator().manual_seed(0), 2))
    with pytest.raises(ValueError, match=r"along the training length its values are the steps; got steps=7$"):
        over_lengths(steps=7)
    with pytest.raises(ValueError, match=r"axis is what a model is scaled along, 'width' or .*; got 'batch'"):
        tc.Model(build, optimizer, batches, axis="batch", loss=F.mse_loss)


def test_a_coordinate_check_predicts_nothing_where_the_module_stays():
    with pytest.raises(TypeError, match=r"along the batch size.*a coordinate check predicts nothing.*batch_sizes="):
        tc.coordinate_check(over_sizes(), tc.MAXIMAL_UPDATE, widths=SIZES)
    with pytest.raises(TypeError, match="is a model along the training length"):
        tc.parametrized(over_lengths(), tc.MAXIMAL_UPDATE, base_width=64)
