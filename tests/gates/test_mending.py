"""Code that a diagnosis ends with mends a model: pasted beside its build and optimizer, it turns the gate green."""

import fnmatch
import functools
import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.corpus.networks import TEXT, LanguageModel, rated
from tests.corpus.networks import model as corpus_model
from tests.gates.under_check import checked, examined
from tests.models import zoo
from theorychecks.gates.culprit import Culprit
from theorychecks.gates.mending import mending
from theorychecks.models.coordinates import EFFECTIVE, SIZE, Coordinate
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Interval

WIDTHS = tc.widths(32, 512)
ROOT = Path(__file__).parents[2]


def pasted(model, code):
    """A model beside whose build and optimizer the code is pasted and called, as it says where."""
    names = {}
    exec(code, names)

    def build(width):
        module = model.build(width)
        if "mend_inits" in names:
            names["mend_inits"](module)
        return module

    def optimizer(module):
        made = model.optimizer(module)
        if "mend_rates" in names:
            names["mend_rates"](module, *listed(made))
        return made

    return replace(model, build=build, optimizer=optimizer)


def listed(made):
    return made if isinstance(made, list) else [made]


def plain_adam(module):
    return torch.optim.Adam(module.parameters(), lr=3e-3)


def drawn_too_large(width):
    module = zoo.Perceptron(width)
    nn.init.normal_(module.second.weight, std=32**-0.5)
    return module


class Residual(nn.Module):
    """A stream that a first layer, blocks and a readout of zeros behind a multiplier share."""

    def __init__(self, width):
        super().__init__()
        linear = functools.partial(nn.Linear, bias=False)
        self.enter, self.leave, self.ratio = linear(5, width), linear(width, 3), 32 / width
        self.blocks = nn.ModuleList(nn.Sequential(linear(width, width), nn.Tanh()) for _ in range(2))
        nn.init.zeros_(self.leave.weight)

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return self.leave(x) * self.ratio


def muon_and_adam(module):
    """Muon with a rate that grows with the width, for blocks, and Adam for the rest."""
    blocks = list(module.blocks.parameters())
    rest = [module.enter.weight, module.leave.weight]
    return [
        torch.optim.Muon(blocks, lr=0.01 / module.ratio, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=3e-3, weight_decay=0.0),
    ]


