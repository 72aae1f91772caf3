"""How far a run is stands on the terminal while it lasts, and nothing of it is left in pytest's own output."""

import re

PROGRESS = re.compile(r"theory: \d+/\d+ claims")
WAITING = "WAITS at width 512, look 1/2"
QUICKLY = "from theorychecks.plugin import screen\nscreen.SECONDS_BETWEEN_LINES = 1e-6\n"
"""The contents of a conftest.py with which plain lines are not half a minute apart."""
ALL_BUT_ONE = ("--deselect", "test_progress.py::test_dies")


def is_waiting(terminal):
    return any(PROGRESS.match(line) and WAITING in line for line in terminal.lines)


def last_line(terminal):
    return terminal.lines[-1] if PROGRESS.match(terminal.lines[-1]) else ""


def session(terminal):
    """What pytest has written of the tests themselves."""
    lines = terminal.lines
    start = max(place for place, line in enumerate(lines) if line.endswith("fresh seeds"))
    (end,) = [place for place, line in enumerate(lines) if re.match(r"=+ theory =+", line)]
    return lines[start + 1 : end]


def seen_in(directory):
    """What stood on the terminal when the waiting claim went on."""
    return (directory / "seen").read_text(encoding="utf-8").splitlines()


def test_live_line_stands_below_the_dots_and_leaves_nothing(run_on_terminal, tmp_path):
    # So few rows that everything scrolls, and a line that is wider than the terminal.
    terminal = run_on_terminal("progress", *ALL_BUT_ONE, rows=6, columns=57, awaited={"seen": is_waiting})
    assert terminal.code == 0
    assert seen_in(tmp_path)[-2:] == [
        "test_progress.py .",
        "theory: 1/4 claims; WAITS at width 512, look 1/2 (size μ",
    ]
    assert session(terminal) == ["test_progress.py ....".ljust(50) + "[100%]"]
    assert not any(map(PROGRESS.match, terminal.lines))


def test_live_line_stands_below_names_of_tests(run_on_terminal, tmp_path):
    terminal = run_on_terminal(
        "progress",
        "-v",
        *ALL_BUT_ONE,
        environment={"PYTHONIOENCODING": "ascii"},
        awaited={"seen": is_waiting},
    )
    assert terminal.code == 0
    assert seen_in(tmp_path)[-3:] == [
        "test_progress.py::test_first PASSED".ljust(93) + "[ 25%]",
        "test_progress.py::test_waits",
        "theory: 1/4 claims; WAITS at width 512, look 1/2 (size ?^-1); 18/20 cells",
    ]
    tests = ["first", "waits", "last[1]", "last[2]"]
    assert session(terminal) == [
        f"test_progress.py::test_{test} PASSED".ljust(93) + f"[{share:3}%]"
        for test, share in zip(tests, (25, 50, 75, 100), strict=True)
    ]


def test_live_line_tells_what_workers_are_at(run_on_terminal, tmp_path):
    # Without a store, by which the two would share cells.
    terminal = run_on_terminal(
        "progress",
        "-n2",
        "--theory-store=none",
        *ALL_BUT_ONE,
        awaited={"seen": lambda terminal: is_waiting(terminal) and "3/4 claims" in last_line(terminal)},
    )
    assert terminal.code == 0
    dots, line = seen_in(tmp_path)[-2:]
    assert dots == "..."
    claims, *parts = line.split("; ")
    assert claims == "theory: 3/4 claims"
    # The report on the last claim may be here before its worker, which may be either, says that it has ended.
    assert {*parts} - {"LAST"} == {"WAITS at width 512, look 1/2 (size μ^-1)", "33/35 cells"}
    assert session(terminal) == ["2 workers [4 items]", "....".ljust(93) + "[100%]"]


def test_a_worker_that_dies_is_forgotten_and_its_cells_are_not_waited_for(run_on_terminal, tmp_path):
    terminal = run_on_terminal(
        "progress",
        "-n2",
        "-v",
        "-k",
        "waits or dies",
        awaited={
            "named": lambda terminal: "DIES at width 512" in last_line(terminal),
            "seen": lambda terminal: is_waiting(terminal) and "1/2 claims" in last_line(terminal),
        },
    )
    assert terminal.code == 8
    # Three cells of each claim were measured, and two are planned by the one that is left.
    assert seen_in(tmp_path)[-1] == "theory: 1/2 claims; WAITS at width 512, look 1/2 (size μ^-1); 6/8 cells"
    assert "replacing crashed worker" in "\n".join(session(terminal))
    assert not any(map(PROGRESS.match, terminal.lines))


def test_whole_lines_stand_between_those_of_a_test_that_prints(run_on_terminal):
    terminal = run_on_terminal(
        "progress", "-s", "--color=no", *ALL_BUT_ONE, conftest=QUICKLY, awaited={"seen": is_waiting}
    )
    assert terminal.code == 0
    lines = session(terminal)
    ours = [line for line in lines if "/4 claims" in line]
    assert all(map(PROGRESS.match, ours))
    assert any(WAITING in line for line in ours)
    # The name of the file is repeated after each of our lines, and what belongs to it follows.
    theirs = "".join(line.replace("test_progress.py ", "") for line in lines if line not in ours)
    assert theirs.replace("test_progress.py", "") == ".printed by a test..."


def test_whole_lines_stand_between_those_of_workers(run_on_terminal):
    # On a terminal that cannot move its cursor.
    terminal = run_on_terminal(
        "progress",
        "-n1",
        "-v",
        *ALL_BUT_ONE,
        conftest=QUICKLY,
        environment={"TERM": "dumb"},
        awaited={"seen": is_waiting},
    )
    assert terminal.code == 0
    assert "\x1b" not in terminal.sent
    lines = session(terminal)
    ours = [line for line in lines if "/4 claims" in line]
    assert all(map(PROGRESS.match, ours))
    assert any(WAITING in line for line in ours)
    assert [line for line in lines if "PASSED" in line] == [
        f"[gw0] [{share:3}%] PASSED test_progress.py::test_{test}"
        for test, share in zip(["first", "waits", "last[1]", "last[2]"], (25, 50, 75, 100), strict=True)
    ]
