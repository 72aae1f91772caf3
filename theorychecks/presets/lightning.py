"""Lightning models: a LightningModule of any width, trained by its own training step and optimizer."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import torch
from torch import nn
from torch.optim import Optimizer

from theorychecks.models import Model, ModelError
from theorychecks.models.model import Axis, Batch, Step

_LOGS: Final = ("log", "log_dict")
"""What a LightningModule tells its Trainer, which a gate has none of."""


def lightning_model(
    build: Callable[[int], nn.Module],
    batches: Iterable[Batch] | Callable[[torch.Generator], Iterable[Batch]],
    *,
    roles: Mapping[str, str] | None = None,
    name: str = "",
    axis: Axis = "width",
) -> Model:
    """A model of LightningModules: `training_step` computes its loss, and `configure_optimizers` makes its optimizer.

    Nothing of the package lightning is imported. There is no Trainer: what it clips, accumulates or casts is left out,
    `batch_idx` is 0, and nothing is logged. A scheduler takes a step after each batch where its interval is "step".

    Args:
        build: from a width to a LightningModule.
        batches: as `tc.Model` takes them; each is what `training_step` is given.
        roles: as `tc.Model` has them.
        name: what reports call it; that of the function that builds it unless given.
        axis: what build takes, as `tc.Model` has it.

    Raises:
        ModelError: when it is built, for manual optimization, for several optimizers or none, and for a scheduler that
            waits for a metric after each step; it says what to write instead.
    """
    title = name or getattr(build, "__qualname__", type(build).__name__)
    return Model(
        functools.partial(_built, title, build),
        functools.partial(_optimizer, title),
        batches,
        forward=_training_step,
        roles=roles or {},
        name=title,
        axis=axis,
    )


def _built(title: str, build: Callable[[int], nn.Module], width: int) -> nn.Module:
    module = build(width)
    for method in ("training_step", "configure_optimizers"):
        if not callable(getattr(module, method, None)):
            raise ModelError(
                f"{title}: build returns a LightningModule, with training_step and configure_optimizers; got a "
                f"{type(module).__name__} without {method}. For a plain module write tc.Model(build, optimizer, "
                "batches, loss=...)."
            )
    if not getattr(module, "automatic_optimization", True):
        raise ModelError(
            f"{title}: {type(module).__name__} optimizes manually, and calls its own backward and step. Write "
            "tc.Model(build, step_of, batches, forward=...), in which step_of(module) returns a function that makes "
            "one training step of a batch."
        )
    for method in _LOGS:
        if hasattr(module, method):
            setattr(module, method, _unheard)
    return module


def _unheard(*_: Any, **__: Any) -> None:
    """What is logged is not kept."""


def _training_step(module: nn.Module, batch: Batch) -> Any:
    """The loss of a batch, alone or in a mapping as "loss", as a LightningModule returns it."""
    step: Callable[..., Any] = module.training_step  # type: ignore[assignment] # it is a method
    return step(batch, 0) if len(inspect.signature(step).parameters) > 1 else step(batch)


def _optimizer(title: str, module: nn.Module) -> Optimizer | Step:
    """The one optimizer of a LightningModule, or a function that makes a step of it and of what schedules it."""
    configured = module.configure_optimizers()  # type: ignore[operator] # it is a method
    optimizers, schedulers = _told_apart(configured)
    if len(optimizers) != 1:
        raise ModelError(
            f"{title}: configure_optimizers returns {len(optimizers)} optimizers, and automatic optimization takes one "
            "step of one. Write tc.Model(build, optimizers_of, batches, forward=...), in which optimizers_of(module) "
            "returns a list, each parameter in one of them, or a function that makes a training step of a batch."
        )
    often = [each for each in schedulers if each.get("interval", "epoch") == "step"]
    if not often:
        return optimizers[0]
    if any("metrics" in inspect.signature(each["scheduler"].step).parameters for each in often):
        raise ModelError(
            f"{title}: a scheduler waits for a metric after each step, which a gate has none of. Leave it out in four "
            "steps: return the optimizer alone."
        )
    return functools.partial(_scheduled, module, optimizers[0], often, [0])


def _scheduled(
    module: nn.Module, optimizer: Optimizer, schedulers: list[Mapping[str, Any]], made: list[int], batch: Batch
) -> None:
    """One training step, and then one of each scheduler whose turn it is; `made` counts them."""
    optimizer.zero_grad()
    found = _training_step(module, batch)
    (found["loss"] if isinstance(found, Mapping) else found).backward()
    optimizer.step()
    made[0] += 1
    for each in schedulers:
        if made[0] % each.get("frequency", 1) == 0:
            each["scheduler"].step()


def _told_apart(configured: Any) -> tuple[list[Optimizer], list[Mapping[str, Any]]]:
    """Optimizers and schedulers in any of the forms that `configure_optimizers` may return."""
    if isinstance(configured, Mapping):
        schedulers = [_described(configured["lr_scheduler"])] if configured.get("lr_scheduler") is not None else []
        return [configured["optimizer"]], schedulers
    if isinstance(configured, Optimizer):
        return [configured], []
    if isinstance(configured, tuple | list) and len(configured) == 2 and isinstance(configured[0], tuple | list):
        return list(configured[0]), [_described(each) for each in configured[1]]
    found = [_told_apart(each) for each in configured or ()]
    return [each for part in found for each in part[0]], [each for part in found for each in part[1]]


def _described(scheduler: Any) -> Mapping[str, Any]:
    return scheduler if isinstance(scheduler, Mapping) else {"scheduler": scheduler}
