"""A coordinate check passes a model that is parametrised as declared, fails one that is not, and says where."""

import functools
import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import deep, parallel, zoo
from theorychecks.claims import Recorder, recording
from theorychecks.experiment.cells import Block
from theorychecks.gates.budget import Affordable, affordable
from theorychecks.gates.controls import controls
from theorychecks.gates.coordinate_check import checked as checked_under
from theorychecks.gates.coordinate_check import swept
from theorychecks.gates.culprit import Culprit
from theorychecks.gates.diagnosis import diagnose
from theorychecks.judging import Conditions, finding_of
from theorychecks.models.coordinates import Coordinate
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Interval, Layout, Measurement, Verdict
from theorychecks.statistics.measurement import Status

READ_OUT = functools.partial(zoo.Perceptron, readout=zoo.WIDTHS[0] ** -0.5)


def drawn_unevenly(width):
    """Readouts of which some networks draw a ten times larger one than others."""
    return zoo.Perceptron(width, readout=READ_OUT.keywords["readout"] * float(torch.randn(()).mul(2).exp()))


UNEVEN = functools.partial(zoo.perceptron, build=drawn_unevenly)


def under_a_run(model, **conditions):
    """A check as a run makes it, with confirmation on fresh seeds."""
    sweep = swept(model, tc.MAXIMAL_UPDATE, zoo.WIDTHS, steps=3)
    return checked_under(sweep, tc.MAXIMAL_UPDATE, Conditions(**conditions))


