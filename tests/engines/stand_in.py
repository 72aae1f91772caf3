"""A stand-in for a card: tensors that compute as the CPU does, and refuse what a card refuses of mixed devices.

They say that they are on the device "meta", the one besides the CPU on which torch needs no driver. Behind each is a
tensor on the CPU with its numbers, so that what depends on numbers goes its way, and results are the CPU's bit by bit.
"""

import contextlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only, tree_unflatten

DEVICE = "meta"
_ACROSS = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default, torch.ops.aten._local_scalar_dense.default}
# A card takes the places of entries from the CPU as well.
_INDEXED = {
    torch.ops.aten.index.Tensor,
    torch.ops.aten.index_put_.default,
    torch.ops.aten.index_put.default,
    torch.ops.aten._index_put_impl_.default,
}
_JOINS = {torch.ops.aten.cat.default, torch.ops.aten.stack.default}


class MixedDevicesError(RuntimeError):
    """An operation on tensors of two devices, or with the generator of another one."""


class OnCard(torch.Tensor):
    """A tensor on the card, with its numbers behind it."""

    # Out of reach of code that copies the attributes of tensors.
    __slots__ = ("numbers",)

    @staticmethod
    def __new__(cls, numbers):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=DEVICE,
        )

    def __init__(self, numbers):
        self.numbers = numbers

    @classmethod
    def __torch_dispatch__(cls, operation, _types, args=(), kwargs=None):
        return _carried_out(operation, args, kwargs or {})

    def new_tensor(self, data, *, dtype=None):
        return OnCard(torch.tensor(data, dtype=self.dtype if dtype is None else dtype))

    def tolist(self):
        return self.numbers.tolist()

    def numpy(self, *, force=False):
        raise TypeError("can't convert a tensor on the card to numpy; use Tensor.cpu() first")

    def __array__(self, dtype=None):
        return self.numpy()


class _Card(TorchDispatchMode):
    def __torch_dispatch__(self, operation, _types, args=(), kwargs=None):
        return _carried_out(operation, args, kwargs or {})


@contextlib.contextmanager
def card():
    """Inside of the block, tensors can be made on the device "meta" and moved there."""
    lifts = torch._C._only_lift_cpu_tensors()
    # Otherwise a tensor made of an array would be moved where no mode sees it.
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with _Card():
            yield
    finally:
        torch._C._set_only_lift_cpu_tensors(lifts)


def _carried_out(operation, args, kwargs):
    flat, form = tree_flatten((args, kwargs))
    there = [part for part in flat if isinstance(part, OnCard)]
    asked = kwargs.get("device")
    to_card = bool(there) if asked is None else torch.device(asked).type == DEVICE
    _check(operation, args, flat, there, on_card=to_card or bool(there))
    behind = [part.numbers if isinstance(part, OnCard) else part for part in flat]
    args, kwargs = tree_unflatten(behind, form)
    if asked is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    given = {id(part.numbers): part for part in there}
    if operation is torch.ops.aten.copy_.default:
        operation(*args, **kwargs)
        return flat[0]
    made = operation(*args, **kwargs)
    if not to_card:
        return made
    # What is written in place, or into `out`, is the tensor that was given.
    return tree_map_only(torch.Tensor, lambda one: given.get(id(one)) if id(one) in given else OnCard(one), made)


def _check(operation, args, flat, there, *, on_card):
    if any(type(part) is torch.Tensor and part.device.type == DEVICE for part in flat):
        raise TypeError(f"{operation} of a tensor without numbers, made where the stand-in did not see it")
    if on_card and any(isinstance(part, torch.Generator) for part in flat):
        raise MixedDevicesError(f"{operation} draws on the card by a generator of the CPU")
    if not there or operation in _ACROSS:
        return
    used = flat
    if operation in _INDEXED:
        if not isinstance(args[0], OnCard):
            raise MixedDevicesError(f"{operation} of a tensor on the CPU by places, or with values, on the card")
        used = [part for k, part in enumerate(args) if k != 1]
    here = [part for part in used if isinstance(part, torch.Tensor) and not isinstance(part, OnCard)]
    # A card takes a single number from the CPU along, except where tensors are joined.
    wrong = [part for part in here if part.ndim or operation in _JOINS]
    if wrong:
        raise MixedDevicesError(f"{operation} of tensors on the card and on the CPU, {tuple(wrong[0].shape)}")


def back(found):
    """The numbers behind tensors on the card, wherever they lie in what was found."""
    return tree_map(lambda part: part.numbers if isinstance(part, OnCard) else part, found)
