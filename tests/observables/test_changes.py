"""Changes of weights, features and outputs are those that numpy finds in a run's matrices."""

import math

import numpy as np
import pytest
import torch
from scipy.special import erf

from theorychecks.engines import dense
from theorychecks.experiment.execution import EngineTrial
from theorychecks.networks import ERF, MLP, MSE, NTK, STANDARD, Teacher, Training, scaled
from theorychecks.observables import (
    alignment,
    feature_change,
    initial_output,
    output_change,
    update_size,
    weight_change,
)

WIDTH, SEEDS, STEPS = 12, (0, 3, 4), 5
DATA = Teacher(dimension=4, outputs=2, samples=5, test_samples=3)


def trial(depth=3, *, parametrization=NTK, centred=False, **options):
    options = {"learning_rate": scaled(0.3), "data": DATA, "steps": STEPS, "dtype": "float64"} | options
    return EngineTrial(
        Training(MLP(depth, ERF, parametrization, centred=centred), loss=MSE, **options), WIDTH, SEEDS, 0
    )


def readings(observable, described):
    return {name: reading.values.numpy() for name, reading in observable.observe(described).items()}


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
    run = described.run()
    stacks = zip(*(zip(*matrices(run, time), strict=True) for time in (0, STEPS)), strict=True)
    return list(stacks), DATA.draw().inputs


def rms(values):
    return math.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize("norm, order, accuracy", [("frobenius", "fro", 1e-11), ("spectral", 2, 2e-4)])
def test_weight_change_is_relative_to_the_start(norm, order, accuracy):
    described = trial()
    found = readings(weight_change(norm=norm), described)
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
    everything = readings(weight_change(), trial())
    found = readings(weight_change(where), trial())
    assert list(found) == [f"{name}, frobenius" for name in names]
    for name in found:
        np.testing.assert_array_equal(found[name], everything[name])


def test_no_hidden_matrix_at_depth_one_is_said_with_the_way_out():
    for observable in (weight_change("hidden"), update_size("effective", "hidden"), alignment("effective", "hidden")):
        with pytest.raises(
            ValueError, match="1 hidden layer has no hidden matrix; take depth 2 or more, or another role"
        ):
            observable.observe(trial(depth=1))
    assert len(readings(weight_change("every"), trial(depth=1))) == 2


def test_an_unknown_role_is_refused():
    with pytest.raises(ValueError, match="or every for all of them; got 'readout'"):
        weight_change("readout").observe(trial())


def test_feature_change_is_that_of_preactivations():
    described = trial()
    found = readings(feature_change(), described)
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
    described = trial(centred=centred)
    pairs, inputs = by_seed(described)
    functions = [(forward(start, inputs)[1][-1], forward(end, inputs)[1][-1]) for start, end in pairs]
    moved = readings(output_change(), described)[""]
    np.testing.assert_allclose(moved, [rms(after - before) for before, after in functions], rtol=1e-11)
    size = readings(initial_output(), described)[""]
    expected = [0.0 if centred else rms(before) for before, _ in functions]
    np.testing.assert_allclose(size, expected, rtol=1e-11)


@pytest.mark.parametrize("parametrization", [NTK, STANDARD], ids=lambda p: p.name)
def test_effective_and_propagating_updates_are_those_of_the_matrices(parametrization):
    described = trial(parametrization=parametrization, learning_rate=scaled(0.05))
    pairs, inputs = by_seed(described)
    effective = readings(update_size("effective"), described)
    propagating = readings(update_size("propagating"), described)
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
    run = trial().run()
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
    described = trial()
    pairs, inputs = by_seed(described)
    effective = readings(alignment("effective"), described)
    propagating = readings(alignment("propagating"), described)
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
    found = readings(alignment("effective", "input"), trial(data=one, steps=1))["input"]
    np.testing.assert_allclose(found, 7, rtol=1e-10)
    other = readings(alignment("effective", "input", direction="random"), trial(data=one, steps=1))["input"]
    assert (other < 6.5).all()


def test_an_independent_direction_gives_the_root_of_the_fan_in():
    described = trial()
    many = EngineTrial(described.training, 64, tuple(range(40)), 0)
    # For independent Gaussian v, E |A v|^2 = |A|_F^2, so the ratio is n^1/2 in the root mean square.
    for update in ("effective", "propagating"):
        found = readings(alignment(update, "hidden", direction="random"), many)
        for values in found.values():
            assert np.mean(values**2) == pytest.approx(64, rel=0.2)
    trained = readings(alignment("effective", "hidden"), many)
    assert all(np.mean(values**2) > 10 * 64 for values in trained.values())


def test_the_input_matrix_has_no_propagating_update():
    for observable in (update_size("propagating", "input"), alignment("propagating", "input")):
        with pytest.raises(ValueError, match="its inputs are the data; take another role"):
            observable.observe(trial())


def test_unknown_updates_and_directions_are_refused():
    with pytest.raises(ValueError, match="'effective' or 'propagating'; got 'total'"):
        update_size("total")
    with pytest.raises(ValueError, match="'effective' or 'propagating'; got 'total'"):
        alignment("total")
    with pytest.raises(ValueError, match="'trained' or 'random'; got 'worst'"):
        alignment("effective", direction="worst")


def test_every_option_shows_in_the_name():
    made = [
        weight_change(where, norm=norm)
        for where in ("every", "input", "hidden", "output")
        for norm in ("frobenius", "spectral")
    ]
    made += [update_size(update, where) for update in ("effective", "propagating") for where in ("every", "hidden")]
    made += [
        alignment(update, where, direction=direction)
        for update in ("effective", "propagating")
        for where in ("every", "hidden")
        for direction in ("trained", "random")
    ]
    made += [feature_change(), output_change(), initial_output()]
    assert len({each.name for each in made}) == len(made)


def test_a_diverged_seed_has_no_change_and_its_neighbours_keep_theirs():
    described = trial(learning_rate=scaled(0.3), dtype="float32")
    factors = torch.tensor([1.0, 1e30, 1.0])
    calm, run = (dense.train(described.training, WIDTH, SEEDS, rate_factors=each) for each in (torch.ones(3), factors))

    class Diverged:
        training, width, seeds = described.training, WIDTH, SEEDS

        def run(self, **_):
            return run

    class Calm(Diverged):
        def run(self, **_):
            return calm

    for observable in (weight_change(norm="spectral"), output_change(), update_size("effective")):
        expected = readings(observable, Calm())
        for name, values in readings(observable, Diverged()).items():
            np.testing.assert_allclose(values[[0, 2]], expected[name][[0, 2]], rtol=2e-4)
    assert not np.isfinite(readings(output_change(), Diverged())[""][1])
