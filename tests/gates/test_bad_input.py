"""What cannot be gated is refused by a named error that says which width, which module, and what to do."""

import functools
import weakref
from collections import Counter, UserDict

import psutil
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

import theorychecks as tc
from tests.gates.under_check import examined
from tests.models import zoo


def refused(model, said, *, widths=zoo.WIDTHS, steps=3):
    with pytest.raises(tc.ModelError, match=said):
        tc.coordinate_check(model, tc.MAXIMAL_UPDATE, widths=widths, steps=steps)


class Deeper(zoo.Perceptron):
    """Another architecture from a width on."""

    def __init__(self, width, *, beyond):
        super().__init__(width)
        if width > beyond:
            self.extra = nn.Linear(width, width)


class Failing(zoo.Perceptron):
    """Not finite from a width on, before or after training."""

    def __init__(self, width, *, beyond=0, calls=0, value=torch.nan):
        super().__init__(width)
        self.bad, self.calls, self.value = width > beyond, calls, value

    def forward(self, x):
        self.calls -= 1
        return super().forward(x) + (self.value if self.bad and self.calls < 0 else 0.0)


class Spoiling(zoo.Perceptron):
    """Normalises its inputs in place."""

    def forward(self, x):
        return super().forward(x.clamp_(-0.5, 0.5))


class Halving(zoo.Perceptron):
    """Scales its inputs in place, again each time."""

    def forward(self, x):
        return super().forward(x.mul_(0.5))


class Unused(zoo.Perceptron):
    def __init__(self, width):
        super().__init__(width)
        self.spare = nn.Linear(width, width)


class Secretive(zoo.Perceptron):
    """Dropout from a generator of its own."""

    def __init__(self, width):
        super().__init__(width)
        self.draw = torch.Generator().manual_seed(0)

    def forward(self, x):
        return super().forward(x * (torch.rand(x.shape, generator=self.draw) > 0.5))


def exhausting(width):
    if width >= 64:
        raise MemoryError("can't allocate memory: you tried to allocate 1 TB")
    return zoo.Perceptron(width)


class Headed(zoo.Perceptron):
    """A model whose width its heads must divide."""

    def __init__(self, width):
        nn.MultiheadAttention(width, 3)
        super().__init__(width)