def culprits(check):
    return {culprit.where: (culprit.kind, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits}


@pytest.mark.parametrize("build", [zoo.Perceptron, READ_OUT])
def test_a_model_in_maximal_update_passes(build):
    check = checked(zoo.perceptron(build=build), widths=tc.widths(64, 1024))
    assert check.passed, str(check)
    assert not check.diagnosis
    assert {
        "perceptron, second, change, step 3",
        "perceptron, second.weight, effective update, step 3",
        "perceptron, head.weight, effective update, step 3",
        "perceptron, second, propagating update, step 3",
        "perceptron, the model, size, step 3",
    } <= {finding.label for finding in check.findings}


class Branched(zoo.Perceptron):
    """The second layer is a branch, and drawn as a hidden matrix is, n^-1/2, or as an output-like one, 1/n."""

    def __init__(self, width, drawn):
        super().__init__(width, readout=zoo.WIDTHS[0] ** -0.5)
        power = {"hidden": 0.5, "output": 1.0}[drawn]
        nn.init.normal_(self.second.weight, std=zoo.WIDTHS[0] ** (power - 0.5) / width**power)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        return self.multiplier * self.head(x + torch.tanh(self.second(x)))


@pytest.mark.parametrize(
    "drawn, role, wrong",
    [("output", "output", None), ("hidden", "hidden", None), ("output", "hidden", -0.5), ("hidden", "output", 0.5)],
)
def test_a_given_role_is_judged_and_the_other_one_refuted(drawn, role, wrong):
    model = zoo.perceptron(build=functools.partial(Branched, drawn=drawn), roles={"second.weight": role})
    check = checked(model, widths=tc.widths(64, 1024))
    if wrong is None:
        assert check.passed, str(check)
    else:
        assert check.failed
        assert culprits(check)["second"][1] == wrong


def slow_readout(module):
    """A learning rate that falls as n^-1/2, of a readout whose changes are judged from above only."""
    optimizer, ratio = zoo.scaled_adam(module), module.second.weight.shape[0] / zoo.WIDTHS[0]
    optimizer.param_groups[-1]["lr"] *= ratio**-0.5
    return optimizer


BROKEN = {
    "readout learning rate": ({"optimizer": slow_readout}, {"head.weight": ("learning rate", -0.5)}),
    "hidden learning rate": (
        {"optimizer": functools.partial(zoo.scaled_adam, hidden=0.0)},
        {"second.weight": ("learning rate", 1)},
    ),
    "hidden learning rate by a half": (
        {"optimizer": functools.partial(zoo.scaled_adam, hidden=-0.5)},
        {"second.weight": ("learning rate", 0.5)},
    ),
    "input learning rate": (
        {"optimizer": functools.partial(zoo.scaled_adam, input=-0.5)},
        {"first.weight": ("learning rate", -0.5)},
    ),
    "readout init": (
        {"build": lambda width: zoo.Perceptron(width, readout=(width / zoo.WIDTHS[0]) ** 0.5)},
        {"head": ("init", 0.5)},
    ),
    "multiplier": (
        {"build": functools.partial(zoo.Perceptron, readout=zoo.WIDTHS[0] ** -0.5, multiplier=False)},
        {"head": ("multiplier", 1)},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_failed_and_the_culprit_named(name):
    changes, expected = BROKEN[name]
    check = checked(zoo.perceptron(**{"build": READ_OUT} | changes), steps=1)
    assert check.failed
    assert expected.items() <= culprits(check).items(), str(check)


def test_the_message_says_what_where_and_by_how_much():
    model = zoo.perceptron(optimizer=functools.partial(zoo.scaled_adam, hidden=0.0))
    with pytest.raises(tc.ClaimFailure) as failure:
        tc.coordinate_check(model, tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3)
    assert "learning rate of `second.weight` too large by n^1 (n^" in str(failure.value)
    assert "; multiply it by base/width)" in str(failure.value)
    assert "coordinates scale otherwise than predicted" in str(failure.value)


@pytest.mark.parametrize(
    ("kind", "exponent", "axis", "advice"),
    [
        ("learning rate", 1.0, "width", "multiply it by base/width)"),
        ("learning rate", -0.5, "width", "multiply it by (width/base)^(1/2))"),
        ("init", 0.46, "width", "multiply its std by (base/width)^(1/2))"),
        ("multiplier", 0.5, "depth", "multiply it by (base/depth)^(1/2))"),
    ],
)
def test_a_culprit_says_by_what_to_multiply(kind, exponent, axis, advice):
    shown = Moment(Coordinate("fc", "size"), 0)
    assert str(Culprit(kind, "fc", exponent, Interval(0.4, 0.6), shown, ("fc",), axis=axis)).endswith(advice)


def test_a_check_that_decides_nothing_does_not_pass():
    said = r"perceptron: undecided: \d+ of \d+ coordinates are open, \d+ scale as predicted, and none is known to scale"
    for gate in (tc.coordinate_check, tc.coordinate_check_refuted):
        with pytest.raises(tc.ClaimUndecided, match=rf"{said} otherwise\n- undecided: perceptron, .*-limited: "):
            gate(UNEVEN(), tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3, seeds=3)


def test_a_control_is_refuted_or_fails():
    broken = zoo.perceptron(optimizer=functools.partial(zoo.scaled_adam, hidden=0.0))
    recorder = Recorder(conditions=Conditions())
    with recording(recorder):
        found = tc.coordinate_check_refuted(broken, tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3)
    assert found.failed
    assert {(finding.role, finding.outcome) for finding in recorder.findings} == {("control", "pass")}
    assert "learning rate of `second.weight`" in recorder.notes[0]
    with pytest.raises(tc.ClaimFailure, match="a control must be refuted"):
        tc.coordinate_check_refuted(zoo.perceptron(), tc.MAXIMAL_UPDATE, widths=WIDER, steps=3)


WIDER = tc.widths(32, 512)


@pytest.mark.parametrize(
    "model, outcome, said",
    [
        (zoo.perceptron, "fail", "every coordinate scales as predicted, and on fresh"),
        (UNEVEN, "inconclusive", "no coordinate is clear"),
    ],
)
def test_a_control_that_passes_fails_and_an_undecided_one_is_open(model, outcome, said):
    recorder = Recorder(conditions=Conditions())
    with recording(recorder):
        tc.coordinate_check_refuted(model(), tc.MAXIMAL_UPDATE, widths=WIDER, steps=3, seeds=6)
    (finding,) = recorder.findings
    assert (finding.role, finding.outcome) == ("control", outcome)
    assert said in finding.reason


def test_a_control_that_passes_but_not_on_fresh_seeds_is_open():
    passing = checked(zoo.perceptron(), widths=WIDER)
    open_one = checked(UNEVEN(), widths=WIDER, seeds=6)
    assert passing.passed
    assert not open_one.passed
    (finding,) = controls(passing.findings, lambda: open_one.findings)
    assert finding.outcome == "inconclusive"


def ntk_sgd(module):
    return torch.optim.SGD(module.parameters(), lr=0.5)


class Scaled(nn.Linear):
    """A layer in NTK parametrization: entries of order one, and a multiplier of its own."""

    def forward(self, x):
        return super().forward(x) * self.in_features**-0.5


class Lazy(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            Scaled(5, width, bias=False),
            nn.Tanh(),
            Scaled(width, width, bias=False),
            nn.Tanh(),
            Scaled(width, 3, bias=False),
        )
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, x):
        return self.layers(x)


def test_lazy_training_is_lazy_and_no_maximal_update():
    lazy = zoo.perceptron(build=Lazy, optimizer=ntk_sgd, name="lazy")
    widths = tc.widths(64, 1024)
    assert not checked(lazy, tc.NTK, widths=widths).failed
    against = checked(lazy, tc.MAXIMAL_UPDATE, widths=widths)
    refuted = {finding.label: finding for finding in against.findings if finding.outcome == "fail"}
    assert refuted["lazy, layers.4, size, step 0"].exponent == pytest.approx(0, abs=0.1)
    assert checked(zoo.perceptron(), tc.NTK, widths=widths).failed


class Inverted(zoo.Perceptron):
    """Its multiplier stands before the readout."""

    def forward(self, x):
        return self.head(self.multiplier * torch.tanh(self.second(torch.tanh(self.first(x)))))


def test_a_multiplier_before_the_readout_is_none_of_its_offences():
    broken = checked(
        zoo.perceptron(build=lambda width: Inverted(width, readout=(width / zoo.WIDTHS[0]) ** 0.5)), steps=1
    )
    assert culprits(broken)["head"] == ("init", 0.5)


class Normalised(nn.Module):
    """A batch normalisation takes the bias before it out, of which Adam makes a walk of rounding errors."""

    def __init__(self, width):
        super().__init__()
        self.first, self.norm = nn.Linear(5, width), nn.BatchNorm1d(width)
        self.head = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(self, x):
        return self.head(torch.tanh(self.norm(self.first(x)))) * zoo.WIDTHS[0] / self.head.in_features


def test_a_scalar_readout_and_a_cancelled_bias_fail_no_correct_model():
    adam = functools.partial(torch.optim.Adam, lr=3e-3)
    model = zoo.perceptron(
        build=Normalised, optimizer=lambda m: adam(m.parameters()), batches=zoo.pairs(outputs=1, samples=16)
    )
    check = checked(model, widths=tc.widths(64, 1024))
    assert not check.failed, str(check)
    assert check.cancelled == ("first.bias",)
    assert "not judged: first.bias, which whatever follows takes out again" in str(check)


def test_a_multiplier_explains_the_updates_of_weight_and_bias():
    class Biased(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first, self.second = nn.Linear(5, width), nn.Linear(width, width)
            self.head = nn.Linear(width, 3, bias=False)
            nn.init.normal_(self.second.bias, std=0.3)
            self.factor = (width / zoo.WIDTHS[0]) ** 0.5
            self.second.register_forward_hook(lambda _part, _given, output: self.factor * output)
            nn.init.zeros_(self.head.weight)

        def forward(self, x):
            x = torch.tanh(self.second(torch.tanh(self.first(x)))) * zoo.WIDTHS[0] / self.head.in_features
            return self.head(x)

    def adam(module):
        ratio = module.second.weight.shape[0] / zoo.WIDTHS[0]
        others = [p for name, p in module.named_parameters() if name != "second.weight"]
        return torch.optim.Adam([{"params": others}, {"params": [module.second.weight], "lr": 3e-3 / ratio}], lr=3e-3)

    found = checked(zoo.perceptron(build=Biased, optimizer=adam), steps=2)
    assert culprits(found)["second"] == ("multiplier", 0.5)
    assert {"second.weight", "second.bias"}.isdisjoint(culprits(found)), str(found)


def test_by_plain_gradients_what_follows_from_an_init_is_in_doubt():
    def sgd(module):
        ratio = module.second.weight.shape[0] / zoo.WIDTHS[0]
        others = [module.first.weight, module.head.weight]
        return torch.optim.SGD([{"params": others, "lr": 0.05 * ratio}, {"params": [module.second.weight]}], lr=0.05)

    init = {"build": lambda width: zoo.Perceptron(width, readout=(width / zoo.WIDTHS[0]) ** 0.5)}
    multiplier = {"build": functools.partial(zoo.Perceptron, readout=0.25, multiplier=False)}
    for kind, broken in (("init", init), ("multiplier", multiplier)):
        first, *others = checked(zoo.perceptron(**broken, optimizer=sgd), steps=1).diagnosis.culprits
        assert (first.kind, first.where) == (kind, "head")
        assert {(culprit.kind, culprit.sure) for culprit in others} == {("learning rate", False)}
        assert "perhaps learning rate of" in str(others[0])


def test_standard_is_nothing_that_can_be_declared():
    with pytest.raises(ValueError, match=r"takes tc\.MAXIMAL_UPDATE or tc\.NTK; got 'standard'"):
        tc.coordinate_check(zoo.perceptron(), tc.STANDARD, widths=zoo.WIDTHS)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"widths": (16, 32)}, "at least"),
        ({"widths": (4, 8, 16, 32, 64, 128)}, "no small correction at 4"),
        ({"widths": (16.5, 32, 64, 128, 256)}, "a width"),
        ({"steps": 0}, "steps"),
        ({"at": (5,)}, r"after 1 to steps=3 steps; got \(5,\)"),
        ({"seeds": 1}, "seeds"),
    ],
)
def test_a_design_that_cannot_decide_is_refused_before_anything_is_built(options, said):
    def never(width):
        raise AssertionError

    with pytest.raises((ValueError, TypeError), match=said):
        tc.coordinate_check(
            zoo.perceptron(build=never), tc.MAXIMAL_UPDATE, **{"widths": zoo.WIDTHS, "steps": 3} | options
        )


