"""Models that use the layers and optimizers of the package mup are gated as they are, and its coordinates agree."""

import functools
import importlib
import sys
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates import under_check
from tests.installed import installed
from theorychecks.engines.module import Trainer
from theorychecks.gates.coordinate_check import BUDGET
from theorychecks.models.coordinates import SIZE, Coordinate
from theorychecks.observables.coordinates import Moment

PACKAGE = "mup==1.0.0"
WIDTHS = tc.widths(64, 1024)
STEPS, RATE = 3, 5e-3
TIMES = (1, STEPS - 1, STEPS)
LABELS = torch.arange(16) % 4
INPUTS = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="session")
def mup(tmp_path_factory):
    target = installed(tmp_path_factory, PACKAGE)
    sys.path.insert(0, target)
    with warnings.catch_warnings():
        # It is older than the Python it is imported by.
        warnings.simplefilter("ignore")
        importlib.import_module("mup.coord_check")
        yield importlib.import_module("mup")
    sys.path.remove(target)


class Classifier(nn.Module):
    def __init__(self, width, readout=nn.Linear):
        super().__init__()
        self.first, self.second = nn.Linear(8, width), nn.Linear(width, width)
        self.head = readout(width, 4)

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


def in_mup(mup):
    def build(width):
        module, base, delta = (Classifier(n, mup.MuReadout) for n in (width, 64, 128))
        mup.set_base_shapes(module, base, delta=delta)
        return module

    return build


def model(mup, *, maximal):
    build = in_mup(mup) if maximal else Classifier
    optimizer = mup.MuAdam if maximal else torch.optim.Adam
    return tc.Model(
        build,
        lambda module: optimizer(module.parameters(), lr=RATE),
        [(INPUTS, LABELS)] * STEPS,
        loss=F.cross_entropy,
        name="classifier",
    )


def checked(model, **options):
    return under_check.checked(model, **({"widths": WIDTHS, "steps": STEPS, "at": TIMES} | options))


def test_what_mup_scales_passes_and_what_it_does_not_fails(mup):
    passed = checked(model(mup, maximal=True))
    assert passed.passed, str(passed)
    failed = checked(model(mup, maximal=False))
    assert failed.failed
    kinds = {(culprit.kind, culprit.where, round(culprit.exponent)) for culprit in failed.diagnosis.culprits}
    assert ("learning rate", "second.weight", 1) in kinds, str(failed)


@pytest.mark.parametrize("maximal", [True, False])
def test_exponents_are_those_of_its_own_coordinate_check(mup, maximal):
    described = model(mup, maximal=maximal)
    table = mup.coord_check.get_coord_data(
        {width: lambda width=width: described.build(width) for width in WIDTHS},
        [(INPUTS, LABELS)],
        optimizer="adam",
        lr=RATE,
        mup=maximal,
        nsteps=STEPS,
        nseeds=8,
        cuda=False,
        show_progress=False,
    )
    examined = under_check.examined(described, widths=WIDTHS, steps=STEPS, at=TIMES).on((8,) * len(WIDTHS))
    for name in ("second", "head"):
        theirs = table[(table["module"] == name) & (table["t"] == STEPS)].groupby("width")["l1"].mean()
        ours = np.mean(examined.measurements[Moment(Coordinate(name, SIZE), STEPS - 1)].values, axis=1)
        slopes = [np.polyfit(np.log(WIDTHS), np.log(sizes), 1)[0] for sizes in (theirs.to_numpy(), ours)]
        assert abs(slopes[0] - slopes[1]) < 0.1
        # They record a step before it is made; the standard parametrization shows in its outputs by then.
        if maximal or name == "head":
            assert (abs(slopes[1]) < 0.15) == maximal


class Digits(nn.Module):
    """The package's own example as its authors lay it out: two hidden layers without biases, ReLUs, and a readout."""

    def __init__(self, width, readout):
        super().__init__()
        linear = functools.partial(nn.Linear, bias=False)
        self.enter, self.hidden, self.head = linear(64, width), linear(width, width), readout(width, 10, bias=False)

    def forward(self, x):
        return self.head(torch.relu(self.hidden(torch.relu(self.enter(x)))))


