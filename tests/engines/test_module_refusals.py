"""What a model cannot be asked is refused by name, and the world is left as it was."""

import functools
import random

import numpy as np
import psutil
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.engines.models_under_test import (
    BATCH_NORMED,
    DECODER,
    ROWS,
    SEEDS,
    STEPS,
    TEXT,
    WIDTH,
    Decoder,
    Plain,
    adam,
    apart,
    model,
    next_token,
    run,
    sgd,
    trainer,
)
from tests.models.world import state_of_the_world
from theorychecks.engines import Limits, Unanswerable
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.models import ModelError

ONES = torch.ones(len(SEEDS), dtype=torch.float64)


def stepping(module):
    """A function that makes whole steps."""
    optimizer = sgd(module)

    def step(batch):
        optimizer.zero_grad()
        F.mse_loss(module(batch[0]), batch[1]).backward()
        optimizer.step()

    return step


class LossOnly(Plain):
    """Returns its loss and nothing else."""

    def forward(self, x, y):
        return F.mse_loss(super().forward(x), y)


class OwnLoss(Plain):
    """Returns its loss beside its outputs."""

    def forward(self, x, y):
        found = super().forward(x)
        return {"loss": F.mse_loss(found, y), "found": found}


class Recurrent(nn.Module):
    """Whose hidden matrices lie inside of one module."""

    def __init__(self, width):
        super().__init__()
        self.cell, self.head = nn.LSTM(1, width, batch_first=True), nn.Linear(width, 3)
        self.double()

    def forward(self, x):
        return self.head(self.cell(x[..., None])[0][:, -1])


class Sparse(nn.Module):
    """Each of two experts is called on the rows that are routed to it."""

    def __init__(self, width):
        super().__init__()
        self.first, self.head, self.router = nn.Linear(5, width), nn.Linear(width, 3), nn.Linear(width, 2)
        self.experts = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.double()

    def forward(self, x):
        x = torch.tanh(self.first(x))
        weights, chosen = self.router(x).softmax(dim=-1).max(dim=-1)
        out = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            rows = (chosen == index).nonzero()[:, 0]
            if len(rows):
                out = out.index_add(0, rows, torch.tanh(expert(x[rows])) * weights[rows, None])
        return self.head(x + out)


