"""Values: numbers, texts, containers, arrays, modules of torch, and objects by their state."""

from __future__ import annotations

import copyreg
import dataclasses
import enum
import functools
import hashlib
import io
import logging
import math
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    EllipsisType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    NotImplementedType,
    WrapperDescriptorType,
)
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from theorychecks.experiment.fingerprint.classes import member_attributes
from theorychecks.experiment.fingerprint.expansion import MISSING, Child, Expansion, Named, Refused
from theorychecks.experiment.fingerprint.functions import expand_made_of_functions, name_elsewhere
from theorychecks.experiment.fingerprint.origin import is_class_elsewhere, is_code_elsewhere, is_module_elsewhere

HOOK: Final = "__fingerprint__"
"""A method of a class whose objects say themselves what their numbers depend on."""
_GENERATORS: Final = (
    np.random.Generator,
    np.random.RandomState,
    np.random.BitGenerator,
    random.Random,
    torch.Generator,
)
_OF_TORCH: Final = (torch.dtype, torch.device, torch.layout, torch.memory_format)
_DESCRIPTORS: Final = (
    ClassMethodDescriptorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
)
_OF_MODULES: Final = frozenset(vars(nn.Module()))


def atom(thing: object) -> str | None:
    """A thing that is not made of others, as a text; None for any other."""
    kind = type(thing)
    plain = _PLAIN.get(kind)
    if plain is not None:
        return plain(thing)
    if isinstance(thing, type):
        return f"class {thing.__module__}.{thing.__qualname__}" if is_class_elsewhere(thing) else None
    if isinstance(thing, FunctionType):
        another = thing.__closure__ is None and not hasattr(thing, "__wrapped__") and not hasattr(thing, "registry")
        return f"function {name_elsewhere(thing)}" if another and is_code_elsewhere(thing.__globals__) else None
    if isinstance(thing, BuiltinFunctionType):
        return _builtin(thing)
    if isinstance(thing, ModuleType):
        return f"module {thing.__name__}" if is_module_elsewhere(thing) else None
    if isinstance(thing, PurePath):
        return f"path {thing.as_posix()}"
    if isinstance(thing, np.ufunc) and "(vectorized)" not in thing.__name__:
        return f"ufunc {thing.__name__}"
    if isinstance(thing, _DESCRIPTORS):
        return f"descriptor {thing.__qualname__}"
    if isinstance(thing, np.dtype):
        return f"dtype {thing.descr if thing.fields else thing.str}"
    return f"torch {thing}" if isinstance(thing, _OF_TORCH) else None


def _builtin(function: BuiltinFunctionType) -> str | None:
    """A compiled function of another distribution; a method of an object is made of it."""
    owner, home = function.__self__, sys.modules.get(function.__module__ or "")
    if isinstance(owner, ModuleType):
        another = is_module_elsewhere(owner)
    elif home is not None and getattr(home, function.__qualname__, None) is function:
        another = is_module_elsewhere(home)
    else:
        another = owner is None or isinstance(owner, type)
    return f"builtin {function.__module__}.{function.__qualname__}" if another else None


def _float(value: float) -> str:
    return f"float {'nan' if math.isnan(value) else value.hex()}"


_PLAIN: Final[dict[type, Callable[[Any], str]]] = {
    type(None): repr,
    bool: repr,
    int: lambda value: f"int {value:x}",
    float: _float,
    complex: lambda value: f"complex {_float(value.real)} {_float(value.imag)}",
    str: lambda value: f"text {value}",
    bytes: lambda value: f"bytes {value.hex()}",
    bytearray: lambda value: f"bytearray {value.hex()}",
    Named: lambda value: f"named {value.name}",
    EllipsisType: repr,
    NotImplementedType: repr,
    # Where they write makes no numbers, and they are called by the module's name.
    logging.Logger: lambda value: "logger",
    # A lock tells who goes first, and makes no numbers either.
    type(threading.Lock()): lambda value: "lock",
    type(threading.RLock()): lambda value: "lock",
}


