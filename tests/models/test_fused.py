"""Outputs of a layer that do not grow, where others of it do, are told by how the model splits them."""

import functools

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked
from tests.models import zoo
from theorychecks.models.fused import Fixed

CUTS = {
    "split": lambda fused, sizes: fused.split(sizes, dim=-1),
    "torch.split": lambda fused, sizes: torch.split(fused, sizes, -1),
    "slices": lambda fused, sizes: (fused[..., : sizes[0]], fused[..., sizes[0] :]),
    "narrow": lambda fused, sizes: (fused.narrow(-1, 0, sizes[0]), fused.narrow(-1, sizes[0], 6)),
    "by a view": lambda fused, sizes: (
        fused.view(len(fused), -1, 2)[:, :-3].flatten(-2),
        fused.view(len(fused), -1, 2)[:, -3:].flatten(-2),
    ),
}


@pytest.mark.parametrize("cut", CUTS)
def test_the_outputs_that_do_not_grow_are_found_however_they_are_cut_off(cut):
    parts = zoo.parts_of(zoo.plain(build=functools.partial(zoo.Fused, cut=CUTS[cut])))
    assert parts.fixed == {"second": Fixed(-1, (-6, -5, -4, -3, -2, -1))}
    assert parts.fed == {"fixed"}


def test_those_at_the_beginning_are_counted_from_there():
    parts = zoo.parts_of(zoo.plain(build=functools.partial(zoo.Fused, cut=lambda y, sizes: (y[:, 6:], y[:, :6]))))
    assert parts.fixed == {"second": Fixed(-1, (0, 1, 2, 3, 4, 5))}
    whole = torch.arange(40.0).reshape(2, 20)
    assert torch.equal(parts.growing("second", whole), whole[:, 6:])
    assert torch.equal(parts.growing("first", whole), whole)


class Channels(nn.Module):
    """A convolution onto channels that grow and two that do not."""

    def __init__(self, width):
        super().__init__()
        self.stem, self.body = nn.Conv1d(1, width, 3, padding=1), nn.Conv1d(width, width + 2, 3, padding=1)
        self.head, self.width = nn.Linear(width, 3), width

    def forward(self, x):
        wide, gate = self.body(torch.relu(self.stem(x[:, None]))).split([self.width, 2], dim=1)
        return self.head((wide * torch.sigmoid(gate.mean(1, keepdim=True))).mean(dim=-1))


def test_channels_are_outputs_too():
    assert zoo.parts_of(zoo.plain(build=Channels)).fixed == {"body": Fixed(-2, (-2, -1))}


class Turned(nn.Module):
    """Of a layer that grows in proportion the first four outputs are turned, as by a rotary embedding."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(5, width), nn.Linear(width, width), nn.Linear(width, 3)

    def forward(self, x):
        y = self.second(self.first(x))
        return self.head(torch.cat([-y[:, :4], y[:, 4:]], dim=-1))


@pytest.mark.parametrize("build", [Turned, *[model.build for name, model in zoo.MODELS.items() if name == "plain"]])
def test_a_layer_that_grows_in_proportion_has_none(build):
    parts = zoo.parts_of(zoo.plain(build=build))
    assert parts.fixed == {}
    assert parts.fed == frozenset()


def fused(*, hidden=-1.0, roles=None, **drawn):
    def adam(module, rate=3e-3):
        ratio = module.first.out_features / zoo.BASE
        scaled, others = [module.second.weight, module.wide.weight], [module.first, module.fixed, module.head]
        return torch.optim.Adam(
            [
                {"params": scaled[:1], "lr": rate * ratio**hidden},
                {"params": scaled[1:], "lr": rate / ratio},
                {"params": [layer.weight for layer in others], "lr": rate},
            ]
        )

    model = zoo.plain(
        build=functools.partial(zoo.Fused, **drawn), optimizer=adam, batches=zoo.pairs(samples=16), roles=roles or {}
    )
    return checked(model, widths=tc.widths(64, 1024))


@pytest.mark.parametrize("given", [{}, {"fixed": -0.5}, {"roles": {"second*": "unchecked"}}])
def test_a_fused_layer_in_maximal_update_passes_whichever_way_its_fixed_rows_are_drawn(given):
    check = fused(**given)
    assert check.passed, str(check)
    assert "judged in part: second, of which some outputs do not grow" in str(check)


@pytest.mark.parametrize(
    ("wrong", "where", "power"),
    [
        ({"growing": -0.5}, "second", -0.5),
        ({"growing": 0.5}, "second", 0.5),
        ({"fixed": 0.5}, "fixed", 0.5),
        ({"hidden": -1.5}, "second.weight", -0.5),
        ({"hidden": -0.5}, "second.weight", 0.5),
    ],
)
def test_a_fused_layer_is_refuted_by_its_growing_rows_or_where_its_fixed_ones_arrive(wrong, where, power):
    check = fused(**wrong)
    assert check.failed
    found = {culprit.where: round(2 * culprit.exponent) / 2 for culprit in check.diagnosis.culprits}
    assert found[where] == power
