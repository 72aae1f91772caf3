"""Observables that are functions of a run, with options by keyword."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.observables.observable import Observable, Readings, readings
from theorychecks.statistics.parts import Parts, parts_of

Read = Callable[..., Tensor | Mapping[Any, Tensor]]


@dataclass(frozen=True, repr=False)
class FunctionObservable(Observable):
    """What a function reads off a run; called with options, the same function with these.

    Attributes:
        function: from a run, and options by keyword, to one number a seed, a tensor [seed], or several such tensors by
            name or by `Parts`.
        options: by name, those that are not as the function has them anyway.
    """

    function: Read
    options: tuple[tuple[str, object], ...] = ()
    # One named test_error is no test, however callable.
    __test__ = False

    @property
    def __wrapped__(self) -> Read:
        """The function, for whoever looks for its signature or its documentation."""
        return self.function

    def __call__(self, **options: object) -> FunctionObservable:
        """The same function with other options.

        Raises:
            TypeError: for an option that the function does not have.
        """
        known = _options_of(self.function)
        if unknown := [name for name in options if name not in known]:
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise TypeError(f"{self.title} has no option {unknown[0]!r}; {there}")
        given = dict(self.options) | options
        kept = {name: given[name] for name in known if name in given and not _same(given[name], known[name])}
        return replace(self, options=tuple(kept.items()))

    @property
    def title(self) -> str:
        """The function's name, with the options that it was given."""
        name = getattr(self.function, "__qualname__", type(self.function).__qualname__)
        given = ", ".join(f"{option}={value!r}" for option, value in self.options)
        return f"{name}({given})" if given else name

    def read(self, run: Run) -> Readings:
        """Call the function.

        Raises:
            TypeError: if it returns no numbers, or lacks an option.
        """
        found = self.function(run, **dict(self.options))
        by_name = found if isinstance(found, Mapping) else {Parts(): found}
        return readings(run, {parts_of(key): _numbers(self.title, key, values) for key, values in by_name.items()})

    def __repr__(self) -> str:
        return self.title


def observable(read: Read | None = None, /) -> FunctionObservable:
    """Turn a function of a run into an observable of the same name; the run has times 0 and `run.steps` recorded.

    The function returns one number a seed, as a tensor [seed], or several such tensors by name or by `Parts`. What it
    can read is what a `Run` offers. Options come by keyword, behind the run: `of_order(power=2)` is an observable of
    its own, where `of_order` is the function with its defaults.

    Raises:
        TypeError: if there is no function, as in `@tc.observable()`.
    """
    if isinstance(read, Observable) or not callable(read):
        given = "nothing" if read is None else repr(read)
        raise TypeError(
            f"observable takes a function of a run; got {given}. Write @tc.observable above the function, without "
            "parentheses."
        )
    return FunctionObservable(read)


def _options_of(function: Read) -> dict[str, object]:
    """What a function takes behind the run, with the defaults."""
    behind = list(inspect.signature(function).parameters.values())[1:]
    return {each.name: each.default for each in behind if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}


def _same(one: object, other: object) -> bool:
    """Whether two values of an option are the same; one and True are not."""
    return type(one) is type(other) and bool(one == other)


def _numbers(title: str, key: object, values: object) -> Tensor:
    """What was read, as a tensor.

    Raises:
        TypeError: if it is no array of real numbers.
    """
    found = f"{str(key)!r}: {values!r}" if str(key) else repr(values)
    wanted = "it returns one number a seed, a tensor [seed], or a dictionary of such tensors"
    if values is None:
        raise TypeError(f"the observable {title} has returned {found}; {wanted}. Is a `return` missing?")
    try:
        numbers = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"the observable {title} has returned {found}; {wanted}") from error
    if numbers.is_complex():
        raise TypeError(f"the observable {title} has returned complex numbers; {wanted}. Take their absolute value.")
    return numbers
