"""A training is that of a plain loop, stacked or not, and leaves the world as it was."""

import functools
import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.utils.data import DataLoader

import theorychecks as tc
from tests.models import zoo
from tests.models.world import state_of_the_world
from theorychecks.models import Adjustment, ModelError
from theorychecks.models.recording import NOTHING, Recording
from theorychecks.models.stacked import NotStackable, train_stacked
from theorychecks.models.training import Trained, drawn, train

PLACE = (0, "width", 16.0)
WIDTH, STEPS, SEEDS = 16, 3, (0, 1, 2)


def alone(model, seed, **options):
    given = {"steps": STEPS, "recording": Recording(coordinates=(1, STEPS)), "anatomy": zoo.parts_of(model)} | options
    return train(model, WIDTH, PLACE, seed, **given)


def stacked(model, seeds=SEEDS, **options):
    given = {"steps": STEPS, "recording": Recording(coordinates=(1, STEPS)), "anatomy": zoo.parts_of(model)} | options
    found = train_stacked(model, WIDTH, PLACE, seeds, **given)
    return [
        Trained({t: {c: v[k] for c, v in read.items()} for t, read in found.coordinates.items()}, tuple(losses))
        for k, losses in enumerate(found.losses.T.tolist())
    ]


@pytest.mark.parametrize("name", [*(name for name in zoo.MODELS if name != "dropped"), "noted"])
def test_stacked_models_are_those_of_a_loop(name):
    model = zoo.plain(build=Noted) if name == "noted" else zoo.MODELS[name]
    for seed, together in zip(SEEDS, stacked(model), strict=True):
        one = alone(model, seed)
        assert together.losses == pytest.approx(one.losses, rel=1e-4)
        assert together.coordinates.keys() == one.coordinates.keys() == {0, 1, STEPS}
        for step, readings in one.coordinates.items():
            assert together.coordinates[step].keys() == readings.keys()
            for coordinate, value in readings.items():
                assert float(together.coordinates[step][coordinate]) == pytest.approx(
                    float(value), rel=2e-3, abs=1e-6
                ), coordinate


ADJUSTED = {
    "initial": Adjustment(initial={"second.weight": 2.0}),
    "redrawn": Adjustment(redrawn={"head.weight": 0.5}),
    "updates": Adjustment(updates={"second.weight": 3.0}),
    "outputs": Adjustment(outputs={"head": 2.0}),
    "decay": Adjustment(decay={"first.weight": 0.1}),
    "epsilon": Adjustment(epsilon=1e-2),
}


@pytest.mark.parametrize("name", ADJUSTED)
def test_adjustments_are_the_same_stacked_and_change_something(name):
    model = zoo.plain(optimizer=zoo.adam)
    with_it = [alone(model, seed, adjustment=ADJUSTED[name]).losses for seed in SEEDS]
    assert [one.losses for one in stacked(model, adjustment=ADJUSTED[name])] == [
        pytest.approx(losses, rel=1e-4) for losses in with_it
    ]
    assert alone(model, 0).losses != pytest.approx(with_it[0], rel=1e-4)


def test_a_factor_on_updates_is_a_learning_rate():
    twice = zoo.plain(optimizer=lambda module: torch.optim.Adam(module.parameters(), lr=0.02))
    scaled = alone(zoo.plain(optimizer=zoo.adam), 0, recording=NOTHING, adjustment=Adjustment(rate=torch.tensor(2.0)))
    assert scaled.losses == pytest.approx(alone(twice, 0, recording=NOTHING).losses, rel=1e-4)


def test_attention_is_scaled_as_if_the_model_did_it():
    class Scaled(zoo.Attentive):
        def __init__(self, width):
            super().__init__(width)
            with torch.no_grad():
                self.attention.in_proj_weight[:width] *= 2

    given = {
        "batches": zoo.tokens(),
        "loss": zoo.next_token,
        "optimizer": lambda m: torch.optim.SGD(m.parameters(), 0.0),
    }
    by_model = alone(zoo.plain(build=Scaled, **given), 0)
    by_us = alone(zoo.plain(build=zoo.Attentive, **given), 0, adjustment=Adjustment(attention=2.0))
    assert by_us.losses == pytest.approx(by_model.losses, rel=1e-5)
    assert by_us.losses != pytest.approx(alone(zoo.plain(build=zoo.Attentive, **given), 0).losses, rel=1e-5)


