"""Sparse mixtures of experts are judged where they can be, or refused by name before anything is judged."""

import dataclasses
import functools
import math
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import zoo
from theorychecks.experiment.execution import measure_selected
from theorychecks.models import ModelError
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, PROPAGATING, SIZE, Coordinate
from theorychecks.models.examination import examined as parts_of
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics.statuses import Status

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

    calls_on_none = False

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
            if len(rows) or self.calls_on_none:
                out = out.index_add(0, rows, torch.tanh(expert(x[rows])) * weights[rows, slots, None])
        return WIDTHS[0] / self.width * self.head(x + out)


class FromZero(Sparse):
    """Experts of two matrices, the last of which is zero at first."""

    def __init__(self, width, *, experts=3):
        super().__init__(width, experts=experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width, bias=False), nn.Tanh(), nn.Linear(width, width, bias=False))
            for _ in range(experts)
        )
        for expert in self.experts:
            nn.init.normal_(expert[0].weight, std=width**-0.5)
            nn.init.zeros_(expert[2].weight)


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
    judged = found.moments().judged
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


FEW = 8
"""Rows, of which each of sixteen experts has one on average: two runs in three reach it."""
SIXTEEN = functools.partial(Sparse, experts=16)


class Barring(Router):
    """Never chooses its last expert."""

    def forward(self, x):
        logits = F.linear(x, self.weight)
        return logits, logits.softmax(dim=-1)[:, :-1].topk(self.chosen, dim=-1)


class Barred(Sparse):
    """Its last expert is there, and no row ever reaches it, at some widths or at all."""

    def __init__(self, width, *, experts=16, at=WIDTHS):
        super().__init__(width, experts=experts)
        self.router = (Barring if width in at else Router)(width, experts, 2)


@pytest.mark.parametrize("samples", [FEW, 64])
def test_an_expert_that_no_row_ever_reaches_is_refused_by_name(samples):
    with pytest.raises(ModelError, match=r"no row of the batch reaches `experts\.15`, for any .* Give a batch of more"):
        checked(model(Barred, samples=samples), widths=WIDTHS)


@pytest.mark.parametrize("width", WIDTHS[:2])
def test_an_expert_that_rows_reach_at_one_of_two_widths_is_refused_with_the_other(width):
    build = functools.partial(Barred, at=(width,))
    with pytest.raises(ModelError, match=rf"reaches `experts\.15`, for any of 32 seeds at width {width}\. "):
        parts_of(model(build, samples=64), WIDTHS, 3)


