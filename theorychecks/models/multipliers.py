"""Multipliers: numbers by which a model multiplies what its modules return, before anything is made of it.

A parametrization sets multipliers as it sets inits and learning rates (Yang et al. 2022, arXiv:2203.03466, Table 8 and
Appendix B.1), on embeddings, branches and logits as well as on readouts. What arrives is what a module returns, times
its multiplier.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from theorychecks.models.hooks import Call, Watched, plain
from theorychecks.models.model import tensors_in
from theorychecks.models.roles import Anatomy, within

Factor = float | Tensor
_SAME: Final = 1e-6
"""Relative difference between equal factors."""


class _Product:
    """A product of what modules returned, as of queries and keys."""

    def __init__(self, traces: Traces) -> None:
        self.traces = traces


Origin = str | _Product
"""What a call returned, by its name and place, or a parameter that is added to what a model carries, by its name."""
Traces = dict[Origin, Factor]
"""What a tensor is a sum of, times so much each."""


def followed(module: nn.Module, anatomy: Anatomy, forward: Callable[[], Any]) -> dict[str, Tensor]:
    """Multipliers by what calls returned, of those that have one, in a forward pass.

    What a call returned has a multiplier if each of its uses is multiplied by the same number on the way; a learned
    scale is none. A readout, and any matrix behind a module without matrices, takes its input's multiplier for its own;
    attention without any other scale takes that of its queries and keys.
    """
    watched = Watched(module)
    uses = _Uses(module, anatomy, watched)
    with torch.no_grad(), watched.calls(uses.returned), uses:
        forward()
    return uses.multipliers()


class _Uses(TorchFunctionMode):
    """Follows what calls return through functions that change nothing but its size, up to its uses."""

    def __init__(self, module: nn.Module, anatomy: Anatomy, watched: Watched) -> None:
        super().__init__()
        self._watched = watched
        parameters = dict(module.named_parameters(remove_duplicate=False))
        mixing = {part.module for part in anatomy.parameters if parameters[part.name].ndim > 1}
        self._leaves = {name for name, own in anatomy.own.items() if own and not anatomy.holds_layers(name)}
        self._matrices = self._leaves & mixing
        self._readouts = self._leaves & {part.module for part in anatomy.parameters if part.role == "output"}
        self._plain = {name for name in anatomy.own if not any(within(inner, name) for inner in mixing)}
        self._uses: dict[str, list[Factor]] = {}
        # Tensors are kept, so that no other one gets their address.
        self._learned: dict[int, tuple[Tensor, Factor]] = {id(tensor): (tensor, 1.0) for tensor in parameters.values()}
        self._traced: dict[int, tuple[Tensor, Traces]] = {}
        for part in anatomy.parameters:
            if anatomy.adds(part):
                self._trace(parameters[part.name], {part.name: 1.0})

    def returned(self, call: Call) -> None:
        """Follow what a call returned from here on."""
        for place, tensor in tensors_in(call.output).items():
            self._trace(tensor, self._traces(tensor) | {f"{call.name}{place}": 1.0})

    def multipliers(self) -> dict[str, Tensor]:
        """The factor on all uses of what was followed, where it is the same and not one."""
        found = {}
        for origin, factors in self._uses.items():
            if not all(map(_is_one, factors)):
                first, *others = (torch.as_tensor(factor, dtype=torch.float64).abs() for factor in factors)
                known = (first > 0) & first.isfinite()
                for other in others:
                    known = known & ((other - first).abs() <= _SAME * first)
                found[origin] = torch.where(known, first, torch.ones_like(first))
        return found

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Torch calls this in the place of each of its functions."""
        keywords = dict(kwargs or {})
        result = func(*args, **keywords)
        made = [each for each in tree_leaves(result) if isinstance(each, Tensor) and each.is_floating_point()]
        name = getattr(func, "__name__", "").strip("_")
        if not made or name.startswith("new_") or name.endswith("_like"):
            return result
        operands = [*args, *keywords.values()]
        given = [each for each in tree_leaves(operands) if isinstance(each, Tensor)]
        traces = None if self._watched.running in self._leaves else self._handed_on(name, operands, given, keywords)
        if traces is None:
            self._use(name, given, keywords)
            traces = {}
        handed_on = name in _HANDING_ON and self._is_learned(operands[0])
        for tensor in made:
            self._trace(tensor, traces)
            # A number that is computed from weights or features is no constant.
            if handed_on or (tensor.ndim == 0 and any(each.ndim or self._is_learned(each) for each in given)):
                self._learned[id(tensor)] = (tensor, self._constant(name, operands))
        return result

    def _handed_on(
        self, name: str, operands: Sequence[Any], given: Sequence[Tensor], keywords: Mapping[str, Any]
    ) -> Traces | None:
        """What a function's result is a sum of; None where it is something new."""
        if name in _HANDING_ON:
            return self._traces(operands[0])
        if name in _JOINING:
            return self._sum([self._traces(each) for each in given])
        if len(operands) < 2:
            return None
        first, second = operands[:2]
        if name in _ADDING:
            return self._sum([self._traces(first), self._scaled(second, keywords.get("alpha", 1.0))])
        if name in _MULTIPLYING and self._is_scale(first):
            return self._scaled(second, first)
        if name in _MULTIPLYING and self._is_scale(second):
            return self._scaled(first, second)
        if name in _DIVIDING and self._is_scale(second) and keywords.get("rounding_mode") is None:
            return self._scaled(first, second, power=-1)
        if name in _CONTRACTING and not any(map(self._is_learned, given)):
            factors = [traces for traces in map(self._traces, given) if traces]
            return {_Product(factors[0] | factors[1]): 1.0} if len(factors) == 2 else None
        return None

    def _constant(self, name: str, operands: Sequence[Any]) -> Factor:
        """The factor of a learned scale that is none."""
        if name in _HANDING_ON:
            return self._number(operands[0])
        if name in (*_MULTIPLYING, *_DIVIDING) and all(map(self._is_scale, operands[:2])):
            return self._number(operands[0]) * _raised(self._number(operands[1]), -1 if name in _DIVIDING else 1)
        return 1.0

    def _sum(self, terms: Sequence[Traces]) -> Traces:
        found: Traces = {}
        for term in terms:
            for origin in found.keys() & term.keys():
                self._note(origin, term[origin])
            found = term | found
        return found

    def _scaled(self, operand: Any, scale: Any, power: int = 1) -> Traces:
        if self._is_learned(scale):
            self._use("", [scale], {})
        scale = _raised(self._number(scale), power)
        return {origin: factor * scale for origin, factor in self._traces(operand).items()}

    def _use(self, name: str, given: Sequence[Tensor], keywords: Mapping[str, Any]) -> None:
        """Note that a function makes something new of tensors."""
        running = self._watched.running
        leaf = running if running in self._leaves else None
        by_matrix = leaf is None and name in _CONTRACTING and any(map(self._is_learned, given))
        takes_all = leaf in self._readouts or by_matrix
        unscaled = name == "scaled_dot_product_attention" and keywords.get("scale") == 1.0
        for place, tensor in enumerate(given):
            for origin, factor in self._traces(tensor).items():
                if isinstance(origin, _Product):
                    takes = name == "softmax" and _is_one(factor)
                    for inner, inner_factor in origin.traces.items():
                        self._note(inner, 1.0 if takes else inner_factor)
                    continue
                takes = takes_all or (leaf in self._matrices and plain(origin) in self._plain)
                self._note(origin, 1.0 if takes or (unscaled and place < 2) else factor)

    def _note(self, origin: Origin, factor: Factor) -> None:
        if isinstance(origin, str):
            self._uses.setdefault(origin, []).append(factor)

    def _trace(self, tensor: Tensor, traces: Traces) -> None:
        if traces or id(tensor) in self._traced:
            self._traced[id(tensor)] = (tensor, traces)

    def _traces(self, given: Any) -> Traces:
        return self._traced[id(given)][1] if id(given) in self._traced else {}

    def _number(self, scale: Any) -> Factor:
        return self._learned[id(scale)][1] if self._is_learned(scale) else scale

    def _is_learned(self, given: Any) -> bool:
        return id(given) in self._learned

    def _is_scale(self, given: Any) -> bool:
        """Whether it is one number; a learned one, or one for each coordinate, is a scale as well."""
        if isinstance(given, Tensor):
            return given.ndim <= self._is_learned(given)
        return isinstance(given, Real)


