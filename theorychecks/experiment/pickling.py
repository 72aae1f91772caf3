"""Pickling by value: what a user's files define travels whole, since other processes may not find those files."""

from __future__ import annotations

import io
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper, lru_cache, update_wrapper
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import cloudpickle

_PACKAGE: Final = Path(__file__).parents[1]


def pickled_for_sender(given: object) -> bytes:
    """A result as bytes; classes that came here by value are found there by their names, and stay what they are."""
    file = io.BytesIO()
    _ForSender(file).dump(given)
    return file.getvalue()


def pickled(given: object) -> bytes:
    """An object as bytes that `pickle.loads` reads wherever this package and what else is installed here are.

    Functions and classes of the standard library, of installed packages and of this one go by their names, all others
    by value: with their code, their defaults, and whatever they refer to.

    Raises:
        Exception: whatever pickling raises, for what has no value, like an open file.
    """
    file = io.BytesIO()
    with _by_value(_modules_of_users()):
        _Pickler(file).dump(given)
    return file.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc] # cloudpickle has no types
    """Takes functions with a cache by value, which Python pickles by name alone, and modules of a type of their own.

    What is in a cache stays where it is.
    """

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, ModuleType) and type(obj) is not ModuleType:
            return import_module, (obj.__name__,)
        if isinstance(obj, _lru_cache_wrapper) and _goes_by_value(sys.modules.get(obj.__module__)):
            made = _cached, tuple(obj.cache_parameters().values())
            return *made, obj.__wrapped__, None, None, _fill
        return super().reducer_override(obj)


class _ForSender(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type) and "<locals>" not in obj.__qualname__:
            try:
                found = _class_named(obj.__module__, obj.__qualname__)
            except (KeyError, AttributeError):
                found = None
            if found is not obj:
                return _class_named, (obj.__module__, obj.__qualname__)
        return super().reducer_override(obj)


def _class_named(module: str, name: str) -> Any:
    return attrgetter(name)(sys.modules[module])


class _Later:
    """A function that is known later: one with a cache may call itself by its name."""

    function: Callable[..., Any]

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.function(*args, **keywords)


def _cached(maxsize: int | None, typed: bool) -> Any:
    return lru_cache(maxsize=maxsize, typed=typed)(_Later())


def _fill(wrapper: Any, function: Callable[..., Any]) -> None:
    wrapper.__wrapped__.function = function
    update_wrapper(wrapper, function)


@contextmanager
def _by_value(modules: list[ModuleType]) -> Iterator[None]:
    already = cloudpickle.list_registry_pickle_by_value()
    added = [module for module in modules if module.__name__ not in already]
    for module in added:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)


def _modules_of_users() -> list[ModuleType]:
    # Whatever a module calls itself, it is looked for by the name under which it was imported.
    there = list(sys.modules.items())
    return [module for name, module in there if _goes_by_value(module) and module.__name__ == name]


def _goes_by_value(module: ModuleType | None) -> bool:
    # Some libraries put other things into sys.modules; torch.classes says that its file is "_classes.py".
    file = module.__dict__.get("__file__") if type(module) is ModuleType else None
    return isinstance(file, str) and _is_of_user(file)


@lru_cache(maxsize=2**14)
def _is_of_user(file: str) -> bool:
    path = Path(file).resolve()
    return path.suffix == ".py" and not any(path.is_relative_to(place) for place in _installed())


@lru_cache(maxsize=1)
def _installed() -> list[Path]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    found = {Path(sysconfig.get_path(name)).resolve() for name in names}
    # Site-packages of the user, and of an interpreter whose packages a virtual environment sees.
    others = {Path(entry).resolve() for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")}
    return [_PACKAGE, *found, *others]
