"""Observables are values: equal ones are one and the same, and what they read has parts; several share one training."""

import inspect
from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest
import torch

from tests.models import zoo
from theorychecks import observables
from theorychecks.engines import Unanswerable
from theorychecks.engines.choice import Choice
from theorychecks.engines.deferred import DeferredRun
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.experiment import Sweep
from theorychecks.networks import MLP, MSE, NTK, TANH, Teacher, Training, scaled
from theorychecks.observables import (
    Alignment,
    EnsembleKernelGap,
    FeatureChange,
    MaxStableLearningRate,
    Observable,
    OutputChange,
    Reading,
    Together,
    WeightChange,
    observable,
)
from theorychecks.observables.outputs import Confidence, OutputGradientSize
from theorychecks.statistics import Parts, PartsError

TRAINING = Training(
    MLP(2, TANH, NTK),
    learning_rate=scaled(0.2),
    data=Teacher(dimension=4, outputs=2, samples=4, test_samples=2),
    loss=MSE,
    steps=3,
)
WIDTHS = (64, 128, 256, 512, 1024)


def deferred(seeds=(0, 1), **options):
    return DeferredRun(TRAINING, 8, seeds, 0, **options)


OF_MODELS_ALONE = (observables.Coordinates, observables.DecayTime, observables.GradientNoise)


def of_a_model(seeds=(0, 1)):
    def decaying(module):
        return torch.optim.AdamW(module.parameters(), lr=0.01, weight_decay=0.1)

    return ModuleRun(Trainer(replace(zoo.MODELS["plain"], optimizer=decaying), (8, 16), steps=2), 8, seeds)


@observable
def final_loss(run):
    """Loss after the last step."""
    return run.losses[-1]


@observable
def norms(run):
    return {layer.name: run.weight_norm(k, "frobenius") for k, layer in enumerate(run.layers)}


@observable
def loss_at(run, *, time=0, factor=1.0):
    """Loss at a time, times a factor."""
    return factor * run.losses[time]


def test_a_function_of_a_run_is_an_observable():
    run = deferred()
    ((parts, reading),) = final_loss.read(run).items()
    assert parts == Parts()
    assert torch.equal(reading.values, run.losses[-1])
    assert reading.statuses is None
    assert final_loss.title.endswith("final_loss")
    assert (final_loss.networks, final_loss.retrains, final_loss.times) == (1, False, "ends")


def test_a_function_may_give_several_readings_by_name_or_by_parts():
    assert list(norms.read(deferred())) == [Parts(name=name) for name in ("input", "hidden 2", "output")]
    by_parts = observable(lambda run: {Parts(step=t): run.losses[t] for t in (1, 2)})
    assert [str(parts) for parts in by_parts.read(deferred())] == ["step 1", "step 2"]


def test_a_functions_options_are_part_of_what_it_is():
    assert loss_at(time=2) == loss_at(time=2)
    assert hash(loss_at(time=2)) == hash(loss_at(time=2))
    assert len({loss_at, loss_at(time=2), loss_at(time=1), loss_at(time=2, factor=2.0)}) == 4
    assert loss_at(time=2)(factor=2.0) == loss_at(factor=2.0, time=2)
    assert loss_at(time=0) == loss_at
    run = deferred()
    ((_, reading),) = loss_at(time=2, factor=4.0).read(run).items()
    torch.testing.assert_close(reading.values, 4 * run.losses[2])
    assert [each.title for each in (loss_at, loss_at(factor=2.0, time=2))] == ["loss_at", "loss_at(time=2, factor=2.0)"]


def test_options_that_a_function_does_not_have_or_that_are_no_values_are_refused():
    with pytest.raises(TypeError, match="loss_at has no option 'when'; it has time, factor"):
        loss_at(when=2)
    with pytest.raises(TypeError, match="final_loss has no option 'time'; it has none"):
        final_loss(time=2)
    with pytest.raises(TypeError, match=r"told from others by its options, and unhashable type: 'list'.*tuples"):
        Sweep(loss_at(time=[2]), TRAINING, widths=WIDTHS)


def test_an_option_without_a_default_is_missed_before_anything_is_trained():
    @observable
    def loss_after(run, *, time):
        return run.losses[time]

    run = deferred()
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'time'"):
        loss_after.read(run)
    assert run.tally.trainings == 0
    assert len(loss_after(time=1).read(run)) == 1


