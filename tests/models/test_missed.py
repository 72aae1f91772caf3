"""Updates of experts are read in runs of which each step has reached them, on the rows that they had at the start."""

import pytest
import torch
import torch.nn.functional as F

from tests.gates.test_routing import FEW, SIXTEEN, WIDTHS, Calling, model
from tests.gates.under_check import examined
from tests.models import zoo
from theorychecks.models.coordinates import EFFECTIVE, Coordinate, read_coordinates
from theorychecks.models.missed import Missed

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
    """Whether others are called on no rows, with a gradient of zeros, or not at all, with none."""
    for build in (SIXTEEN, lambda width: Calling(width, experts=16)):
        module = drawn(build)
        missed = Missed(anatomy, dict(module.named_parameters()))
        expected = set(range(16))
        for seed in (1, 2):
            inputs = torch.randn(FEW, 5, generator=torch.Generator().manual_seed(seed))
            module.zero_grad()
            F.mse_loss(module(inputs), torch.zeros(FEW, 3)).backward()
            missed.stepped()
            expected &= reached(module, inputs)
            assert left(missed) == expected
        assert 0 < len(expected) < 16


def test_a_step_that_shows_no_gradients_misses_nothing(anatomy):
    module = drawn(SIXTEEN)
    missed = Missed(anatomy, dict(module.named_parameters()))
    others = {name: value.detach().clone().requires_grad_() for name, value in module.named_parameters()}
    torch.func.functional_call(module, others, (zoo.pairs(samples=FEW)[0][0],)).sum().backward()
    missed.stepped()
    assert left(missed) == set(range(16))


def test_an_expert_is_updated_on_the_rows_that_it_had_at_the_start(anatomy):
    """W moved by D shows as D x of those rows, whichever rows it is given later."""
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
    both = [k for k in sorted(reached(module, inputs)) if rows[k].any()]
    assert any(not torch.equal(rows[k], rows[(k - 3) % 16]) for k in both)
    for k in both:
        size = (features[rows[k]] @ moves[k].T).square().mean().sqrt()
        torch.testing.assert_close(after.readings[Coordinate(f"experts.{k}", EFFECTIVE, f"experts.{k}.weight")], size)