def stepping(module):
    """A function that makes whole steps."""
    optimizer = zoo.sgd(module)

    def step(batch):
        optimizer.zero_grad()
        F.mse_loss(module(batch[0]), batch[1]).backward()
        optimizer.step()

    return step


@pytest.mark.parametrize("compiled", [False, True], ids=["as it is", "compiled"])
def test_a_step_function_trains_as_its_optimizer_does(compiled):
    def stepped(module):
        return torch.compile(stepping(module), backend="eager") if compiled else stepping(module)

    assert alone(zoo.plain(optimizer=stepped), 0) == alone(zoo.plain(), 0)


def in_two(module, *, kinds=(torch.optim.SGD, torch.optim.SGD)):
    matrices = [p for p in module.parameters() if p.ndim == 2]
    others = [p for p in module.parameters() if p.ndim != 2]
    return [kinds[0](matrices, lr=0.1), kinds[1](others, lr=0.1)]


def test_optimizers_in_a_list_train_as_one_that_has_all_parameters():
    assert alone(zoo.plain(optimizer=in_two), 0) == alone(zoo.plain(), 0)
    slower = functools.partial(in_two, kinds=(torch.optim.SGD, torch.optim.Adam))
    assert alone(zoo.plain(optimizer=slower), 0).losses != alone(zoo.plain(), 0).losses


@pytest.mark.parametrize("name", [name for name in ("Muon", "Adafactor") if hasattr(torch.optim, name)])
def test_stacked_matrices_are_stepped_each_by_itself(name):
    model = zoo.plain(optimizer=functools.partial(in_two, kinds=(getattr(torch.optim, name), torch.optim.AdamW)))
    for seed, together in zip(SEEDS, stacked(model), strict=True):
        one = alone(model, seed)
        # Muon's own sums are in bfloat16.
        assert together.losses == pytest.approx(one.losses, rel=1e-3)
        assert together.losses[1] != pytest.approx(alone(zoo.plain(), seed).losses[1], rel=1e-2)


def test_hooks_of_an_optimizer_see_its_gradients():
    def clipping(module, *, bound):
        optimizer = zoo.sgd(module)

        def clip(one, *_):
            torch.nn.utils.clip_grad_norm_(one.param_groups[0]["params"], bound)

        optimizer.register_step_pre_hook(clip)
        return optimizer

    clipped = zoo.plain(optimizer=functools.partial(clipping, bound=1e-4))
    assert alone(clipped, 0).losses[1] != pytest.approx(alone(zoo.plain(), 0).losses[1], rel=1e-3)
    with pytest.raises(NotStackable, match="hooks"):
        stacked(clipped)


def test_an_optimizer_that_calls_back_has_the_loss_before_its_step():
    model = zoo.plain(optimizer=lambda module: torch.optim.LBFGS(module.parameters()))
    assert alone(model, 0).losses[0] == pytest.approx(alone(zoo.plain(), 0).losses[0])


def test_dropout_is_drawn_again_for_each_reading_and_by_each_seed():
    model = zoo.MODELS["dropped"]
    assert alone(model, 0) == alone(model, 0)
    assert alone(model, 0).losses != alone(model, 1).losses
    with pytest.raises(NotStackable, match="draws random numbers"):
        stacked(model)


def test_batches_are_drawn_for_each_seed_where_they_are_drawn():
    def batches(draw):
        return [(torch.randn(6, 5, generator=draw), torch.zeros(6, 3)) for _ in range(STEPS)]

    model = zoo.plain(batches=batches)
    assert [one.losses for one in stacked(model)] == [
        pytest.approx(alone(model, seed).losses, rel=1e-4) for seed in SEEDS
    ]
    torch.testing.assert_close(
        drawn(model, WIDTH, PLACE, 0, STEPS).batches, drawn(model, WIDTH, PLACE, 0, STEPS).batches
    )