def expand_value(thing: Any) -> Expansion:
    """What a value is made of.

    Raises:
        Refused: if nothing tells it from others in another process.
    """
    kind = type(thing)
    if hasattr(kind, HOOK):
        return Expansion("stands for", [Child("", getattr(thing, HOOK)())])
    if kind in (tuple, list):
        return Expansion(kind.__name__, [Child(f"[{place}]", each) for place, each in enumerate(thing)])
    if kind in (dict, MappingProxyType):
        return Expansion("dict", list(_items(thing.items())))
    if kind in (set, frozenset):
        return Expansion(kind.__name__, [Child("element", each) for each in thing], ordered=False)
    for wanted, expand in _KINDS:
        if isinstance(thing, wanted):
            return expand(thing)
    made = expand_made_of_functions(thing)
    if made is not None:
        return made
    if is_class_elsewhere(kind):
        if name := _global_name(thing):
            return Expansion(f"global {name}")
        _refuse(thing)
    if dataclasses.is_dataclass(thing):
        return _of_dataclass(thing)
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        fields = [Child(f".{name}", getattr(thing, name)) for name in thing._fields]
        return Expansion("named tuple", [Child("class", kind), *fields])
    return _of_object(thing)


def _refuse(thing: object) -> None:
    """Refuse objects of other distributions that have a state, which is not all that makes numbers, or not for long."""
    kind = _called(type(thing))
    if isinstance(thing, _GENERATORS):
        raise Refused(
            f"a generator of random numbers, {kind}, is another one after each draw",
            "Draw from the generators of what is measured, draw.rng(seed), or make one of a seed where it is used.",
        )
    if isinstance(thing, io.IOBase):
        raise Refused(f"an open file, {kind}, is read once", "Read it, and use what it says.")
    if isinstance(thing, Iterator):
        raise Refused(f"an iterator, {kind}, is used up as it is read", "Make a tuple of it.")
    if isinstance(thing, np.ufunc):
        raise Refused(f"{thing!r} hides the function that it was made of", "Use np.vectorize, or the function itself.")


def _items(pairs: Any) -> Iterator[Child]:
    """Items of a mapping in their order, which sums and draws may follow."""
    for place, (key, value) in enumerate(pairs):
        yield Child(f", key {place}", key)
        yield Child(f"[{key!r}]" if type(key) in (str, int) else f"[key {place}]", value)


def _of_array(array: np.ndarray[Any, Any]) -> Expansion:
    children = [] if type(array) is np.ndarray else [Child("class", type(array))]
    if array.dtype.hasobject:
        if array.dtype.fields:
            raise Refused("an array of records holds objects", "Make a dictionary of arrays of it.")
        elements = [Child(f"[{place}]", each) for place, each in enumerate(array.ravel().tolist())]
        return Expansion(f"array of objects {array.shape}", [*children, *elements])
    ordered = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    numbers = ordered.view(np.ndarray).tobytes()
    return Expansion(f"array {atom(ordered.dtype)} {array.shape} {_digest(numbers)}", children)


def _of_scalar(scalar: np.generic) -> Expansion:
    return Expansion(f"scalar {atom(scalar.dtype)} {scalar.tobytes().hex()}")


def _of_tensor(tensor: torch.Tensor) -> Expansion:
    if tensor.is_meta:
        raise Refused("a tensor on the device 'meta' has no numbers", "Give it some, on a device that has memory.")
    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise Refused(f"a tensor is laid out as {tensor.layout}", "Use its .to_dense(), or .dequantize().")
    plain = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
    numbers = plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    shape = f"{tensor.dtype} {tuple(tensor.shape)} {tensor.requires_grad}"
    return Expansion(f"tensor {shape} {_digest(numbers)}", [Child("class", type(tensor))])


def _of_member(member: enum.Enum) -> Expansion:
    children = [Child("class", type(member)), Child("value", member._value_), Child("", member_attributes(member))]
    return Expansion(f"member {member._name_}", children)


