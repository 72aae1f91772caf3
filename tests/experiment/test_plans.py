"""Plans: parts of them cost the same and overlap nowhere, and what cells take is as the engines and the store know."""

import pytest

import theorychecks as tc
from theorychecks.engines import dense
from theorychecks.engines.cost import Rates
from theorychecks.experiment import Resources, measure
from theorychecks.experiment.plans import ClaimPlan, Prices, parts
from theorychecks.experiment.stored import StoredCells
from theorychecks.store import Store

TRAINING = tc.Training(
    tc.MLP(2, tc.RELU, tc.NTK),
    learning_rate=tc.scaled(0.3),
    data=tc.Teacher(dimension=4, samples=4),
    loss=tc.MSE,
    steps=2,
)
RATES = {name: Rates(1e9, ((64, 4, 1e6),)) for name in ("dense", "matrix_free")}
"""A million operations a second, whatever is trained, and random numbers for next to nothing."""


@tc.quantity(along="width", name="power {power}", cost=1)
def power(width, draw, *, power):
    return [float(width) ** power for _ in draw.seeds]


def sweep(*widths, seeds=8, observable=None):
    return tc.Sweep(observable or tc.WeightChange("output"), TRAINING, widths=widths, seeds=seeds)


def needs(*designs, resources=None):
    plan = ClaimPlan("A", "test_a.py::test_a")
    for design in designs:
        plan.needs([design], design, resources or Resources(calibration=RATES))
    return [need for stage in plan.first for need in stage]


def loads(found, shares, count):
    """What each part costs."""
    weights = {need.place: need.weight for need in found}
    return [sum(weights[place] for place, part in shares.items() if part == one) for one in range(1, count + 1)]


def test_parts_have_every_cell_once_and_cost_about_the_same():
    found = needs(sweep(16, 32, 64, 128), power(power=1).over((8, 16, 32, 64, 128)), power(power=2).over((8, 16, 32)))
    for count in (1, 2, 3, 5):
        shares = parts(found, count)
        assert set(shares) == {need.place for need in found}
        assert set(shares.values()) <= set(range(1, count + 1))
        # Longest first is never further off than by the dearest one that is not the first of its part.
        assert max(loads(found, shares, count)) <= sum(loads(found, shares, count)) / count + max(
            need.weight for need in found
        )
    halves = loads(found, parts(found, 2), 2)
    assert halves[0] == pytest.approx(halves[1], rel=0.1)


def test_parts_do_not_depend_on_the_machine_or_on_what_is_stored(tmp_path):
    designs = sweep(16, 32, 64, 1024), power(power=1).over((8, 16, 32))
    stored = StoredCells(Store.open(tmp_path / "store"))
    measure(sweep(16, 32), Resources(stored=stored))
    others = Resources(calibration=RATES, stored=stored, engine="dense")
    assert {need.cell.engine for need in needs(*designs, resources=others)} == {"dense", "function"}
    assert {need.cell.engine for need in needs(*designs)} == {"dense", "matrix_free", "function"}
    assert parts(needs(*designs, resources=others), 3) == parts(needs(*designs), 3)


def test_more_parts_than_cells_leave_some_empty():
    found = needs(power(power=1).over((8, 16)))
    assert sorted(parts(found, 5).values()) == [1, 2]


def test_a_bill_is_what_the_engine_says_of_the_trainings():
    cost = dense.cost(TRAINING, 32)
    bill = Prices(None, Resources(calibration=RATES)).bill(needs(sweep(32, seeds=8)))
    assert (bill.cells, bill.stored, bill.missing, bill.untimed) == (1, 0, 1, 0)
    assert bill.flops == 8 * cost.flops
    assert bill.seconds == pytest.approx(8 * cost.flops / 1e6, rel=1e-3)
    assert bill.bytes == 8 * cost.bytes


def test_a_cell_that_is_asked_for_twice_is_counted_once_with_the_more_seeds():
    prices = Prices(None, Resources(calibration=RATES))
    both = prices.bill(needs(sweep(32, seeds=8), sweep(32, 64, seeds=(4, 4))))
    assert both.cells == 2
    assert both.flops == 8 * dense.cost(TRAINING, 32).flops + 4 * dense.cost(TRAINING, 64).flops


def test_what_is_stored_is_not_charged_and_says_how_long_the_like_takes(tmp_path):
    store = Store.open(tmp_path / "store")
    resources = Resources(calibration=RATES, stored=StoredCells(store))
    design = power(power=1).over((8, 16), seeds=4)
    more = power(power=1).over((8, 16, 32), seeds=(4, 6, 4))
    again = power(power=1).over((8, 16), seeds=4, root_seed=1)
    assert Prices(store, resources).bill(needs(design, resources=resources)).untimed == 2
    measure(design, resources)
    (seconds,) = (block.seconds for block in map(store.load, store.names()) if block.description["width"] == "16")
    bill = Prices(store, resources).bill(needs(more, resources=resources))
    assert (bill.cells, bill.stored, bill.missing, bill.untimed) == (3, 1, 2, 1)
    assert bill.seconds == pytest.approx(2 * seconds / 4)
    assert Prices(store, resources).bill(needs(again, resources=resources)).untimed == 0
    assert Prices(None, resources).bill(needs(again, resources=resources)).untimed == 2


def test_trainings_that_are_repeated_have_no_time_beforehand():
    resources = Resources(calibration=RATES)
    stable = sweep(32, 64, seeds=4, observable=tc.MaxStableLearningRate("loss", limit=2))
    bill = Prices(None, resources).bill(needs(stable))
    assert (bill.untimed, bill.flops) == (2, 0)
    assert bill.bytes > 0


@pytest.mark.parametrize(("test", "label"), [("t.py::test_a", "A"), ("t.py::test_a[b-c[1]]", "A[b-c[1]]")])
def test_a_claim_is_called_with_what_pytest_gives_it(test, label):
    assert ClaimPlan("A", test).label == label