def test_a_loader_is_read_once_and_shuffles_alike_whatever_was_drawn_before():
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        loader = DataLoader(zoo.pairs(8), batch_size=None, shuffle=True)
        model = zoo.plain(batches=loader, steps=STEPS)
        found.append(drawn(model, WIDTH, PLACE, seed, 1).batches + drawn(model, WIDTH, PLACE, 5, STEPS).batches)
        torch.set_rng_state(before)
        again = drawn(model, WIDTH, PLACE, 1 - seed, STEPS).batches
        assert [id(x) for x, _ in found[-1][1:]] == [id(x) for x, _ in again]
    torch.testing.assert_close(found[0], found[1])
    with pytest.raises(AssertionError):
        torch.testing.assert_close(found[0][1:], zoo.pairs(8)[:STEPS])


def test_an_iterator_is_read_no_further_than_is_needed():
    given = iter(zoo.pairs(8))
    model = zoo.plain(batches=given, steps=STEPS)
    assert alone(model, 0) == alone(zoo.plain(batches=zoo.pairs(8)[:STEPS]), 0)
    torch.testing.assert_close(next(given), zoo.pairs(8)[STEPS])


@dataclass
class Sample:
    """A batch of no kind that is known."""

    values: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor


def test_forward_takes_batches_of_any_shape():
    def forward(module, batch):
        return module(batch.values) * batch.mask

    def loss(outputs, batch):
        return F.mse_loss(outputs, batch.labels)

    masks = [torch.arange(3) < 3, torch.arange(3) < 2]
    whole, masked = (
        zoo.plain(batches=[Sample(x, mask, y) for x, y in zoo.pairs()], forward=forward, loss=loss) for mask in masks
    )
    assert alone(whole, 0) == alone(zoo.plain(), 0)
    assert alone(masked, 0).losses != alone(zoo.plain(), 0).losses
    assert [one.losses for one in stacked(masked)] == [
        pytest.approx(alone(masked, seed).losses, rel=1e-4) for seed in SEEDS
    ]


def test_a_batch_of_any_shape_is_given_back():
    def forward(module, batch):
        return module(batch.values.mul_(0.5))

    model = zoo.plain(
        batches=[Sample(x, x, y) for x, y in zoo.pairs()],
        forward=forward,
        loss=lambda out, b: F.mse_loss(out, b.labels),
    )
    with pytest.raises(ModelError, match="changes its batch in place"):
        alone(model, 0, anatomy=zoo.parts_of(zoo.plain()))
    torch.testing.assert_close([batch.values for batch in model.batches], [x for x, _ in zoo.pairs()])


class Mixed(zoo.Plain):
    """A layer under autocast, and one that a bfloat16 of the model's own is given."""

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.lower):
            x = self.norm(torch.tanh(self.second(torch.tanh(self.first(x)))))
            x = F.linear(x, self.head.weight.bfloat16()) if self.own else self.head(x)
        return x.float()


def mixed(width, *, lower=True, own=False):
    module = Mixed(width)
    module.lower, module.own = lower, own
    return module


def test_coordinates_under_autocast_are_read_without_its_rounding():
    def slow(module):
        return torch.optim.Adam(module.parameters(), lr=1e-4)

    low, high = (
        alone(zoo.plain(build=functools.partial(mixed, lower=lower), optimizer=slow), 0) for lower in (True, False)
    )
    together = stacked(zoo.plain(build=mixed, optimizer=slow))[0]
    assert low.losses[0] != high.losses[0]
    assert low.losses[0] == pytest.approx(high.losses[0], rel=1e-2)
    for coordinate, value in high.coordinates[STEPS].items():
        # Gradients are of bfloat16, and Adam's step is their sign's, which few of them change.
        assert float(low.coordinates[STEPS][coordinate]) == pytest.approx(float(value), rel=0.05), coordinate
        assert float(together.coordinates[STEPS][coordinate]) == pytest.approx(float(value), rel=0.05), coordinate


