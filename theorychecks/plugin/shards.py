"""Measuring: cells of a plan are measured into the store, all of them or one part of several; nothing is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from theorychecks.plugin.planned_run import Planned
from theorychecks.plugin.threads import capped_threads
from theorychecks.plugin.under_way import Lane, telling
from theorychecks.store import StoreError

if TYPE_CHECKING:
    from theorychecks.experiment.plans import Need


@dataclass
class Done:
    """What has come of it.

    Attributes:
        cells: of all parts.
        mine: cells of this part.
        measured: of these, cells that were measured now, wholly or what was missing.
        there: of these, cells that had been measured.
        unkept: cells that no store can keep, which every run measures anew.
        failed: by claim, why some could not be.
        stopped: what has ended it before its end: the store, or the executor.
        interrupted: whether somebody has.
    """

    cells: int
    mine: set[object]
    measured: set[object] = field(default_factory=set)
    there: set[object] = field(default_factory=set)
    unkept: set[object] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    interrupted: bool = False


def measure_part(plan: Planned, part: int, parts: int, lane: Lane, claim_done: Callable[[], None]) -> Done:
    """Measure what cells of a part of a plan lack.

    What is measured is kept as it comes. A claim whose cells cannot be measured is passed over.

    Args:
        plan: of all parts.
        part: which one, from 1 on.
        parts: how many there are.
        lane: is told what is under way.
        claim_done: is called after each claim.
    """
    from theorychecks.experiment import ExecutorError
    from theorychecks.experiment.plans import parts as shared_out

    needed = [need for claim in plan.claims for needs in claim.first for need in needs]
    belongs = shared_out(needed, parts)
    done = Done(len({need.cell.key for need in needed}), {n.cell.key for n in needed if belongs[n.place] == part})
    try:
        for claim in plan.claims:
            try:
                with capped_threads(), telling(lane, claim.label):
                    for needs in claim.first:
                        _measure([need for need in needs if belongs[need.place] == part], done)
            except (StoreError, ExecutorError):
                raise
            except Exception as error:
                done.failed[claim.label] = f"{type(error).__name__}: {error}"
            claim_done()
    except (StoreError, ExecutorError) as error:
        done.stopped = str(error)
    except KeyboardInterrupt:
        done.interrupted = True
    return done


def _measure(needs: list[Need], done: Done) -> None:
    """Measure cells of one design.

    Raises:
        StoreError: where what is measured cannot be kept.
    """
    from theorychecks.experiment.execution import fill

    kept = [need for need in needs if _is_kept(need)]
    done.unkept.update({need.cell.key for need in needs} - {need.cell.key for need in kept})
    lacking = [need for need in kept if not _is_there(need)]
    done.there.update({need.cell.key for need in kept} - {need.cell.key for need in lacking} - done.measured)
    if not lacking:
        return
    design, resources = kept[0].design, kept[0].resources
    try:
        fill(design, {need.cell.axis_value for need in lacking}, resources)
    finally:
        done.measured.update(need.cell.key for need in lacking if _is_there(need))
        done.there -= done.measured
    assert resources.stored is not None
    store = resources.stored.store
    if store is not None and not store.writing:
        raise StoreError(store.problems[-1])


def _is_there(need: Need) -> bool:
    from theorychecks.experiment.cells import seeds_of

    return seeds_of(need.resources.known(need.cell)) >= need.cell.count


def _is_kept(need: Need) -> bool:
    """Whether a later run finds what is measured now."""
    stored = need.resources.stored
    return stored is not None and stored.store is not None and stored.keeps(need.cell)