def digits(mup, optimizer, file=None):
    """That perceptron, drawn after its base shapes are set: to another width, or to what a file says."""

    def build(width):
        module, base, delta = (Digits(n, mup.MuReadout) for n in (width, 64, 128))
        mup.set_base_shapes(module, file or base, delta=None if file else delta)
        mup.init.kaiming_normal_(module.hidden.weight, a=1)
        nn.init.zeros_(module.head.weight)
        return module

    draw = torch.Generator().manual_seed(0)
    batch = torch.randn(64, 64, generator=draw), torch.randint(10, (64,), generator=draw)
    return tc.Model(build, optimizer, [batch] * 4, loss=F.cross_entropy, name="digits")


@pytest.mark.parametrize("name", ["MuSGD", "MuAdam"])
def test_its_own_example_is_decided_by_the_first_look(mup, name):
    rate = {"MuSGD": 0.1, "MuAdam": 1e-3}[name]
    made = digits(mup, lambda module: getattr(mup, name)(module.parameters(), lr=rate))
    check = checked(made, steps=4, at=(1, 4))
    assert check.passed, str(check)
    assert {max(finding.measurement.seeds) for finding in check.findings} == {BUDGET // 10}
    # What it notes on parameters, and its layers ask for, is there where models of several seeds are one.
    trainer = Trainer(made, WIDTHS, steps=4)
    assert trainer.together(WIDTHS[0]) > 100, trainer.because


def test_base_shapes_may_come_from_a_file(mup, tmp_path):
    file = str(tmp_path / "digits.bsh")
    mup.make_base_shapes(Digits(64, mup.MuReadout), Digits(128, mup.MuReadout), file)
    made = digits(mup, lambda module: mup.MuAdam(module.parameters(), lr=1e-3), file=file)
    wide = made.build(256)
    assert wide.head.width_mult() == 4
    assert under_check.examined(made, widths=WIDTHS).anatomy.used_in("hidden")[0].role == "hidden"


def preset(mup, **options):
    """That perceptron as the preset makes it."""

    def init(module):
        mup.init.kaiming_normal_(module.hidden.weight, a=1)
        nn.init.zeros_(module.head.weight)

    draw = torch.Generator().manual_seed(0)
    batch = torch.randn(64, 64, generator=draw), torch.randint(10, (64,), generator=draw)
    given = {"build": lambda width: Digits(width, mup.MuReadout), "init": init, "loss": F.cross_entropy}
    return tc.mup_model(batches=[batch] * 4, **(given | options))


def test_its_own_example_as_the_preset_makes_it_is_that_example(mup):
    ours, theirs = preset(mup), digits(mup, lambda module: mup.MuAdam(module.parameters(), lr=1e-3))
    for width in (256, 256, 64):
        modules = []
        for model in (ours, theirs):
            torch.manual_seed(0)
            modules.append(model.build(width))
        assert [each.infshape.width_mult() for each in modules[0].parameters()] == [
            each.infshape.width_mult() for each in modules[1].parameters()
        ]
        rates = [
            {tuple(p.shape): group["lr"] for group in model.optimizer(module).param_groups for p in group["params"]}
            for model, module in zip((ours, theirs), modules, strict=True)
        ]
        assert rates[0] == rates[1]
    # What a base draws is not missed by the model that is built first.
    torch.manual_seed(0)
    first = ours.build(128)
    torch.manual_seed(0)
    assert torch.equal(first.enter.weight, preset(mup).build(128).enter.weight)


@pytest.mark.parametrize("name", ["MuAdam", "MuSGD"])
def test_the_preset_passes(mup, name):
    options = {"optimizer": lambda module: mup.MuSGD(module.parameters(), lr=0.1)} if name == "MuSGD" else {}
    check = checked(preset(mup, **options), steps=4, at=(1, 4))
    assert check.passed, str(check)


def wrong_readout(mup):
    """A readout of the owner's own class, which the package takes for none."""

    class Readout(nn.Module):
        def __init__(self, width, outputs, bias):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(outputs, width) / width**0.5)

        def forward(self, x):
            return x @ self.weight.T

    return {"build": lambda width: Digits(width, Readout), "init": None}