WIDE_ROWS = [
    (
        torch.randn(64, 5, generator=torch.Generator().manual_seed(s), dtype=torch.float64),
        torch.zeros(64, 3, dtype=torch.float64),
    )
    for s in range(STEPS)
]
KEYWORDS = [{"x": x, "y": y} for x, y in ROWS]
QUESTIONS = {
    "test inputs": (model(), lambda made: made.features(0, 0, "test"), "has batches to train on.*points='train'"),
    "outputs of test inputs": (model(), lambda made: made.outputs(0, "test"), "at test inputs.*no others"),
    "outputs": (
        model(LossOnly, batches=KEYWORDS, loss=None),
        lambda made: made.outputs(0),
        "its outputs are asked for, and lossonly cannot say: it returns its loss and no other tensor.*loss=",
    ),
    "sizes of outputs": (model(LossOnly, batches=KEYWORDS, loss=None), lambda made: made.peak_outputs, "its outputs"),
    "a tangent kernel without outputs": (
        model(LossOnly, batches=KEYWORDS, loss=None),
        lambda made: made.tangent_kernel(0),
        "its outputs",
    ),
    "a limit on outputs": (
        model(LossOnly, batches=KEYWORDS, loss=None),
        lambda made: made.histories(SEEDS, ONES, Limits(outputs=9.0)),
        "its outputs",
    ),
    "gradients of a loss of its own": (
        model(OwnLoss, batches=KEYWORDS, loss=None),
        lambda made: made.loss_gradients(0),
        "it computes its loss itself.*loss=",
    ),
    "gradients of outputs that no module returns": (
        model(forward=lambda module, batch: module.head(torch.tanh(module.second(torch.tanh(module.first(batch[0])))))),
        lambda made: made.loss_gradients(0),
        r"forward of plain does not call the module itself.*return module\(...\)",
    ),
    "hidden layers": (
        model(Recurrent),
        lambda made: made.peak_activations,
        "sizes of hidden layers.*cell.weight_ih_l0.*nn.Linear",
    ),
    "a limit on hidden layers": (
        model(Recurrent),
        lambda made: made.histories(SEEDS, ONES, Limits(activations=9.0)),
        "sizes of hidden layers",
    ),
    "rates of a step function": (
        model(optimizer=stepping),
        lambda made: made.histories(SEEDS, ONES, Limits()),
        "several learning rates.*a function makes its training steps.*torch.optim.Optimizer",
    ),
    "rates of a list with LBFGS": (
        model(
            optimizer=lambda module: [
                sgd(module.head),
                torch.optim.LBFGS([*module.first.parameters(), *module.second.parameters()]),
            ]
        ),
        lambda made: made.histories(SEEDS, ONES, Limits()),
        "several learning rates.*LBFGS builds each step on the last one",
    ),
    "rates of LBFGS": (
        model(optimizer=lambda module: torch.optim.LBFGS(module.parameters())),
        lambda made: made.histories(SEEDS, ONES, Limits()),
        "several learning rates.*LBFGS builds each step on the last one",
    ),
    "a kernel by rates of a step function": (
        model(optimizer=stepping),
        lambda made: made.tangent_kernel(0),
        "weighted by learning rates.*weighting='none'",
    ),
    "samples that act on each other": (
        BATCH_NORMED,
        lambda made: made.output_gradients(0, 0),
        "samples act on each other.*norms that do not mix samples",
    ),
    "rows that are routed": (
        model(Sparse, batches=WIDE_ROWS),
        lambda made: made.features(0, 0),
        "its weights route what they are called on.*all experts",
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_without_an_answer_is_refused_by_name(question):
    described, ask, message = QUESTIONS[question]
    with pytest.raises(Unanswerable, match=f"(?s){message}"):
        ask(run(described))


@pytest.mark.parametrize("question", [q for q in QUESTIONS if "test inputs" not in q])
def test_whatever_else_such_a_model_is_asked_is_answered(question):
    made = run(QUESTIONS[question][0])
    assert torch.isfinite(made.losses).all()
    last = len(made.layers) - 1
    for norm in ("frobenius", "spectral"):
        assert (made.weight_change_norm(last, norm, STEPS) > 0).all()
    assert (made.gradient_size(last, 0) > 0).all()
    vectors = torch.randn(len(SEEDS), 2, made.layers[last].fan_in, dtype=torch.float64)
    assert torch.isfinite(made.apply_change(last, vectors, STEPS)).all()


def test_a_step_function_has_a_kernel_that_counts_all_weights_alike():
    by_function, by_optimizer = run(model(optimizer=stepping)), run(model())
    found, expected = (made.tangent_kernel(0, weighting="none") for made in (by_function, by_optimizer))
    torch.testing.assert_close(found, expected)


def test_limits_stop_a_training_where_it_is_beyond_them():
    made = run(model())
    free = made.histories(SEEDS, ONES, Limits())
    bound = float(free.peak_outputs[1:].amax()) + 1
    assert torch.equal(made.histories(SEEDS, ONES, Limits(outputs=bound)).losses, free.losses)
    stopped = made.histories(SEEDS, ONES, Limits(activations=1e-6))
    assert torch.equal(stopped.losses[0], free.losses[0])
    assert stopped.losses[1:].isnan().all()
    alone = run(model(optimizer=apart(sgd))).histories(SEEDS, ONES, Limits(outputs=1e-6))
    assert torch.equal(alone.losses.isnan(), stopped.losses.isnan())


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda made: made.outputs(1), r"time 1 were not kept; kept are \[0, 3\]. Ask for times=\(1,\)"),
        (lambda made: made.features(3, 0), "no matrix 3: plain has 3 layers, numbered from 0 to 2"),
        (lambda made: made.features(-1, 0), "no matrix -1"),
        (lambda made: made.preactivations(0, 0), "no preactivations 0: plain has 3 layers, numbered from 1 to 3"),
        (lambda made: made.features(0, 0, "validation"), "points are 'train' or 'test'; got 'validation'"),
        (lambda made: made.weight_norm(0, "nuclear"), "a norm is 'frobenius' or 'spectral'; got 'nuclear'"),
        (lambda made: made.apply_initial(1, torch.zeros(2, WIDTH)), r"vectors are \[seed, ...\] for 3 seeds; got"),
        (lambda made: made.tangent_kernel(0, weighting="some"), "a weighting is 'rates' or 'none'; got 'some'"),
        (lambda made: made.tangent_kernel(0, entries=0), "entries, of outputs, is a positive integer; got 0"),
        (lambda made: made.histories((), torch.ones(0), Limits()), "at least one seed"),
        (lambda made: ModuleRun(made.trainer, WIDTH, ()), "at least one seed"),
        (lambda made: ModuleRun(made.trainer, WIDTH, (-1,)), "got -1"),
        (lambda made: ModuleRun(made.trainer, WIDTH, (0,), times=(4,)), "between 0 and steps=3; got 4"),
        (lambda made: Trainer(made.model, (8,), steps=1), r"got \(8,\). Give two or more, increasing"),
        (lambda made: Trainer(made.model, (16, 8), steps=1), "Give two or more, increasing"),
        (lambda made: Trainer(made.model, (8, 16), steps=0), "steps is a positive integer; got 0"),
        (lambda made: Trainer(made.model, (8, 16), steps=9), "9 steps need 9 batches; got 3"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(run(model()))


def test_a_model_that_does_not_scale_is_refused_at_that_width():
    described = model(lambda width: Plain(width if width < 40 else 16))
    with pytest.raises(ModelError, match="at width 64"):
        _ = run(described, width=64).layers


# TorchScript is deprecated, and still what some models are.
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_module_of_which_nothing_can_be_seen_is_refused(whole):
    def build(width):
        scripted = torch.jit.script(Plain(width))
        return scripted if whole else nn.Sequential(scripted)

    with pytest.raises(ModelError, match=r"`(the model|0)` is a TorchScript.*without torch\.jit"):
        run(model(build))


def test_a_compiled_module_is_read_as_it_is():
    def build(width):
        module = Plain(width)
        module.second = torch.compile(module.second, backend="eager")
        return module

    made, plain = run(model(build)), run(model())
    assert [layer.name for layer in made.layers] == ["first", "second._orig_mod", "head"]
    torch.testing.assert_close(made.features(2, STEPS), plain.features(2, STEPS))
    torch.testing.assert_close(made.tangent_kernel(STEPS), plain.tangent_kernel(STEPS))


def test_too_little_memory_is_found_out_before_anything_is_trained(monkeypatch):
    made, many = run(DECODER), run(DECODER, seeds=range(1000), times=range(STEPS + 1))
    _ = made.outputs(0), many.together
    free = 100 * made._blueprint.bytes
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": free}))
    with pytest.raises(ModelError, match=r"weights of 1000 seeds at 4 times.*fewer seeds at once"):
        _ = many.losses
    assert torch.isfinite(ModuleRun(made.trainer, WIDTH, SEEDS).losses).all()
    with pytest.raises(Unanswerable, match=r"gradients of 168 outputs.*fewer entries"):
        made.tangent_kernel(0, entries=1000)
    assert torch.isfinite(made.tangent_kernel(0, entries=10)).all()
    free //= 20
    with pytest.raises(Unanswerable, match=r"derivatives of all outputs.*smaller first batch"):
        made.output_gradients(7, 0)


class Unruly(Plain):
    """Touches whatever is global, and draws in its forward pass."""

    def __init__(self, width, dropout=0.5):
        torch.set_default_dtype(torch.float64)
        super().__init__(width)
        torch.set_num_threads(2)
        random.random()
        np.random.rand()  # noqa: NPY002 - the global one is meant
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        torch.set_default_dtype(torch.float16)
        return super().forward(self.dropout(x))


def read_everything(made):
    for k in range(len(made.layers)):
        _ = made.features(k, STEPS), made.preactivations(k + 1, STEPS), made.weight_norm(k, "spectral")
        _ = made.apply_change(k, made.features(k, STEPS), STEPS), made.gradient_size(k, 0)
    _ = made.outputs(STEPS), made.tangent_kernel(STEPS), made.loss_gradients(0)
    _ = made.histories(SEEDS, ONES, Limits())


@pytest.mark.parametrize("dropout", [0.5, 0.0])
def test_the_world_is_as_it_was(dropout):
    before = state_of_the_world()
    made = run(model(functools.partial(Unruly, dropout=dropout), name="unruly"))
    with torch.no_grad():
        read_everything(made)
    assert state_of_the_world() == before
    # What is drawn anew in each pass is the same whenever it is read.
    again = run(made.model)
    torch.testing.assert_close(again.outputs(STEPS), made.outputs(STEPS), rtol=0, atol=0)
    torch.testing.assert_close(made.features(1, 0), again.features(1, 0), rtol=0, atol=0)


def test_modules_of_the_caller_are_as_they_were():
    modules = {width: Decoder(width) for width in (WIDTH, 2 * WIDTH)}
    modules[WIDTH].blocks[0].eval()
    for module in modules.values():
        for parameter in module.parameters():
            parameter.grad = torch.ones_like(parameter)
    before = {width: {k: v.clone() for k, v in module.state_dict().items()} for width, module in modules.items()}

    def batches(draw):
        del draw
        return TEXT

    # One module for all seeds, which is trained again and again.
    made = run(model(modules.__getitem__, adam, batches, loss=next_token, name="given"))
    assert "the same module again" in made.trainer.because or made.together == 1
    read_everything(made)
    for width, module in modules.items():
        torch.testing.assert_close(module.state_dict(), before[width], rtol=0, atol=0)
        assert all(torch.equal(parameter.grad, torch.ones_like(parameter)) for parameter in module.parameters())
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert not modules[WIDTH].blocks[0].training
    assert modules[WIDTH].training


def test_buffers_are_trained_and_read_as_they_were_kept():
    made = run(BATCH_NORMED)
    first, last = (made.state(time).buffers["norm.running_mean"].clone() for time in (0, STEPS))
    assert torch.equal(first, torch.zeros_like(first))
    assert (last != 0).all()
    read_everything(made)
    assert torch.equal(made.state(STEPS).buffers["norm.running_mean"], last)


@pytest.mark.parametrize("described", [DECODER, model(batches=lambda draw: [drawn_batch(draw)] * STEPS)])
def test_what_cannot_be_read_as_one_is_read_one_by_one(described, monkeypatch):
    expected, made = run(described), run(described)
    _ = made.losses

    def refuse(*_, **__):
        raise RuntimeError("Batching rule not implemented")

    monkeypatch.setattr("theorychecks.engines.module.ensemble.vmap", refuse)
    found = [made.features(2, STEPS), made.tangent_kernel(STEPS), made.gradient_size(1, 0)]
    monkeypatch.undo()
    for one, other in zip(
        found, [expected.features(2, STEPS), expected.tangent_kernel(STEPS), expected.gradient_size(1, 0)], strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def drawn_batch(draw):
    return torch.randn(6, 5, generator=draw, dtype=torch.float64), torch.zeros(6, 3, dtype=torch.float64)


def test_a_trainer_says_why_seeds_are_not_stacked():
    made = trainer(model(optimizer=apart(sgd)))
    assert made.together(WIDTH) == 1
    assert "hooks" in made.because
    assert trainer(model()).together(WIDTH) > 1