@pytest.mark.parametrize("widths", [(16, 24, 32, 48, 64, 96, 128), (16, 32, 48, 64, 96, 128)])
def test_every_list_of_widths_that_is_admitted_is_judged(widths):
    for gate in (checked(zoo.perceptron(), widths=widths), checked(zoo.perceptron(), widths=widths, seconds=1.0)):
        assert gate.findings
        assert not gate.failed


def test_a_time_budget_that_is_too_short_says_what_it_takes():
    check = checked(zoo.perceptron(), seconds=1e-3)
    (finding,) = check.findings
    assert finding.outcome == "inconclusive"
    assert "a verdict needs 4" in finding.reason
    assert "--theory-budget=" in finding.reason


def test_a_time_budget_that_is_too_short_records_what_was_measured():
    model = zoo.perceptron(build=READ_OUT)
    (finding,) = checked(model, seconds=1e-3).findings
    measured = finding.measurement
    # The narrowest width is clear enough.
    assert measured.axis_values == (zoo.WIDTHS[0],)
    read = examined(model, seeds=3).measurements[Moment(Coordinate("first", "size"), 0)]
    assert finding.label == "perceptron, first, size, step 0"
    assert measured.values == read.values[:1]
    assert finding.exponent is None
    assert finding.judgement.remedy.limited_by == "time"


