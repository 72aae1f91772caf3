"""A quantity is a function read over any axis, with draws that belong to their places and values by keyword."""

import math
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
import torch

import theorychecks as tc
from theorychecks.claims import Recorder, check, check_refuted, recording
from theorychecks.experiment import Resources
from theorychecks.observables import Reading
from theorychecks.statistics import Parts, PartsError
from theorychecks.statistics.statuses import Status

VALUES = (16.0, 32.0, 64.0, 128.0, 256.0)
CLASS = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=16)
HALF = tc.PowerLaw(-1 / 2, corrections=CLASS)


def falling(value, draw):
    """value^-1/2, with some noise."""
    return [value**-0.5 * math.exp(0.03 * draw.rng(seed).normal()) for seed in draw.seeds]


DECLARED = {"along": "samples", "name": "error"}


def over(read=falling, *, values=VALUES, budget=None, seeds=None, root_seed=0, **options):
    """A function over its axis."""
    declared = tc.quantity(**DECLARED | options)(read)
    return declared.over(values, budget=budget, seeds=seeds, root_seed=root_seed)


def test_a_quantity_is_judged_like_a_sweep():
    with recording(Recorder()) as recorder:
        (finding,) = check(over(), HALF)
        (control,) = check_refuted(over(), tc.PowerLaw(-1, corrections=CLASS))
    assert finding.verdict is tc.Verdict.SUPPORTED
    assert finding.looks.taken >= 1
    assert control.verdict is tc.Verdict.REFUTED
    assert recorder.outcome == "pass"
    assert finding.measurement.axis == "samples"
    assert (finding.label, finding.engine) == ("error", "function")
    assert set(finding.measurement.axis_values) <= set(VALUES)


def test_an_axis_other_than_the_width_declares_its_class_before_anything_is_measured():
    asked = []
    with pytest.raises(ValueError, match="the axis 'samples' needs a finite-size class of its own"):
        check(over(lambda value, draw: asked.append(value)), tc.PowerLaw(-1 / 2))
    assert asked == []


def test_draws_belong_to_seed_value_and_root_seed():
    def numbers(value, draw):
        return [draw.rng(seed).random() for seed in draw.seeds]

    def cells(**options):
        return np.array(tc.measure(over(numbers, seeds=8, **options)).measurements[Parts()].values)

    alone = cells()
    assert len(np.unique(alone)) == alone.size
    np.testing.assert_array_equal(cells(), alone)
    assert not np.isin(cells(root_seed=1), alone).any()
    assert not np.isin(
        np.array(tc.measure(over(numbers, seeds=8).redrawn(1)).measurements[Parts()].values), alone
    ).any()
    shared = cells(shared=True)
    assert (shared == shared[0]).all()
    assert len(np.unique(shared[0])) == 8


def test_parts_of_a_draw_are_independent():
    draw = tc.Draw((0, 1), (7,))
    places = [draw.rng(0), draw.rng(0, "noise"), draw.rng(1), draw.rng(1, "noise")]
    assert len({rng.random() for rng in places}) == 4
    assert torch.rand(1, generator=draw.generator(0)) != torch.rand(1, generator=draw.generator(1))
    assert draw.rng(0, "noise").random() == tc.Draw((0,), (7,)).rng(0, "noise").random()


def test_shared_seeds_cancel_what_runs_have_in_common():
    def together(value, draw):
        return [value**-0.5 * math.exp(2.0 * draw.rng(seed).normal()) for seed in draw.seeds]

    with recording(Recorder()):
        (paired,) = check(over(together, shared=True), HALF)
        (alone,) = check(over(lambda value, draw: together(value, draw)), HALF)
    assert paired.verdict is tc.Verdict.SUPPORTED
    assert paired.measurement.shared_seeds
    assert len(set(paired.measurement.seeds)) == 1
    assert alone.verdict is tc.Verdict.INCONCLUSIVE


