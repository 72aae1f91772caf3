"""Experts that runs reach unlike often are left out or open, and a mixture without any that is judged is refused."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.reporting import records
from theorychecks.gates.rare import check_judged, mixture_of, note_on, without_rare
from theorychecks.models import ModelError
from theorychecks.models.coordinates import EFFECTIVE, SIZE, Coordinate
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Measurement


def is_in_expert(name):
    """Whether a module is an expert, or lies in one."""
    return re.search(r"experts\.\d+|\.pool", name) is not None


ROUTED = SimpleNamespace(
    anatomy=SimpleNamespace(routed=True, routes=is_in_expert),
    model=SimpleNamespace(title="mix"),
    sweep=SimpleNamespace(axis="width"),
)
SIZES = [Moment(Coordinate(f"experts.{k}", SIZE), 1) for k in range(4)]


def finding(seeds, made=24, **options):
    """Judged by so many of the runs that were made at each width."""
    values = [[1.0 + 0.01 * k for k in range(count)] for count in seeds]
    found = records.finding(exponent=0.0, predicted=0.0, values=values, **options)
    measurement = replace(found.measurement, left_out=tuple(made - count for count in seeds))
    return replace(found, judgement=replace(found.judgement, measurement=measurement))


DECIDED, FAILING = finding((24,) * 6), finding((24,) * 6, verdict="refuted")


def test_an_expert_that_is_reached_more_often_at_one_end_stays_open():
    alike, others = finding((16, 15, 17, 16, 15, 14)), finding((24, 22, 20, 15, 11, 8))
    kept, rare = without_rare(ROUTED, {SIZES[0]: alike, SIZES[1]: others})
    assert rare == ()
    assert kept[SIZES[0]] is alike
    assert alike.outcome == "pass"
    assert kept[SIZES[1]].outcome == "inconclusive"
    assert kept[SIZES[1]].reason == (
        "rows reach `experts.1` in 24 of 24 runs at width 128 and in 8 of 24 runs at width 4096, so that it is judged "
        "by other runs there; see that the router of `experts` chooses alike at every width, or give a batch of more "
        "rows"
    )


def test_one_of_many_experts_is_reached_otherwise_by_chance():
    """16 of 24 and 7 of 24 are so far apart in two of a hundred experts, and hardly in one of one."""
    uneven = finding((16, 24, 24, 24, 24, 7))
    many = {Moment(Coordinate(f"experts.{k}", SIZE), 1): finding((16, 24, 24, 24, k, 16)) for k in range(4, 24)}
    kept, _ = without_rare(ROUTED, {SIZES[1]: uneven})
    assert kept[SIZES[1]].outcome == "inconclusive"
    kept, _ = without_rare(ROUTED, {**many, SIZES[1]: uneven})
    assert kept[SIZES[1]] is uneven


def test_what_fails_fails_whichever_runs_reach_it():
    failing = finding((24, 22, 20, 15, 11, 8), verdict="refuted")
    assert failing.outcome == "fail"
    kept, _ = without_rare(ROUTED, {SIZES[0]: failing})
    assert kept == {SIZES[0]: failing}


def test_a_coordinate_with_too_few_numbers_is_rare():
    lacking = Measurement.of(records.WIDTHS, [[1.0, 1.1, 1.2, float("nan")], *[[1.0, 1.1, 1.2, 1.3]] * 5])
    found = finding((24,) * 6)
    lacking = replace(found, judgement=replace(found.judgement, measurement=lacking))
    kept, rare = without_rare(ROUTED, {SIZES[0]: found, SIZES[1]: lacking})
    assert (list(kept), rare) == ([SIZES[0]], (SIZES[1],))
    check_judged(ROUTED, kept, rare)
    assert note_on(rare) == (
        "- not judged: 1 coordinates of `experts.1`, which too few runs have; give a batch of more rows to have them "
        "judged"
    )


def open_finding(seeds, made=24):
    return finding(seeds, made, verdict="inconclusive")


FEW, MOST = open_finding((8,) * 6), open_finding((20,) * 6)


@pytest.mark.parametrize(
    ("experts", "rare"),
    [
        ([DECIDED, DECIDED, DECIDED, FEW], [3]),
        ([DECIDED, DECIDED, FAILING, FEW], [3]),
        ([DECIDED, DECIDED, FEW, FEW], []),  # half of the experts are too few to speak for the others
        ([DECIDED, DECIDED, DECIDED, MOST], []),
        ([DECIDED, DECIDED, DECIDED, open_finding((20, 16, 12, 8, 8, 6))], []),
    ],
    ids=["a quarter", "a failure is a verdict", "half", "most runs have it", "which runs have it depends on the width"],
)
def test_an_open_coordinate_is_rare_where_few_runs_have_it_and_most_experts_are_decided(experts, rare):
    kept, found = without_rare(ROUTED, dict(zip(SIZES, experts, strict=True)))
    assert found == tuple(SIZES[place] for place in rare)
    assert [kept[moment].outcome for moment in kept] == [
        each.outcome for place, each in enumerate(experts) if place not in rare
    ]


def test_experts_of_another_mixture_decide_nothing():
    others = [Moment(Coordinate(f"layers.0.experts.{k}", SIZE), 1) for k in range(8)]
    own = [Moment(Coordinate(f"layers.1.experts.{k}", SIZE), 1) for k in range(2)]
    findings = dict.fromkeys(others, DECIDED) | {own[0]: DECIDED, own[1]: FEW}
    kept, found = without_rare(ROUTED, findings)
    assert found == ()
    assert kept[own[1]].outcome == "inconclusive"


@pytest.mark.parametrize(
    ("coordinate", "starred"),
    [
        (Coordinate("layers.0.experts.5.up", SIZE), "layers.0.experts.*.up, size"),
        (
            Coordinate("layers.0.experts.5.up", EFFECTIVE, "layers.0.experts.5.up.weight"),
            "layers.0.experts.*.up.weight, effective update",
        ),
        (Coordinate("layers.0.norm", SIZE), "layers.0.norm, size"),
        (Coordinate("layers.0.pool.up", SIZE), "layers.0.pool.up, size"),
    ],
)
def test_a_mixture_is_known_by_what_its_experts_have_in_common(coordinate, starred):
    assert str(mixture_of(ROUTED.anatomy, Moment(coordinate, 1))) == f"{starred}, step 1"


def test_one_that_no_expert_of_the_name_has_in_runs_enough_stays_open():
    lacking = Measurement.of(records.WIDTHS, [[1.0, 1.1, 1.2, float("nan")], *[[1.0, 1.1, 1.2, 1.3]] * 5])
    found = finding((24,) * 6)
    found = replace(found, judgement=replace(found.judgement, measurement=lacking))
    kept, rare = without_rare(ROUTED, {SIZES[0]: found, SIZES[1]: found})
    assert rare == ()
    assert {each.outcome for each in kept.values()} == {"inconclusive"}
    assert kept[SIZES[0]].reason == (
        "no expert of `experts.*` is reached in 4 runs or more at every width; give a batch of more rows, or take "
        "fewer experts"
    )


def test_along_the_experts_the_router_is_not_blamed_for_fewer_rows():
    uneven = finding((24, 22, 20, 15, 11, 8))
    measurement = replace(uneven.measurement, axis="experts")
    uneven = replace(uneven, judgement=replace(uneven.judgement, measurement=measurement))
    kept, _ = without_rare(ROUTED, {SIZES[1]: uneven})
    assert "at experts 4096, so that it is judged by other runs there; give a batch" in kept[SIZES[1]].reason


@pytest.mark.parametrize(
    "other", [Moment(Coordinate("experts.0", EFFECTIVE, "experts.0.weight"), 1), Moment(Coordinate("head", SIZE), 1)]
)
def test_no_coordinate_is_left_out_that_no_expert_of_the_name_has(other):
    with pytest.raises(
        ModelError,
        match=r"mix: no expert of `experts\.\*` is reached in 4 runs or more at every width \(size, step 1\)\. Give",
    ):
        check_judged(ROUTED, [other], SIZES[:1])
    with pytest.raises(ModelError, match="no expert of"):
        check_judged(ROUTED, [SIZES[1]._replace(step=3)], SIZES[:1])
    check_judged(ROUTED, [SIZES[1]], SIZES[:1])
