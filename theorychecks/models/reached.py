"""Reached: which experts of a mixture have a part in the loss of a batch, by their gradients."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from theorychecks.models.blocks import Places
from theorychecks.models.checks import called
from theorychecks.models.errors import ModelError
from theorychecks.models.hooks import starred
from theorychecks.models.lengths import Length
from theorychecks.models.model import Batch, Model, copied
from theorychecks.models.roles import within
from theorychecks.models.state import RandomState, buffers_as_they_were, drawing_from


def check_reached(
    model: Model,
    module: nn.Module,
    places: Places,
    sizes: Mapping[str, tuple[Length, ...]],
    batch: Batch,
    number: int,
) -> None:
    """Refuse a model of which some experts have no part in the loss of a batch, while others do.

    Args:
        model: whose module it is.
        module: which.
        places: where its experts are that are modules.
        sizes: dimensions of its parameters; of three and more the first may count experts.
        batch: what it is called with.
        number: of experts, for the message.

    Raises:
        ModelError: naming one of them.
    """
    with drawing_from(RandomState.now()), buffers_as_they_were(module), called(model, number), torch.enable_grad():
        loss = model.outputs_and_loss(module, copied(batch))[1]
        parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    gradients = dict(zip(parameters, found, strict=True))
    reached = dict[str, dict[str, bool]]()
    for path in places.blocks:
        own = [gradient for name, gradient in gradients.items() if within(name, path)]
        reached.setdefault(starred(path), {})[path] = any(_moves(gradient) for gradient in own)
    for name, gradient in gradients.items():
        every = places.everywhere(name)
        lengths = sizes.get(every, ()) if every is not None else ()
        if gradient is not None and len(lengths) > 2 and lengths[0].grows:
            each = gradient.flatten(1).abs().sum(dim=1) > 0
            reached[name] = {f"{name}[{place}]": bool(moved) for place, moved in enumerate(each)}
    for experts in reached.values():
        missed = [path for path, moved in experts.items() if not moved]
        if missed and len(missed) < len(experts):
            raise ModelError(
                f"{model.title}: {len(missed)} of {len(experts)} experts are reached by no row of the batch at experts "
                f"{number}, `{missed[0]}` first: they learn nothing, and tell nothing of those that do. Give a batch "
                "of many more rows than there are experts, take fewer experts, or draw the router so that it tells "
                "rows apart."
            )


def _moves(gradient: Tensor | None) -> bool:
    return gradient is not None and bool(gradient.any())
