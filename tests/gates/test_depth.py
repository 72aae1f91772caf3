"""Along the depth a coordinate check passes CompleteP, and finds blocks that are lazy, and streams that blow up."""

import functools
from dataclasses import replace

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked
from tests.models import deep


def in_depth(model, parametrization=tc.COMPLETE_P, **options):
    return checked(model, parametrization, **({"widths": deep.DEPTHS, "steps": 4, "seeds": 8} | options))


def culprits(check):
    return [(culprit.kind, culprit.where, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits]


@pytest.mark.parametrize("build", [deep.Perceptron, deep.InSequence, deep.Outside])
def test_a_residual_perceptron_in_complete_p_passes_wherever_its_multiplier_stands(build):
    check = in_depth(deep.perceptron(build))
    assert check.passed, str(check)
    assert not check.diagnosis


LAZY = [("multiplier", "blocks.*", 0.5), ("learning rate", "blocks.*", -0.5)]
BROKEN = {
    "lazy in its blocks": ({"power": 0.5}, LAZY),
    "no multiplier": ({"power": 0.0, "slower": 0.0}, [("multiplier", "blocks.*", 1)]),
    "a multiplier of L^-1/2 alone": ({"power": 0.5, "slower": 0.0}, [("multiplier", "blocks.*", 0.5)]),
    "a multiplier of L^-2": ({"power": 2.0, "slower": 0.0}, [("multiplier", "blocks.*", -1)]),
    "slow rates alone": ({"slower": 0.5}, [("learning rate", "blocks.*", -0.5)]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_in_blocks_is_refuted_and_named(name):
    changes, expected = BROKEN[name]
    check = in_depth(deep.perceptron(**changes), seeds=8)
    assert check.failed
    assert culprits(check) == expected, str(check)


class Drawn(deep.Perceptron):
    """Its blocks return too little or too much, by their init, besides the multiplier of CompleteP."""

    def __init__(self, depth, *, power=1.0, init=0.0):
        super().__init__(depth, power=power)
        with torch.no_grad():
            for block in self.blocks:
                block.down.weight.mul_((depth / deep.DEPTHS[0]) ** init)


@pytest.mark.parametrize("init", [-1.0, -0.5, 0.5, 1.0])
def test_an_init_inside_of_blocks_is_no_multiplier_of_theirs(init):
    check = in_depth(deep.perceptron(functools.partial(Drawn, init=init)), seeds=8)
    assert culprits(check)[:1] == [("init", "blocks.*.down", init)], str(check)
    assert all(kind != "multiplier" for kind, _, _ in culprits(check)), str(check)


class Normed(nn.Module):
    """A block of two branches, with a norm before each, that add a large share of what they make."""

    def __init__(self, share):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(deep.WIDTH) for _ in range(2))
        self.branches = nn.ModuleList(deep.linear(deep.WIDTH, deep.WIDTH) for _ in range(2))
        self.share = share

    def forward(self, x):
        for norm, branch in zip(self.norms, self.branches, strict=True):
            x = x + 8 * self.share * torch.relu(branch(norm(x)))
        return x


class Frozen(deep.Perceptron):
    """The first layer is not trained, so that within the first block the stream changes by that block's share alone."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth, power=power)
        self.blocks = nn.ModuleList(Normed(depth**-power) for _ in range(depth))
        self.enter.requires_grad_(requires_grad=False)


def test_what_a_norm_hands_on_is_judged_from_above():
    check = in_depth(deep.perceptron(Frozen))
    changes = [f for f in check.findings if "norms.1" in f.label and "change" in f.label and "(first)" in f.label]
    assert changes
    assert any(finding.exponent < -0.5 for finding in changes)
    assert not check.failed, str(check)
    assert all(finding.passed for finding in changes)


def test_the_message_says_the_power_of_the_depth():
    with pytest.raises(
        tc.ClaimFailure, match=r"multiplier of `blocks\.\*` too large by depth\^1/2 \(depth\^0\.\d\d as"
    ):
        tc.coordinate_check(deep.perceptron(power=0.5), tc.COMPLETE_P, depths=deep.DEPTHS)


def test_depth_maximal_update_is_told_from_complete_p():
    assert in_depth(deep.perceptron(power=0.5), tc.DEPTH_MUP).passed
    assert in_depth(deep.perceptron(), tc.DEPTH_MUP).failed


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes, expected",
    [({}, []), ({"power": 0.5}, LAZY), ({"power": 0.0, "slower": 0.0}, [("multiplier", "blocks.*", 1)])],
)
def test_so_does_a_decoder(changes, expected):
    check = in_depth(deep.decoder(**changes))
    assert (check.passed, check.failed) == (not expected, bool(expected)), str(check)
    assert culprits(check) == expected


class LastIsLarger(deep.Perceptron):
    """The last block alone is drawn too large, by the root of the depth."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth, power=power)
        with torch.no_grad():
            self.blocks[-1].up.weight *= (depth / 4) ** 0.5


def test_one_bad_layer_is_refuted_though_all_others_are_right():
    check = in_depth(deep.perceptron(LastIsLarger))
    assert check.failed
    assert ("init", "blocks.(last).up", 0.5) in culprits(check), str(check)


def test_parts_that_are_declared_unchecked_are_not_judged():
    check = in_depth(deep.perceptron(power=0.5, roles={"*.down*": "unchecked"}), seeds=4)
    assert not [finding for finding in check.findings if ".down" in finding.label]
    assert [finding for finding in check.findings if ".up" in finding.label]


class Wider(deep.Perceptron):
    """Its readout grows with the depth."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth, power=power)
        self.leave = nn.Sequential(deep.linear(deep.WIDTH, depth), deep.linear(depth, 4))


class WiderBlocks(deep.Perceptron):
    """What is in blocks grows with the depth."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth, power=power)
        self.blocks = nn.ModuleList(
            nn.Sequential(deep.linear(deep.WIDTH, depth), deep.linear(depth, deep.WIDTH)) for _ in range(depth)
        )


class Extra(deep.Perceptron):
    """Deep ones have a norm."""

    def __init__(self, depth, *, power=1.0, beyond=4):
        super().__init__(depth, power=power)
        self.norm = nn.LayerNorm(deep.WIDTH) if depth > beyond else nn.Identity()

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.leave(self.norm(x))


class Capped(deep.Perceptron):
    """No more than ten blocks."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(min(depth, 10), power=power)


class Pairs(deep.Perceptron):
    """A block for two layers."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth // 2, power=power)


class Again(deep.Perceptron):
    """One block, called as often as there are layers."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth, power=power)
        self.blocks = nn.ModuleList([self.blocks[0]] * depth)


@pytest.mark.parametrize(
    "build, said",
    [
        (lambda _, power: deep.Perceptron(4, power=power), "no more blocks at depth 8 than at 4: build ignores its"),
        (Again, "no more blocks at depth 8 than at 4: build ignores its depth, or makes no modules of it"),
        (Wider, r"`leave\.0\.weight` has shape \(4, 32\) at depth 4 and \(8, 32\) at 8\. Keep all but the number"),
        (WiderBlocks, "no more blocks at depth 8 than at 4"),
        (Extra, r"has other parameters at depth 8 than at 4: norm\.bias, norm\.weight\. A gate along the depth"),
        (functools.partial(Extra, beyond=16), r"has other parameters at depth 32 than at 4: norm\.bias"),
        (Capped, r"has 10 blocks `blocks\.\*` of one kind at depth 32, and 4 at 4, which makes about 32"),
        (Pairs, r"has 2 blocks `blocks\.0` \.\.\. at depth 4, and a power of the depth shows from 4 on\. Begin"),
    ],
)
def test_families_that_are_none_are_refused(build, said):
    with pytest.raises(tc.ModelError, match=said):
        tc.coordinate_check(deep.perceptron(build), tc.COMPLETE_P, depths=deep.DEPTHS)


class Raising(deep.Perceptron):
    """Too deep to be called."""

    def forward(self, x):
        return super().forward(x) if self.depth < 32 else 1 / 0


class Infinite(deep.Perceptron):
    """What it returns is no number."""

    def forward(self, x):
        return super().forward(x) / 0.0


class InPlace(deep.Perceptron):
    """What it is given is changed."""

    def forward(self, x):
        return super().forward(x.add_(1))


class Unused(deep.Perceptron):
    """Its loss does not depend on all of it."""

    def __init__(self, depth, *, power=1.0):
        super().__init__(depth, power=power)
        self.spare = deep.linear(3, 3)


def unbuilt(depth, *, power):
    return deep.Perceptron(depth, power=power) if depth < 32 else 1 / 0


BROKEN_IN_DEPTH = [
    ({"build": Raising}, "called with a batch at depth 32, has raised ZeroDivisionError"),
    ({"build": Infinite}, "is not finite at depth 4, before any step"),
    ({"build": InPlace}, "changes its batch in place at depth 4"),
    ({"build": Unused}, "does not depend on `spare.weight` at depth 4"),
    ({"build": unbuilt}, r"build\(32\) has raised ZeroDivisionError.*build\(depth\)\. Take depths that"),
    ({"optimizer": lambda _: 1 / 0}, "with the module of depth 4, has raised ZeroDivisionError"),
    ({"optimizer": lambda module: lambda batch: 1 / 0}, "a training step at depth 4 has raised ZeroDivisionError"),
    ({"optimizer": lambda module: lambda batch: None}, "steps change nothing at depth 4 or 8"),
]


@pytest.mark.parametrize("changes, said", BROKEN_IN_DEPTH)
def test_what_breaks_along_the_depth_is_told_by_the_depth(changes, said):
    model = deep.perceptron(changes.get("build", deep.Perceptron))
    if "optimizer" in changes:
        model = replace(model, optimizer=changes["optimizer"])
    with pytest.raises(tc.ModelError, match=said) as raised:
        tc.coordinate_check(model, tc.COMPLETE_P, depths=deep.DEPTHS)
    assert "width" not in str(raised.value)


@pytest.mark.parametrize("depths", [(2, 4, 8, 16, 32), (4, 8, 16, 32), (4, 6, 8, 12, 16)])
def test_depths_that_show_no_power_are_refused_with_those_that_do(depths):
    first = max(depths[0], 4)
    said = (
        rf"depths are 5 or more, begin at 4 or above and span a factor of 8 or more.*Try depths=\({first}, {2 * first},"
    )
    with pytest.raises(ValueError, match=said):
        tc.coordinate_check(tc.Model(never, never, [()], axis="depth"), tc.COMPLETE_P, depths=depths)


def never(_):
    raise AssertionError("something was built or trained")


def test_each_axis_has_its_values_and_its_parametrizations():
    along_depth, along_width = (tc.Model(never, never, [()], axis=axis) for axis in ("depth", "width"))
    for model, options, said in [
        (along_depth, {"widths": deep.DEPTHS}, r"built along the depth, and takes depths=\(\.\.\.\) alone; got widths"),
        (along_width, {"depths": deep.DEPTHS}, r"takes widths=\(\.\.\.\) alone; got depths\..* axis=\"depth\"\)"),
        (along_depth, {}, "got no values"),
        (along_depth, {"widths": deep.DEPTHS, "depths": deep.DEPTHS}, "got widths and depths"),
    ]:
        with pytest.raises(TypeError, match=said):
            tc.coordinate_check(model, tc.COMPLETE_P, **options)
    with pytest.raises(
        ValueError, match=r"along the depth takes tc\.COMPLETE_P or tc\.DEPTH_MUP; got 'maximal update'"
    ):
        tc.coordinate_check(along_depth, tc.MAXIMAL_UPDATE, depths=deep.DEPTHS)
    with pytest.raises(ValueError, match=r"takes tc\.MAXIMAL_UPDATE or tc\.NTK; got 'CompleteP'"):
        tc.coordinate_check(along_width, tc.COMPLETE_P, widths=tc.widths(64, 1024))
    with pytest.raises(TypeError, match="takes depths"):
        tc.mutations(along_depth, tc.COMPLETE_P, widths=deep.DEPTHS)
    with pytest.raises(
        ValueError, match=r"axis is what a model is scaled along, 'width' or 'depth' or .*; got 'spoons'"
    ):
        tc.Model(never, never, [()], axis="spoons")
    with pytest.raises(TypeError, match="a model along the depth, of which coordinates and times of decay are read"):
        tc.Sweep(tc.WeightChange("hidden"), along_depth, widths=deep.DEPTHS)
