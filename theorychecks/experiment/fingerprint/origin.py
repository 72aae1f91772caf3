"""Origin: whether code is the user's or this package's, which is read, or of another distribution, which is named."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from functools import cache
from types import ModuleType
from typing import Final

_OWN: Final = __name__.partition(".")[0]
_NAMED: Final = frozenset({"numpy", "scipy", "torch", "sklearn"})
"""Distributions whose numbers come from compiled code; they are named even where they are installed from sources."""
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def is_elsewhere(module: str, file: str | None) -> bool:
    """Whether a module belongs to another distribution, or to Python.

    A distribution lies in a directory that installers write to. What is installed editably lies where its author edits
    it, and is the user's; this package is read wherever it lies.

    Args:
        module: its full name.
        file: where it was loaded from, if from a file.
    """
    top = module.partition(".")[0]
    if top == _OWN:
        return False
    if top in _NAMED:
        return True
    if file is None:
        return top in sys.stdlib_module_names
    return _is_installed(os.path.dirname(file))


def is_module_elsewhere(module: ModuleType) -> bool:
    """The same of a module; a namespace package lies where its first part does."""
    file = getattr(module, "__file__", None)
    if file is None and (places := list(getattr(module, "__path__", ()))):
        file = os.path.join(places[0], "__init__.py")
    return is_elsewhere(module.__name__, file)


def is_code_elsewhere(globals: dict[str, object]) -> bool:
    """The same of a function, by its globals: a decorator may have given it the name of another module."""
    name, file = globals.get("__name__"), globals.get("__file__")
    return is_elsewhere(name if isinstance(name, str) else "", file if isinstance(file, str) else None)


def is_class_elsewhere(kind: type) -> bool:
    """The same of a class."""
    module = sys.modules.get(kind.__module__)
    return is_elsewhere(kind.__module__, None) if module is None else is_module_elsewhere(module)


@cache
def _is_installed(directory: str) -> bool:
    # An installer may link single files; a whole directory that is linked is a user's.
    place = os.path.realpath(directory)
    if not _INSTALLED.isdisjoint(place.split(os.sep)):
        return True
    return any(place == root or place.startswith(root + os.sep) for root in _roots())


@cache
def _roots() -> tuple[str, ...]:
    """Directories of Python and of what is installed, but for those that hold everything, like /."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    found = {sysconfig.get_paths().get(name, "") for name in names} | {site.getusersitepackages()}
    found |= {os.path.dirname(os.__file__)}
    return tuple(sorted(os.path.realpath(place) for place in found if place))
