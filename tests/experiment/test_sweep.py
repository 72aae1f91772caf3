"""A sweep is a checked description that can be varied and extended."""

import pytest

import theorychecks as tc
from theorychecks.experiment import Sweep
from theorychecks.networks import MLP, MSE, NTK, RELU, STANDARD, Teacher, Training, scaled
from theorychecks.observables import OutputChange, Together, WeightChange
from theorychecks.statistics import Parts, PartsError

TRAINING = Training(MLP(2, RELU, STANDARD), learning_rate=scaled(0.2, width=-1), data=Teacher(), loss=MSE, steps=2)


def sweep(**options):
    return Sweep(WeightChange(), TRAINING, **{"widths": (8, 16, 64)} | options)


def test_a_sweep_is_a_value():
    assert sweep(seeds=8) == sweep(widths=[8, 16, 64], seeds=(8, 8, 8))
    assert hash(sweep()) == hash(sweep())
    assert sweep() != sweep(root_seed=1)
    assert sweep() != sweep(seeds=9)
    assert sweep(seeds=8).counts == (8, 8, 8)


def test_a_sweep_has_a_budget_unless_it_has_seeds():
    assert sweep().budget == 16
    assert sweep().seeds is None
    assert sweep(budget=5).counts == (5, 5, 5)
    assert sweep(seeds=9).budget is None
    assert sweep(seeds=9).with_budget(4) == sweep(budget=4)
    assert sweep(budget=4).with_seeds(9) == sweep(seeds=9)
    with pytest.raises(ValueError, match="a budget or seeds, not both; got budget=4 and seeds=9"):
        sweep(budget=4, seeds=9)
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="a budget, in networks at every width, is a positive integer; got"):
            sweep(budget=wrong)


def test_a_sweep_is_cut_to_a_plan_and_redrawn_in_blocks():
    assert sweep(widths=(8, 16, 64, 256)).on((9, 5, 3)) == sweep(seeds=(9, 5, 3))
    assert sweep().on((9, 5, 3)) == sweep(seeds=(9, 5, 3))
    assert sweep(root_seed=3).redrawn(0) == sweep(root_seed=3)
    assert sweep(root_seed=3).redrawn(2).drawn_from == 2 * 2**32 + 3
    assert sweep(root_seed=3).redrawn(2).redrawn(1) == sweep(root_seed=3, block=3)
    assert sweep(seeds=(9, 5, 3)).counts == (9, 5, 3)


@pytest.mark.parametrize(
    "widths, message",
    [
        ((), "one width or more; got none"),
        ((64, 32, 512), "must increase"),
        ((64, 64, 512), "must increase"),
        ((0, 64), "a width is a positive integer; got 0"),
        ((8.0, 64), "a width is a positive integer; got 8.0"),
        ((True, 64), "a width is a positive integer; got True"),
    ],
)
def test_widths_that_are_none_are_refused(widths, message):
    with pytest.raises(ValueError, match=message):
        sweep(widths=widths)


@pytest.mark.parametrize(
    "widths, message",
    [
        ((64,), "several widths"),
        ((64, 128, 256), r"at least a factor of 8 to fit an exponent; got 64..256. Try 64..2048"),
    ],
)
def test_widths_that_can_fit_no_exponent_are_measured_by_hand_and_never_judged(widths, message):
    assert set(tc.measure(sweep(widths=widths, seeds=3)).measurements)
    with pytest.raises(ValueError, match=message):
        tc.check(sweep(widths=widths), tc.PowerLaw(0))


@pytest.mark.parametrize(
    "seeds, message",
    [
        (2, "at least 3"),
        (0, "positive integer; got 0"),
        ((8, 8), "one for each of 3"),
        ((8, 8, 2), "at least 3"),
        (True, "got True"),
    ],
)
def test_seeds_too_few_for_an_interval_are_refused(seeds, message):
    with pytest.raises(ValueError, match=message):
        sweep(seeds=seeds)


