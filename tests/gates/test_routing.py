"""Sparse mixtures of experts are judged where they can be, or refused by name before anything is judged."""

import functools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import zoo
from theorychecks.models import ModelError
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, PROPAGATING, SIZE

WIDTHS = tc.widths(16, 256)


class Router(nn.Module):
    """Returns its logits, and the weights of two experts, or of all."""

    def __init__(self, width, experts, chosen, power=1.0):
        super().__init__()
        self.weight, self.chosen = nn.Parameter(torch.empty(experts, width)), chosen
        nn.init.normal_(self.weight, std=WIDTHS[0] ** (power - 0.5) / width**power)

    def forward(self, x):
        logits = F.linear(x, self.weight)
        shares = logits.softmax(dim=-1)
        return logits, shares.topk(self.chosen, dim=-1) if self.chosen else shares


class Sparse(nn.Module):
    """Each expert is called on the rows that are routed to it, if there are any."""

    def __init__(self, width, *, experts=3, router=1.0):
        super().__init__()
        self.width = width
        self.first, self.head = nn.Linear(5, width, bias=False), nn.Linear(width, 3, bias=False)
        self.router = Router(width, experts, 2, router)
        self.experts = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(experts))
        for layer in (self.first, *self.experts):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        nn.init.normal_(self.head.weight, std=0.25)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        weights, chosen = self.router(x)[1]
        out = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            rows, slots = (chosen == index).nonzero(as_tuple=True)
            if len(rows):
                out = out.index_add(0, rows, torch.tanh(expert(x[rows])) * weights[rows, slots, None])
        return WIDTHS[0] / self.width * self.head(x + out)


class Dense(nn.Module):
    """Both experts are called on all, and weighted by a router that returns logits and shares of one shape."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.first, self.head = nn.Linear(5, width, bias=False), nn.Linear(width, 3, bias=False)
        self.router, self.experts = Router(width, 2, 0), nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        nn.init.normal_(self.head.weight, std=0.25)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        shares = self.router(x)[1]
        each = torch.stack([torch.tanh(expert(x)) for expert in self.experts], dim=-1)
        return WIDTHS[0] / self.width * self.head((each * shares.unsqueeze(-2)).sum(dim=-1))


class Layers(nn.Module):
    """Two layers, each routed by logits of its own."""

    def __init__(self, width, *, router=1.0):
        super().__init__()
        self.width = width
        self.first, self.head = nn.Linear(5, width, bias=False), nn.Linear(width, 3, bias=False)
        self.routers = nn.ModuleList(Router(width, 2, 0, router) for _ in range(2))
        nn.init.normal_(self.first.weight, std=5**-0.5)
        nn.init.normal_(self.head.weight, std=0.25)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for router in self.routers:
            x = x + x * router(x)[1][..., :1]
        return WIDTHS[0] / self.width * self.head(x)


def adam(module):
    hidden = [p for name, p in module.named_parameters() if p.ndim > 1 and ("experts" in name or "router" in name)]
    others = [p for p in module.parameters() if all(p is not other for other in hidden)]
    rate = 3e-3 * WIDTHS[0] / module.width
    return torch.optim.Adam([{"params": others}, {"params": hidden, "lr": rate}], lr=3e-3)


def model(build, *, samples=16):
    return zoo.plain(build=build, optimizer=adam, batches=zoo.pairs(samples=samples), name="experts")


def moments(found):
    return {(moment.coordinate.module, moment.coordinate.quantity) for moment in found}


def test_what_routed_experts_are_given_has_sizes_and_updates_and_no_changes():
    found = examined(model(Sparse), widths=WIDTHS)
    assert found.anatomy.routed
    judged, _ = found.moments()
    for name in ("experts.0", "experts.1", "experts.2"):
        assert {(name, SIZE), (name, EFFECTIVE)} <= moments(judged)


def test_a_sparse_mixture_is_judged_but_for_changes_of_what_is_routed():
    parts = examined(model(Sparse), widths=WIDTHS).anatomy.modules
    assert {name for name, part in parts.items() if part.routed} == {"experts.0", "experts.1", "experts.2"}
    found = checked(model(Sparse), widths=WIDTHS, budget=8)
    labels = {finding.label for finding in found.findings}
    assert "experts, experts.1, size, step 3" in labels
    assert "experts, experts.1.weight, effective update, step 3" in labels
    assert not {label for label in labels if "experts.1, change" in label or "experts.1, propagating" in label}


class Lost(Sparse):
    """Its second expert is no number once it has been trained for a step."""

    def __init__(self, width):
        super().__init__(width)
        self.steps = 0
        self.experts[1].register_full_backward_hook(lambda *_: setattr(self, "steps", self.steps + 1))

    def forward(self, x):
        return super().forward(x) * (math.nan if self.steps > 1 else 1.0)


def test_what_is_no_number_is_not_taken_for_what_nothing_was_routed_to():
    with pytest.raises(ModelError, match="experts is no longer finite after step 3 at width 16 or"):
        checked(model(Lost), widths=WIDTHS)


def test_an_expert_that_nothing_is_routed_to_is_refused_by_name():
    with pytest.raises(ModelError, match=r"experts calls other modules .*: experts\.\d+.*give a batch so large"):
        checked(model(functools.partial(Sparse, experts=8), samples=2), widths=WIDTHS)


def test_nothing_is_routed_in_other_models():
    assert not examined(zoo.perceptron()).anatomy.routed
    assert not examined(zoo.MODELS["attentive"]).anatomy.routed


def test_outputs_of_one_call_are_not_mistaken_for_each_other():
    """The logits of a router are read by its softmax; its shares alone are no propagating update."""
    read = {(m.coordinate.module, m.coordinate.quantity) for m in examined(model(Dense), widths=WIDTHS).measurements}
    assert ("router[1]", CHANGE) in read
    assert not {("router[1]", PROPAGATING), ("router[0]", PROPAGATING)} & read
    assert checked(model(Dense), widths=WIDTHS, budget=8).findings


@pytest.mark.parametrize("build", [Sparse, Dense])
def test_a_router_drawn_as_readouts_are_passes(build):
    check = checked(model(build), widths=tc.widths(64, 1024))
    assert check.passed, str(check)


def test_a_router_drawn_as_hidden_matrices_are_has_an_init_that_is_off():
    """Its softmax shows the logits, and its update is as it should be."""
    check = checked(model(functools.partial(Sparse, router=0.5)), widths=tc.widths(64, 1024))
    named = [(culprit.kind, culprit.where, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits]
    assert named == [("init", "router", 0.5)], str(check)


def test_routers_of_all_layers_have_a_star():
    check = checked(model(functools.partial(Layers, router=0.5)), widths=tc.widths(64, 1024))
    assert [culprit.where for culprit in check.diagnosis.culprits if culprit.kind == "init"] == ["routers.*"], str(
        check
    )
