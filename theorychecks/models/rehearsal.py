"""Rehearsal: a model is built and called once at a width, before minutes are spent on training it elsewhere."""

from __future__ import annotations

import torch

from theorychecks.models.checks import called, memory, optimizer_of
from theorychecks.models.model import Model, copied
from theorychecks.models.roles import Anatomy
from theorychecks.models.state import as_it_was, weights_as_they_were
from theorychecks.models.training import drawn


def rehearse(model: Model, width: int, anatomy: Anatomy) -> None:
    """Build a model, call it and its loss on its first batch, make its optimizer, and let go of all of it.

    Raises:
        ModelError: if any of that fails, or it is another architecture than at the other widths.
    """
    with as_it_was(), memory(model, width):
        start = drawn(model, width, (0,), 0, 1)
        anatomy.check(model, start.module, width)
        with weights_as_they_were(start.module):
            with torch.no_grad(), called(model, width):
                model.outputs_and_loss(start.module, copied(start.batches[0]))
            optimizer_of(model, start.module, width)