def test_looks_extend_what_was_read_and_repeat_no_seed():
    asked = []

    def noisy(value, draw):
        asked.extend((value, seed) for seed in draw.seeds)
        return [value**-0.5 * math.exp(draw.rng(seed).normal()) for seed in draw.seeds]

    for shared in (False, True):
        with recording(Recorder()):
            check(over(noisy, cost=1.0, shared=shared), HALF)
        assert len(asked) == len(set(asked))
        asked.clear()


def test_plans_follow_the_declared_cost():
    def noisy(value, draw):
        return [value**-0.5 * math.exp(draw.rng(seed).normal()) for seed in draw.seeds]

    with recording(Recorder()):
        (flat,) = check(over(noisy), HALF)
        (steep,) = check(over(lambda value, draw: noisy(value, draw), cost=3.0), HALF)
    assert len(set(flat.measurement.seeds)) == 1
    assert steep.measurement.seeds[0] > 10 * steep.measurement.seeds[-1]


def test_readings_have_names_and_statuses():
    def two(value, draw):
        runs = len(draw.seeds)
        bounded = Reading(torch.full((runs,), value), (Status.ABOVE,) + (None,) * (runs - 1))
        return {"first": np.full(runs, value), "second": bounded}

    measured = tc.measure(over(two, seeds=4)).measurements
    first, second = Parts(name="first"), Parts(name="second")
    assert list(measured) == [first, second]
    assert measured[first].values[1] == (32.0,) * 4
    assert measured[second].statuses[0] == (Status.ABOVE, *[Status.OK] * 3)


def test_readings_are_selected_by_name_or_by_parts_of_ones_own():
    def three(value, draw):
        runs = np.full(len(draw.seeds), value**-0.5)
        return {"first": runs, Parts(kind="second", step=1): runs, Parts(kind="second", step=2): runs}

    with recording(Recorder()):
        judged = {
            (): [finding.label for finding in check(over(three), HALF)],
            ("name",): [finding.label for finding in check(over(three).of(name="first"), HALF)],
            ("kind",): [finding.label for finding in check(over(three).of(kind="second"), HALF)],
        }
        with pytest.raises(PartsError, match="of 'error' has step=3; there are step=1, 2"):
            check(over(three).of(step=3), HALF)
    assert judged[()] == ["error, first", "error, second, step 1", "error, second, step 2"]
    assert (judged["name",], judged["kind",]) == (judged[()][:1], judged[()][1:])


TRAINING = tc.Training(
    tc.MLP(1, tc.TANH, tc.NTK, centred=True),
    learning_rate=tc.scaled(0.3),
    data=tc.Teacher(dimension=4, samples=4),
    loss=tc.MSE,
    steps=3,
)


def test_trainings_of_one_width_are_read_along_another_axis():
    def moved(value, draw):
        training = tc.Training(
            tc.MLP(1, tc.TANH, tc.NTK, centred=True),
            learning_rate=tc.scaled(0.01 * value),
            data=tc.Teacher(dimension=4, samples=4),
            loss=tc.MSE,
            steps=1,
        )
        return draw.read(tc.WeightChange("output"), training, 64)

    along = {"values": (1.0, 2.0, 4.0, 8.0, 16.0), "along": "learning rate", "name": "weight change", "seeds": 6}
    paired = tc.measure(over(moved, shared=True, **along))
    # One step of gradient descent is linear in its rate.
    moved_output = Parts(layer="output", role="output", norm="frobenius")
    cells = np.array(paired.measurements[moved_output].values)
    np.testing.assert_allclose(cells / cells[0], np.repeat([[1], [2], [4], [8], [16]], 6, axis=1), rtol=1e-4)
    assert paired.trainings == 30
    assert paired.flops > 0
    alone = np.array(tc.measure(over(moved, **along)).measurements[moved_output].values)
    assert len(np.unique(np.round(alone[1] / alone[0], 3))) == 6