def _of_module(module: ModuleType) -> Expansion:
    """A module that is not only read by name: all that it has, but for other modules."""
    there = [(name, thing) for name, thing in sorted(vars(module).items()) if not name.startswith("__")]
    return Expansion("module", [Child(f".{name}", thing) for name, thing in there if not isinstance(thing, ModuleType)])


def _of_torch_module(module: nn.Module) -> Expansion:
    """Its class, weights, buffers, parts and attributes; and hooks, whose numbers count all those of a process."""
    if isinstance(module, torch.jit.ScriptModule):
        raise Refused("a module of TorchScript hides the code that it was made of", "Use the module itself.")
    children = [Child("class", type(module)), Child(".training", module.training)]
    for name in ("_parameters", "_buffers", "_modules"):
        children += [Child(f".{key}", value) for key, value in getattr(module, name).items()]
    for name, value in sorted(vars(module).items()):
        if name not in _OF_MODULES:
            children.append(Child(f".{name}", value))
        elif name.endswith("hooks") and value:
            children.append(Child(f".{name}", list(value.values())))
    return Expansion("torch module", children)


def _of_dataclass(thing: Any) -> Expansion:
    """Its fields, and what else was written onto it, but for what is computed when it is first asked for."""
    kind = type(thing)
    names = list(kind.__dataclass_fields__)
    more = getattr(thing, "__dict__", {}).keys() - kind.__dataclass_fields__.keys()
    names += sorted(name for name in more if not _computed(thing, name))
    children = [Child(f".{name}", getattr(thing, name, Named("not there"))) for name in names]
    return Expansion("dataclass", [Child("class", type(thing)), *children])


def _of_object(thing: Any) -> Expansion:
    """By what `copy` and `pickle` would make it again from.

    Raises:
        Refused: if they would not.
    """
    try:
        reduce = copyreg.dispatch_table.get(type(thing))
        reduced = thing.__reduce_ex__(4) if reduce is None else reduce(thing)
    except Exception as error:
        raise Refused(
            f"an object has no state to go by, {_called(type(thing))} ({error})",
            f"Keep it out of what is measured, or give its class a method {HOOK} that returns what its numbers depend "
            "on.",
        ) from error
    if isinstance(reduced, str):
        return Expansion(f"global {_called(type(thing))} {reduced}")
    make, arguments, state, elements, items = (*reduced, None, None, None)[:5]
    children = [Child("class", type(thing)), Child(", made by", make)]
    children += [Child(f", made from [{place}]", each) for place, each in enumerate(arguments)]
    for part in state if isinstance(state, tuple) else (state,):
        if type(part) is dict and all(isinstance(name, str) for name in part):
            children += [Child(f".{name}", part[name]) for name in sorted(part) if not _computed(thing, name)]
        elif part is not None:
            children.append(Child(", state", part))
    children += [Child(f"[{place}]", each) for place, each in enumerate(elements or ())]
    return Expansion("object", [*children, *_items(items or ())])


def _computed(thing: object, name: str) -> bool:
    return any(isinstance(vars(kind).get(name), functools.cached_property) for kind in type(thing).__mro__)


def _global_name(thing: object) -> str:
    """The name under which another distribution's module has an object, like scipy.stats.norm; empty without one."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str) and getattr(sys.modules.get(module), name, MISSING) is thing:
        return f"{module}.{name}"
    there: Mapping[str, object] = getattr(sys.modules.get(type(thing).__module__), "__dict__", {})
    return next((f"{type(thing).__module__}.{name}" for name, each in list(there.items()) if each is thing), "")


def _called(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_KINDS: Final[tuple[tuple[type, Callable[[Any], Expansion]], ...]] = (
    (torch.Tensor, _of_tensor),
    (np.ndarray, _of_array),
    (np.generic, _of_scalar),
    (enum.Enum, _of_member),
    (nn.Module, _of_torch_module),
    (ModuleType, _of_module),
)
