"""Anatomy along the number of heads: what grows is the attention's, and the stream and the size of a head stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import nn

from theorychecks.models.errors import ModelError
from theorychecks.models.hooks import LOGITS
from theorychecks.models.model import Batch, Model
from theorychecks.models.roles import Anatomy, anatomy


def heads_anatomy(
    model: Model,
    fewer: nn.Module,
    more: nn.Module,
    heads: tuple[int, int],
    batch: Batch,
    *,
    again: nn.Module | None = None,
    draw: Callable[[int, int], nn.Module] | None = None,
) -> Anatomy:
    """Compare a model at two numbers of heads; see `anatomy`.

    Raises:
        ModelError: if no attention has more heads, or the width of the model grows with them.
    """
    found = anatomy(model, fewer, more, heads, batch, again=again, draw=draw)
    for name, lengths in found.lengths.items():
        # A matrix that mixes the heads themselves has as many rows and columns as there are.
        wider = [length for length in lengths if length.grows and length != heads]
        if len(wider) > 1:
            raise ModelError(
                f"{model.title}: `{name}` has shape {tuple(length.narrow for length in lengths)} at heads {heads[0]} "
                f"and {tuple(length.wide for length in lengths)} at {heads[1]}: the model's width grows with its "
                "heads. Keep all but the number of heads fixed in build(heads), or gate it along that width."
            )
    # Roles along the width say of heads that stay as many that they grow.
    if not any(LOGITS in name and not part.grows for name, part in found.modules.items()):
        raise ModelError(
            f"{model.title} has no attention of more heads at heads {heads[1]} than at {heads[0]}: none of its softmax "
            "has more logits. Keep the size of a head fixed and let build(heads) set their number, or gate what grows "
            "along its width."
        )
    # What is behind all attention is multiplied by nothing that depends on the heads, but for what a forward shows.
    return replace(found, readouts=())