def test_what_cannot_do_without_autocast_is_read_with_it():
    assert len(alone(zoo.plain(build=functools.partial(mixed, own=True)), 0).coordinates[STEPS]) > 10


@pytest.mark.parametrize("whole", [True, "in place", False])
def test_compiled_modules_train_as_they_are(whole):
    def build(width):
        module = zoo.Plain(width)
        if whole == "in place":
            module.compile(backend="eager")
            return module
        if whole:
            return torch.compile(module, backend="eager")
        module.second = torch.compile(module.second, backend="eager")
        return module

    found = alone(zoo.plain(build=build), 0)
    assert found.losses == alone(zoo.plain(), 0).losses
    assert len(found.coordinates[1]) == len(alone(zoo.plain(), 0).coordinates[1]) + (not whole)


def replicated_in_its_steps(module):
    return stepping(nn.parallel.DistributedDataParallel(module))


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    "changes",
    [
        {"build": lambda width: nn.parallel.DistributedDataParallel(zoo.Plain(width))},
        {"build": lambda width: torch.compile(nn.parallel.DistributedDataParallel(zoo.Plain(width)), backend="eager")},
        {"optimizer": replicated_in_its_steps},
    ],
    ids=["built", "compiled", "in its steps"],
)
def test_replicated_modules_train_as_they_are(changes):
    assert alone(zoo.plain(**changes), 0) == alone(zoo.plain(), 0)


def sharded(width):
    module = zoo.Plain(width)
    fully_shard(module.second)
    return fully_shard(module)


def sharded_by_its_optimizer(module):
    return zoo.sgd(fully_shard(module))


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("changes", [{"build": sharded}, {"optimizer": sharded_by_its_optimizer}])
def test_sharded_modules_are_refused_with_the_way_out(changes):
    with pytest.raises(
        ModelError, match=r"`first\.weight` is sharded, a DTensor.* Build the model without fully_shard"
    ):
        alone(zoo.plain(**changes), 0, anatomy=zoo.parts_of(zoo.plain()))


@pytest.mark.usefixtures("processes")
@pytest.mark.filterwarnings("ignore:FSDP is switching to use `NO_SHARD`")
def test_modules_with_flat_parameters_are_refused():
    def build(width):
        return FullyShardedDataParallel(zoo.Plain(width), device_id=torch.device("cpu"))

    with pytest.raises(ModelError, match=r"`the model` is sharded, a FullyShardedDataParallel.*on one process"):
        alone(zoo.plain(build=build), 0, anatomy=zoo.parts_of(zoo.plain()))


def test_modules_on_several_processes_are_refused():
    class Group:
        def size(self):
            return 2

    module = nn.parallel.DistributedDataParallel.__new__(nn.parallel.DistributedDataParallel)
    nn.Module.__init__(module)
    module.process_group, module.module = Group(), zoo.Plain(8)
    with pytest.raises(ModelError, match="replicated over 2 processes, and a gate trains on one"):
        alone(zoo.plain(build=lambda _: module), 0, anatomy=zoo.parts_of(zoo.plain()))


class Unruly(zoo.Plain):
    """Touches whatever is global."""

    def __init__(self, width):
        torch.set_default_dtype(torch.float64)
        super().__init__(width)
        torch.set_num_threads(2)
        random.random()
        np.random.rand()  # noqa: NPY002 - the global one is meant
        torch.use_deterministic_algorithms(True)


