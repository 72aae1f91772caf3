"""Observable: how numbers are read off runs, one a seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from torch import Tensor

from theorychecks.engines import Run
from theorychecks.engines.deferred import Times
from theorychecks.engines.run import Described
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status


@dataclass(frozen=True)
class Reading:
    """One number a seed.

    Attributes:
        values: [seed]; infinite or NaN where a run has diverged.
        statuses: where a value is a bound rather than a number; None, for one or for all, reads them off the values.
        exact: whether the number is the same for every seed because nothing is drawn for it.
    """

    values: Tensor
    statuses: tuple[Status | None, ...] | None = None
    exact: bool = False


Readings = Mapping[Parts, Reading]
"""What an observable reads: a single number a seed, with no parts, or several such numbers by their parts."""


class Observable(ABC):
    """A quantity of a run, or several; a frozen dataclass, whose options tell it from others of its class.

    Two equal observables share what has been measured. `tc.observable` makes one of a function.

    Attributes:
        networks: how many networks make one value, for averages over an ensemble.
        retrains: whether it trains one network several times, by `run.histories`; it then gets all seeds at once.
        times: at which times it reads weights, "ends" for the first and the last, or "all".
        conditional: whether readings are of the runs that have a number: others, NaN, are left out where enough are
            left.
        parts: names of the parts that its readings have; None where they are not known before something is read.
    """

    networks: int = 1
    retrains: bool = False
    conditional: bool = False
    times: Times = "ends"
    parts: tuple[str, ...] | None = None

    @property
    @abstractmethod
    def title(self) -> str:
        """What reports call it."""

    @abstractmethod
    def read(self, run: Run) -> Readings:
        """Readings of all seeds; nothing is trained before something trained is read off the run.

        Raises:
            Unanswerable: if the run cannot say what is asked of it.
        """


def check_observable(given: object) -> None:
    """Refuse what is no observable, with what makes it one.

    Raises:
        TypeError: for a class of observables that was not called, a function that reads a run and was not decorated,
            options that nothing can be told apart by, or anything else.
    """
    if isinstance(given, Observable):
        _check_hashable(given)
        return
    name = getattr(given, "__name__", "")
    if isinstance(given, type) and issubclass(given, Observable) and given is not Observable:
        raise TypeError(f"an observable is measured, and {name} is a class of them: call it, {name}(...)")
    if isinstance(given, type):
        raise TypeError(
            f"an observable is measured, like tc.WeightChange(); got the class {name}. Write @tc.observable above a "
            "function of a run."
        )
    if callable(given):
        raise TypeError(
            f"an observable is measured; got the function {name or given!r}. Write @tc.observable above it if it reads "
            "a run, or call it if it makes an observable."
        )
    raise TypeError(f"an observable is measured, like tc.WeightChange(); got {given!r}")


def _check_hashable(observable: Observable) -> None:
    try:
        hash(observable)
    except TypeError as error:
        raise TypeError(
            f"an observable is told from others by its options, and {error}: {observable!r}. Write @dataclass("
            "frozen=True) above its class, and give it numbers, texts and tuples."
        ) from error


def check_option(given: object, allowed: tuple[Hashable, ...], noun: str) -> None:
    """Refuse an option that an observable does not have: "a direction is 'trained' or 'random'; got 'worst'"."""
    if given not in allowed:
        raise ValueError(f"{noun} {' or '.join(map(repr, allowed))}; got {given!r}")


def readings(run: Run, found: Tensor | Mapping[Parts, Tensor]) -> Readings:
    """Numbers as readings; a single tensor has no parts."""
    by_parts = found if isinstance(found, Mapping) else {Parts(): found}
    return {parts: _reading(values, run) for parts, values in by_parts.items()}


def of_matrix(layer: Described, **more: str) -> Parts:
    """Parts of what is read off a matrix."""
    return Parts(layer=layer.name, role=layer.role, **more)


def of_hidden_layer(run: Run, number: int) -> Parts:
    """Parts of what is read off a hidden layer, 1 for the first; its role is that of the matrix that makes it."""
    return Parts(layer=run.hidden_name(number), role=run.layers[number - 1].role)


def hidden_layers(run: Run) -> range:
    """Numbers of the hidden layers."""
    return range(1, len(run.layers))


def _reading(values: Tensor, run: Run) -> Reading:
    """A reading in which NaN means divergence only where the loss has diverged; an update of zero has no direction."""
    finite = run.losses[-1].isfinite().cpu()
    if values.shape != finite.shape or not values.isnan().any():
        return Reading(values)
    diverged = values.isnan().cpu() & ~finite
    return Reading(values, tuple(Status.DIVERGED if flag else None for flag in diverged.tolist()))


def root_mean_square(values: Tensor) -> Tensor:
    """Over everything but the seeds, [seed]."""
    return values.flatten(1).square().mean(dim=1).sqrt()