class Unused(nn.Module):
    """Blocks that all rows go through, but for the last one, which nothing calls."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.first, self.head = nn.Linear(5, width), nn.Linear(width, 3)
        self.experts = nn.ModuleList(nn.Linear(width, width) for _ in range(3))

    def forward(self, x):
        x = self.first(x)
        for expert in self.experts[:-1]:
            x = torch.tanh(expert(x))
        return self.head(x)


def test_a_block_that_is_never_called_is_no_expert():
    """Three draws tell, since nothing is routed."""
    built = []

    def build(width):
        built.append(width)
        return Unused(width)

    parts, _ = parts_of(model(build), WIDTHS, 3)
    assert not parts.routed
    assert "experts.1" in parts.own
    assert "experts.2" not in parts.own
    assert len(built) == 3


class Calling(Sparse):
    """Calls every expert, some of them on no rows."""

    calls_on_none = True


def test_parts_are_told_from_draws_that_reach_each_expert():
    """In the order of a forward pass, and as if one batch had reached all."""
    few, many = (examined(model(SIXTEEN, samples=samples), widths=WIDTHS).anatomy for samples in (FEW, 256))
    assert few.modules == many.modules
    assert few.parameters == many.parameters
    assert (few.own, few.readouts, few.cancelled) == (many.own, many.readouts, many.cancelled)


def test_a_call_on_no_rows_is_none():
    """In later steps Adam moves an expert on whose gradient is zero, and not one that has none."""
    called, calling = (
        examined(model(functools.partial(build, experts=16), samples=FEW), widths=WIDTHS, steps=1)
        for build in (Sparse, Calling)
    )
    assert called.anatomy == calling.anatomy
    assert str(called.measurements) == str(calling.measurements)


def test_a_run_has_numbers_of_the_experts_that_it_reaches():
    """Where nothing is routed to an expert it has no size, where nothing was it has no update; all else is there."""
    sparse = examined(model(SIXTEEN, samples=FEW), widths=WIDTHS, budget=32).on((12, 12))
    found = sparse.measurements
    # What each calls depends on its weights, and models are trained one by one.
    assert not sparse.trains_together()
    undefined = {moment for moment, each in found.items() if each.has_undefined or any(each.left_out)}
    left = [min(each.seeds) for moment, each in found.items() if moment.coordinate == ("experts.3", SIZE, "")]
    assert len(left) == len((0, 1, 3))
    assert {moment.coordinate.module.partition(".")[0] for moment in undefined} == {"experts"}
    assert all(4 <= count < 12 for count in left)
    assert {each.made for each in found.values()} == {(12, 12)}


def too_fast(module):
    """First matrices of experts have rates that are too large by the width."""
    first = [expert[0].weight for expert in module.experts]
    others = [p for p in module.parameters() if all(p is not each for each in first)]
    slow = [p for name, p in module.named_parameters() if name.endswith(".2.weight") or "router" in name]
    rest = [p for p in others if all(p is not each for each in slow)]
    rate = 3e-3 * WIDTHS[0] / module.width
    return torch.optim.Adam([{"params": rest + first}, {"params": slow, "lr": rate}], lr=3e-3)


@pytest.mark.slow
def test_first_matrices_of_experts_that_begin_at_zero_are_judged():
    """They pass at the right rate, and are refuted at one that is too large by the width."""
    check = checked(model(FromZero, samples=64), widths=WIDTHS, budget=16)
    updates = [finding for finding in check.findings if ".0.weight, effective update" in finding.label]
    assert len(updates) == 3
    assert check.passed, str(check)
    wrong = zoo.plain(build=FromZero, optimizer=too_fast, batches=zoo.pairs(samples=64), name="experts")
    check = checked(wrong, widths=WIDTHS, budget=16)
    assert check.failed, str(check)
    first = ", ".join(f"experts.{k}.0.weight" for k in range(3))
    assert ("learning rate", first) in [(each.kind, each.where) for each in check.diagnosis.culprits]


class Dead(nn.Linear):
    """Returns zeros."""

    def forward(self, x):
        return 0 * super().forward(x)


class Dying(Sparse):
    """Its second expert returns zeros at all widths but the first."""

    def __init__(self, width):
        super().__init__(width)
        if width > WIDTHS[0]:
            self.experts[1] = Dead(width, width, bias=False)


def test_zeros_of_an_expert_that_is_reached_are_no_missing_numbers():
    found = examined(model(Dying, samples=64), widths=WIDTHS).measurements
    for coordinate in (Coordinate("experts.1", SIZE), Coordinate("experts.1", EFFECTIVE, "experts.1.weight")):
        narrow, wide = found[Moment(coordinate, 3)].statuses
        assert set(narrow) == {Status.OK}
        assert set(wide) == {Status.ZERO}


def expert_off(build, *, init=0.0, rate=0.0, expert="3"):
    """A model of which one expert's init and learning rate are off by powers of the width."""

    def built(width):
        module = build(width)
        with torch.no_grad():
            module.experts.get_submodule(expert).weight *= (width / WIDTHS[0]) ** init
        return module

    def optimizer(module):
        odd = [*module.experts.get_submodule(expert).parameters()]
        found = adam(module)
        for group in found.param_groups:
            group["params"] = [p for p in group["params"] if all(p is not other for other in odd)]
        rate_of = 3e-3 * (module.width / WIDTHS[0]) ** (rate - 1)
        found.add_param_group({"params": odd, "lr": rate_of})
        return found

    return zoo.plain(build=built, optimizer=optimizer, batches=zoo.pairs(samples=FEW), name="experts")


