"""Along the number of experts a coordinate check passes mixtures that average or choose, and finds what is wrong."""

import pytest
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked
from tests.models import parallel
from tests.models.deep import linear
from tests.models.parallel import Averaged, Falling, InOne, Routed, RoutedInOne, Soft

MANY = {"rows": 2048}


def in_experts(model, **options):
    return checked(model, **({"widths": parallel.FEWER, "steps": 4} | options))


def culprits(check):
    return [(culprit.kind, culprit.where, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits]


CORRECT = {
    "mean": {"mixture": Averaged},
    "mean without a stream": {"mixture": Averaged, "residual": False},
    "softmax": {"mixture": Soft},
    "softmax in one parameter": {"mixture": InOne},
    "two a row": {"mixture": Routed} | MANY,
    "two a row in one parameter": {"mixture": RoutedInOne} | MANY,
}


@pytest.mark.parametrize("name", CORRECT)
def test_mixtures_in_maximal_update_pass(name):
    check = in_experts(parallel.mixing(**CORRECT[name]))
    assert check.passed, str(check)
    assert not check.diagnosis


RATES = {("learning rate", f"moe.experts.*.{layer}.weight", -1) for layer in ("up", "down")}
BROKEN = {
    "a sum": ({"mixture": Averaged, "power": 0.0}, {("multiplier", "moe", 1)}),
    "a sum over the root": ({"mixture": Averaged, "power": 0.5}, {("multiplier", "moe", 0.5)}),
    "too small a mean": ({"mixture": Averaged, "power": 1.5}, {("multiplier", "moe", -0.5)}),
    "slow experts": ({"mixture": Averaged, "slower": 1.0}, RATES),
    "slow experts, two a row": ({"mixture": Routed, "slower": 1.0} | MANY, RATES),
    "too much of two a row": ({"mixture": Routed, "power": 0.5} | MANY, {("multiplier", "moe", 0.5)}),
    "weights that fall": ({"mixture": Falling} | MANY, {("multiplier", "moe", -0.5)}),
    "slow matrices of one parameter": (
        {"mixture": RoutedInOne, "slower": 1.0} | MANY,
        {("learning rate", "moe.up", -1), ("learning rate", "moe.down", -1)},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_in_a_mixture_is_refuted_and_named(name):
    options, expected = BROKEN[name]
    check = in_experts(parallel.mixing(**options))
    assert check.failed
    assert expected <= set(culprits(check)), str(check)
    assert culprits(check)[0] in expected, str(check)


class Router(nn.Module):
    """A router that returns its softmax, and which experts it chooses."""

    def __init__(self, experts):
        super().__init__()
        self.gate = linear(parallel.WIDTH, experts)

    def forward(self, x):
        return self.gate(x).softmax(dim=-1)


class WithRouter(Soft):
    """Its router is a module with a layer inside."""

    def __init__(self, experts):
        super().__init__(experts)
        self.router = Router(experts)

    def forward(self, x):
        parts = zip(self.router(x).split(1, -1), self.experts, strict=True)
        return sum(weight * expert(x) for weight, expert in parts), self.router(x)


class Reading(parallel.Mixing):
    """Its mixture returns its router's weights as well."""

    def forward(self, x):
        x = self.enter(x)
        return self.leave(x + self.moe(x)[0])


def test_weights_of_a_router_are_not_judged_and_its_logits_are():
    check = in_experts(parallel.mixing(Reading, mixture=WithRouter), seeds=4)
    labels = [finding.label for finding in check.findings]
    assert any("moe.router.gate, size" in label for label in labels)
    assert not [label for label in labels if "moe.router, " in label or "logits" in label or "moe[1]" in label]


class Ignoring(parallel.Mixing):
    """Four experts, whatever is asked for."""

    def __init__(self, experts, **options):
        super().__init__(4, **options)


class Wider(parallel.Mixing):
    """Experts grow with their number."""

    def __init__(self, experts, **options):
        super().__init__(4, **options)
        self.moe = nn.Sequential(linear(parallel.WIDTH, experts), linear(experts, experts), linear(experts, 32))


class Extra(parallel.Mixing):
    """Many experts have a norm."""

    def __init__(self, experts, *, beyond=4, **options):
        super().__init__(experts, **options)
        self.norm = nn.LayerNorm(parallel.WIDTH) if experts > beyond else nn.Identity()

    def forward(self, x):
        return self.leave(self.norm(self.enter(x)) + self.moe(self.enter(x)))


class Capped(parallel.Mixing):
    """No more than ten experts."""

    def __init__(self, experts, **options):
        super().__init__(min(experts, 10), **options)


class Zero(Routed):
    """A router that tells nothing apart: the first two experts have all rows."""

    def __init__(self, experts, **options):
        super().__init__(experts, **options)
        nn.init.zeros_(self.router.weight)


class ZeroInOne(RoutedInOne):
    """The same with matrices of one parameter."""

    def __init__(self, experts, **options):
        super().__init__(experts, **options)
        nn.init.zeros_(self.router.weight)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"build": Ignoring}, "has the same shapes at experts 4 and 8: build ignores its experts"),
        ({"build": Wider}, r"`moe\.1\.weight` has shape \(4, 4\) at experts 4 and \(8, 8\) at 8: more grows than the"),
        ({"build": Extra}, r"has other parameters at experts 8 than at 4: norm\.bias, norm\.weight"),
        ({"build": Extra, "beyond": 12}, r"has other parameters at experts 16 than at 4: norm\.bias, norm\.weight"),
        ({"build": Capped}, r"has 10 blocks `moe\.experts\.\*` of one kind at experts 32, and 4 at 4"),
        (
            {"mixture": Zero},
            r"2 of 4 experts are reached by no row of the batch at experts 4, `moe\.experts\.\d` first",
        ),
        ({"mixture": ZeroInOne}, r"2 of 4 experts are reached by no row of the batch at experts 4, `moe\.up\[\d\]`"),
        ({"mixture": Routed, "rows": 24}, r"experts are reached by no row of .* Give a batch of many more rows than"),
    ],
)
def test_families_that_are_none_are_refused(options, said):
    with pytest.raises(tc.ModelError, match=said) as raised:
        tc.coordinate_check(parallel.mixing(**options), tc.MAXIMAL_UPDATE, experts=parallel.FEWER)
    assert "width" not in str(raised.value)