def test_values_are_those_of_a_single_reading():
    draw = tc.Draw((0, 1), (7,))
    (reading,) = draw.read(tc.OutputChange(), TRAINING, 8).values()
    assert torch.equal(draw.values(tc.OutputChange(), TRAINING, 8), reading.values)
    with pytest.raises(ValueError, match=r"several readings, 'input, frobenius', .*draw\.read"):
        draw.values(tc.WeightChange(), TRAINING, 8)
    with pytest.raises(TypeError, match="WeightChange is a class of them: call it"):
        draw.read(tc.WeightChange, TRAINING, 8)


def test_trainings_are_read_in_chunks_that_fit_into_memory():
    def loss(value, draw):
        return draw.values(tc.OutputChange(), TRAINING, int(value))

    sizes = {"values": (8.0, 16.0, 64.0), "seeds": 6}
    whole = tc.measure(over(loss, **sizes)).measurements[Parts()]
    from theorychecks.engines import dense

    tight = Resources(memory_budget=2 * dense.cost(TRAINING, 64).bytes)
    chunked = tc.measure(over(loss, **sizes), tight).measurements[Parts()]
    np.testing.assert_allclose(np.array(chunked.values), np.array(whole.values), rtol=1e-3)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"name": ""}, "a quantity has a name and an axis"),
        ({"along": ""}, "a quantity has a name and an axis"),
        ({"values": (2.0, 1.0)}, "samples must increase"),
        ({"values": (0.0, 1.0)}, "must be a positive number"),
        ({"budget": 8, "seeds": 8}, "a budget or seeds, not both"),
        ({"root_seed": 2**32}, "a root seed is a whole number"),
    ],
)
def test_what_is_no_axis_and_no_design_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        over(**options)


@pytest.mark.parametrize("given", [[1.0], [[1.0] * 8] * 8, {}])
def test_a_function_that_gives_no_number_a_seed_is_refused(given):
    with pytest.raises(ValueError, match=r"error (must give one number a seed, shape \(8,\)|reads nothing at all)"):
        tc.measure(over(lambda value, draw: given, seeds=8))


def test_a_single_number_is_that_of_every_seed_and_exact():
    (measurement,) = tc.measure(over(lambda value, draw: value**-0.5, seeds=8)).measurements.values()
    assert measurement.exact == (True,) * len(measurement.axis_values)
    assert set(measurement.values[0]) == {measurement.axis_values[0] ** -0.5}
    (drawn,) = tc.measure(over(lambda value, draw: [value**-0.5] * len(draw.seeds), seeds=8)).measurements.values()
    assert drawn.exact == (False,) * len(drawn.axis_values)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"values": 3.0}, r"the samples axis is a sequence of numbers.*; got 3\.0"),
        ({"values": ("1", "2")}, "the samples axis is made of real numbers; got .* such as '1'"),
        ({"name": 3}, "name, the quantity, is a text, like 'test error'; got 3"),
        ({"along": 3}, "along, the axis, is a text, like 'samples'; got 3"),
    ],
)
def test_options_of_another_type_are_refused(options, words):
    with pytest.raises(TypeError, match=words):
        over(**options)


@pytest.mark.parametrize(
    "given, words",
    [
        (None, "error: a quantity's function returns one number a seed.*; got None. Is a `return` missing?"),
        ({"loss": None}, "error loss: a quantity's function returns one number a seed.*; got None"),
        (["a"] * 8, "error is made of real numbers; got .* such as 'a'"),
        ([1j] * 8, "error is made of real numbers; got complex128 such as 1j"),
    ],
)
def test_a_function_that_gives_no_numbers_is_refused(given, words):
    with pytest.raises(TypeError, match=words):
        tc.measure(over(lambda value, draw: given, seeds=8))


@tc.quantity(along="samples", name="error, {kind}, power {power:g}", about=(("kind", "{kind}"),))
def error(samples, draw, *, kind, power=1.0):
    """samples^-power, with some noise."""
    return [samples**-power * math.exp(0.03 * draw.rng(seed, "noise").normal()) for seed in draw.seeds]


@dataclass(frozen=True)
class Task:
    name: str
    size: int