def test_a_mixture_of_which_no_expert_is_judged_does_not_pass():
    """It is refused by its first runs where nothing else is predicted, and open else."""
    rare = r"no expert of `experts\.\*` is reached in 4 runs or more at every width"
    sparse = model(functools.partial(Sparse, experts=8), samples=2)
    check = checked(sparse, widths=WIDTHS, budget=None, seeds=6)
    assert not check.passed
    assert not check.failed
    assert {finding.outcome for finding in check.findings if "experts." not in finding.label} == {"pass"}
    assert all(re.match(rare, finding.reason) for finding in check.findings if finding.outcome != "pass")
    sparse = model(functools.partial(Sparse, experts=8), samples=1)
    unchecked = dataclasses.replace(sparse, roles={"[!e]*": "unchecked", "": "unchecked"})
    with pytest.raises(ModelError, match=rf"{rare} \(.*, step \d\)\. Give a batch of more rows, or take fewer experts"):
        checked(unchecked, widths=WIDTHS, budget=None, seeds=6)


class Hooked(Sparse):
    """Experts with biases, halved by a hook or by themselves."""

    def __init__(self, width, *, hook):
        super().__init__(width)
        kind = nn.Linear if hook else Halved
        self.experts = nn.ModuleList(kind(width, width) for _ in self.experts)
        if hook:
            for expert in self.experts:
                expert.register_forward_hook(lambda _part, _given, output: output / 2)


class Halved(nn.Linear):
    """Returns half of what a linear layer does."""

    def forward(self, x):
        return super().forward(x) / 2


def test_a_hook_is_a_part_of_an_experts_updates():
    hooked, other = (
        examined(model(functools.partial(Hooked, hook=hook)), widths=WIDTHS).measurements for hook in (True, False)
    )
    for kind in ("weight", "bias"):
        moment = Moment(Coordinate("experts.1", EFFECTIVE, f"experts.1.{kind}"), 1)
        assert hooked[moment].values == other[moment].values


class BySlot(Sparse):
    """Each expert is called on the rows whose first choice it is, and then on those whose second one it is."""

    def __init__(self, width):
        super().__init__(width, experts=8)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        weights, chosen = self.router(x)[1]
        out = torch.zeros_like(x)
        for slot in range(2):
            for index, expert in enumerate(self.experts):
                rows = (chosen[:, slot] == index).nonzero(as_tuple=True)[0]
                if len(rows):
                    out = out.index_add(0, rows, torch.tanh(expert(x[rows])) * weights[rows, slot, None])
        return WIDTHS[0] / self.width * self.head(x + out)


def test_a_call_without_rows_at_the_start_has_no_update():
    found = examined(model(BySlot, samples=FEW), widths=WIDTHS, budget=32).on((8, 8)).measurements
    numbers = 0
    for name in (f"experts.{k}" for k in range(8)):
        call = f"{name} (call 2)"
        update, size = (
            found[Moment(Coordinate(call, quantity, parameter), step)]
            for quantity, parameter, step in ((EFFECTIVE, f"{name}.weight", 3), (SIZE, "", 0))
        )
        if update.has_undefined and size.has_undefined:
            for one, other in zip(update.statuses, size.statuses, strict=True):
                numbers += sum(status is Status.OK for status in one)
                assert all(b is Status.OK for a, b in zip(one, other, strict=True) if a is Status.OK)
    assert numbers > 0


