"""Base shapes: models in the parametrization of the package mup, which scales them from the shapes of a base model."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from theorychecks.arguments import whole_number
from theorychecks.models import Model, ModelError
from theorychecks.models.model import Batch, Step
from theorychecks.models.state import as_it_was

_Shapes = Mapping[str, tuple[int, ...]]
_RATE = 1e-3


def mup_model(
    build: Callable[[int], nn.Module],
    batches: Iterable[Batch] | Callable[[torch.Generator], Iterable[Batch]],
    *,
    base: int | nn.Module | str | os.PathLike[str] | None = 64,
    delta: int | nn.Module | None = None,
    init: Callable[[nn.Module], object] | None = None,
    optimizer: Callable[[nn.Module], Optimizer | Sequence[Optimizer] | Step] | None = None,
    rate: float | None = None,
    loss: Callable[[Any, Any], Tensor] | None = None,
    forward: Callable[[nn.Module, Batch], Any] | None = None,
    roles: Mapping[str, str] | None = None,
    name: str = "",
) -> Model:
    """A model whose base shapes are set at every width, `mup.set_base_shapes(build(width), base, delta=delta)`.

    Base and delta are built once, and the state of torch's generators is as before. Rescaling is the package's own: of
    readouts and biases that are drawn by torch's defaults.

    Args:
        build: from a width to a module, with `mup.MuReadout` or `mup.MuSharedReadout` in the place of its readout.
        batches: as `tc.Model` takes them.
        base: the width at which it is as its owner has it; or a base model, or a file that `mup.make_base_shapes` has
            saved. None sets each width's own shapes, as the package does for standard parametrization.
        delta: another width, twice the base unless given, or another model, which tell what grows.
        init: draws the module anew once its shapes are set, by functions of `mup.init`.
        optimizer: as `tc.Model` has it, `lambda module: mup.MuSGD(module.parameters(), lr=0.1)`; `mup.MuAdam` unless
            given.
        rate: of that MuAdam, 1e-3 unless given.
        loss: as `tc.Model` has it.
        forward: likewise.
        roles: likewise.
        name: what reports call it; that of the function that builds it unless given.

    Raises:
        ModelError: for base and delta that do not tell what grows, here or when it is built; when it is built, for what
            the package refuses.
        ImportError: when it is built, without the package mup.
    """
    title = name or getattr(build, "__qualname__", type(build).__name__)
    if optimizer is not None and rate is not None:
        raise ModelError(f"{title}: rate={rate:g} is that of the MuAdam that takes the place of optimizer=; give one")
    told = os.fspath(base) if isinstance(base, str | os.PathLike) else _told(base, "base")
    family = _Family(title, build, told, _told(delta, "delta"), init, _RATE if rate is None else rate)
    family.check()
    return Model(
        family.module,
        family.adam if optimizer is None else optimizer,
        batches,
        loss=loss,
        forward=forward,
        roles=roles or {},
        name=title,
    )


@dataclass(frozen=True, eq=False)
class _Family:
    """A model of any width, its base shapes set.

    Attributes:
        title: in errors.
        build: the owner's.
        base: a width, shapes, a file, or none for each width's own shapes.
        delta: another width or other shapes; twice the base where it is none.
        init: the owner's.
        rate: of MuAdam.
    """

    title: str
    build: Callable[[int], nn.Module]
    base: int | str | _Shapes | None
    delta: int | _Shapes | None
    init: Callable[[nn.Module], object] | None
    rate: float

    def check(self) -> None:
        """Refuse what never tells what grows, before anything is built."""
        if self.delta is not None and (self.base is None or isinstance(self.base, str)):
            what = "each width's own shapes" if self.base is None else "a file, which says what grows"
            raise ModelError(f"{self.title}: delta={self.delta} says nothing where base is {what}; leave it out")
        if isinstance(self.base, str) and not Path(self.base).is_file():
            raise ModelError(
                f"{self.title}: base={self.base!r} is no file; give a width, base=64, or a file that "
                "mup.make_base_shapes has saved"
            )
        if isinstance(self.base, Mapping) and self.delta is None:
            raise ModelError(f"{self.title}: base is a model; give another one, delta=build(128), to tell what grows")
        if isinstance(self.base, int) and self.base == self.delta:
            raise ModelError(
                f"{self.title}: base and delta are both {self.base}, and what differs between them is what grows. Give "
                f"another width, delta={2 * self.base}, or leave it out"
            )

    def module(self, width: int) -> nn.Module:
        """The owner's module of this width, once its base shapes are set."""
        mup, module = _package(), self.build(width)
        try:
            mup.set_base_shapes(module, self._shapes)
        except AssertionError as error:
            raise ModelError(f"{self.title}: mup.set_base_shapes refuses it at width {width}: {error}") from error
        if self.init is not None:
            self.init(module)
        return module

    def adam(self, module: nn.Module) -> Optimizer:
        """MuAdam of all parameters."""
        optimizer: Optimizer = _package().MuAdam(module.parameters(), lr=self.rate)
        return optimizer

    @functools.cached_property
    def _shapes(self) -> Any:
        """What the package takes for a base."""
        if self.base is None or isinstance(self.base, str):
            return self.base
        delta = self.delta
        if delta is None:
            assert isinstance(self.base, int)
            delta = 2 * self.base
        with as_it_was():
            base, other = (each if isinstance(each, Mapping) else _of(self.build(each)) for each in (self.base, delta))
        if base == other:
            raise ModelError(
                f"{self.title}: base and delta have the same shapes, and nothing would grow. Give models of two widths"
            )
        try:
            return _package().make_base_shapes(dict(base), dict(other))
        except AssertionError as error:
            raise ModelError(f"{self.title}: base and delta are other architectures: {error}") from error


def _told(given: int | nn.Module | None, what: str) -> int | _Shapes | None:
    """A width, or the shapes of a model."""
    if isinstance(given, nn.Module):
        return _of(given)
    return None if given is None else whole_number(given, what)


def _of(module: nn.Module) -> _Shapes:
    return {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}


def _package() -> Any:
    try:
        import mup
    except ImportError as error:
        way_out = "pip install 'theorychecks[mup]'"
        raise ImportError(f"mup_model sets base shapes by the package mup: {way_out} ({error})") from error
    return mup