def test_quantities_are_the_same_if_their_function_and_its_values_are():
    one = error(kind="ridge", power=2.0)
    assert one == error(power=2.0, kind="ridge")
    assert hash(one) == hash(error(power=2.0, kind="ridge"))
    assert error(kind=Task("digits", 4)) == error(kind=Task("digits", 4), power=1.0)
    assert one != error(kind="ridge")
    assert one != error(kind="lasso", power=2.0)
    other = tc.quantity(along="samples")(lambda samples, draw, *, kind, power=1.0: samples)
    assert one != other(kind="ridge", power=2.0)
    assert repr(one) == "error(kind='ridge', power=2.0)"


def test_a_quantity_does_not_change():
    with pytest.raises(FrozenInstanceError):
        error.name = "another"
    with pytest.raises(FrozenInstanceError):
        error(kind="ridge").values = ()


def test_a_quantity_is_read_as_its_function_is():
    draw = tc.Draw((0, 1), (7,))
    assert error(kind="ridge", power=2.0)(16.0, draw) == error.function(16.0, draw, kind="ridge", power=2.0)


def test_equal_quantities_share_what_was_measured_and_others_do_not():
    asked = []

    @tc.quantity(along="samples")
    def counted(samples, draw, *, kind, power=1.0):
        asked.extend((samples, kind, seed) for seed in draw.seeds)
        return [samples**-power] * len(draw.seeds)

    resources = Resources()
    first = tc.measure(counted(kind=Task("digits", 4)).over(VALUES, seeds=4), resources)
    again = tc.measure(counted(power=1.0, kind=Task("digits", 4)).over(VALUES, seeds=6), resources)
    assert [cell[:4] for cell in again.measurements[Parts()].values] == list(first.measurements[Parts()].values)
    assert len(asked) == len(set(asked)) == 6 * len(VALUES)
    tc.measure(counted(kind=Task("digits", 8)).over(VALUES, seeds=6), resources)
    assert len(asked) == 12 * len(VALUES)


@pytest.mark.parametrize(
    ("shared", "numbers"),
    [
        # Recorded when draws first had a place: by root seed, axis, value and seed, or by root seed and seed.
        (False, [[0.842873, 0.276980], [0.342315, 0.565903]]),
        (True, [[0.373065, 0.088164], [0.373065, 0.088164]]),
    ],
)
def test_draws_depend_on_their_place_and_not_on_the_quantity(shared, numbers):
    @tc.quantity(along="samples", shared=shared)
    def drawn(samples, draw, *, kind="any"):
        return [draw.rng(seed).random() for seed in draw.seeds]

    for each in (drawn(), drawn(kind="another")):
        (measurement,) = tc.measure(each.over((16.0, 32.0), seeds=3)).measurements.values()
        np.testing.assert_allclose([cell[:2] for cell in measurement.values], numbers, atol=1e-6)


@pytest.mark.parametrize(
    ("keywords", "title"),
    [
        ({"kind": "ridge"}, "error, ridge, power 1"),
        ({"kind": Task("digits", 4), "power": 0.5}, "error, digits, power 0.5"),
        ({"kind": tc.TANH, "power": 2}, "error, tanh, power 2"),
        ({"kind": None}, "error, None, power 1"),
    ],
)
def test_a_name_tells_the_values_by_their_own_names(keywords, title):
    design = error(**keywords).over(VALUES)
    assert design.title == title
    assert dict(design.setting) == {"kind": title.split(", ")[1]}


def test_a_name_may_ask_for_an_attribute():
    by_size = tc.quantity(along="samples", name="error at {task.size}, {{braces}}")(lambda samples, draw, *, task: 1.0)
    assert by_size(task=Task("digits", 4)).over(VALUES).title == "error at 4, {braces}"


