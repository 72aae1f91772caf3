"""Changes of weights, features and outputs are those that numpy finds in a run's matrices."""

import math

import numpy as np
import pytest
import torch
from scipy.special import erf

from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.networks import ERF, MLP, MSE, NTK, STANDARD, Teacher, Training, scaled
from theorychecks.observables import (
    Alignment,
    FeatureChange,
    InitialOutput,
    OutputChange,
    UpdateSize,
    WeightChange,
)

WIDTH, SEEDS, STEPS = 12, (0, 3, 4), 5
DATA = Teacher(dimension=4, outputs=2, samples=5, test_samples=3)


def deferred(depth=3, *, parametrization=NTK, centred=False, **options):
    options = {"learning_rate": scaled(0.3), "data": DATA, "steps": STEPS, "dtype": "float64"} | options
    return DeferredRun(
        Training(MLP(depth, ERF, parametrization, centred=centred), loss=MSE, **options), WIDTH, SEEDS, 0
    )


def readings(observable, described):
    return {str(parts): reading.values.numpy() for parts, reading in observable.read(described).items()}


def matrices(run, time):
    return [run.weights(k, time).numpy() for k in range(len(run.layers))]


def forward(weights, x):
    """Every matrix's input and what it produces, for one network."""
    inputs, products = [], []
    for weight in weights:
        inputs.append(x)
        products.append(x @ weight.T)
        x = erf(products[-1])
    return inputs, products


def by_seed(described):
    """(start matrices, end matrices) of each seed, and the training inputs."""
    stacks = zip(*(zip(*matrices(described, time), strict=True) for time in (0, STEPS)), strict=True)
    return list(stacks), DATA.draw().inputs


def rms(values):
    return math.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize("norm, order, accuracy", [("frobenius", "fro", 1e-11), ("spectral", 2, 2e-4)])
def test_weight_change_is_relative_to_the_start(norm, order, accuracy):
    described = deferred()
    found = readings(WeightChange(norm=norm), described)
    assert list(found) == [f"{name}, {norm}" for name in ("input", "hidden 2", "hidden 3", "output")]
    pairs, _ = by_seed(described)
    for k, values in enumerate(found.values()):
        expected = [np.linalg.norm(end[k] - start[k], order) / np.linalg.norm(start[k], order) for start, end in pairs]
        np.testing.assert_allclose(values, expected, rtol=accuracy)
        absolute = [np.linalg.norm(end[k] - start[k], order) for start, end in pairs]
        assert not np.allclose(values, absolute, rtol=1e-3)
        other = {"fro": 2, 2: "fro"}[order]
        wrong = [np.linalg.norm(end[k] - start[k], other) / np.linalg.norm(start[k], other) for start, end in pairs]
        assert not np.allclose(values, wrong, rtol=1e-3)


@pytest.mark.parametrize(
    "where, names", [("input", ["input"]), ("hidden", ["hidden 2", "hidden 3"]), ("output", ["output"])]
)
def test_a_role_selects_its_matrices(where, names):
    everything = readings(WeightChange(), deferred())
    found = readings(WeightChange(where), deferred())
    assert list(found) == [f"{name}, frobenius" for name in names]
    for name in found:
        np.testing.assert_array_equal(found[name], everything[name])


def test_no_hidden_matrix_at_depth_one_is_said_with_the_way_out():
    for observable in (WeightChange("hidden"), UpdateSize("effective", "hidden"), Alignment("effective", "hidden")):
        with pytest.raises(
            ValueError, match="1 hidden layer has no hidden matrix; take depth 2 or more, or another role"
        ):
            observable.read(deferred(depth=1))
    assert len(readings(WeightChange("every"), deferred(depth=1))) == 2


def test_an_unknown_role_is_refused():
    with pytest.raises(ValueError, match="or every for all of them; got 'readout'"):
        WeightChange("readout")


def test_feature_change_is_that_of_preactivations():
    described = deferred()
    found = readings(FeatureChange(), described)
    assert list(found) == ["layer 1", "layer 2", "layer 3"]
    pairs, inputs = by_seed(described)
    for layer, values in enumerate(found.values()):
        expected = []
        for start, end in pairs:
            before, after = forward(start, inputs)[1][layer], forward(end, inputs)[1][layer]
            expected.append(rms(after - before) / rms(before))
        np.testing.assert_allclose(values, expected, rtol=1e-11)


@pytest.mark.parametrize("centred", [False, True])
def test_output_change_and_initial_output_are_those_of_the_function(centred):
    described = deferred(centred=centred)
    pairs, inputs = by_seed(described)
    functions = [(forward(start, inputs)[1][-1], forward(end, inputs)[1][-1]) for start, end in pairs]
    moved = readings(OutputChange(), described)[""]
    np.testing.assert_allclose(moved, [rms(after - before) for before, after in functions], rtol=1e-11)
    size = readings(InitialOutput(), described)[""]
    expected = [0.0 if centred else rms(before) for before, _ in functions]
    np.testing.assert_allclose(size, expected, rtol=1e-11)


