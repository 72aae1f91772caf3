"""What is said of a run that is under way, and how long the rest may take."""

import pytest

from theorychecks.plugin.under_way import Lane, about, progress_line, seconds_left, telling
from theorychecks.progress import Look, listener


def lane_at(claim, width=None, look=None, cells=(0, 0), flops=(0.0, 0.0)):
    """A process that has measured some of the cells and operations that it has planned."""
    lane = Lane()
    lane.claim_begun(claim)
    lane.planned(cells[1], flops[1])
    for _ in range(cells[0]):
        lane.measured(1, flops[0] / cells[0], flops[0] / cells[0])
    if width is not None:
        lane.begun("weight change", "width", width, look)
    return lane


def test_line_says_the_most_telling_first():
    lanes = [
        lane_at("A1", 4096, Look(2, 4), cells=(3, 8), flops=(1.25e12, 3e12)),
        lane_at("A2", 0.5, Look(1, 1), cells=(1, 2), flops=(0.0, 1e11)),
        lane_at("A3"),
    ]
    lanes[1].claim_ended()
    assert progress_line(5, 12, 241.0, lanes) == (
        "theory: 5/12 claims, about 4 min left; A1 at width 4,096, look 2/4 (weight change); "
        "4/9 cells, 1.25/3 TFLOP; A3"
    )


def test_line_leaves_out_what_nobody_knows():
    assert progress_line(0, 3, None, []) == "theory: 0/3 claims"
    assert progress_line(0, 3, None, [lane_at("A1", 0.25)]) == "theory: 0/3 claims; A1 at width 0.25 (weight change)"
    assert progress_line(0, 3, None, [lane_at("A1", cells=(1, 5))]) == "theory: 0/3 claims; A1; 1/5 cells"


def test_claim_that_has_been_under_way_for_the_longest_comes_first():
    first, second = Lane(), Lane()
    first.claim_begun("A1")
    second.claim_begun("A2")
    first.claim_ended()
    first.claim_begun("A3")
    assert progress_line(1, 3, None, [first, second]) == "theory: 1/3 claims; A2; A3"


def test_a_claim_that_is_red_so_far_comes_first_until_it_ends():
    first, red = lane_at("A1"), lane_at("A2", 64, Look(1, 4))
    red.doubted("x is n^+1, n^0 expected (look 1 of 4; being confirmed)")
    doubt = "A2: red so far: x is n^+1, n^0 expected (look 1 of 4; being confirmed)"
    assert progress_line(0, 2, None, [first, red]) == (
        f"theory: 0/2 claims; {doubt}; at width 64, look 1/4 (weight change); A1"
    )
    red.doubted("")
    assert progress_line(0, 2, None, [first, red]) == (
        "theory: 0/2 claims; A1; A2 at width 64, look 1/4 (weight change)"
    )
    red.doubted("x")
    red.claim_ended()
    red.claim_begun("A3")
    assert "red" not in progress_line(1, 3, None, [first, red])


def test_what_is_new_is_announced_once_where_that_is_possible():
    lane, lines = lane_at("A1"), []

    def refused(line):
        return False

    def written(line):
        lines.append(line)
        return True

    lane.announce(written)
    lane.doubted("x is n^+1")
    lane.announce(refused)
    lane.announce(written)
    lane.announce(written)
    assert lines == ["theory: A1: red so far: x is n^+1"]
    lane.doubted("")
    lane.announce(written)
    assert lines[1:] == ["theory: A1: red no longer: fresh seeds do not confirm it"]
    lane.doubted("x is n^+1")
    lane.claim_ended()
    lane.announce(written)
    assert len(lines) == 2


def test_what_a_broken_claim_has_planned_is_not_waited_for():
    lane = lane_at("A1", cells=(2, 7), flops=(1e9, 5e9))
    assert "2/7 cells, 1/5 GFLOP" in progress_line(0, 1, None, [lane])
    lane.claim_ended()
    assert progress_line(1, 1, None, [lane]) == "theory: 1/1 claims; 2/2 cells, 1/1 GFLOP"


def test_operations_beyond_the_plan_are_counted_as_planned():
    lane = lane_at("A1", cells=(0, 2), flops=(0.0, 2e9))
    lane.measured(1, 3e9, 1e9)
    assert "1/2 cells, 3/4 GFLOP" in progress_line(0, 1, None, [lane])


def test_a_claim_is_told_of_until_it_ends_however_it_does():
    lane, nobody = Lane(), listener.get()
    told = []

    def breaks():
        with telling(lane, "A1"):
            told.append((listener.get(), str(lane)))
            raise KeyError

    with pytest.raises(KeyError):
        breaks()
    assert told == [(lane, "A1")]
    assert listener.get() is nobody
    assert str(lane) == ""


NODES = [f"test_{k}" for k in range(10)]


def test_without_an_earlier_run_all_claims_weigh_alike():
    assert seconds_left(30.0, NODES[:4], NODES, {}) == pytest.approx(45.0)


def test_claims_weigh_as_much_as_they_took_before_on_whatever_machine():
    # The last claim takes as long as the nine others together, and this machine is three times as fast.
    earlier = dict.fromkeys(NODES, 30.0) | {NODES[-1]: 270.0}
    assert seconds_left(30.0, NODES[:3], NODES, earlier) == pytest.approx((540 - 90) / 3)


def test_claims_that_were_not_there_before_weigh_as_others_do_on_average():
    earlier = {NODES[0]: 10.0, NODES[1]: 30.0, "elsewhere": 1e6}
    # 10 + 30 + 20 of 10 + 30 + 8 * 20.
    assert seconds_left(60.0, NODES[:3], NODES, earlier) == pytest.approx(140.0)


@pytest.mark.parametrize(
    ("elapsed", "decided", "earlier"),
    [
        (30.0, 2, {}),
        (4.0, 5, {}),
        # Three claims out of ten, and not a twentieth of the time.
        (30.0, 3, dict.fromkeys(NODES, 1.0) | {NODES[-1]: 100.0}),
        (30.0, 3, dict.fromkeys(NODES, 0.0)),
    ],
)
def test_nothing_is_said_before_there_is_something_to_say(elapsed, decided, earlier):
    assert seconds_left(elapsed, NODES[:decided], NODES, earlier) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "about 10 s"),
        (44.0, "about 40 s"),
        (89.0, "about 90 s"),
        (91.0, "about 2 min"),
        (241.0, "about 4 min"),
        (5390.0, "about 90 min"),
        (5400.0, "about 1.5 h"),
    ],
)
def test_times_are_said_as_guesses(seconds, said):
    assert about(seconds) == said
