"""A terminal that a pytest writes to: what stands on its screen at the end, and at any moment before."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?]*)([A-Za-z])|([D78]))")


class Terminal:
    """A VT100 as far as it is needed; anything else that is sent to it is an error.

    Attributes:
        screen: the characters of each row.
        scrolled: rows that have left the screen at its top.
        sent: all that was sent.
        code: with which the last command has ended.
    """

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.screen = [[" "] * columns for _ in range(rows)]
        self.scrolled = []
        self.row = self.column = 0
        self.saved = 0, 0
        self.sent = ""
        self.code = None
        self.rest = ""

    @property
    def lines(self):
        """All rows that have something in them, from the first one on, each without blanks at its end."""
        return [line for row in (*self.scrolled, *self.screen) if (line := "".join(row).rstrip())]

    def feed(self, text):
        self.sent += text
        text = self.rest + text
        while text and not re.fullmatch(r"\x1b(\[[0-9;?]*)?", text):
            if text[0] == "\x1b":
                found = SEQUENCE.match(text)
                assert found, f"an unknown sequence: {text[:20]!r}"
                self.control(found[2] or found[3], found[1])
                text = text[found.end() :]
            else:
                self.character(text[0])
                text = text[1:]
        self.rest = text

    def character(self, letter):
        if letter == "\n":
            self.down()
        elif letter == "\r":
            self.column = 0
        else:
            assert letter.isprintable(), repr(letter)
            if self.column == self.columns:
                self.down()
                self.column = 0
            self.screen[self.row][self.column] = letter
            self.column += 1

    def down(self):
        if self.row < self.rows - 1:
            self.row += 1
        else:
            self.scrolled.append(self.screen.pop(0))
            self.screen.append([" "] * self.columns)

    def control(self, name, argument):
        # Where a cursor is about to wrap and moves, it forgets that, as those of xterm do.
        column = min(self.column, self.columns - 1)
        if name == "m":
            return
        if name == "J":
            assert not argument
            self.screen[self.row][column:] = [" "] * (self.columns - column)
            self.screen[self.row + 1 :] = [[" "] * self.columns for _ in range(self.rows - self.row - 1)]
        elif name == "D":
            self.down()
            self.column = column
        elif name == "A":
            self.row, self.column = max(self.row - 1, 0), column
        elif name == "B":
            self.row, self.column = min(self.row + 1, self.rows - 1), column
        elif name == "7":
            self.saved = self.row, column
        elif name == "8":
            self.row, self.column = self.saved
        else:
            raise AssertionError(f"an unknown control function: {argument}{name}")


def on_terminal(command, *, directory, environment, rows=40, columns=100, seen=lambda terminal: None, patience=240):
    """Run a command on a terminal of its own, and look at it whenever something is sent.

    Returns:
        The terminal as the command leaves it, with its exit code.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    terminal, decoder = Terminal(rows, columns), codecs.getincrementaldecoder("utf-8")()
    until = time.monotonic() + patience
    try:
        while True:
            ready, _, _ = select.select([ours], [], [], max(until - time.monotonic(), 0))
            assert ready, "\n".join(["waited in vain for more than this:", *terminal.lines])
            try:
                sent = os.read(ours, 2**16)
            except OSError:  # the other side is closed
                break
            if not sent:
                break
            terminal.feed(decoder.decode(sent))
            seen(terminal)
        terminal.code = process.wait(timeout=patience)
        return terminal
    finally:
        process.kill()
        process.wait()
        os.close(ours)
