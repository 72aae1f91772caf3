"""Quantity: a function of an axis value and a draw, with values of its keywords, that is read over an axis."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Concatenate, Final, Generic, ParamSpec

from theorychecks.arguments import check_text
from theorychecks.experiment.draws import Draw
from theorychecks.experiment.scan import Found, Scan
from theorychecks.statistics.sequential import SHARES

Keywords = ParamSpec("Keywords")
_FORM: Final = "def {name}(width, draw, *, ...)"


@dataclass(frozen=True, repr=False)
class Quantity:
    """One quantity of a family: its function with values of the function's keywords.

    It is a function of an axis value and a `Draw`. Two with one function and equal values share what was measured.

    Attributes:
        family: whose it is.
        values: by keyword, in the order of the function's.
    """

    family: QuantityFamily[Any]
    values: tuple[tuple[str, Hashable], ...]
    # One named test_error is no test, however callable.
    __test__ = False

    def __call__(self, value: float, draw: Draw) -> Found:
        """What the function gives at an axis value."""
        return self.family.function(value, draw, **dict(self.values))

    def __fingerprint__(self) -> object:
        """What makes its numbers: the function, and values of its keywords."""
        return self.family.function, self.values

    @property
    def title(self) -> str:
        """What reports call it."""
        return _written(self.family.name, self.values)

    @property
    def setting(self) -> Mapping[str, str]:
        """What reports say of how its numbers come about."""
        return {what: _written(text, self.values) for what, text in self.family.about}

    def over(
        self,
        values: Iterable[float],
        *,
        budget: int | None = None,
        seeds: tuple[int, ...] | int | None = None,
        root_seed: int = 0,
    ) -> Scan:
        """The quantity at these values of its axis, to be given to `check` or `measure`.

        Args:
            values: increasing and positive.
            budget: the most that a verdict may cost, as so many runs at every value; 16 unless given. Looks at a 64th,
                a 16th, a quarter and all of it are planned from the noise, and the first that decides is the last.
            seeds: takes the place of a budget: so many runs at every value, or one number for each, and one look.
            root_seed: another one draws everything anew; below 2^32.

        Raises:
            TypeError, ValueError: for values that are no axis, or a budget or seeds that there cannot be.
        """
        family = self.family
        return Scan(
            self,
            values,  # type: ignore[arg-type] # the scan makes a tuple of it
            joint=family.joint,
            looks=family.looks,
            budget=budget,
            seeds=seeds,
            root_seed=root_seed,
        )

    def __repr__(self) -> str:
        return f"{_name_of(self.family.function)}({', '.join(f'{name}={value!r}' for name, value in self.values)})"


@dataclass(frozen=True, repr=False)
class QuantityFamily(Generic[Keywords]):
    """What `quantity` makes of a function: one quantity for all values of its keywords, which it is called with.

    Attributes:
        function: from an axis value, a draw, and values of its keywords to numbers. Families are told apart by it.
        along: the axis.
        name: of its quantities, a format of their values.
        cost, shared, joint, looks, about: see `quantity`.
    """

    function: Callable[Concatenate[Any, Draw, Keywords], Found]
    along: str = field(compare=False)
    name: str = field(compare=False)
    cost: float = field(default=0.0, compare=False)
    shared: bool = field(default=False, compare=False)
    joint: bool = field(default=False, compare=False)
    looks: tuple[float, ...] = field(default=SHARES, compare=False)
    about: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    __test__ = False

    def __post_init__(self) -> None:
        keywords = _signature(self.function).parameters
        check_text(self.along, "along, the axis,", like="samples")
        check_text(self.name, "name, the quantity,", like="test error")
        if not self.name or not self.along:
            raise ValueError("a quantity has a name and an axis, which reports go by; got an empty one")
        for text in (self.name, *(text for _, text in self.about)):
            if unknown := [word for word in _words(text) if word not in keywords]:
                there = ", ".join(keywords) or "none"
                raise ValueError(
                    f"{text!r} speaks of {unknown[0]!r}, which is no keyword of {_name_of(self.function)}; there are "
                    f"{there}. Write {{{{ for a brace."
                )

    @property
    def __wrapped__(self) -> Callable[Concatenate[Any, Draw, Keywords], Found]:
        """The function, for whoever looks for its documentation."""
        return self.function

    def __fingerprint__(self) -> object:
        """What makes its quantities' numbers; what reports say of them makes none."""
        return self.function

    def __call__(self, *args: Keywords.args, **keywords: Keywords.kwargs) -> Quantity:
        """The quantity with these values of the function's keywords, and its defaults for the others.

        Raises:
            TypeError: if a keyword is missing or unknown, or a value has no hash.
        """
        name, signature = _name_of(self.function), _signature(self.function)
        if args:
            raise TypeError(
                f"{name}() takes its values by keyword, and is then read .over(...) its axis; got {len(args)} without "
                "a keyword"
            )
        try:
            bound = signature.bind(**keywords)
        except TypeError as error:
            there = ", ".join(signature.parameters)
            raise TypeError(f"{name}() {error}; " + (f"its keywords are {there}" if there else "it has none")) from None
        bound.apply_defaults()
        for keyword, value in bound.arguments.items():
            _check_hashable(name, keyword, value)
        return Quantity(self, tuple(bound.arguments.items()))

    def over(
        self,
        values: Iterable[float],
        *,
        budget: int | None = None,
        seeds: tuple[int, ...] | int | None = None,
        root_seed: int = 0,
    ) -> Scan:
        """The quantity whose keywords all have their defaults, at these values of its axis; see `Quantity.over`.

        Raises:
            TypeError: if a keyword has no default.
        """
        return self().over(values, budget=budget, seeds=seeds, root_seed=root_seed)  # type: ignore[call-arg]

    def __repr__(self) -> str:
        return f"<quantity {_name_of(self.function)} along the {self.along}>"