READOUT_ALONE = {"first*": "unchecked", "second*": "unchecked", "": "unchecked"}


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (zoo.perceptron(), {}),
        (zoo.perceptron(build=READ_OUT, roles=READOUT_ALONE), {}),
        (deep.perceptron(), {"parametrization": tc.COMPLETE_P, "widths": (4, 8, 16, 32, 64)}),
        (parallel.attending(), {"widths": parallel.NUMBERS}),
    ],
)
def test_a_time_budget_that_is_too_short_shows_what_is_predicted_of_what_was_measured(model, options):
    (short,) = checked(model, **options, seconds=1e-3).findings
    (whole,) = [finding for finding in checked(model, **options).findings if finding.label == short.label]
    assert (short.expectation, short.predicted) == (whole.expectation, whole.predicted)


@pytest.mark.parametrize("seconds", [None, 1e-3])
def test_a_model_of_which_nothing_is_predicted_is_refused_whatever_the_time(seconds):
    with pytest.raises(tc.ModelError, match="nothing is predicted of any coordinate; its roles leave all unchecked"):
        checked(zoo.perceptron(roles={"*": "unchecked"}), seconds=seconds)


def test_a_time_budget_buys_seeds_and_widths():
    model = examined(zoo.perceptron())
    short, long = (affordable(model, seconds) for seconds in (1.0, 20.0))
    assert long.enough
    assert long.widths == len(zoo.WIDTHS)
    assert short.budget < long.budget
    assert max(long.needed) < 20


