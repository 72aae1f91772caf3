"""What workers tell reaches the controller, once, and whatever becomes of the worker."""

import json

from theorychecks.plugin.events import Inbox, Sender
from theorychecks.plugin.under_way import Counts, Lane
from theorychecks.progress import Look


def inbox():
    lanes = {}
    return Inbox(lambda worker: lanes.setdefault(worker, Lane())), lanes


def test_lanes_are_as_they_would_be_in_one_process(tmp_path):
    here, sender = Lane(), Sender(tmp_path, "gw0")
    for told in (here, sender):
        told.claim_begun("μ-1")
        told.planned(3, 2e9)
        told.begun("weight\nchange", "width", 64.0, Look(1, 2))
        told.measured(1, 1e9, 5e8)
        told.begun("weight\nchange", "width", 128.0, None)
        told.doubted("μ is n^+1, n^0 expected")
    receiver, lanes = inbox()
    receiver.read(tmp_path)
    assert list(lanes) == ["gw0"]
    assert str(lanes["gw0"]) == str(here)
    assert (lanes["gw0"].done, lanes["gw0"].ahead) == (here.done, here.ahead)
    sender.claim_ended()
    receiver.read(tmp_path)
    assert str(lanes["gw0"]) == ""


def test_nothing_is_counted_twice(tmp_path):
    sender = Sender(tmp_path, "gw0")
    receiver, lanes = inbox()
    for _ in range(3):
        sender.measured(1, 1e9, 0.0)
        receiver.read(tmp_path)
        receiver.read(tmp_path)
    assert lanes["gw0"].done == Counts(3, 3e9)


def test_a_line_is_read_once_it_is_whole(tmp_path):
    receiver, lanes = inbox()
    line = json.dumps(["measured", 1, 1e9, 0.0]).encode() + b"\n"
    with (tmp_path / "gw0.events").open("ab", buffering=0) as file:
        file.write(line + line[:9])
        receiver.read(tmp_path)
        assert lanes["gw0"].done.cells == 1
        file.write(line[9:])
        receiver.read(tmp_path)
        assert lanes["gw0"].done.cells == 2
        # The worker was killed while it wrote.
        file.write(line[:9])
    receiver.read(tmp_path)
    assert lanes["gw0"].done.cells == 2


def test_a_worker_that_cannot_tell_goes_on(tmp_path):
    sender = Sender(tmp_path / "missing", "gw0")
    sender.claim_begun("A1")
    sender.claim_ended()
    receiver, lanes = inbox()
    receiver.read(tmp_path / "missing")
    assert lanes == {}
