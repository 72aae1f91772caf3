"""Missed: which experts some step of a training has left as they were, no row of its batch having reached them.

An update of an expert after t steps has as many terms as steps have reached it, so that runs in which these are more
have larger updates, by a factor of up to t, which says nothing of how an update goes with the width. Where rows are
routed in a step converges in law as the width grows, and so does an update given that each step has reached its expert:
one law is compared across widths, of runs whose logarithms scatter half as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from theorychecks.models.coordinates import EFFECTIVE, RELATIVE, Readings
from theorychecks.models.roles import Anatomy


class Missed:
    """Parameters of experts that some step so far has not reached, by their gradients.

    Gradients are seen as they come about, whatever a step then does to them.

    Attributes:
        handles: of hooks on parameters, to be removed.
    """

    def __init__(self, anatomy: Anatomy, parameters: Mapping[str, nn.Parameter]) -> None:
        """Look at a model's gradients until all `handles` are removed.

        Args:
            anatomy: the model's parts.
            parameters: all that it has, by name.
        """
        routed = [part.name for part in anatomy.parameters if anatomy.routes(part.module)]
        self._routed = {name for name in routed if parameters[name].requires_grad}
        self._names, self._reached = set[str](), set[str]()
        self.handles = [
            parameters[name].register_hook(partial(self._note, name))  # type: ignore[no-untyped-call]
            for name in self._routed
        ]

    def _note(self, name: str, gradient: Tensor) -> None:
        # An expert that is called on no rows has a gradient of zeros.
        if name not in self._reached and bool(gradient.any()):
            self._reached.add(name)

    def stepped(self) -> None:
        """Take account of a step that is over."""
        # A step that calls the module with other tensors in the place of its parameters shows none of them.
        if self._reached:
            self._names |= self._routed - self._reached
        self._reached.clear()

    def without(self, readings: Readings) -> Readings:
        """Readings but for updates of what some step has missed."""
        return {
            name: reading
            for name, reading in readings.items()
            if name.parameter not in self._names or name.quantity not in (EFFECTIVE, RELATIVE)
        }