def test_equal_options_make_equal_observables_and_others_do_not():
    assert WeightChange("hidden", norm="spectral") == WeightChange(role="hidden", norm="spectral")
    apart = {WeightChange(), WeightChange("hidden"), WeightChange(norm="spectral"), FeatureChange(), OutputChange()}
    assert len(apart) == 5
    # Both have no options at all.
    assert FeatureChange() != OutputChange()
    with pytest.raises(FrozenInstanceError):
        WeightChange().norm = "spectral"


def all_observables():
    """One of each class in the package, with the options that it cannot do without."""
    found = [each for _, each in inspect.getmembers(observables, inspect.isclass)]
    given = {"Alignment": ("effective",), "UpdateSize": ("propagating",), "SpectralSize": ("change",)}
    given |= {"MaxStableLearningRate": ("outputs",), "EnsembleKernelGap": (2,), "Together": ((WeightChange(),),)}
    concrete = [each for each in found if issubclass(each, Observable) and each is not Observable]
    return [each(*given.get(each.__name__, ())) for each in concrete]


@pytest.mark.parametrize("made", all_observables(), ids=lambda each: type(each).__name__)
def test_every_observable_reads_the_parts_that_it_says(made):
    assert made == eval(repr(made), {type(each).__name__: type(each) for each in all_observables()})
    read = made.read(of_a_model() if isinstance(made, OF_MODELS_ALONE) else deferred(kept=made.times))
    assert {name for parts in read for name in parts} == set(made.parts)
    assert {len(reading.values) for reading in read.values()} == {2 // made.networks}
    assert made.title
    assert all(option.name not in ("title", "retrains", "times", "parts") or not option.init for option in fields(made))


def test_all_observables_are_exported():
    # Classes below the interface that modules of the package define; functions of a run are made by the decorator.
    defined = {each.__name__ for each in Observable.__subclasses__() if each.__module__.startswith("theorychecks.")}
    assert {type(each).__name__ for each in all_observables()} == defined - {"FunctionObservable"}


def test_an_observable_sees_the_first_and_the_last_time_or_all():
    times = observable(lambda run: torch.tensor(run.times))
    ((_, ends),) = times.read(deferred()).items()
    ((_, everything),) = times.read(deferred(kept="all")).items()
    assert (ends.values.tolist(), everything.values.tolist()) == ([0, 3], [0, 1, 2, 3])


def test_nothing_is_trained_before_something_trained_is_read():
    run = deferred()
    assert [layer.name for layer in run.layers] == ["input", "hidden 2", "output"]
    assert (run.width, run.steps, run.rate, run.times, run.seeds) == (8, 3, 0.2, (0, 3), (0, 1))
    assert run.tally.trainings == 0
    run.losses, run.outputs(3), run.weight_norm(0, "frobenius")
    assert run.tally.trainings == 2


def test_an_observable_that_trains_again_trains_nothing_besides():
    asked = []

    class Watched(DeferredRun):
        def histories(self, seeds, rate_factors, limits):
            asked.extend(seeds)
            return super().histories(seeds, rate_factors, limits)

    run = Watched(TRAINING, 8, (0, 1), 0)
    MaxStableLearningRate("outputs", limit=10, reach=4).read(run)
    assert run.tally.trainings == len(asked) > 0
    run.outputs(0)
    assert run.tally.trainings == len(asked) + 2


def test_reading_together_trains_once_and_reads_the_same():
    run, apart = deferred(), deferred()
    members = (WeightChange("hidden"), FeatureChange(), final_loss)
    both = Together(members)
    read = both.read(run)
    assert run.tally.trainings == 2
    expected = {
        "relative weight change, hidden 2, frobenius": members[0].read(apart),
        "relative feature change, layer 1": members[1].read(apart),
        "relative feature change, layer 2": members[1].read(apart),
        final_loss.title: members[2].read(apart),
    }
    assert [str(parts) for parts in read] == list(expected)
    for (parts, reading), alone in zip(read.items(), expected.values(), strict=True):
        own = {part: value for part, value in parts.items() if part != "observable"}
        assert torch.equal(reading.values, alone[Parts(own)].values)
    assert both.title == ""
    assert both.parts is None
    assert Together(members[:2]).parts == ("observable", "layer", "role", "norm")


def test_readings_of_one_title_keep_their_parts():
    both = Together([WeightChange(), WeightChange(norm="spectral")])
    assert both.title == "relative weight change"
    assert both.parts == ("layer", "role", "norm")
    assert [str(parts) for parts in both.read(deferred())] == [
        f"{name}, {norm}" for norm in ("frobenius", "spectral") for name in ("input", "hidden 2", "output")
    ]


def test_what_is_read_together_may_be_read_together_with_more():
    inner = Together((WeightChange("output"), FeatureChange()))
    outer = Together((inner, OutputChange()))
    assert [str(parts) for parts in outer.read(deferred())] == [
        "relative weight change, output, frobenius",
        "relative feature change, layer 1",
        "relative feature change, layer 2",
        "output change",
    ]


def test_weights_are_kept_at_all_times_where_one_of_several_reads_them():
    assert Together((OutputChange(), OutputGradientSize())).times == "all"
    assert Together((OutputChange(), FeatureChange())).times == "ends"


@pytest.mark.parametrize(
    "pair",
    [
        (OutputChange(), OutputChange()),
        (WeightChange("hidden"), WeightChange("hidden")),
        (Confidence("train"), Confidence("test")),
        (final_loss, final_loss),
    ],
)
def test_two_observables_with_equal_parts_are_refused_before_anything_is_trained(pair):
    with pytest.raises(PartsError, match=r"two readings have the same parts, of .* and of .*Read one of the two"):
        Together(pair)


def test_two_readings_with_equal_parts_are_refused_with_what_they_are():
    both = Together((WeightChange("hidden"), WeightChange()))
    with pytest.raises(
        PartsError, match=r"the same parts 'hidden 2, frobenius', of WeightChange\(role='hidden'.* and of"
    ):
        both.read(deferred())


def test_members_read_together_have_one_ensemble_size_and_train_once():
    with pytest.raises(ValueError, match="the same number of networks per value"):
        Together((OutputChange(), EnsembleKernelGap(4)))
    with pytest.raises(ValueError, match="trains its networks several times is measured on its own"):
        Together((OutputChange(), MaxStableLearningRate("loss")))
    with pytest.raises(ValueError, match="one at least; got none"):
        Together(())
    with pytest.raises(TypeError, match=r"Together\(\(first, second\)\); got OutputChange\(\)"):
        Together(OutputChange())
    assert Together((EnsembleKernelGap(4),)).networks == 4


def test_what_is_read_together_is_told_apart_by_its_members():
    def scaled_loss(factor):
        @observable
        def one(run):
            return factor * run.losses[-1]

        return one

    first, second = Together((scaled_loss(1.0), final_loss)), Together((scaled_loss(1024.0), final_loss))
    assert first != second
    member = scaled_loss(1.0)
    assert Together((member, final_loss)) == Together([member, final_loss])
    assert Together((WeightChange(), FeatureChange())) == Together((WeightChange(), FeatureChange()))
    assert Together((WeightChange(), FeatureChange())) != Together((FeatureChange(), WeightChange()))


@dataclass(frozen=True)
class ScaledLoss(Observable):
    """A class of one's own."""

    factor: float = 1.0
    title = "scaled loss"

    def read(self, run):
        return {Parts(): Reading(self.factor * run.losses[-1])}


@dataclass
class ThawedLoss(Observable):
    """A class whose objects change."""

    factor: float = 1.0
    title = "thawed loss"

    def read(self, run):
        return {Parts(): Reading(self.factor * run.losses[-1])}


def undecorated(run):
    return run.losses[-1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            WeightChange,
            r"an observable is measured, and WeightChange is a class of them: call it, WeightChange\(\.\.\.\)",
        ),
        (ScaledLoss, r"ScaledLoss is a class of them: call it"),
        (ThawedLoss(), r"unhashable type: 'ThawedLoss': .*Write @dataclass\(frozen=True\) above its class"),
        (undecorated, r"got the function 'undecorated'\. Write @tc\.observable above it if it reads a run"),
        (lambda run: run.losses[-1], r"got the function '<lambda>'"),
        ("weight change", r"like tc\.WeightChange\(\); got 'weight change'"),
        (None, "got None"),
        (Observable, r"got the class Observable\. Write @tc\.observable above a function of a run"),
    ],
)
def test_what_is_no_observable_is_refused_with_what_makes_it_one(given, said):
    with pytest.raises(TypeError, match=said):
        Sweep(given, TRAINING, widths=WIDTHS)
    with pytest.raises(TypeError, match=said):
        Together((OutputChange(), given))


