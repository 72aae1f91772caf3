"""Updates of experts are read in runs of which each step has reached them, on the rows that they had at the start."""

import functools

import pytest
import torch

from tests.gates.test_routing import FEW, SIXTEEN, WIDTHS, Calling, FromZero, Sparse, model
from tests.gates.under_check import examined
from tests.models import zoo
from theorychecks.models.coordinates import EFFECTIVE, Coordinate, read_coordinates
from theorychecks.models.missed import Missed
from theorychecks.models.recording import Recording
from theorychecks.models.training import train
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics.statuses import Status

UPDATES = {
    name: torch.ones(()) for name in (Coordinate(f"experts.{k}", EFFECTIVE, f"experts.{k}.weight") for k in range(16))
}
HEAD = {Coordinate("head", EFFECTIVE, "head.weight"): torch.ones(())}


@pytest.fixture(scope="module")
def anatomy():
    return examined(model(SIXTEEN, samples=FEW), widths=WIDTHS).anatomy


def drawn(build, seed=0):
    torch.manual_seed(seed)
    return build(WIDTHS[0])


def reached(module, inputs):
    """Experts that rows are routed to, by the router alone."""
    return set(module.router(torch.tanh(module.first(inputs)))[1][1].flatten().tolist())


def left(missed):
    """Experts whose updates are read; the readout's always is."""
    found = missed.without({**UPDATES, **HEAD})
    assert HEAD.keys() <= found.keys()
    return {int(name.module.split(".")[1]) for name in found if name.module != "head"}


def test_an_update_is_read_if_every_step_has_reached_its_expert(anatomy):
    """Whether others are called on no rows or not at all, and with whichever tensors in the place of parameters."""

    def functional(module, inputs):
        others = {name: value.detach().clone() for name, value in module.named_parameters()}
        return torch.func.functional_call(module, others, (inputs,))

    def plainly(module, inputs):
        return module(inputs)

    for build, forward in (
        (SIXTEEN, plainly),
        (functools.partial(Calling, experts=16), plainly),
        (SIXTEEN, functional),
    ):
        module, missed, expected = drawn(build), Missed(anatomy), set(range(16))
        for seed in (1, 2):
            inputs = torch.randn(FEW, 5, generator=torch.Generator().manual_seed(seed))
            with missed.step(module):
                forward(module, inputs)
            expected &= reached(module, inputs)
            assert left(missed) == expected
        assert 0 < len(expected) < 16
        assert not any(part._forward_hooks for part in module.modules())


def test_a_step_that_calls_a_copy_misses_nothing(anatomy):
    module, missed = drawn(SIXTEEN), Missed(anatomy)
    with missed.step(module):
        drawn(SIXTEEN)(zoo.pairs(samples=FEW)[0][0])
    assert left(missed) == set(range(16))


def test_an_expert_whose_last_matrix_is_zero_is_reached():
    """At step 1 its first matrix has a gradient of zeros, and moves from step 2 on."""
    found = examined(model(FromZero, samples=64), widths=WIDTHS).measurements
    updates = [Coordinate(f"experts.{k}.0", EFFECTIVE, f"experts.{k}.0.weight") for k in range(3)]
    for update in updates:
        for step, status in ((1, Status.ZERO), (3, Status.OK)):
            assert {each for row in found[Moment(update, step)].statuses for each in row} == {status}


def test_an_expert_is_updated_on_the_rows_that_it_had_at_the_start(anatomy):
    """W moved by D shows as D x of those rows, whichever rows it is given later, if any."""
    module, inputs = drawn(SIXTEEN), zoo.pairs(samples=FEW)[0][0]
    first = {name: value.detach().clone() for name, value in module.named_parameters()}
    features = torch.tanh(module.first(inputs)).detach()
    rows = [(module.router(features)[1][1] == k).any(dim=-1) for k in range(16)]
    before = read_coordinates(module, anatomy, lambda: (module(inputs), torch.zeros(())))
    moves = torch.randn(16, WIDTHS[0], WIDTHS[0], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for expert, move in zip(module.experts, moves, strict=True):
            expert.weight += move
        # Rows are routed to others now.
        module.router.weight.copy_(module.router.weight.roll(3, dims=0))
    after = read_coordinates(module, anatomy, lambda: (module(inputs), torch.zeros(())), start=before.start(first))
    had = [k for k in range(16) if rows[k].any()]
    assert any(not torch.equal(rows[k], rows[(k - 3) % 16]) for k in had)
    assert set(had) - reached(module, inputs)
    for k in had:
        size = (features[rows[k]] @ moves[k].T).square().mean().sqrt()
        torch.testing.assert_close(after.readings[Coordinate(f"experts.{k}", EFFECTIVE, f"experts.{k}.weight")], size)


def test_a_training_without_coordinates_is_not_watched(anatomy):
    found = list[int]()

    class Noting(Sparse):
        def forward(self, x):
            found.append(sum(len(part._forward_hooks) for part in self.modules()))
            return super().forward(x)

    sparse = model(functools.partial(Noting, experts=16), samples=FEW)
    train(sparse, WIDTHS[0], (0,), 0, steps=2, anatomy=anatomy)
    assert found
    assert set(found) == {0}
    found.clear()
    train(sparse, WIDTHS[0], (0,), 0, steps=2, anatomy=anatomy, recording=Recording(coordinates=(1,)))
    assert max(found) > 16
