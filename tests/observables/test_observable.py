"""Observables are functions of runs with names; several are read off one training."""

import pytest
import torch

from theorychecks.engines.choice import Choice
from theorychecks.experiment import Sweep
from theorychecks.experiment.execution import EngineTrial
from theorychecks.networks import MLP, MSE, NTK, TANH, Teacher, Training, scaled
from theorychecks.observables import (
    Observable,
    ensemble_kernel_gap,
    feature_change,
    from_run,
    max_stable_learning_rate,
    observable,
    output_change,
    together,
    weight_change,
)

TRAINING = Training(
    MLP(2, TANH, NTK),
    learning_rate=scaled(0.2),
    data=Teacher(dimension=4, samples=4, test_samples=2),
    loss=MSE,
    steps=3,
)


class Counting:
    """A trial that counts its runs."""

    training, width, seeds, root_seed = TRAINING, 8, (0, 1), 0

    def __init__(self):
        self.asked = []

    def run(self, **options):
        self.asked.append(options)
        return EngineTrial(TRAINING, 8, (0, 1), 0).run(**options)


@observable
def final_loss(run):
    """Loss after the last step."""
    return run.losses[-1]


@observable
def norms(run):
    return {layer.name: run.weight_norm(k, "frobenius") for k, layer in enumerate(run.layers)}


def test_a_function_of_a_run_is_an_observable():
    trial = Counting()
    readings = final_loss.observe(trial)
    assert list(readings) == [""]
    assert torch.equal(readings[""].values, trial.run().losses[-1])
    assert readings[""].statuses is None
    assert final_loss.name.endswith("final_loss")
    assert final_loss.networks == 1


def test_a_function_may_give_several_readings_by_name():
    assert list(norms.observe(Counting())) == ["input", "hidden 2", "output"]


def test_an_observable_sees_the_first_and_the_last_time():
    assert from_run("times", lambda run: torch.tensor(run.times)).observe(Counting())[""].values.tolist() == [0, 3]


def test_reading_together_trains_once_and_reads_the_same():
    trial, apart = Counting(), Counting()
    members = (weight_change("hidden"), feature_change(), final_loss)
    readings = together(*members).observe(trial)
    assert len(trial.asked) == 1
    expected = {
        "relative weight change, hidden 2, frobenius": members[0].observe(apart)["hidden 2, frobenius"],
        "relative feature change, layer 1": members[1].observe(apart)["layer 1"],
        "relative feature change, layer 2": members[1].observe(apart)["layer 2"],
        final_loss.title: final_loss.observe(apart)[""],
    }
    assert len(apart.asked) == 4
    assert list(readings) == list(expected)
    for name, reading in readings.items():
        assert torch.equal(reading.values, expected[name].values)


def test_what_trains_its_networks_several_times_is_measured_on_its_own():
    with pytest.raises(ValueError, match="trains its networks several times is measured on its own"):
        together(output_change(), max_stable_learning_rate("loss"))


def test_readings_of_one_title_keep_their_names():
    both = together(weight_change(), weight_change(norm="spectral"))
    assert both.title == "relative weight change"
    assert list(both.observe(Counting())) == [
        f"{name}, {norm}" for norm in ("frobenius", "spectral") for name in ("input", "hidden 2", "output")
    ]


def test_members_read_together_have_readings_of_their_own_and_one_ensemble_size():
    with pytest.raises(ValueError, match=r"two readings are named .*another title"):
        together(output_change(), output_change()).observe(Counting())
    other = from_run("twice the output change", lambda run: 2 * run.losses[-1], title="output change")
    with pytest.raises(ValueError, match="two readings are named"):
        together(output_change(), other).observe(Counting())
    with pytest.raises(ValueError, match="the same number of networks per value"):
        together(output_change(), ensemble_kernel_gap(4))
    assert together(ensemble_kernel_gap(4)).networks == 4
    assert together(output_change(), feature_change()).name == "output change and relative feature change"


def test_a_title_is_the_name_unless_given():
    assert output_change().title == "output change"
    assert from_run("a", final_loss.observe, title="b").title == "b"
    assert from_run("a", final_loss.observe, title="b") == from_run("a", final_loss.observe)


def test_an_observable_needs_a_name_and_a_positive_number_of_networks():
    with pytest.raises(ValueError, match="needs a name"):
        Observable("", final_loss.observe)
    for networks in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match=f"networks is a positive integer; got {networks!r}"):
            Observable("x", final_loss.observe, networks=networks)