def quantity(
    _bare: object = None,
    /,
    *,
    along: str = "",
    name: str | None = None,
    cost: float = 0.0,
    shared: bool = False,
    joint: bool = False,
    looks: Sequence[float] = SHARES,
    about: Sequence[tuple[str, str]] = (),
) -> Callable[[Callable[Concatenate[Any, Draw, Keywords], Found]], QuantityFamily[Keywords]]:
    """Turn a function of an axis value and a draw into a quantity, to be read over its axis.

    For kernels, particles, flows, and trainings of one width. The function returns one number for each of the draw's
    seeds, or several such arrays by name or by `Parts`; a single number where nothing is drawn, as for a formula. What
    it draws comes from the draw's generators. Other options come by keyword, and are values that have a hash:

        @tc.quantity(along="samples", name="test error, {kernel}")
        def test_error(samples, draw, *, kernel): ...

        tc.check(test_error(kernel="NTK").over((64, 128, 256, 512, 1024)), ...)

    Args:
        along: the axis, what varies: "samples", "output scale", "particles".
        name: what reports call it, a format of the keywords' values, by their own name where they have one; the
            function's name with blanks unless given.
        cost: one run at an axis value costs this power of it.
        shared: whether a seed draws the same at every axis value, which cancels what they have in common.
        joint: whether its readings stand or fall together, so that no more is spent once one of them clearly fails.
        looks: shares of the budget, spent by the end of each look.
        about: what reports say of how the numbers come about, by what it is about; formats, as the name is.

    Raises:
        TypeError: without an axis, or for a function that is not of this form.
        ValueError: for a name that speaks of something that is no keyword.
    """
    if _bare is not None:
        raise TypeError(
            f"a quantity has an axis; got {_name_of(_bare)} without one. Write @tc.quantity(along='width') above the "
            "function."
        )

    def declared(function: Callable[Concatenate[Any, Draw, Keywords], Found]) -> QuantityFamily[Keywords]:
        called = _name_of(function).replace("_", " ") if name is None else name
        return QuantityFamily(
            function, along, called, cost=cost, shared=shared, joint=joint, looks=tuple(looks), about=tuple(about)
        )

    return declared


def _signature(function: object) -> inspect.Signature:
    """What a function takes besides an axis value and a draw.

    Raises:
        TypeError: for anything but a function of these two, and of keywords.
    """
    if not callable(function):
        raise TypeError(
            f"a quantity is a function of an axis value and a draw, {_FORM.format(name='error')}; got {function!r}"
        )
    name, signature = _name_of(function), inspect.signature(function)
    two, rest = list(signature.parameters.values())[:2], list(signature.parameters.values())[2:]
    by_place = all(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in two)
    if len(two) < 2 or not by_place or not all(each.kind is each.KEYWORD_ONLY for each in rest):
        raise TypeError(
            f"a quantity is a function of an axis value and a draw, and of whatever else by keyword; got "
            f"{name}{signature}. Write {_FORM.format(name=name)}."
        )
    return signature.replace(parameters=rest)


def _name_of(function: object) -> str:
    return str(getattr(function, "__name__", None) or repr(function))


def _check_hashable(name: str, keyword: str, value: object) -> None:
    """Refuse what two quantities cannot be told apart by.

    Raises:
        TypeError: naming the keyword.
    """
    try:
        hash(value)
    except TypeError as error:
        raise TypeError(
            f"{name}() is told from others by the values of its keywords, and {error}: {keyword}={value!r}. Give "
            "numbers, texts, tuples, and dataclasses with @dataclass(frozen=True)."
        ) from error


def _words(text: str) -> list[str]:
    """What a format speaks of: "task" in "error on {task.title}"."""
    fields = [field_name for _, field_name, _, _ in Formatter().parse(text) if field_name is not None]
    return [field_name.partition(".")[0].partition("[")[0] for field_name in fields]


class _ByName(Formatter):
    """Python's formats, where what has a name is written as it is called."""

    def format_field(self, value: Any, format_spec: str) -> str:
        name = getattr(value, "name", None)
        return format(name if isinstance(name, str) else value, format_spec)


def _written(text: str, values: tuple[tuple[str, Hashable], ...]) -> str:
    return _ByName().vformat(text, (), dict(values))