class Skipping(nn.Module):
    """Four layers, each of which chance skips."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.first, self.head = nn.Linear(5, width, bias=False), nn.Linear(width, 3, bias=False)
        self.layers = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for layer in self.layers:
            if torch.rand(()) < 0.5:
                x = x + torch.tanh(layer(x))
        return WIDTHS[0] / self.width * self.head(x)


class Dropping(Sparse):
    """Rows are padded to all, and what an expert returns is dropped in part; an expert of no row is not called."""

    def __init__(self, width):
        super().__init__(width, experts=8)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        weights, chosen = self.router(x)[1]
        out = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            mine = ((chosen == index) * weights).sum(dim=-1, keepdim=True)
            if mine.any():
                out = out + self.drop(torch.tanh(expert(x))) * mine
        return WIDTHS[0] / self.width * self.head(x + out)


def test_experts_of_a_model_that_draws_random_numbers_are_experts():
    found = examined(model(Dropping, samples=2), widths=WIDTHS)
    assert {name for name, part in found.anatomy.modules.items() if part.routed} >= {"experts.0", "experts.7"}


def test_layers_that_chance_skips_are_no_experts():
    with pytest.raises(ModelError, match="calls other modules for another seed at width 16 than at 16: layers"):
        examined(model(Skipping), widths=WIDTHS).moments()


def test_no_run_is_left_out_that_is_compared_with_another():
    sparse = examined(model(functools.partial(Sparse, experts=8), samples=FEW), widths=WIDTHS, budget=32)
    sweep = sparse.sweep.on((8, 8))
    alone = measure_selected(sweep, sparse.resources).measurements
    paired = measure_selected(sweep, sparse.resources, paired=True).measurements
    assert {sum(each.left_out) for each in paired.values()} == {0}
    parts = max(alone, key=lambda each: sum(alone[each].left_out))
    assert alone[parts].made == paired[parts].seeds == (8, 8)
    with pytest.raises(ValueError, match="needs every run on both sides"):
        alone[parts].over(paired[parts])


@pytest.mark.slow
def test_sixteen_experts_with_few_rows_pass():
    check = checked(model(SIXTEEN, samples=FEW), widths=tc.widths(32, 512))
    assert check.passed, str(check)
    updates = {finding.label for finding in check.findings if re.search(r"experts\.\d+\.weight, eff", finding.label)}
    missing = {f"experts, {moment}" for moment in check.rare if moment.coordinate.quantity == EFFECTIVE}
    every = {f"experts, experts.{k}.weight, effective update, step {step}" for k in range(16) for step in (1, 3)}
    assert len(updates) >= 16
    assert updates | missing == every
    assert not updates & missing
    assert ("- not judged: " in str(check)) == bool(check.rare)
    # All that is not an expert's has all runs, and some that is has fewer.
    fewer = {finding.label for finding in check.findings if any(finding.measurement.left_out)}
    assert fewer
    assert all("experts." in label for label in fewer)


@pytest.mark.slow
def test_a_router_of_sixteen_experts_drawn_as_hidden_matrices_are_is_named():
    check = checked(model(functools.partial(SIXTEEN, router=0.5), samples=FEW), widths=tc.widths(32, 512))
    named = [(culprit.kind, culprit.where, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits]
    assert named == [("init", "router", 0.5)], str(check)


def test_one_expert_of_several_with_few_rows_that_learns_too_fast_is_refuted():
    check = checked(expert_off(functools.partial(Sparse, experts=8), rate=1.0), widths=WIDTHS, budget=8)
    refuted = [finding for finding in check.refuted if "experts.3.weight, effective update" in finding.label]
    assert any(any(finding.measurement.left_out) for finding in refuted), str(check)
    assert not [
        finding for finding in check.refuted if "experts.3" not in finding.label and "experts." in finding.label
    ]


class Turning(Router):
    """Turns from its fourth expert as the width grows."""

    def forward(self, x):
        logits = F.linear(x, self.weight)
        bias = torch.zeros(len(self.weight))
        bias[3] = -0.05 * math.log2(x.shape[-1] / WIDTHS[0])
        return logits, (logits + bias).softmax(dim=-1).topk(self.chosen, dim=-1)


class Turned(Sparse):
    """A mixture of eight experts with such a router."""

    def __init__(self, width):
        super().__init__(width, experts=8)
        self.router = Turning(width, 8, 2)


@pytest.mark.slow
def test_an_expert_that_fewer_runs_reach_at_wide_widths_stays_open():
    check = checked(model(Turned, samples=FEW), widths=WIDTHS, budget=None, seeds=24)
    assert not check.passed
    assert not check.failed
    assert {re.findall(r"experts\.\d", finding.label)[0] for finding in check.undecided} == {"experts.3"}
    assert all("the router of `experts`" in finding.reason for finding in check.undecided), str(check)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("off", "kind", "where"),
    [
        ({"rate": 0.5}, "learning rate", "experts.3.weight"),
        ({"init": 0.5}, "init", "experts.3"),
    ],
)
def test_one_expert_of_sixteen_that_is_off_is_named(off, kind, where):
    check = checked(expert_off(SIXTEEN, **off), widths=WIDTHS)
    named = [(culprit.kind, culprit.where, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits]
    assert (kind, where, 0.5) in named, str(check)


def plain_run(width, *, seed, rate, steps, router):
    """Logarithms of the sizes of an expert's output and of its update, in plain torch; None if a step misses it."""
    torch.manual_seed(1000 * width + seed)
    module = SIXTEEN(width, router=router)
    optimizer = adam(module)
    for group in optimizer.param_groups[1:]:
        group["lr"] *= (width / WIDTHS[0]) ** rate
    before, given = module.experts[3].weight.detach().clone(), []
    for inputs, targets in zoo.pairs(samples=FEW)[:steps]:
        features = torch.tanh(module.first(inputs))
        rows = (module.router(features)[1][1] == 3).any(dim=-1)
        if not rows.any():
            return None
        given.append(features[rows].detach())
        optimizer.zero_grad()
        F.mse_loss(module(inputs), targets).backward()
        optimizer.step()
    moved = module.experts[3].weight.detach() - before
    return [(given[0] @ weight.T).square().mean().sqrt().log().item() for weight in (before, moved)]


