"""Reach: whether a claim's test calls what it has to call, before it is run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any


def reaches(function: Callable[..., Any], target: Callable[..., Any]) -> bool:
    """Whether a function calls another: by name, or through functions of modules and classes within its sight."""
    seen: set[object] = set()
    stack = [inspect.unwrap(function)]
    while stack:
        current = stack.pop()
        code = getattr(current, "__code__", None)
        if code is None or current in seen:
            continue
        seen.add(current)
        names = set(_names(code))
        if target.__name__ in names:
            return True
        cells = inspect.getclosurevars(current).nonlocals if isinstance(current, FunctionType) else {}
        names |= set(cells)
        for found in _within_sight({**getattr(current, "__globals__", {}), **cells}, names):
            if found is target:
                return True
            if isinstance(found, FunctionType) and not found.__module__.startswith("theorychecks."):
                stack.append(inspect.unwrap(found))
    return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _within_sight(scope: Mapping[str, object], names: set[str]) -> Iterator[object]:
    """Objects that these names may stand for: globals, and attributes of modules among them and of any class."""
    for key, value in scope.items():
        if key in names:
            yield value
        if isinstance(value, type) or (isinstance(value, ModuleType) and key in names):
            yield from (vars(value)[name] for name in names & vars(value).keys())