def _raised(factor: Factor, power: int) -> Factor:
    """A factor or its inverse; what is divided by zero has no multiplier, as an infinite one is none."""
    if power < 0 and not isinstance(factor, Tensor) and factor == 0:
        return math.inf
    return factor**power


def _is_one(factor: Factor) -> bool:
    return not isinstance(factor, Tensor) and factor == 1.0


_MULTIPLYING: Final = ("mul", "multiply", "rmul", "imul")
_DIVIDING: Final = ("div", "divide", "true_divide", "truediv", "itruediv")
_ADDING: Final = ("add", "radd", "iadd", "sub", "subtract", "rsub", "isub")
_JOINING: Final = ("cat", "concat", "concatenate", "stack", "where")
_CONTRACTING: Final = ("matmul", "rmatmul", "mm", "bmm", "einsum", "linear")
# fmt: off
_HANDING_ON: Final = frozenset(
    {
        "alias", "bfloat16", "broadcast_to", "chunk", "clone", "contiguous", "cpu", "cuda", "detach", "double",
        "dropout", "dropout1d", "dropout2d", "dropout3d", "expand", "expand_as", "feature_dropout", "flatten", "flip",
        "float", "gather", "get", "getitem", "half", "index_select", "masked_fill", "movedim", "moveaxis", "narrow",
        "neg", "pad", "permute", "positive", "repeat", "repeat_interleave", "requires_grad", "reshape", "reshape_as",
        "roll", "select", "split", "split_with_sizes", "squeeze", "swapaxes", "swapdims", "t", "tensor_split", "to",
        "transpose", "type", "type_as", "unbind", "unflatten", "unsqueeze", "view", "view_as",
    }
)
# fmt: on
"""Functions whose results have the entries of what they are given first."""
