"""Along the number of heads a coordinate check passes a projection that reads out, and finds one that does not."""

from dataclasses import replace

import pytest
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked
from tests.models import parallel
from tests.models.deep import linear


def in_heads(model, **options):
    return checked(model, **({"widths": parallel.NUMBERS, "steps": 4} | options))


def culprits(check):
    return [(culprit.kind, culprit.where, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits]


class Twice(parallel.Attending):
    """Two layers of attention; what is behind the first is behind a readout, and so are the second one's keys."""

    def __init__(self, heads, **options):
        super().__init__(heads)
        self.attn = nn.ModuleList(parallel.Attention(heads, **options) for _ in range(2))

    def forward(self, x):
        x = self.enter(x)
        for attention in self.attn:
            x = x + attention(x)
        return self.leave(x)


@pytest.mark.parametrize("shared", [True, False])
def test_two_layers_pass_whether_heads_share_their_keys_or_not(shared):
    check = in_heads(parallel.attending(Twice, slow=("attn.0.o_proj", "attn.1.o_proj"), shared=shared))
    assert check.passed, str(check)


@pytest.mark.parametrize("options", [{}, {"init": 0.0, "multiplier": -1.0, "slower": 0.0}])
def test_heads_in_maximal_update_pass_by_their_projection_or_by_a_multiplier(options):
    check = in_heads(parallel.attending(**options))
    assert check.passed, str(check)
    assert not check.diagnosis


PROJECTION, ITS_RATE = "attn.o_proj", "attn.o_proj.weight"
BROKEN = {
    "init of H^-1/2": ({"init": 0.5}, ("init", PROJECTION, 0.5)),
    "init of one": ({"init": 0.0}, ("init", PROJECTION, 1)),
    "rate of H^-1/2": ({"slower": 0.5}, ("learning rate", ITS_RATE, 0.5)),
    "one rate": ({"slower": 0.0}, ("learning rate", ITS_RATE, 1)),
    "rate of H^-3/2": ({"slower": 1.5}, ("learning rate", ITS_RATE, -0.5)),
    "multiplier of H^1/2": ({"multiplier": 0.5}, ("multiplier", PROJECTION, 0.5)),
    "slow queries": ({"slow": ("attn.o_proj", "attn.q_proj")}, ("learning rate", "attn.q_proj.weight", -1)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_in_attention_is_refuted_and_named(name):
    options, expected = BROKEN[name]
    check = in_heads(parallel.attending(**options))
    assert check.failed
    assert culprits(check)[0] == expected, str(check)


def test_the_message_says_the_power_of_the_heads():
    with pytest.raises(tc.ClaimFailure, match=r"rate of `attn\.o_proj\.weight` too large by heads\^1 \(heads\^0\.\d\d"):
        tc.coordinate_check(parallel.attending(slower=0.0), tc.MAXIMAL_UPDATE, heads=parallel.NUMBERS)


class Ignoring(parallel.Attending):
    """Four heads, whatever is asked for."""

    def __init__(self, heads):
        super().__init__(4)


class Splitting(parallel.Attending):
    """One width split among more heads."""

    def __init__(self, heads):
        super().__init__(4)
        self.attn.heads = heads


class Wider(nn.Module):
    """The stream is as wide as all heads together."""

    def __init__(self, heads):
        super().__init__()
        self.number, width = heads, heads * parallel.SIZE
        self.enter, self.attn, self.leave = linear(parallel.WIDTH, width), nn.Module(), linear(width, 4)
        self.attn.o_proj = linear(width, width)

    def forward(self, x):
        return self.leave(self.attn.o_proj(self.enter(x)))


class Apart(parallel.Attending):
    """Each head has a module of its own."""

    def __init__(self, heads):
        super().__init__(4)
        self.attn = nn.ModuleList(parallel.Attention(1) for _ in range(heads))

    def forward(self, x):
        x = self.enter(x)
        return self.leave(x + sum(head(x) for head in self.attn))


class Without(parallel.Attending):
    """What grows is no attention."""

    def __init__(self, heads):
        super().__init__(4)
        self.attn = nn.Sequential(linear(parallel.WIDTH, heads), nn.ReLU(), linear(heads, parallel.WIDTH))


class Halved(parallel.Attending):
    """No more than ten heads."""

    def __init__(self, heads):
        super().__init__(min(heads, 10))


@pytest.mark.parametrize(
    "build, said",
    [
        (Ignoring, "same shapes at heads 4 and 8: build ignores its heads, or splits one width among them"),
        (Splitting, "Keep the size of a head fixed: project to heads"),
        (Wider, r"`attn\.o_proj\.weight` has shape \(32, 32\) at heads 4 and \(64, 64\) at 8: the model's width grows"),
        (Apart, r"other parameters at heads 8 than at 4: .*project to all heads by one matrix"),
        (Without, "has no attention of more heads at heads 8 than at 4"),
        (Halved, r"has shape \(80, 32\) at heads 32, and grows from"),
    ],
)
def test_families_that_are_none_are_refused(build, said):
    with pytest.raises(tc.ModelError, match=said):
        tc.coordinate_check(parallel.attending(build), tc.MAXIMAL_UPDATE, heads=parallel.NUMBERS)


def test_a_family_that_breaks_is_told_by_its_heads():
    model = replace(parallel.attending(), build=lambda heads: parallel.Attending(heads) if heads < 32 else 1 / 0)
    with pytest.raises(tc.ModelError, match=r"build\(32\) has raised ZeroDivisionError.*Take heads that") as raised:
        tc.coordinate_check(model, tc.MAXIMAL_UPDATE, heads=parallel.NUMBERS)
    assert "width" not in str(raised.value)


@pytest.mark.parametrize("axis", ["heads", "experts"])
def test_each_axis_has_its_values(axis):
    def never(_):
        raise AssertionError("something was built")

    model = tc.Model(never, never, [()], axis=axis)
    with pytest.raises(TypeError, match=rf"built along the {axis}, and takes {axis}=\(\.\.\.\) alone; got widths"):
        tc.coordinate_check(model, tc.MAXIMAL_UPDATE, widths=parallel.NUMBERS)
    with pytest.raises(ValueError, match=rf"along the {axis} takes tc\.MAXIMAL_UPDATE; got 'NTK'"):
        tc.coordinate_check(model, tc.NTK, **{axis: parallel.NUMBERS})
    with pytest.raises(ValueError, match=rf"{axis} are 5 or more.* powers of the {axis} show.*Try {axis}=\(4, 8,"):
        tc.coordinate_check(model, tc.MAXIMAL_UPDATE, **{axis: (2, 4, 8, 16, 32)})
    with pytest.raises(TypeError, match=rf"takes {axis}"):
        tc.mutations(model, tc.MAXIMAL_UPDATE, widths=parallel.NUMBERS)