@pytest.fixture
def timed(monkeypatch):
    """What a time buys where trainings take as long as one says, and how much of it is spent on finding that out."""
    module, seconds_of, spent = importlib.import_module("theorychecks.gates.budget"), {}, []

    def observed(_, cell, __):
        spent.append(cell.count * seconds_of[cell.axis_value])
        return [Block({}, seeds=cell.count, seconds=spent[-1], flops=0.0, trainings=cell.count)]

    monkeypatch.setattr(module, "observed", observed)

    def found(seconds, given):
        seconds_of.update(zip(map(float, zoo.WIDTHS), given, strict=True))
        spent.clear()
        return affordable(examined(zoo.perceptron()), seconds), sum(spent) / seconds

    return found


LONG = 1e6
FEWEST = 4
"""Models at each width that a verdict needs, and twice as many with a failure's confirmation."""


def taking(share, power):
    """Seconds of a training at each width, of which the smallest design takes such a share of a long time."""
    shape = [width**power for width in zoo.WIDTHS]
    return [share * LONG * each / (2 * FEWEST * sum(shape)) for each in shape]


@pytest.mark.parametrize("power", [1, 1.5, 2])
@pytest.mark.parametrize(("share", "most"), [(3, 1 / 4), (10, 1 / 4), (30, 2 / 5)])
def test_little_of_a_time_budget_is_spent_on_finding_it_too_short(timed, share, most, power):
    bought, spent = timed(LONG, taking(share, power))
    assert not bought.enough
    assert spent < most
    least, longest = bought.needed
    assert least <= 1.01 * share * LONG <= 1.02 * longest


@pytest.mark.parametrize("power", [0, 1, 2])
def test_a_time_budget_that_is_long_enough_is_known_to_be(timed, power):
    bought, spent = timed(LONG, taking(0.9, power))
    assert bought.enough
    assert bought.confirms
    assert bought.widths == len(zoo.WIDTHS)
    assert spent < 1 / 2


@pytest.mark.parametrize("power", [0, 1, 2])
def test_a_time_budget_without_room_for_a_confirmation_is_enough_for_a_pass(timed, power):
    bought, _ = timed(LONG, taking(1.9, power))
    assert bought.enough
    assert not bought.confirms
    assert bought.widths == len(zoo.WIDTHS)
    assert FEWEST <= bought.budget < 2 * FEWEST


