"""Observable: how numbers are read off trainings, one a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from theorychecks.engines import Histories, Limits, Run
from theorychecks.networks import Training
from theorychecks.statistics.statuses import Status

BY_NAME = "by name"
"""The key of observables whose names hold all their parameters, as this package's own do."""
JOINT = "several observables"
"""The title of observables read together under different titles; their readings carry those."""


class Retrainable(Protocol):
    """Networks of one width that can be trained several times, at several learning rates."""

    @property
    def rate(self) -> float:
        """The learning rate that factors multiply."""
        ...

    @property
    def width(self) -> int:
        """At which width."""
        ...

    @property
    def seeds(self) -> Sequence[int]:
        """Which networks."""
        ...

    @property
    def root_seed(self) -> int:
        """Another one draws everything anew."""
        ...

    @property
    def together(self) -> int:
        """How many networks there is room for to be trained together."""
        ...

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Train any number of networks, each seed as often as it is named, and no further than the limits."""
        ...


class Trial(Retrainable, Protocol):
    """One training at one width over some seeds, ready to be carried out."""

    @property
    def training(self) -> Training:
        """What is trained."""
        ...

    def run(self, *, times: Sequence[int] | None = None) -> Run:
        """Carry the training out, with weights kept at some times; at the first and the last by default."""
        ...


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


@dataclass(frozen=True)
class Observable:
    """A quantity of a training, or several by name (by layer, say).

    Attributes:
        name: what tells it from others; two observables with one name are taken for the same.
        observe: from a trial to readings by name; the empty name stands for the observable itself.
        networks: how many networks make one value, for averages over an ensemble.
        title: what reports call it; the name unless given.
        key: what else tells it from others; the function `observe` itself unless given.
        retrains: whether it trains one network several times, by `Trial.histories`; it then gets all seeds at once.
    """

    name: str
    observe: Callable[[Trial], Mapping[str, Reading]] = field(repr=False, compare=False)
    networks: int = 1
    title: str = field(default="", compare=False)
    key: object = field(default=None, repr=False)
    retrains: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("an observable needs a name: reports and stored measurements go by it")
        if isinstance(self.networks, bool) or not isinstance(self.networks, int) or self.networks < 1:
            raise ValueError(f"networks is a positive integer; got {self.networks!r}")
        if not self.title:
            object.__setattr__(self, "title", self.name)
        if self.key is None:
            object.__setattr__(self, "key", self.observe)


def observable(read: Callable[[Run], Tensor | Mapping[str, Tensor]] | None = None, /) -> Observable:
    """Turn a function of a run into an observable of the same name; the run has times 0 and `steps` recorded.

    The function returns one number a seed, as a tensor [seed], or several such tensors by name.
    What it can read is what a `Run` offers.

    Raises:
        TypeError: if there is no function, as in `@tc.observable()`.
    """
    if isinstance(read, Observable) or not callable(read):
        given = "nothing" if read is None else repr(read)
        raise TypeError(
            f"observable takes a function of a run; got {given}. Write @tc.observable above the function, without "
            "parentheses."
        )
    return from_run(getattr(read, "__qualname__", type(read).__qualname__), read, key=read)


def check_observable(given: object) -> None:
    """Refuse what is no observable, with what makes it one.

    Raises:
        TypeError: for a function that makes an observable and was not called, one that reads a run and was not
            decorated, or anything else.
    """
    if isinstance(given, Observable):
        return
    name = getattr(given, "__name__", "")
    if isinstance(given, type):
        raise TypeError(
            f"an observable is measured, like tc.weight_change(); got the class {name}. Write @tc.observable above a "
            "function of a run."
        )
    if callable(given) and str(getattr(given, "__module__", "")).startswith("theorychecks."):
        raise TypeError(f"an observable is measured, and {name} makes one: call it, tc.{name}(...)")
    if callable(given):
        raise TypeError(
            f"an observable is measured; got the function {name or given!r}. Write @tc.observable above it if it reads "
            "a run, or call it if it makes an observable."
        )
    raise TypeError(f"an observable is measured, like tc.weight_change(); got {given!r}")


def from_run(
    name: str, read: Callable[[Run], Tensor | Mapping[str, Tensor]], *, title: str = "", key: object = BY_NAME
) -> Observable:
    """An observable that reads one run; by default its name says all that tells it from others."""

    def observe(trial: Trial) -> dict[str, Reading]:
        run = trial.run()
        result = read(run)
        by_name = result if isinstance(result, Mapping) else {"": result}
        return {key: _reading(_numbers(name, key, values), run) for key, values in by_name.items()}

    return Observable(name, observe, title=title, key=key)


def _numbers(name: str, key: str, values: object) -> Tensor:
    """What was read, as a tensor.

    Raises:
        TypeError: if it is no array of real numbers.
    """
    found = f"{key!r}: {values!r}" if key else repr(values)
    wanted = "it returns one number a seed, a tensor [seed], or a dictionary of such tensors"
    if values is None:
        raise TypeError(f"the observable {name} has returned {found}; {wanted}. Is a `return` missing?")
    try:
        numbers = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"the observable {name} has returned {found}; {wanted}") from error
    if numbers.is_complex():
        raise TypeError(f"the observable {name} has returned complex numbers; {wanted}. Take their absolute value.")
    return numbers


def _reading(values: Tensor, run: Run) -> Reading:
    """A reading in which NaN means divergence only where the loss has diverged; an update of zero has no direction."""
    finite = run.losses[-1].isfinite().cpu()
    if values.shape != finite.shape or not values.isnan().any():
        return Reading(values)
    diverged = values.isnan().cpu() & ~finite
    return Reading(values, tuple(Status.DIVERGED if flag else None for flag in diverged.tolist()))


def together(first: Observable, *others: Observable) -> Observable:
    """Several observables of one training, which is then run once.

    Readings keep their names, behind the title of their observable where titles differ.

    Raises:
        ValueError: if two readings would have the same name, or an observable trains its networks several times.
    """
    members = (first, *others)
    for member in members:
        check_observable(member)
    if any(member.networks != first.networks for member in members):
        raise ValueError("observables read together need the same number of networks per value")
    if any(member.retrains for member in members):
        raise ValueError("an observable that trains its networks several times is measured on its own")
    same_title = all(member.title == first.title for member in members)

    def observe(trial: Trial) -> dict[str, Reading]:
        shared = _Once(trial)
        readings: dict[str, Reading] = {}
        for member in members:
            for key, reading in member.observe(shared).items():
                name = key if same_title else ", ".join(part for part in (member.title, key) if part)
                if name in readings:
                    raise ValueError(f"two readings are named {name!r}; give one of their observables another title")
                readings[name] = reading
        return readings

    name = " and ".join(member.name for member in members)
    return Observable(
        name,
        observe,
        networks=first.networks,
        title=first.title if same_title else JOINT,
        key=tuple(member.key for member in members),
    )


class _Once:
    """A trial whose plain run is carried out once."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._plain: Run | None = None
        self.training = trial.training
        self.width = trial.width
        self.seeds = trial.seeds
        self.root_seed = trial.root_seed

    @property
    def rate(self) -> float:
        return self._trial.rate

    @property
    def together(self) -> int:
        return self._trial.together

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        return self._trial.histories(seeds, rate_factors, limits)

    def run(self, *, times: Sequence[int] | None = None) -> Run:
        if times is not None:
            return self._trial.run(times=times)
        if self._plain is None:
            self._plain = self._trial.run()
        return self._plain


def root_mean_square(values: Tensor) -> Tensor:
    """Over everything but the seeds, [seed]."""
    return values.flatten(1).square().mean(dim=1).sqrt()