BROKEN = {
    "no base shapes": (lambda mup: {"base": None}, ("learning rate", "head.weight", 1)),
    "a plain optimizer": (
        lambda mup: {"optimizer": lambda module: torch.optim.Adam(module.parameters(), lr=1e-3)},
        ("learning rate", "hidden.weight", 1),
    ),
    "a plain readout": (wrong_readout, ("init", "head", 0.5)),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_forgotten_of_the_package_fails(mup, broken):
    options, culprit = BROKEN[broken]
    check = checked(preset(mup, **options(mup)), steps=4, at=(1, 4))
    assert check.failed, str(check)
    found = {(each.kind, each.where, round(2 * each.exponent) / 2) for each in check.diagnosis.culprits}
    assert culprit in found, str(check)


def test_base_shapes_come_from_models_and_files_as_from_widths(mup, tmp_path):
    file = tmp_path / "digits.bsh"
    base, delta = Digits(64, mup.MuReadout), Digits(128, mup.MuReadout)
    mup.make_base_shapes(base, delta, str(file))
    for options in ({"base": base, "delta": delta}, {"base": file}, {"base": 64, "delta": 96}, {}):
        assert preset(mup, **options).build(256).head.width_mult() == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base": 64, "delta": 64}, "base and delta are both 64.* delta=128"),
        ({"base": None, "delta": 64}, "delta=64 says nothing where base is each width's own shapes"),
        ({"base": "digits.bsh", "delta": 64}, "delta=64 says nothing where base is a file"),
        ({"base": "64"}, "base='64' is no file; give a width, base=64"),
        ({"base": nn.Linear(2, 2)}, "base is a model; give another one"),
        ({"optimizer": torch.optim.Adam, "rate": 0.1}, "rate=0.1 is that of the MuAdam"),
    ],
)
def test_a_base_that_tells_nothing_is_refused_before_anything_is_built(options, said):
    def never(width):
        raise AssertionError

    with pytest.raises(tc.ModelError, match=said):
        tc.mup_model(never, [(INPUTS, LABELS)], **options)


@pytest.mark.parametrize("base", [0, 6.4, True])
def test_a_base_that_is_no_width_is_refused(mup, base):
    with pytest.raises(ValueError, match="is a positive integer"):
        preset(mup, base=base).build(64)


def test_what_the_package_refuses_is_told_with_its_reason(mup):
    with pytest.raises(tc.ModelError, match=r"head has infinite fan-in and finite fan-out .* not type `MuReadout`"):
        preset(mup, build=lambda width: Digits(width, nn.Linear)).build(64)
    with pytest.raises(tc.ModelError, match="base and delta have the same shapes"):
        preset(mup, build=lambda _: Digits(64, mup.MuReadout)).build(64)
    with pytest.raises(tc.ModelError, match="base and delta are other architectures"):
        preset(mup, base=Digits(64, mup.MuReadout), delta=nn.Linear(2, 2)).build(64)


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mup", None)
    with pytest.raises(ImportError, match=r"pip install 'theorychecks\[mup\]' \(import of mup"):
        tc.mup_model(lambda width: Digits(width, nn.Linear), [(INPUTS, LABELS)]).build(64)


@pytest.mark.slow
def test_a_perceptron_under_its_gradient_descent_is_decided(mup):
    plain = model(mup, maximal=True)
    sgd = tc.Model(plain.build, lambda module: mup.MuSGD(module.parameters(), lr=0.1), plain.batches, loss=plain.loss)
    assert checked(sgd, widths=tc.widths(64, 2048), at=(1, STEPS)).passed
