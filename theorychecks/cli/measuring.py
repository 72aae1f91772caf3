"""Measuring on the command line: what is under way, what came of it, and what to do next."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence

from rich.console import Console

from theorychecks.cli.exit_codes import INTERRUPTED, REFUSED, UNSOUND
from theorychecks.cli.plan_tables import printable
from theorychecks.cli.quantities import duration
from theorychecks.cli.status_line import StatusLine
from theorychecks.plugin.planned_run import Planned
from theorychecks.plugin.shards import Done, measure_part
from theorychecks.plugin.under_way import Lane, progress_line


def carry_out(planned: Planned, part: int, parts: int, console: Console, *, then: Sequence[str]) -> int:
    """Measure a part of a plan, say what came of it, and give back the exit code.

    Args:
        planned: all of it.
        part: which one, from 1 on.
        parts: how many there are.
        console: to write to.
        then: the command that judges what was measured.
    """
    stored = planned.resources.stored
    if stored is None or stored.store is None or planned.store is None:
        console.print("theorychecks: what is measured is kept in a store, and there is none; leave --store=none out")
        return REFUSED
    broken = {plan.label: plan.trouble for plan in planned.claims if plan.trouble}
    for claim, why in broken.items():
        console.print(printable(f"{claim} cannot be measured: {why}"))
    if broken and parts > 1:
        # A claim that breaks on one machine and not on another would share out the others' cells differently.
        console.print(
            "nothing was measured: all parts must plan the same claims to share them out. Mend these claims, or leave "
            "them out of every part by -k or --deselect"
        )
        return REFUSED
    ended, started = list[None](), time.monotonic()
    lane = Lane(changed=lambda new: status.show())
    status = StatusLine(console, lambda: progress_line(len(ended), len(planned.claims), None, [lane]))

    def claim_done() -> None:
        ended.append(None)
        status.show()

    with status:
        done = measure_part(planned, part, parts, lane, claim_done)
    for problem in stored.all_problems:
        console.print(printable(f"WARNING: {problem}"))
    for claim, why in done.failed.items():
        console.print(printable(f"{claim} cannot be measured: {why}"))
    which = "" if parts == 1 else f"part {part} of {parts}, {len(done.mine):,} of {done.cells:,} cells: "
    unkept = f", and {len(done.unkept):,} can be kept in none" if done.unkept else ""
    console.print(
        printable(
            f"{which}{len(done.measured):,} cells were measured in {duration(time.monotonic() - started)}, "
            f"{len(done.there):,} were there; the store is {os.path.relpath(planned.store)}{unkept}"
        )
    )
    console.print(printable(_next(done, parts, shlex.join(then))))
    if done.stopped:
        return REFUSED
    if done.interrupted:
        return INTERRUPTED
    return UNSOUND if done.failed or broken else 0


def _next(done: Done, parts: int, command: str) -> str:
    if done.interrupted or done.stopped:
        return f"{done.stopped or 'interrupted'}; what was measured is kept, and the same command goes on"
    when = "next" if parts == 1 else "once all parts are measured"
    return f"{when}: {command}, which takes these cells and measures what further looks need"