@pytest.mark.parametrize("confirms", [True, False])
def test_a_failure_that_there_is_no_time_to_confirm_stays_open_and_a_pass_stands(monkeypatch, confirms):
    gate = importlib.import_module("theorychecks.gates.coordinate_check")
    monkeypatch.setattr(gate, "affordable", lambda *_: Affordable(5, 8, confirms, (50.0, 100.0), (3,) * 5))
    good = checked(zoo.perceptron(), seconds=60.0)
    assert good.passed, str(good)
    bad = under_a_run(zoo.perceptron(optimizer=zoo.adam), seconds=60.0)
    assert bad.failed == confirms
    said = "fresh seeds have to confirm it, for which there is no time: give --theory-budget=150s"
    assert any(said in finding.reason for finding in bad.undecided) == (not confirms)


@pytest.mark.parametrize("place", range(1, len(zoo.WIDTHS)))
def test_a_width_that_takes_twice_as_long_by_chance_does_not_make_a_time_budget_too_short(timed, place):
    times = taking(1 / 4, 0)
    times[place] *= 2
    assert timed(LONG, times)[0].enough


def test_a_time_budget_drops_no_width_that_a_verdict_needs():
    widths = (16, 20, 26, 32, 45, 64, 90, 128, 181, 256)
    found = affordable(examined(zoo.perceptron(), widths=widths), 0.01)
    # All are too many, and those that are left span what an interval needs.
    assert found.widths < len(widths)
    kept = Layout(axis_values=widths[: found.widths], seeds=[4] * found.widths)
    tc.PowerLaw(0, within=0.15, rival=0.5).admit(kept)
    assert not found.enough


def test_every_call_of_a_reused_layer_is_judged():
    model = zoo.perceptron(build=zoo.Reused, optimizer=zoo.adam)
    labels = [finding.label for finding in checked(model).findings]
    assert len(set(labels)) == len(labels)
    assert {
        "perceptron, again.weight, effective update, step 3",
        "perceptron, again.weight, again (call 2), effective update, step 3",
        "perceptron, again.weight, again (call 3), effective update, step 3",
    } <= set(labels)


def test_a_diagnosis_names_coordinates_as_their_findings_do():
    check = checked(zoo.perceptron(build=zoo.Reused, optimizer=zoo.adam))
    named = [check.diagnosis.first, *(culprit.first for culprit in check.diagnosis.culprits)]
    labels = [finding.label.removeprefix("perceptron, ") for finding in check.findings]
    assert set(map(str, named)) <= set(labels)
    assert [str(Moment.of(moment.parts)) for moment in named] == [str(moment.parts) for moment in named]


@pytest.mark.slow
def test_a_correct_model_is_hardly_ever_failed():
    """Of fifty master seeds at most one."""
    failed = [seed for seed in range(50) if checked(zoo.perceptron(), seed=seed).failed]
    assert len(failed) <= 1


class Listed(nn.Module):
    """Layers in a list, as `nn.Sequential` names them: numbers that say nothing of their roles."""

    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(5, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 3)
        )

    def forward(self, x):
        return self.net(x)


def test_layers_that_differ_in_sign_or_power_are_named_apart():
    def sgd(module):
        return torch.optim.SGD(module.parameters(), lr=0.1)

    found = checked(zoo.perceptron(build=Listed, optimizer=sgd), widths=tc.widths(64, 1024), steps=1)
    blamed = culprits(found)
    assert blamed["net.0.weight"] == ("learning rate", -0.5)
    assert blamed["net.4.weight"] == ("learning rate", 1)
    assert blamed["net.2.weight"] == ("learning rate", 0.5)
    assert not any("weight" in where and "*" in where for where in blamed), str(found)