BROKEN = {
    "one rate for all": (zoo.perceptron(optimizer=plain_adam), "mend_rates", {"second.weight"}),
    "an init": (zoo.perceptron(build=drawn_too_large), "mend_inits", {"second.weight"}),
    "blocks": (
        zoo.perceptron(build=Residual, optimizer=plain_adam),
        "mend_rates",
        {"blocks.0.0.weight", "blocks.1.0.weight"},
    ),
    "a list of optimizers": (
        zoo.perceptron(build=Residual, optimizer=muon_and_adam),
        "mend_rates",
        {"blocks.0.0.weight", "blocks.1.0.weight"},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_pasted_code_mends_one_mistake(name):
    model, function, meant = BROKEN[name]
    check = checked(model, widths=WIDTHS)
    assert check.failed
    assert str(check).endswith(f"\n\n{check.mending}")
    assert f"def {function}(" in check.mending
    assert check.mending.count("\ndef mend_") == 1
    again = checked(pasted(model, check.mending), widths=WIDTHS)
    assert again.passed, f"{check}\n{again}"
    assert again.mending == ""
    assert changed(model, check.mending, 128) == meant
    assert changed(model, check.mending, 32) == set()


def changed(model, code, width):
    """Names of parameters of which the code changes initial values or learning rates, at a width."""
    found = []
    for each in (model, pasted(model, code)):
        torch.manual_seed(0)
        module = each.build(width)
        groups = [group for one in listed(each.optimizer(module)) for group in one.param_groups]
        rates = {id(p): group["lr"] for group in groups for p in group["params"]}
        found.append({name: (rates[id(p)], float(p.detach().std())) for name, p in module.named_parameters()})
    return {name for name, values in found[0].items() if found[1][name] != values}


class Odd(nn.Module):
    """Names which patterns match that are not meant."""

    def __init__(self, width):
        super().__init__()
        linear = functools.partial(nn.Linear, bias=True)
        self.layers = nn.ModuleList(nn.ModuleDict({"up": linear(width, width)}) for _ in range(3))
        self.layers[1]["inner"] = nn.ModuleDict({"up": linear(width, width)})
        self.first, self.head = linear(5, width), linear(width, 3)
        self.norm, self.cell = nn.LayerNorm(width), nn.RNN(width, width, batch_first=True)
        self.score = linear(width, 1)

    def forward(self, x):
        x = self.norm(self.first(x))
        x = x + self.cell(x[:, None])[0][:, 0] * torch.sigmoid(self.score(x))
        for layer in self.layers:
            x = torch.tanh(layer["up"](x))
        return self.head(self.layers[1]["inner"]["up"](x))


def culprit(kind, parts, exponent, **options):
    quantity = SIZE if kind == "init" else EFFECTIVE
    moment = Moment(Coordinate(parts[0], quantity), 0)
    return Culprit(kind, ", ".join(parts), exponent, Interval(0.4, 0.6), moment, parts, **options)


def code_of(culprits, model, widths=WIDTHS):
    found = examined(model, widths=widths)
    return mending(culprits, found.anatomy, decays=found.optimizing.decays, grouped=found.grouped)


@pytest.mark.parametrize(
    ("culprits", "changed_at"),
    [
        # A star would stand for layers.1.inner.up as well.
        (
            [culprit("learning rate", tuple(f"layers.{i}.up.weight" for i in range(3)), 1.0)],
            {f"layers.{i}.up.weight": 1 / 4 for i in range(3)},
        ),
        ([culprit("learning rate", ("layers.0.up.weight",), -0.5)], {"layers.0.up.weight": 2}),
        (
            [culprit("learning rate", ("first.weight",), -1.0), culprit("learning rate", ("head.weight",), 0.6)],
            {"first.weight": 4, "head.weight": 1 / 2},
        ),
        # A bias is as large as its owner has drawn it.
        ([culprit("init", ("first",), 0.5)], {"first.weight": 1 / 2}),
        ([culprit("init", ("score",), 0.5)], {"score.weight": 1 / 2}),
        # A norm has no matrix, and a cell has two, of which one may be right.
        ([culprit("init", ("norm",), -1.0)], {}),
        ([culprit("init", ("cell",), -0.5)], {}),
        ([culprit("learning rate", ("first.weight",), -1.0, sure=False)], {}),
        ([culprit("learning rate", ("first.weight",), 1.0, alike=("its weight decay",))], {}),
        ([culprit("learning rate", ("first.weight",), -1.0, alike=("its multiplier", "the optimizer's epsilon"))], {}),
        ([culprit("learning rate", ("first.weight",), 1.0, alike=("its multiplier",))], {"first.weight": 1 / 4}),
        ([culprit("learning rate", ("first.weight",), 1.0, axis="depth")], {}),
        ([culprit("multiplier", ("head",), 1.0), culprit("epsilon", ("first.weight",), -1.0)], {}),
    ],
)
def test_code_changes_what_is_off_for_sure_and_nothing_else(culprits, changed_at):
    model = zoo.perceptron(build=Odd, optimizer=plain_adam)
    code = code_of(culprits, model)
    assert bool(code) == bool(changed_at)
    factors = {}
    torch.manual_seed(0)
    module = Odd(128)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    mended = pasted(replace(model, build=lambda width: module), code)
    mended.build(128)
    for group in mended.optimizer(module).param_groups:
        for name, parameter in module.named_parameters():
            if any(parameter is each for each in group["params"]):
                drawn = parameter.detach().norm() / before[name].norm() if before[name].any() else 1.0
                factors[name] = float(drawn) * group["lr"] / 3e-3
    assert set(factors) == set(before)
    assert {name: by for name, by in factors.items() if by != pytest.approx(1)} == pytest.approx(changed_at)


def functions(code):
    names = {}
    exec(code, names)
    return names


SECOND = culprit("learning rate", ("second.weight",), 1.0)


def test_groups_are_split_by_factor_and_keep_their_other_options():
    names = functions(code_of([SECOND], zoo.perceptron(optimizer=plain_adam)))
    module, other = zoo.Perceptron(64), nn.Linear(2, 2)
    named = [(name, p) for name, p in module.named_parameters() if name != "head.weight"]
    adam = torch.optim.AdamW([{"params": [*named, *other.named_parameters()], "weight_decay": 0.3}], lr=1, fused=True)
    optimizers = [adam, torch.optim.SGD(module.head.parameters(), lr=0.5)]
    before = [p for one in optimizers for group in one.param_groups for p in group["params"]]
    names["mend_rates"](module, *optimizers)
    rates = [[(group["lr"], group["weight_decay"]) for group in one.param_groups] for one in optimizers]
    assert rates == [[(1, 0.3), (0.5, 0.3)], [(0.5, 0)]]
    assert [id(p) for p in adam.param_groups[1]["params"]] == [id(module.second.weight)]
    after = [p for one in optimizers for group in one.param_groups for p in group["params"]]
    assert sorted(map(id, after)) == sorted(map(id, before))
    for parameter in after:
        parameter.grad = torch.ones_like(parameter)
    adam.step()
    adam.load_state_dict(adam.state_dict())
    adam.add_param_group({"params": [nn.Parameter(torch.ones(1))]})


def test_a_factor_that_changes_nothing_is_an_error():
    code = code_of([SECOND, culprit("init", ("second",), 0.5)], zoo.perceptron(optimizer=plain_adam))
    names, module = functions(code), zoo.Perceptron(64)
    other = nn.Module()
    other.first, other.head = nn.Linear(5, 64), nn.Linear(64, 3)
    for mend in (names["mend_inits"], lambda module: names["mend_rates"](module, plain_adam(module))):
        mend(module)
        with pytest.raises(ValueError, match=re.escape("no parameter is called second.weight")):
            mend(other)
    with pytest.raises(ValueError, match="in none of the optimizers given"):
        names["mend_rates"](module, torch.optim.SGD(module.first.parameters(), lr=0.1))


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("outer", ["compiled", "replicated", "compiled replicated", "replicated compiled"])
def test_compiled_and_replicated_models_are_mended_as_they_are(outer):
    wraps = {"compiled": functools.partial(torch.compile, backend="eager")}
    wraps["replicated"] = nn.parallel.DistributedDataParallel
    code = code_of([SECOND, culprit("init", ("second",), 0.5)], zoo.perceptron(optimizer=plain_adam))
    names, plain = functions(code), zoo.Perceptron(128)
    module, before = plain, plain.second.weight.detach().clone()
    for each in reversed(outer.split()):
        module = wraps[each](module)
    optimizer = plain_adam(module)
    names["mend_inits"](module)
    names["mend_rates"](module, optimizer)
    assert torch.equal(plain.second.weight.detach(), before / 2)
    assert [group["lr"] for group in optimizer.param_groups] == [3e-3, 3e-3 / 4]


def test_the_base_is_a_width_and_changed_in_one_place():
    code = code_of([SECOND, culprit("init", ("second",), 0.5)], zoo.perceptron(optimizer=plain_adam))
    assert code.count("32") == 1
    names, module = functions(code.replace("BASE = 32", "BASE = 256")), zoo.Perceptron(64)
    optimizer = plain_adam(module)
    names["mend_rates"](module, optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [3e-3, 3e-3 * 4]


class Wider(nn.Module):
    """Of no parameter is a size the width itself."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(5, 3 * width), nn.Linear(3 * width, 3 * width)
        self.head = nn.Linear(3 * width, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


def test_the_base_is_a_width_where_layers_are_wider():
    code = code_of([SECOND], zoo.perceptron(build=Wider, optimizer=plain_adam))
    assert "BASE = 32" in code
    module = Wider(64)
    optimizer = plain_adam(module)
    functions(code)["mend_rates"](module, optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [3e-3, 3e-3 / 2]


def test_tied_weights_are_left_out_and_named():
    tied = corpus_model(functools.partial(LanguageModel, tied=True), rated({}), TEXT)
    wrong = [culprit("init", ("tokens",), 0.5), culprit("learning rate", ("tokens.weight",), 1.0)]
    assert code_of(wrong, tied) == ""
    hidden = next(name for name in examined(tied, widths=WIDTHS).anatomy.lengths if name.startswith("layers.0"))
    code = code_of([*wrong, culprit("learning rate", (hidden,), 1.0)], tied)
    assert "# Left out: tokens.weight, of several uses (tied weights)" in code
    assert "mend_inits" not in code
    assert re.findall(r'"(.*)": -', code) == [hidden]


def lbfgs(module):
    return torch.optim.LBFGS(module.parameters())


def opaque(module):
    return lambda batch: None


@pytest.mark.parametrize("optimizer", [lbfgs, opaque])
def test_one_rate_for_all_and_steps_of_a_function_have_no_code_for_rates(optimizer):
    model = zoo.perceptron(optimizer=optimizer)
    assert code_of([SECOND], model) == ""
    assert "mend_rates" not in code_of([SECOND, culprit("init", ("second",), 0.5)], model)


def test_what_else_would_show_alike_and_what_becomes_of_a_decay_stand_in_comments():
    alike = replace(SECOND, alike=("its multiplier",))
    assert '"second.weight": -1,  # its multiplier would show alike\n' in code_of(
        [alike], zoo.perceptron(optimizer=plain_adam)
    )
    for decay, told in [(0.0, False), (0.1, True)]:
        adam = functools.partial(decaying, decay=decay)
        assert ("divide weight_decay by the factor" in code_of([SECOND], zoo.perceptron(optimizer=adam))) == told


def decaying(module, decay):
    return torch.optim.AdamW(module.parameters(), lr=3e-3, weight_decay=decay)


def test_the_guide_shows_the_code_of_the_diagnosis_above_it():
    guide = (ROOT / "theorychecks/guide/gates.md").read_text(encoding="utf-8")
    model = runpy.run_path(str(ROOT / "properties/test_your_model.py"))["STANDARD_DECODER"]
    widths = tc.widths(64, 1024)
    names = examined(model, widths=widths).anatomy.lengths
    culprits = []
    for where, size, power in re.findall(r"^    - learning rate of (`.*`) too (large|small) by n\^(\S+)", guide, re.M):
        patterns = re.findall("`(.*?)`", where)
        parts = tuple(name for pattern in patterns for name in fnmatch.filter(names, pattern))
        exponent = {"1": 1.0, "1/2": 0.5}[power] * (1 if size == "large" else -1)
        culprits.append(culprit("learning rate", parts, exponent))
    (shown,) = re.findall(r"```python\n(def mend_rates.*?)```", guide, re.S)
    assert shown.count(": -1,") == len(culprits) > 3
    assert shown in code_of(culprits, model, widths)
