"""Missed: which experts some step of a training has left as they were, no row of its batch having reached them.

An update of an expert after t steps has as many terms as steps have reached it, so that runs in which these are more
have larger updates, by a factor of up to t, which says nothing of how an update goes with the width. Where rows are
routed in a step converges in law as the width grows, and so does an update given that each step has reached its expert:
one law is compared across widths, of runs whose logarithms scatter half as much.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import nn

from theorychecks.models.coordinates import EFFECTIVE, RELATIVE, Readings
from theorychecks.models.model import tensors_in
from theorychecks.models.roles import Anatomy


class Missed:
    """Parameters that some step so far has not used, since it called no module of theirs on any row.

    Gradients do not tell: those of an expert are zero at first where its last matrix is.
    """

    def __init__(self, anatomy: Anatomy) -> None:
        """None are missed before the first step.

        Args:
            anatomy: the model's parts; parameters are followed that are used where rows are routed.
        """
        uses = dict[str, set[str]]()
        for part in anatomy.parameters:
            uses.setdefault(part.name, set()).add(part.module)
        self._uses = {name: modules for name, modules in uses.items() if any(map(anatomy.routes, modules))}
        self._missed = set[str]()

    @contextmanager
    def step(self, module: nn.Module) -> Iterator[None]:
        """Inside of the block, a module takes a step."""
        called = set[str]()

        def note(name: str, _part: nn.Module, _given: Any, output: Any) -> None:
            if any(tensor.numel() for tensor in tensors_in(output).values()):
                called.add(name)

        with ExitStack() as hooks:
            # The model itself, too: a step that calls a copy of it shows nothing, and misses none.
            for name in {"", *set[str]().union(*self._uses.values())} if self._uses else ():
                hooks.enter_context(module.get_submodule(name).register_forward_hook(partial(note, name)))
            yield
        if called:
            self._missed |= {name for name, modules in self._uses.items() if not modules & called}

    def without(self, readings: Readings) -> Readings:
        """Readings but for updates of what some step has missed."""
        return {
            name: reading
            for name, reading in readings.items()
            if name.parameter not in self._missed or name.quantity not in (EFFECTIVE, RELATIVE)
        }