def test_a_quantity_is_called_as_its_function_with_blanks():
    @tc.quantity(along="width")
    def kkt_residual(width, draw):
        return 1.0

    assert kkt_residual.over(VALUES).title == "kkt residual"
    assert kkt_residual.over(VALUES) == kkt_residual().over(VALUES)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({}, r"error\(\) missing a required .*'kind'.*; its keywords are kind, power"),
        ({"kind": "ridge", "scale": 1}, r"error\(\) got an unexpected keyword argument 'scale'; its keywords are kind"),
        ({"kind": ["ridge"]}, r"error\(\) is told from others by .*unhashable type: 'list': kind=\['ridge'\]\. Give"),
    ],
)
def test_keywords_are_those_of_the_function_and_have_a_hash(keywords, words):
    with pytest.raises(TypeError, match=words):
        error(**keywords)


def test_values_come_by_keyword():
    with pytest.raises(TypeError, match=r"error\(\) takes its values by keyword.*got 2 without a keyword"):
        error(16.0, tc.Draw((0,), (7,)))


def test_a_quantity_that_lacks_a_keyword_is_not_read_over_its_axis():
    with pytest.raises(TypeError, match=r"error\(\) missing a required .*'kind'"):
        error.over(VALUES)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (3, r"a quantity is a function of an axis value and a draw, def error\(width, draw, \*, \.\.\.\); got 3"),
        (lambda width: 1.0, r"got <lambda>\(width\)"),
        (lambda width, draw, task: 1.0, r"whatever else by keyword; got <lambda>\(width, draw, task\)"),
        (lambda width, draw, **options: 1.0, r"got <lambda>\(width, draw, \*\*options\)"),
        (lambda width, *draws: 1.0, r"got <lambda>\(width, \*draws\)"),
        (lambda *, width, draw: 1.0, r"got <lambda>\(\*, width, draw\)"),
    ],
)
def test_a_function_of_another_form_is_refused(function, words):
    with pytest.raises(TypeError, match=words):
        tc.quantity(along="samples", name="error")(function)


@pytest.mark.parametrize("name", ["error of {task}", "error of {task.name:g}", "error of {}"])
def test_a_name_that_speaks_of_no_keyword_is_refused(name):
    with pytest.raises(ValueError, match=r"speaks of '(task|)', which is no keyword of <lambda>; there are kind"):
        tc.quantity(along="samples", name=name)(lambda samples, draw, *, kind: 1.0)


def test_a_quantity_has_an_axis():
    with pytest.raises(
        TypeError, match=r"a quantity has an axis; got falling without one\. Write @tc\.quantity\(along="
    ):
        tc.quantity(falling)


@pytest.mark.parametrize("given", [error, error(kind="ridge")])
def test_a_quantity_is_checked_over_its_axis(given):
    with pytest.raises(
        TypeError, match=r"a quantity \.over\(\.\.\.\) its axis, or a Measurement is checked; got .*error"
    ):
        check(given, HALF)


@pytest.mark.parametrize("other", [error, error(kind="ridge")])
def test_a_quantity_is_compared_with_another_over_its_axis(other):
    with pytest.raises(
        TypeError, match=r"is compared with a Sweep, a quantity \.over\(\.\.\.\) its axis, .*got against=.*error"
    ):
        check(error(kind="lasso").over(VALUES), HALF, against=other)


def test_a_design_over_an_axis_has_what_it_was_given():
    design = error(kind="ridge").over(VALUES, budget=32, root_seed=5)
    assert (design.axis, design.axis_values) == ("samples", VALUES)
    assert (design.budget, design.seeds, design.root_seed) == (32, None, 5)
    assert error(kind="ridge").over(VALUES).budget == 16
    assert error(kind="ridge").over(iter(VALUES), seeds=(8, 4, 4, 3, 3)).counts == (8, 4, 4, 3, 3)
    options = {"cost": 2.0, "shared": True, "joint": True, "looks": (0.5, 1.0)}
    declared = tc.quantity(along="samples", **options)(falling).over(VALUES)
    assert declared.costs == tuple(value**2 for value in VALUES)
    assert (declared.shared_seeds, declared.joint, declared.looks) == (True, True, (0.5, 1.0))