def test_observables_of_one_name_read_together_are_told_apart_by_their_functions():
    def scaled_loss(factor):
        @observable
        def one(run):
            return factor * run.losses[-1]

        return one

    first, second = together(scaled_loss(1.0), final_loss), together(scaled_loss(1024.0), final_loss)
    assert first != second
    member = scaled_loss(1.0)
    assert together(member, final_loss) == together(member, final_loss)
    assert together(weight_change(), feature_change()) == together(weight_change(), feature_change())


def undecorated(run):
    return run.losses[-1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            weight_change,
            r"an observable is measured, and weight_change makes one: call it, tc\.weight_change\(\.\.\.\)",
        ),
        (feature_change, r"feature_change makes one: call it"),
        (undecorated, r"got the function 'undecorated'\. Write @tc\.observable above it if it reads a run"),
        (lambda run: run.losses[-1], r"got the function '<lambda>'"),
        ("weight change", r"like tc\.weight_change\(\); got 'weight change'"),
        (None, "got None"),
        (Observable, r"got the class Observable\. Write @tc\.observable above a function of a run"),
    ],
)
def test_what_is_no_observable_is_refused_with_what_makes_it_one(given, said):
    with pytest.raises(TypeError, match=said):
        Sweep(given, TRAINING, widths=(64, 128, 256, 512, 1024))
    with pytest.raises(TypeError, match=said):
        together(output_change(), given)


@pytest.mark.parametrize("given", [MLP(2, TANH, NTK), None, "training"])
def test_a_sweep_trains_a_training(given):
    with pytest.raises(TypeError, match=r"a sweep trains a Training; got .*Write tc\.Training\("):
        Sweep(output_change(), given, widths=(64, 128, 256, 512, 1024))


def test_the_decorator_has_no_parentheses():
    with pytest.raises(TypeError, match=r"got nothing\. Write @tc\.observable above the function, without parentheses"):
        observable()
    with pytest.raises(TypeError, match="got Observable"):
        observable(output_change())


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, r"the observable read has returned None; it returns one number a seed.*Is a `return` missing\?"),
        ({"first": None}, r"has returned 'first': None; .*Is a `return` missing"),
        ("much", "has returned 'much'; it returns one number a seed"),
        (object(), "has returned <object object"),
        (torch.ones(2, dtype=torch.complex64), "complex numbers; .*Take their absolute value"),
    ],
)
def test_what_is_no_number_a_seed_is_refused_by_what_was_returned(returned, said):
    with pytest.raises(TypeError, match=said):
        from_run("read", lambda run: returned).observe(Counting())


@pytest.mark.parametrize("engine", ["dense", "matrix_free"])
@pytest.mark.parametrize(
    ("read", "said"),
    [
        (
            lambda run: run.preactivations(3, 0),
            "no hidden layer 3: in a network of depth 2 they are numbered from 1 to 2",
        ),
        (lambda run: run.preactivations(0, 0), "no hidden layer 0"),
        (lambda run: run.preactivations(-1, 0), "no hidden layer -1"),
        (lambda run: run.features(3, 0), "no layer 3: in a network of depth 2 they are numbered from 0 to 2"),
        (lambda run: run.features(-1, 3), "no layer -1"),
        (lambda run: run.weight_norm(3, "frobenius"), "no matrix 3: in a network of depth 2"),
        (lambda run: run.weight_norm("hidden 2", "frobenius"), r"no matrix 'hidden 2': .*run\.layers describes"),
        (lambda run: run.weight_change_norm(-1, "spectral", 3), "no matrix -1"),
        (lambda run: run.apply_initial(5, torch.ones(2, 1, 8)), "no matrix 5"),
        (lambda run: run.apply_change(5, torch.ones(2, 1, 8), 3), "no matrix 5"),
        (lambda run: run.output_gradients(3, 0), "no matrix 3"),
        (lambda run: run.weight_norm(1, "nuclear"), "a norm is 'frobenius' or 'spectral'; got 'nuclear'"),
        (lambda run: run.outputs(0, "validation"), "points are 'train' or 'test'; got 'validation'"),
        (lambda run: run.outputs(2), r"at time 2 were not recorded; recorded are \[0, 3\]. Read time=0 or time=run"),
    ],
)
def test_what_a_run_does_not_have_is_refused_with_what_it_has(read, said, engine):
    run = EngineTrial(TRAINING, 8, (0, 1), 0, Choice(engine, 8)).run()
    with pytest.raises(ValueError, match=said):
        read(run)