class SplitHeads(zoo.Perceptron):
    """Heads of which the width is a multiple, and the shapes say so in mid-run."""

    def forward(self, x):
        x = torch.tanh(self.first(x))
        return self.head(x.view(len(x), 4, x.shape[1] // 4).flatten(1))


class Misspelt(zoo.Perceptron):
    def forward(self, x):
        return self.haed(x)


class Stepping(torch.optim.SGD):
    """An optimizer that cannot do its step."""

    def step(self, closure=None):
        raise RuntimeError("no step today")


def exported(width):
    return torch.export.export(zoo.Perceptron(width), (zoo.pairs()[0][0],)).module()


def seeded(width):
    torch.manual_seed(0)
    return zoo.Perceptron(width)


def by_hand(module):
    optimizer = zoo.scaled_adam(module)

    def step(batch):
        optimizer.zero_grad()
        F.mse_loss(module(batch[0]), batch[1]).backward()
        optimizer.step()

    return step


def without_second(module):
    return torch.optim.Adam([module.first.weight, module.head.weight])


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"build": lambda _: zoo.Perceptron(8)}, "build ignores its width"),
        ({"build": functools.partial(Deeper, beyond=16)}, "other parameters at width 32 than at 16: extra.bias, extra"),
        ({"build": functools.partial(Deeper, beyond=64)}, "other parameters at width 128 than at 16: extra.bias"),
        ({"build": lambda width: "a string"}, r"build\(16\) returns a torch.nn.Module; got str"),
        (
            {"build": Headed},
            r"build\(16\) has raised AssertionError: embed_dim must be divisible by num_heads \(in __init__, .*multiples of what it divides by, its",
        ),
        ({"build": lambda: zoo.Perceptron(8)}, r"build\(16\) has raised TypeError: .*by build\(width\)"),
        ({"build": seeded}, r"build\(16\) gives the same weights whatever torch's seed"),
        ({"build": Secretive}, "draws random numbers from a generator of its own"),
        ({"build": Failing}, "`the model` is not finite at width 16, before any step"),
        ({"build": functools.partial(Failing, value=-torch.inf)}, "`the model` is not finite at width 16"),
        ({"build": functools.partial(Failing, beyond=64)}, "`the model` is not finite at width 128, before any step"),
        ({"build": functools.partial(Failing, calls=4)}, "no longer finite after step .* Lower its learning rate"),
        ({"build": Halving}, "changes its batch in place at width 16.*Work on a copy"),
        (
            {"build": lambda width: zoo.Perceptron(min(width, 64))},
            "`first.weight` has shape \\(64, 5\\) at width 128, and grows from \\(16, 5\\) at 16 to about \\(128, 5\\)",
        ),
        ({"build": lambda _: nn.Identity(), "optimizer": lambda _: lambda _: None}, "has no parameters at width 16"),
        ({"build": Spoiling}, "changes its batch in place at width 16.*Work on a copy"),
        (
            {"build": Unused, "optimizer": zoo.adam},
            "the loss does not depend on `spare.weight`, `spare.bias` at width 16: no gradient",
        ),
        ({"build": Unused, "optimizer": by_hand}, "the loss does not depend on `spare.weight`, `spare.bias`"),
        ({"build": exhausting}, "out of memory at width 64. Take smaller widths"),
        ({"optimizer": without_second}, "its optimizer does not have `second.weight`. Give it, or freeze it"),
        ({"roles": {"*": "unchecked", "": "unchecked"}}, "nothing is predicted of any coordinate"),
        ({"batches": zoo.pairs(2)}, "3 steps need 3 batches; got 2. Give more batches, or ask for steps=2"),
        ({"optimizer": lambda module: 0.1}, "returns a torch.optim.Optimizer, a list .*; got float"),
        (
            {"optimizer": lambda module: [zoo.adam(module), 0.1]},
            "returns a torch.optim.Optimizer, a list .*; got float in a list",
        ),
        ({"optimizer": lambda module: []}, "returns a torch.optim.Optimizer, a list .*; got an empty list"),
        (
            {"optimizer": lambda module: [zoo.adam(module), LambdaLR(zoo.adam(module), float)]},
            r"returns a scheduler, and who .*Return a function instead .*optimizer\.step\(\) and scheduler\.step\(\)",
        ),
        (
            {"optimizer": lambda module: [zoo.adam(module), torch.optim.SGD([module.head.weight])]},
            "more than one of its optimizers has `head.weight`, .* Give every parameter to one of them",
        ),
        (
            {"optimizer": lambda module: [torch.optim.SGD([part.weight]) for part in (module.first, module.head)]},
            "its optimizers do not have `second.weight`. Give it, or freeze it",
        ),
        ({"build": exported}, "`the model` is an exported graph, which calls no modules.*without torch.export"),
        (
            {"batches": iter(zoo.pairs(2))},
            "3 steps need 3 batches; its list_iterator has given 2 and is exhausted. Give an iterator that nobody else",
        ),
        (
            {"batches": (pair[0] / 0 for pair in [(1, 2)])},
            r"reading batches has raised ZeroDivisionError: .* \(in <genexpr>, test_bad_input.py:\d+\)\. Look at what gives",
        ),
        ({"batches": lambda draw: iter([])}, "its list_iterator has given 0 and is exhausted"),
        (
            {"batches": DataLoader(zoo.pairs(2), batch_size=None)},
            "3 steps need 3 batches; got 2. Give more batches, or",
        ),
        (
            {"forward": lambda module, batch: module(batch)},
            r"called with a batch at width 16, has raised TypeError: linear\(\): argument 'input'.* \(in forward, zoo",
        ),
        ({"optimizer": functools.partial(zoo.scaled_adam, rate=0.0)}, "3 steps change nothing at width 16 or 32"),
        ({"optimizer": lambda module: lambda batch: None}, "3 steps change nothing"),
        ({"loss": lambda found, targets: found - targets}, r"a loss is one number; got a tensor of shape \(6, 3\)"),
        (
            {"build": lambda width: nn.Linear(6, -width)},
            r"build\(16\) has raised RuntimeError: .*negative dimension.* \(in <lambda>, test_bad_input.py:\d+\)",
        ),
        (
            {"build": lambda width: nn.Linear(width, undefined)},  # noqa: F821
            r"build\(16\) has raised NameError: name 'undefined' is not defined \(in <lambda>, test_bad_input.py:",
        ),
        (
            {"build": Misspelt},
            r"called with a batch at width 16, has raised AttributeError: .*'haed'.* \(in forward, test_bad",
        ),
        (
            {"loss": lambda found, targets: F.mse_loss(found @ targets, targets)},
            r"called with a batch at width 16, has raised RuntimeError: mat1 and mat2 .* \(in <lambda>, test_bad_",
        ),
        (
            {"optimizer": lambda module: torch.optim.Adam(module, lr=0.1)},
            r"optimizer\(module\), called with the module of width 16, has raised TypeError: .*not iterable.*parameters\(\)",
        ),
        (
            {"optimizer": lambda module: Stepping(module.parameters(), lr=0.1)},
            r"a training step at width 16 has raised RuntimeError: no step today \(in step, test_bad_input.py:\d+\)\. Look",
        ),
        ({"batches": lambda draw: None}, r"batches is a function, batches\(generator\) -> one batch .*got NoneType"),
        ({"batches": lambda draw: torch.zeros(3)}, r"batches is a function, .*; got a tensor of shape \(3,\)"),
        (
            {"batches": lambda: zoo.pairs()},
            r"batches\(generator\), called with a torch.Generator, has raised TypeError: .*Write batches\(generator\) -> ",
        ),
        ({"loss": None}, r"a loss is one number; got a tensor of shape \(6, 3\). Give loss=..."),
    ],
)
def test_it_is_refused(changes, said):
    refused(zoo.perceptron(**{"batches": zoo.pairs()} | changes), said)