def test_a_class_of_ones_own_is_an_observable():
    assert Sweep(ScaledLoss(), TRAINING, widths=WIDTHS).title == "scaled loss"
    assert ScaledLoss(2.0) == ScaledLoss(factor=2.0) != ScaledLoss()


@pytest.mark.parametrize("given", [MLP(2, TANH, NTK), None, "training"])
def test_a_sweep_trains_a_training(given):
    with pytest.raises(TypeError, match=r"a sweep trains a Training or a Model; got .*Write tc\.Training\("):
        Sweep(OutputChange(), given, widths=WIDTHS)


def test_the_decorator_has_no_parentheses():
    with pytest.raises(TypeError, match=r"got nothing\. Write @tc\.observable above the function, without parentheses"):
        observable()
    with pytest.raises(TypeError, match=r"got OutputChange\(\)"):
        observable(OutputChange())


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, r"the observable .*read has returned None; it returns one number a seed.*Is a `return` missing\?"),
        ({"first": None}, r"has returned 'first': None; .*Is a `return` missing"),
        ("much", "has returned 'much'; it returns one number a seed"),
        (object(), "has returned <object object"),
        (torch.ones(2, dtype=torch.complex64), "complex numbers; .*Take their absolute value"),
        ({3: torch.ones(2)}, r"readings are told apart by a name or by tc\.Parts\(\.\.\.\); got the key 3"),
    ],
)
def test_what_is_no_number_a_seed_is_refused_by_what_was_returned(returned, said):
    def read(run):
        return returned

    with pytest.raises(TypeError, match=said):
        observable(read).read(deferred())


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
        (lambda run: run.weights(3, 0), "no matrix 3"),
        (lambda run: run.weights(0, 2), r"at time 2 were not recorded; recorded are \[0, 3\]"),
        (lambda run: run.apply_initial(5, torch.ones(2, 1, 8)), "no matrix 5"),
        (lambda run: run.apply_change(5, torch.ones(2, 1, 8), 3), "no matrix 5"),
        (lambda run: run.output_gradients(3, 0), "no matrix 3"),
        (lambda run: run.weight_norm(1, "nuclear"), "a norm is 'frobenius' or 'spectral'; got 'nuclear'"),
        (lambda run: run.outputs(0, "validation"), "points are 'train' or 'test'; got 'validation'"),
        (lambda run: run.outputs(2), r"at time 2 were not recorded; recorded are \[0, 3\]. Read time=0 or time=run"),
    ],
)
def test_what_a_run_does_not_have_is_refused_with_what_it_has(read, said, engine):
    with pytest.raises(ValueError, match=said):
        read(deferred(choice=Choice(engine, 8)))