def test_the_world_is_as_it_was():
    batches = [(x.double(), y.double()) for x, y in zoo.pairs()]
    model = zoo.plain(build=Unruly, batches=batches)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        before = state_of_the_world()
        # Each of them touches the world by itself.
        tc.coordinate_check_refuted(model, tc.MAXIMAL_UPDATE, widths=tc.widths(16, 256), seeds=4, steps=3)
        assert state_of_the_world() == before
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("train_mode", [True, False])
def test_modules_of_the_caller_are_as_they_were(train_mode):
    modules = {width: zoo.Dropped(width).train(train_mode) for width in (8, 16)}
    for module in modules.values():
        for parameter in module.parameters():
            parameter.grad = torch.ones_like(parameter)
    before = {w: {k: v.clone() for k, v in m.state_dict().items()} for w, m in modules.items()}
    model = zoo.plain(build=modules.__getitem__)
    train(model, 8, PLACE, 0, steps=STEPS, recording=Recording(coordinates=(1,)), anatomy=zoo.parts_of(model))
    for width, module in modules.items():
        torch.testing.assert_close(module.state_dict(), before[width], rtol=0, atol=0)
        assert module.training == train_mode
        assert all(torch.equal(parameter.grad, torch.ones_like(parameter)) for parameter in module.parameters())
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


class Lazily(zoo.Plain):
    """Makes a buffer when it is first called, as rotary embeddings do."""

    def __init__(self, width):
        super().__init__(width)
        self.register_buffer("cosines", None)

    def forward(self, x):
        if self.cosines is None:
            self.cosines = torch.arange(5.0).cos()
        return super().forward(x * self.cosines)


def test_buffers_may_be_made_late():
    assert len(alone(zoo.plain(build=Lazily), 0).losses) == STEPS + 1


def test_unbatched_images_are_read():
    def build(width):
        return nn.Sequential(nn.Conv1d(1, width, 3, padding=1), nn.Tanh(), nn.Conv1d(width, 3, 5))

    batches = [(x[0][None], torch.zeros(3, 1)) for x, _ in zoo.pairs()]
    assert len(alone(zoo.plain(build=build, batches=batches), 0).coordinates[1]) > 5


class Differently(zoo.Plain):
    """Holds a random tensor that is neither parameter nor buffer."""

    def __init__(self, width):
        super().__init__(width)
        self.shift = torch.randn(5)

    def forward(self, x):
        return super().forward(x + self.shift)


class NotedLinear(nn.Linear):
    """Asks its weight for notes, as layers of the package mup do."""

    def __init__(self, *sizes, anchored=False):
        super().__init__(*sizes)
        self.weight.base, self.weight.factor = "64 x 5", 0.5
        if anchored:
            self.weight.anchor = self.weight.detach().clone()

    def forward(self, x):
        assert self.weight.base == "64 x 5"
        return self.weight.factor * F.linear(x, self.weight - getattr(self.weight, "anchor", 0.0), self.bias)


class Noted(zoo.Plain):
    """Its first layer asks for notes, of its own start where it is anchored there."""

    def __init__(self, width, **options):
        super().__init__(width)
        self.first = NotedLinear(5, width, **options)


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"build": Differently}, "its shift differs from seed to seed"),
        ({"build": functools.partial(Noted, anchored=True)}, r"the anchor that is noted on its first\.weight differs"),
        ({"build": {8: zoo.Plain(8), 16: zoo.Plain(16)}.__getitem__}, "build gives the same module again"),
        ({"optimizer": lambda m: torch.optim.LBFGS(m.parameters())}, "its optimizer is LBFGS"),
        ({"optimizer": lambda m: lambda batch: None}, "its optimizer is function"),
    ],
)
def test_what_cannot_be_stacked_says_why(changes, why):
    with pytest.raises(NotStackable, match=why):
        stacked(zoo.plain(**changes))


def test_no_hook_stays_where_an_adjustment_names_no_module():
    """On a module that may be the caller's own."""
    modules = {width: zoo.perceptron().build(width) for width in (8, WIDTH)}
    model = zoo.perceptron(build=modules.__getitem__)
    with pytest.raises(AttributeError, match="nowhere"):
        alone(model, 0, adjustment=Adjustment(outputs={"first": 2.0, "nowhere": 2.0}))
    assert not any(part._forward_hooks for part in modules[WIDTH].modules())