@pytest.mark.parametrize(
    "gate",
    [
        lambda model, widths: tc.coordinate_check(model, tc.MAXIMAL_UPDATE, widths=widths),
        lambda model, widths: tc.measure(tc.Sweep(tc.MaxStableLearningRate("loss"), model, widths=widths)),
    ],
    ids=["coordinate check", "sweep"],
)
def test_a_width_that_the_heads_do_not_divide_is_refused_before_any_training(gate):
    steps = Counter()

    def optimizer(module):
        made = zoo.scaled_adam(module)
        made.register_step_pre_hook(lambda *_: steps.update(["a step"]))
        return made

    model = zoo.perceptron(build=SplitHeads, optimizer=optimizer, batches=zoo.pairs(10))
    said = (
        r"at width 130, has raised RuntimeError: shape '\[6, 4, 32\]' is invalid for input of size 780 \(in forward, "
        r"test_bad_input.py:\d+\)\. Look at the shapes there; or take widths that the model can have: multiples"
    )
    with pytest.raises(tc.ModelError, match=said):
        gate(model, (32, 64, 130, 256, 512))
    assert steps == Counter()


def test_the_rehearsal_holds_one_model_at_a_time_and_leaves_the_world_as_it_was():
    made, alive = {}, {}

    def build(width):
        alive[width] = sum(module() is not None for module in made.values())
        module = zoo.Perceptron(width)
        made[width] = weakref.ref(module)
        return module

    torch.manual_seed(3)
    before = torch.get_rng_state()
    examined(zoo.perceptron(build=build)).rehearse()
    assert torch.equal(torch.get_rng_state(), before)
    assert list(made) == list(zoo.WIDTHS)
    assert {alive[width] for width in zoo.WIDTHS[2:]} == {0}


@pytest.mark.parametrize("holds", [lambda x: x, lambda x: [x], lambda x: {"x": x}, lambda x: UserDict(x=x)])
@pytest.mark.parametrize("build", [Spoiling, Halving])
def test_the_callers_data_are_given_back(build, holds):
    batches = zoo.pairs()
    before = [x.clone() for x, _ in batches]
    # Tokenizers of Hugging Face return a UserDict.
    refused(zoo.perceptron(build=build, batches=[(holds(x), y) for x, y in batches]), "in place")
    assert all(torch.equal(x, was) for (x, _), was in zip(batches, before, strict=True))


def test_targets_that_are_missing_are_no_change():
    draw = zoo.pairs()
    for _, y in draw:
        y[0] = torch.nan
    model = zoo.perceptron(batches=draw, loss=lambda found, targets: F.mse_loss(found[1:], targets[1:]))
    assert tc.coordinate_check_refuted(
        zoo.perceptron(batches=draw, loss=model.loss, optimizer=functools.partial(zoo.scaled_adam, hidden=0.0)),
        tc.MAXIMAL_UPDATE,
        widths=zoo.WIDTHS,
        steps=3,
    ).failed


def test_a_model_that_would_not_fit_is_refused_before_it_is_trained(monkeypatch):
    built = Counter()

    def build(width):
        built[width] += 1
        return zoo.Perceptron(width)

    def little():
        return type("Memory", (), {"available": 10**6})

    monkeypatch.setattr(psutil, "virtual_memory", little)
    refused(zoo.perceptron(build=build), r"run out of memory at width 256: .* take some 0 GB there, and 0 GB are free")
    assert set(built) == {16, 32}