@pytest.mark.parametrize("parametrization", [NTK, STANDARD], ids=lambda p: p.name)
def test_effective_and_propagating_updates_are_those_of_the_matrices(parametrization):
    described = deferred(parametrization=parametrization, learning_rate=scaled(0.05))
    pairs, inputs = by_seed(described)
    effective = readings(UpdateSize("effective"), described)
    propagating = readings(UpdateSize("propagating"), described)
    assert list(effective) == ["input", "hidden 2", "hidden 3", "output"]
    assert list(propagating) == ["hidden 2", "hidden 3", "output"]
    for k, name in enumerate(effective):
        expected = [rms(forward(end, inputs)[0][k] @ (end[k] - start[k]).T) for start, end in pairs]
        np.testing.assert_allclose(effective[name], expected, rtol=1e-10)
        if name in propagating:
            expected = [
                rms((forward(end, inputs)[0][k] - forward(start, inputs)[0][k]) @ start[k].T) for start, end in pairs
            ]
            np.testing.assert_allclose(propagating[name], expected, rtol=1e-10)


def test_the_split_into_effective_and_propagating_updates_is_exact():
    # W_t x_t - W_0 x_0 = (W_t - W_0) x_t + W_0 (x_t - x_0), in what the engine applies.
    run = deferred()
    for k in range(4):
        before, after = run.features(k, 0), run.features(k, STEPS)
        moved = run.apply_initial(k, after) + run.apply_change(k, after, STEPS) - run.apply_initial(k, before)
        split = run.apply_change(k, after, STEPS) + run.apply_initial(k, after - before)
        produced = run.outputs(STEPS) - run.outputs(0)
        if k < 3:
            produced = run.preactivations(k + 1, STEPS) - run.preactivations(k + 1, 0)
        np.testing.assert_allclose(moved, produced, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(split, produced, rtol=1e-10, atol=1e-13)
        if k > 0:
            # With the old features in the effective update, a second-order term is left over.
            wrong = run.apply_change(k, before, STEPS) + run.apply_initial(k, after - before)
            assert not np.allclose(wrong, produced, rtol=1e-3)


def test_alignment_compares_a_product_with_its_factors():
    described = deferred()
    pairs, inputs = by_seed(described)
    effective = readings(Alignment("effective"), described)
    propagating = readings(Alignment("propagating"), described)
    for k, name in enumerate(effective):
        expected = []
        for start, end in pairs:
            moved, after = end[k] - start[k], forward(end, inputs)[0][k]
            expected.append(rms(after @ moved.T) / (rms(moved) * rms(after)))
        np.testing.assert_allclose(effective[name], expected, rtol=1e-10)
        if k > 0:
            expected = []
            for start, end in pairs:
                moved = forward(end, inputs)[0][k] - forward(start, inputs)[0][k]
                expected.append(rms(moved @ start[k].T) / (rms(start[k]) * rms(moved)))
            np.testing.assert_allclose(propagating[name], expected, rtol=1e-10)


def test_a_gradient_is_perfectly_aligned_with_its_own_input():
    # One step on one sample moves the input matrix by g x^T, and g x^T x has n times the size of its factors.
    one = Teacher(dimension=7, samples=1, test_samples=1)
    found = readings(Alignment("effective", "input"), deferred(data=one, steps=1))["input"]
    np.testing.assert_allclose(found, 7, rtol=1e-10)
    other = readings(Alignment("effective", "input", direction="random"), deferred(data=one, steps=1))["input"]
    assert (other < 6.5).all()


def test_an_independent_direction_gives_the_root_of_the_fan_in():
    described = deferred()
    many = DeferredRun(described.training, 64, tuple(range(40)), 0)
    # For independent Gaussian v, E |A v|^2 = |A|_F^2, so the ratio is n^1/2 in the root mean square.
    for update in ("effective", "propagating"):
        found = readings(Alignment(update, "hidden", direction="random"), many)
        for values in found.values():
            assert np.mean(values**2) == pytest.approx(64, rel=0.2)
    trained = readings(Alignment("effective", "hidden"), many)
    assert all(np.mean(values**2) > 10 * 64 for values in trained.values())


def test_the_input_matrix_has_no_propagating_update():
    for observable in (UpdateSize("propagating", "input"), Alignment("propagating", "input")):
        with pytest.raises(ValueError, match="its inputs are the data; take another role"):
            observable.read(deferred())


def test_unknown_updates_and_directions_are_refused():
    with pytest.raises(ValueError, match="'effective' or 'propagating'; got 'total'"):
        UpdateSize("total")
    with pytest.raises(ValueError, match="'effective' or 'propagating'; got 'total'"):
        Alignment("total")
    with pytest.raises(ValueError, match="'trained' or 'random'; got 'worst'"):
        Alignment("effective", direction="worst")


def test_every_option_tells_observables_apart():
    made = [
        WeightChange(where, norm=norm)
        for where in ("every", "input", "hidden", "output")
        for norm in ("frobenius", "spectral")
    ]
    made += [UpdateSize(update, where) for update in ("effective", "propagating") for where in ("every", "hidden")]
    made += [
        Alignment(update, where, direction=direction)
        for update in ("effective", "propagating")
        for where in ("every", "hidden")
        for direction in ("trained", "random")
    ]
    made += [FeatureChange(), OutputChange(), InitialOutput()]
    assert len(set(made)) == len(made)


def test_a_diverged_seed_has_no_change_and_its_neighbours_keep_theirs():
    described = deferred(learning_rate=scaled(0.3), dtype="float32")
    factors = torch.tensor([1.0, 1e30, 1.0])
    calm, run = (dense.train(described.training, WIDTH, SEEDS, rate_factors=each) for each in (torch.ones(3), factors))

    for observable in (WeightChange(norm="spectral"), OutputChange(), UpdateSize("effective")):
        expected = readings(observable, calm)
        for name, values in readings(observable, run).items():
            np.testing.assert_allclose(values[[0, 2]], expected[name][[0, 2]], rtol=2e-4)
    assert not np.isfinite(readings(OutputChange(), run)[""][1])