def plain_exponents(widths=(16, 32, 64, 128, 256), seeds=40, **options):
    """Powers of the width of these sizes, and the share of runs of which each step reaches the expert."""
    found = [[plain_run(width, seed=seed, **options) for seed in range(seeds)] for width in widths]
    reached = [[run for run in runs if run is not None] for runs in found]
    logs = torch.stack([torch.tensor(runs).mean(dim=0) for runs in reached])
    steps = torch.tensor(widths).log()
    steps = steps - steps.mean()
    return (steps @ logs / steps.square().sum()).tolist(), [len(runs) / seeds for runs in reached]


@pytest.mark.parametrize("router", [1.0, 0.5])
@pytest.mark.parametrize(("rate", "steps"), [(0.0, 1), (0.5, 1), (0.0, 3), (0.5, 3)])
def test_runs_that_reach_an_expert_have_the_exponents_of_theory_in_plain_torch(rate, steps, router):
    """As many runs reach it at every width, however large the router's logits are."""
    (size, update), shares = plain_exponents(rate=rate, steps=steps, router=router)
    assert size == pytest.approx(0.0, abs=0.1)
    assert update == pytest.approx(rate, abs=0.1)
    assert all(0.1 < share < 0.9 for share in shares)
    assert max(shares) - min(shares) < 0.4


def test_nothing_is_routed_in_other_models():
    assert not examined(zoo.perceptron()).anatomy.routed
    assert not examined(zoo.MODELS["attentive"]).anatomy.routed


def test_outputs_of_one_call_are_not_mistaken_for_each_other():
    """The logits of a router are read by its softmax; its shares alone are no propagating update."""
    read = {(m.coordinate.module, m.coordinate.quantity) for m in examined(model(Dense), widths=WIDTHS).measurements}
    assert ("router[1]", CHANGE) in read
    assert not {("router[1]", PROPAGATING), ("router[0]", PROPAGATING)} & read
    assert checked(model(Dense), widths=WIDTHS, budget=8).findings


@pytest.mark.parametrize("build", [Sparse, Dense, Layers])
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
    assert [(each.kind, each.where) for each in check.diagnosis.culprits] == [("init", "routers.*")], str(check)