@pytest.mark.parametrize("root_seed", [-1, 0.5, True, 2**32])
def test_a_root_seed_is_a_whole_number(root_seed):
    with pytest.raises(ValueError, match=rf"a root seed is a whole number from 0 to 2\^32 - 1; got {root_seed!r}"):
        sweep(root_seed=root_seed)


READINGS = [
    Parts(layer=layer, role=layer.split()[0], norm=norm)
    for norm in ("frobenius", "spectral")
    for layer in ("input", "hidden 2", "hidden 3", "output")
]


def chosen(**parts):
    return [str(reading) for reading in sweep().of(**parts).select(READINGS)]


def test_readings_are_selected_by_their_parts():
    assert sweep().select(READINGS) == READINGS
    assert chosen(role="hidden", norm="spectral") == ["hidden 2, spectral", "hidden 3, spectral"]
    assert chosen(layer="hidden 3", norm="frobenius") == ["hidden 3, frobenius"]
    assert chosen(role=("output", "input"), norm="spectral") == ["input, spectral", "output, spectral"]
    assert sweep().of(role="hidden").of(role="output") == sweep().of(role="output")
    assert sweep().of(role="hidden").of() == sweep()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"role": "hiden"}, r"'relative weight change' has role='hiden'; there are role='input', 'hidden', 'output'"),
        ({"role": ("hidden", "readout")}, "has role='readout'; there are role='input', 'hidden', 'output'"),
        (
            {"layer": "hidden 2", "role": "output"},
            "has layer='hidden 2' and role='output' at once; there are 'input, f",
        ),
    ],
)
def test_values_that_no_reading_has_are_refused_with_those_that_there_are(parts, said):
    with pytest.raises(PartsError, match=said):
        chosen(**parts)


def test_parts_that_an_observable_does_not_have_are_refused_before_anything_is_measured():
    with pytest.raises(PartsError, match="has rol='hidden'; there are the parts layer, role, norm"):
        sweep().of(rol="hidden")
    with pytest.raises(PartsError, match="of 'output change' has role='hidden'; its only reading has no parts"):
        sweep().with_observable(OutputChange()).of(role="hidden")
    both = sweep().with_observable(Together((OutputChange(), WeightChange())))
    assert both.of(observable="output change").title == ""
    with pytest.raises(
        PartsError, match="of 'the sweep' has step=1; there are the parts observable, layer, role, norm"
    ):
        both.of(step=1)


def test_another_parametrization_keeps_everything_but_the_rates_exponents():
    moved = sweep().of(role="hidden").under(NTK)
    assert moved.training == TRAINING.under(NTK)
    assert moved.training.learning_rate == scaled(0.2)
    assert (moved.widths, moved.seeds) == (sweep().widths, sweep().seeds)
    assert moved.selection == sweep().of(role="hidden").selection
    assert sweep().under(NTK, learning_rate=scaled(0.1)).training.learning_rate == scaled(0.1)


def test_trainings_and_observables_are_replaced():
    assert sweep().with_training(steps=5).training.steps == 5
    with pytest.raises(ValueError, match="steps is a whole number"):
        sweep().with_training(steps=-1)
    other = sweep().of(role="hidden").with_observable(OutputChange())
    assert other.observable == OutputChange()
    assert other.selection == ()


def test_wider_goes_on_at_the_upper_end_with_the_last_number_of_seeds():
    assert sweep(seeds=(9, 5, 3)).wider(2).widths == (8, 16, 64, 256)
    assert sweep(seeds=(9, 5, 3)).wider(2).counts == (9, 5, 3, 3)
    assert sweep(widths=(8, 16, 32, 64)).wider(1).widths == (8, 16, 32, 64, 128)
    assert sweep().wider(0) == sweep()


@pytest.mark.parametrize("widths", [64, None, "64"])
def test_a_single_width_is_refused_with_how_several_are_written(widths):
    with pytest.raises(
        TypeError, match=rf"widths are several, such as widths=tc\.widths\(64, 1024\).*; got {widths!r}"
    ):
        sweep(widths=widths)