class Stacked(nn.Module):
    """Hidden layers in a list of their own: a star names them all, and them alone."""

    def __init__(self, width):
        super().__init__()
        self.first, self.head = nn.Linear(5, width, bias=False), nn.Linear(width, 3, bias=False)
        self.layers = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(3))
        self.multiplier = zoo.WIDTHS[0] / width
        for layer in (self.first, *self.layers):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        nn.init.normal_(self.head.weight, std=0.25)

    def forward(self, x):
        x = self.first(x)
        for layer in self.layers:
            x = x + torch.tanh(layer(x)) / 2
        return self.multiplier * self.head(x)


@pytest.mark.parametrize(
    "scaled, where",
    [((), "layers.*.weight"), ((1,), "layers.0.weight, layers.2.weight"), ((0, 2), "layers.1.weight")],
)
def test_a_star_stands_for_what_is_off_and_nothing_else(scaled, where):
    def adam(module):
        ratio = module.first.out_features / zoo.WIDTHS[0]
        right = [module.layers[k].weight for k in scaled]
        others = [p for p in module.parameters() if all(p is not other for other in right)]
        return torch.optim.Adam([{"params": others}, {"params": right, "lr": 3e-3 / ratio}], lr=3e-3)

    found = checked(zoo.perceptron(build=Stacked, optimizer=adam), steps=1)
    assert culprits(found) == {where: ("learning rate", 1)}, str(found)
    assert all(f"`{name}`" in str(found) for name in where.split(", "))


def of_power(power):
    """Eight runs at each width that scatter by some per cent."""
    noise = np.random.default_rng(0).normal(scale=0.03, size=(len(zoo.WIDTHS), 8))
    values = tuple(tuple(width**power * np.exp(cell)) for width, cell in zip(zoo.WIDTHS, noise, strict=True))
    return Measurement(
        axis="width",
        axis_values=tuple(map(float, zoo.WIDTHS)),
        values=values,
        statuses=((Status.OK,) * 8,) * len(zoo.WIDTHS),
        name="made up",
    )


def test_what_keeps_below_a_bound_is_not_blamed():
    """Attention logits of zeros are what many a transformer starts from, and no bound is missed by being small."""
    attentive = examined(zoo.MODELS["attentive"])
    logits = Moment(Coordinate("attention attention logits", "size"), 0)
    bound = tc.UpperBound(-0.5, within=0.15, rival=0.0)
    for power, blamed in ((-2.0, []), (0.5, ["multiplier"])):
        refuted = replace(bound.judge(of_power(power)), verdict=Verdict.REFUTED, p_value=0.0)
        found = finding_of(refuted, bound, str(logits))
        assert [culprit.kind for culprit in diagnose(attentive, {logits: found}).culprits] == blamed


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW])
def test_an_epsilon_and_a_decay_are_told_from_learning_rates(optimizer):
    def with_options(module, **options):
        ratio = module.second.weight.shape[0] / zoo.WIDTHS[0]
        groups = [{"params": [module.first.weight, module.head.weight]}]
        hidden = {"params": [module.second.weight], "lr": 3e-3 / ratio}
        if "weight_decay" in options:
            hidden["weight_decay"] = options.pop("weight_decay") * ratio**2
        return optimizer([*groups, hidden], lr=3e-3, **options)

    wrong = {"epsilon": {"eps": 1.0}}
    if optimizer is torch.optim.AdamW:
        wrong["weight decay"] = {"weight_decay": 1.0}
    for kind, options in wrong.items():
        broken = zoo.perceptron(build=READ_OUT, optimizer=functools.partial(with_options, **options))
        found = checked(broken, steps=2)
        assert found.failed
        assert {culprit.kind for culprit in found.diagnosis.culprits} == {kind}, str(found)
        assert f"{kind} of the optimizer too large for" in str(found)
    right = checked(zoo.perceptron(build=READ_OUT, optimizer=functools.partial(zoo.scaled_adam, hidden=0.0)), steps=1)
    assert {culprit.kind for culprit in right.diagnosis.culprits} == {"learning rate"}