def test_what_an_engine_cannot_answer_is_told_by_one_error():
    run = deferred(choice=Choice("matrix_free", 8))
    with pytest.raises(Unanswerable, match=r"weights of hidden 2 .*Use engine 'dense'"):
        run.weights(1, 0)
    with pytest.raises(Unanswerable, match=r"cannot train one network several times.*retrains = True"):
        MaxStableLearningRate("outputs").read(run)
    assert run.weights(0, 0).shape == (2, 8, 4)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: WeightChange("readout"), "or every for all of them; got 'readout'"),
        (lambda: WeightChange(norm="nuclear"), "a norm is 'frobenius' or 'spectral'; got 'nuclear'"),
        (lambda: Alignment("effective", "readout"), "or every for all of them; got 'readout'"),
        (lambda: Confidence("validation"), "points are 'train' or 'test'; got 'validation'"),
    ],
)
def test_options_are_checked_before_anything_is_trained(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    "at, error, said",
    [
        (1, TypeError, r"coordinates are read at several times, at=\(1, 4\) say; got at=1"),
        ("1", TypeError, r"at several times, at=\(1, 4\) say; got at='1'"),
        ((), ValueError, r"after one step or more, at=\(1, 4\) say; got at=\(\)"),
        ((0,), ValueError, r"a number of steps in at= is a positive integer; got 0"),
    ],
)
def test_coordinates_are_read_after_numbers_of_steps(at, error, said):
    with pytest.raises(error, match=said):
        observables.Coordinates(at)


def test_coordinates_of_equal_times_are_equal_and_later_ones_than_training_has_are_refused():
    assert observables.Coordinates([2, 1, 1]) == observables.Coordinates((1, 2))
    with pytest.raises(ValueError, match=r"\b9\b"):
        observables.Coordinates((9,)).read(of_a_model())


def test_coordinates_share_a_training_with_what_else_is_read():
    run = of_a_model()
    Together((observables.Coordinates((1,)), OutputChange())).read(run)
    assert run.tally.trainings == 2
