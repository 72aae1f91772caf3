"""Where progress is shown, how often, and what becomes of the line."""

import io
import sys
from types import SimpleNamespace

import pytest

from tests.plugin.emulated import Terminal
from theorychecks.plugin.gatherer import Gatherer
from theorychecks.plugin.screen import LiveScreen, Pace, PlainScreen, screen_for
from theorychecks.plugin.watching import Watcher

COLUMNS = 30


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def config(pytester, monkeypatch):
    """Of a pytest with these options, on a terminal or not, that has said nothing yet."""

    def configured(*options, terminal=True):
        monkeypatch.setenv("COLUMNS", str(COLUMNS))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
        made = pytester.parseconfigure("-p", "no:xdist", *options)
        if reporter := made.pluginmanager.get_plugin("terminalreporter"):
            reporter.isatty = terminal
            made.get_terminal_writer().hasmarkup = terminal and "--color=no" not in options
        return made

    return configured


def on_screen(rows=4):
    """What has been written so far, as it looks."""
    sys.stdout.flush()
    terminal = Terminal(rows, COLUMNS)
    terminal.feed(sys.stdout.buffer.getvalue().decode().replace("\n", "\r\n"))
    return terminal.lines


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ([], LiveScreen),
        (["-v"], LiveScreen),
        (["--capture=sys"], LiveScreen),
        (["-s"], PlainScreen),
        (["--capture=tee-sys"], PlainScreen),
        (["--color=no"], PlainScreen),
        (["-q"], type(None)),
        (["-p", "no:terminal"], type(None)),
    ],
)
def test_options_say_whether_there_is_a_screen(config, options, kind):
    assert type(screen_for(config(*options))) is kind


def test_a_file_is_no_terminal(config):
    assert type(screen_for(config(terminal=False))) is PlainScreen


def test_reporters_of_other_plugins_move_the_cursor_themselves(config):
    made = config()
    plugins = made.pluginmanager
    reporter = plugins.unregister(name="terminalreporter")
    plugins.register(SimpleNamespace(_tw=reporter._tw, isatty=True), "terminalreporter")
    assert type(screen_for(made)) is PlainScreen


def test_line_goes_before_anything_is_written_and_the_cursor_stays(config):
    made = config()
    writer, screen = made.get_terminal_writer(), screen_for(made, Clock())
    screen.open()
    writer.write("first\nsecond\ntest_one.py ..")
    screen.show(lambda: "line of progress")
    assert on_screen() == ["first", "second", "test_one.py ..", "line of progress"]
    writer.write(".")
    assert on_screen() == ["first", "second", "test_one.py ..."]
    screen.show(lambda: "another")
    writer.write("F\n")
    screen.show(lambda: "a third")
    # At the bottom the screen scrolls.
    writer.write("test_two.py ")
    screen.show(lambda: "a fourth, by far the longest of them all")
    assert on_screen() == ["first", "second", "test_one.py ...F", "test_two.py", "a fourth, by far the longest"]
    screen.close()
    writer.write(".\n")
    assert on_screen() == ["first", "second", "test_one.py ...F", "test_two.py ."]


def test_letters_that_a_terminal_would_obey_are_not_sent(config):
    made = config()
    screen = screen_for(made, Clock())
    screen.show(lambda: "a\x1b[2Jb\nc")
    assert on_screen() == ["a?[2Jb?c"]


def test_wide_letters_are_cut_where_the_terminal_ends(config):
    screen = screen_for(config(), Clock())
    screen.show(lambda: "宽" * COLUMNS)
    assert sys.stdout.buffer.getvalue().decode().count("宽") == (COLUMNS - 1) // 2


def test_no_line_where_the_cursor_could_not_be_restored(config):
    made = config()
    writer, screen = made.get_terminal_writer(), screen_for(made, Clock())
    screen.open()
    writer.write("x" * COLUMNS)
    screen.show(lambda: "line of progress")
    assert on_screen() == ["x" * COLUMNS]
    writer.write("y")
    screen.show(lambda: "line of progress")
    assert on_screen() == ["x" * COLUMNS, "y", "line of progress"]


def test_an_equal_line_is_not_painted_again(config):
    screen = screen_for(config(), Clock())
    screen.show(lambda: "line of progress")
    before = sys.stdout.buffer.getvalue()
    screen.show(lambda: "line of progress")
    assert sys.stdout.buffer.getvalue() == before


def test_plain_lines_are_half_a_minute_apart(config):
    clock = Clock()
    screen = screen_for(config("-s"), clock)
    for _ in range(70):
        screen.show(lambda: f"at {clock.now:.0f}")
        clock.now += 1
    assert on_screen() == ["at 1030", "at 1060"]


def test_plain_lines_wait_until_workers_have_been_silent(config):
    made, clock = config("-s"), Clock()
    made.pluginmanager.register(object(), "dsession")
    writer, screen = made.get_terminal_writer(), screen_for(made, clock)
    screen.open()
    screen.show(lambda: "too early")
    clock.now += 100
    writer.write("[gw0] ")
    screen.show(lambda: "in the middle")
    writer.write("PASSED")
    screen.show(lambda: "in between", between_lines=True)
    clock.now += 100
    screen.show(lambda: "in silence")
    assert on_screen() == ["[gw0] PASSED", "in between", "in silence"]


def test_pace_lets_many_through_at_once_and_then_few():
    pace = Pace(0.5, at_once=3)
    assert [pace.admits(0.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [pace.admits(0.5) for _ in range(2)] == [True, False]
    assert [pace.admits(60.0) for _ in range(5)] == [True] * 3 + [False] * 2


def test_routine_waits_a_second():
    pace = Pace(0.01, at_once=100)
    assert [pace.admits(now, routine=True) for now in (0.0, 0.5, 1.0, 1.5)] == [True, False, True, False]
    assert pace.admits(1.5)


def test_time_left_is_told_once_there_is_something_to_say(config, monkeypatch):
    made, clock = config(), Clock()
    monkeypatch.setenv("COLUMNS", "80")
    gatherer = Gatherer(made)
    watcher = Watcher(made, gatherer, clock)
    gatherer.note_collected({f"test_{k}": None for k in range(5)}, [])
    showing = watcher.pytest_runtestloop()
    next(showing)
    shown = []
    monkeypatch.setattr(watcher._screen, "write", shown.append)
    for node in list(gatherer.collected)[:3]:
        watcher.here.claim_begun(node.upper())
        clock.now += 20
        watcher.here.claim_ended()
        gatherer.records[node] = None
        watcher.pytest_runtest_logreport(SimpleNamespace(nodeid=node))
    assert shown == [
        "theory: 0/5 claims; TEST_0",
        "theory: 1/5 claims",
        "theory: 1/5 claims; TEST_1",
        "theory: 2/5 claims",
        "theory: 2/5 claims; TEST_2",
        "theory: 3/5 claims, about 40 s left",
    ]
    watcher.pytest_enter_pdb()
    watcher.here.claim_begun("DEBUGGED")
    watcher.pytest_leave_pdb()
    watcher.here.begun("size", "width", 64.0, None)
    assert shown[6:] == ["theory: 3/5 claims, about 40 s left; DEBUGGED at width 64 (size)"]
    with pytest.raises(StopIteration):
        showing.send(True)
    watcher.here.claim_begun("AFTERWARDS")
    assert len(shown) == 7
