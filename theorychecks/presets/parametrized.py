"""Parametrized models: initial weights and learning rates of somebody's model scale by role from a base width on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import nn
from torch.optim import Optimizer

from theorychecks.models import Model, ModelError, anatomy
from theorychecks.models.model import Step
from theorychecks.models.recording import root_mean_square
from theorychecks.models.state import as_it_was
from theorychecks.models.training import drawn
from theorychecks.networks import Parametrization, Scaling
from theorychecks.networks.parametrization import ROLES, LayerRole

_ADAM: Final = (torch.optim.Adam, torch.optim.NAdam, torch.optim.RAdam, torch.optim.Adamax)


def parametrized(model: Model, parametrization: Parametrization, *, base_width: int) -> Model:
    """A model that is its owner's at a base width, and whose initial weights and learning rates scale from there.

    Each parameter scales by its role, with the factor by which its growing sizes have grown. Multipliers are not
    needed, since only their products with initial weights and with updates matter (Yang and Hu 2021, arXiv:2011.14522):
    weights are drawn as n^-(a + b), and learning rates are n^-(a + c) for Adam and n^-(2a + c) for SGD. Vectors, and
    what does not grow, have the rates of input-like parameters, and are drawn as their owner has them.

    Args:
        model: of which the optimizer is one of torch's: an Adam or SGD.
        parametrization: the exponents of each role.
        base_width: at which initial weights and learning rates are the owner's.

    Raises:
        TypeError: for a model along another axis than the width.
    """
    if model.axis != "width":
        raise TypeError(
            f"initial weights and learning rates scale with the width, and {model.title} is a model along the "
            f"{model.axis}. Scale the one that build(width) builds, and build that in yours."
        )
    family = _Family(model, parametrization, base_width)
    return replace(model, build=family.build, optimizer=family.optimizer, name=model.title)


@dataclass(frozen=True)
class _Base:
    """A parameter at the base width: its role, size, and how many of its entries and dimensions there are to grow."""

    role: LayerRole
    is_matrix: bool
    size: float
    entries: int
    growing: int

    def grown(self, parameter: nn.Parameter) -> float:
        """The factor by which each of the growing dimensions is larger."""
        return (parameter.numel() / self.entries) ** (1 / self.growing) if self.growing else 1.0


@dataclass(frozen=True, eq=False)
class _Family:
    """A model of any width, in a parametrization."""

    model: Model
    parametrization: Parametrization
    base_width: int

    def build(self, width: int) -> nn.Module:
        """The owner's module, its matrices made as large as their roles have them."""
        bases = self._bases
        module = self.model.build(width)
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                base, now = bases[name], float(root_mean_square(parameter))
                if base.is_matrix and now > 0:
                    scaling = self.parametrization.scaling(base.role)
                    parameter.mul_(base.size / now * base.grown(parameter) ** -(scaling.multiplier + scaling.init))
        return module

    def optimizer(self, module: nn.Module) -> Optimizer | Step:
        """The owner's optimizer, with a group for each learning rate.

        Raises:
            ModelError: if it is none of torch's that has a rule here.
        """
        found = self.model.optimizer(module)
        if not isinstance(found, (*_ADAM, torch.optim.SGD)):
            raise ModelError(
                f"{self.model.title}: learning rates by role are known for torch's Adam, AdamW, NAdam, RAdam, Adamax "
                f"and SGD; got {type(found).__name__}. Give it groups by role yourself, in a tc.Model."
            )
        named = {id(parameter): name for name, parameter in module.named_parameters()}
        groups = []
        for group in found.param_groups:
            by_factor = dict[float, list[nn.Parameter]]()
            for parameter in group["params"]:
                base = self._bases[named[id(parameter)]]
                factor = base.grown(parameter) ** -_rate(self.parametrization.scaling(base.role), found)
                by_factor.setdefault(factor, []).append(parameter)
            groups += [group | {"params": each, "lr": factor * group["lr"]} for factor, each in by_factor.items()]
        found.param_groups = groups
        return found

    @functools.cached_property
    def _bases(self) -> Mapping[str, _Base]:
        widths = (self.base_width, 2 * self.base_width)
        with as_it_was():
            narrow, wide = (drawn(self.model, width, ("base",), 0, 1) for width in widths)
            parts = anatomy(self.model, narrow.module, wide.module, widths, narrow.batches[0])
        roles = dict[str, set[str]]()
        for part in parts.parameters:
            roles.setdefault(part.name, set()).add(part.role)
        if torn := [name for name, each in roles.items() if {"input", "output"} <= each]:
            raise ModelError(
                f"{self.model.title}: `{torn[0]}` is both an embedding and a readout, and no size suits both. "
                "Untie them: tie_word_embeddings=False in a config of Hugging Face."
            )
        return {
            name: _Base(
                next((role for role in ROLES if role in roles[name]), "input"),
                not roles[name].isdisjoint(ROLES),
                float(root_mean_square(parameter.detach())),
                parameter.numel(),
                sum(length.grows for length in parts.lengths[name]),
            )
            for name, parameter in narrow.module.named_parameters()
        }


def _rate(scaling: Scaling, optimizer: Optimizer) -> float:
    """The exponent of 1/n of the learning rate, if multipliers are left out."""
    return scaling.multiplier + scaling.adam if isinstance(optimizer, _ADAM) else 2 * scaling.multiplier + scaling.sgd
