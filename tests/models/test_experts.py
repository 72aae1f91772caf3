"""Along the number of experts three of them stand for all, and routers, mixtures and what fades with them are told."""

import pytest
import torch

from tests.models import parallel
from tests.models.parallel import Averaged, InOne, Routed, Soft
from theorychecks.models.experts import experts_anatomy
from theorychecks.models.state import as_it_was


def anatomy_of(**options):
    model = parallel.mixing(**options)
    with as_it_was():
        torch.manual_seed(0)
        return experts_anatomy(
            model, model.build(4), model.build(8), (4, 8), model.batches[0], again=model.build(4)
        ), model.build(16)


def test_three_experts_stand_for_all_and_a_router_is_told_from_them():
    parts, more = anatomy_of(mixture=Soft)
    assert {part.name: part.role for part in parts.parameters} == {
        "enter.weight": "fixed",
        "moe.router.weight": "input",
        **{f"moe.experts.({k}).{m}.weight": "hidden" for k in ("first", "middle", "last") for m in ("up", "down")},
        "leave.weight": "fixed",
    }
    here = parts.at(parallel.mixing(mixture=Soft), more, 16)
    assert [part.name for part in here.parameters if "up" in part.name] == [
        f"moe.experts.{k}.up.weight" for k in (0, 8, 15)
    ]
    assert parts.weights_at(16) == sum(parameter.numel() for parameter in more.parameters())


def test_matrices_of_one_parameter_are_experts():
    parts, _ = anatomy_of(mixture=InOne)
    roles = {part.name: part.role for part in parts.parameters}
    assert roles == {
        "enter.weight": "fixed",
        "moe.router.weight": "input",
        "moe.up": "hidden",
        "moe.down": "hidden",
        "leave.weight": "fixed",
    }
    assert parts.modules["moe.router"].role == "input"


@pytest.mark.parametrize(
    "options, few, jumps, routed",
    [
        ({"mixture": Averaged}, set(), set(), False),
        ({"mixture": Soft}, set(), set(), False),
        ({"mixture": InOne}, set(), {"moe", "leave", ""}, False),
        ({"mixture": Routed}, {"moe", ""}, {"moe", "leave", ""}, True),
    ],
)
def test_what_has_few_experts_a_row_is_told_from_what_has_all(options, few, jumps, routed):
    parts, _ = anatomy_of(**options)
    assert parts.innermost == ("moe",)
    assert set(parts.few) == few
    assert set(parts.jumps) == jumps
    assert parts.routed == routed


@pytest.mark.parametrize("residual", [True, False])
def test_what_fades_with_the_experts_ends_at_a_stream(residual):
    parts, _ = anatomy_of(mixture=Averaged, residual=residual)
    assert parts.modules["moe"].fades
    assert parts.modules["leave"].fades != residual