@pytest.mark.parametrize(
    "given, said",
    [
        ((3, zoo.sgd, zoo.pairs()), r"build is a function, build\(width\) -> torch.nn.Module; got 3"),
        ((zoo.Plain, 0.1, zoo.pairs()), r"optimizer is a function, optimizer\(module\) -> .*; got 0.1"),
        ((zoo.Plain(8), zoo.sgd, zoo.pairs()), "got one Plain that is built already.*lambda width: Plain\\(width\\)"),
        (
            (zoo.Plain, torch.optim.Adam, zoo.pairs()),
            r"got the class Adam\. Write lambda module: torch\.optim\.Adam\(module\.parameters\(\), lr=\.\.\.\)",
        ),
        ((zoo.Plain, torch.optim.SGD(zoo.Plain(8).parameters()), zoo.pairs()), "optimizer is a function, .*; got SGD"),
        (
            (zoo.Plain, functools.partial(torch.optim.Adam, lr=0.1), zoo.pairs()),
            r"got a partial Adam, which takes parameters\. Write lambda module: torch\.optim\.Adam\(module\.parameters",
        ),
        ((zoo.Plain, zoo.sgd, []), "batches is a list with one batch for each step, .* or a function"),
        ((zoo.Plain, zoo.sgd, torch.zeros(3)), "batches is a list .* got Tensor"),
        ((zoo.Plain, zoo.sgd, {"x": torch.zeros(3)}), "batches is a list .* got dict"),
        ((zoo.Plain, zoo.sgd, TensorDataset(torch.zeros(3, 5))), "a DataLoader or an iterator .* got TensorDataset"),
    ],
)
def test_what_is_no_model_is_refused_at_once(given, said):
    with pytest.raises(TypeError, match=said):
        tc.Model(*given)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"roles": ["head.weight"]}, r"roles is a mapping .*'unchecked'.*; got \['head\.weight'\]"),
        ({"forward": "outputs"}, r"forward is a function, forward\(module, batch\) -> outputs; got 'outputs'"),
        ({"name": 3}, "name is what reports call the model, a text like 'decoder'; got 3"),
    ],
)
def test_what_says_nothing_of_a_model_is_refused_at_once(options, said):
    with pytest.raises(TypeError, match=said):
        tc.Model(zoo.Plain, zoo.sgd, zoo.pairs(), **options)


GATES = {
    "coordinate_check": lambda model, **options: tc.coordinate_check(model, tc.MAXIMAL_UPDATE, **options),
    "coordinate_check_refuted": lambda model, **options: tc.coordinate_check_refuted(
        model, tc.MAXIMAL_UPDATE, **options
    ),
    "mutations": lambda model, **options: tc.mutations(model, tc.MAXIMAL_UPDATE, **options),
}


@pytest.mark.parametrize(
    "given, said",
    [
        (zoo.Plain, r"got the class Plain\. Write tc\.Model\(lambda width: Plain\(width\), lambda module: torch\."),
        (zoo.Plain(8), r"got Plain\. Write tc\.Model\(lambda width: Plain\(width\), lambda module: torch\."),
        (lambda width: zoo.Plain(width), r"got function\. Write tc\.Model\(build, lambda module: torch\."),
        (None, r"got NoneType\. Write tc\.Model\(build, "),
    ],
)
@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_a_gate_takes_a_model_and_says_how_one_is_written(gate, given, said):
    with pytest.raises(TypeError, match=f"a gate takes a tc.Model, .*; {said}"):
        gate(given, widths=zoo.WIDTHS)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_a_single_width_is_refused_with_how_several_are_written(gate):
    with pytest.raises(TypeError, match=r"widths are several, such as widths=tc\.widths\(64, 1024\) or .*; got 64"):
        gate(zoo.perceptron(), widths=64)


@pytest.mark.parametrize(
    "at, error, said",
    [
        (3, TypeError, r"coordinates are read at several times, at=\(1, 4\) say; got at=3"),
        ("1", TypeError, r"coordinates are read at several times, at=\(1, 4\) say; got at='1'"),
        ((1.5,), ValueError, r"a number of steps in at= is a positive integer; got 1\.5"),
        ((4,), ValueError, r"coordinates are read at=... after 1 to steps=3 steps; got \(4,\)"),
        ((0,), ValueError, r"a number of steps in at= is a positive integer; got 0"),
        ((), ValueError, r"coordinates are read after one step or more, at=\(1, 4\) say; got at=\(\)"),
    ],
)
def test_times_that_are_no_numbers_of_steps_are_refused(at, error, said):
    with pytest.raises(error, match=said):
        tc.coordinate_check(zoo.perceptron(), tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3, at=at)


def test_a_class_of_losses_is_refused_at_once():
    with pytest.raises(TypeError, match=r"loss is a function, .*; got the class MSELoss: MSELoss\(\)"):
        tc.Model(zoo.Plain, zoo.sgd, zoo.pairs(), loss=nn.MSELoss)
