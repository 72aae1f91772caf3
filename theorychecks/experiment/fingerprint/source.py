"""Source: from a function that runs to the syntax that it was made of."""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any, Final

import psutil

from theorychecks.experiment.fingerprint.syntax import Function

_MARGIN: Final = 60.0
"""Seconds by which clocks of file systems may differ from this machine's."""


class ChangedSource(Exception):  # noqa: N818 - it says what has happened
    """A file was changed after it was imported, and does not say any more what runs."""


def function_of(code: CodeType, globals: dict[str, Any]) -> Function | None:
    """The syntax of a function's code; nothing where there is no source, as for code that was made by `exec`.

    Neither is there for one of several lambdas on a line, if Python was told to keep no columns.

    Raises:
        ChangedSource: if the file does not say what runs.
    """
    name = code.co_filename
    linecache.checkcache(name)
    lines = linecache.getlines(name, globals)
    if not lines:
        return None
    file = _FILES.get(name)
    if file is None or file.lines is not lines:
        file = _FILES[name] = _File(name, lines)
    is_lambda = code.co_name == "<lambda>"
    found = file.lambda_of(code) if is_lambda else file.definition_of(code)
    if found is None and is_lambda:
        return None
    if found is None or not file.says(code, found, globals.get("__loader__")):
        raise ChangedSource(name)
    return found


@dataclass(eq=False)
class _File:
    """A file of source; functions with a name are parsed one by one, and all of it only where that does not do.

    Attributes:
        name: of the file.
        lines: what it says.
    """

    name: str
    lines: list[str]

    @cached_property
    def tree(self) -> ast.Module:
        """All that it says.

        Raises:
            ChangedSource: if that is no Python.
        """
        try:
            return ast.parse("".join(self.lines))
        except SyntaxError as error:
            raise ChangedSource(self.name) from error

    @cached_property
    def lambdas(self) -> dict[int, list[ast.Lambda]]:
        """By their first line."""
        found: dict[int, list[ast.Lambda]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Lambda):
                found.setdefault(node.lineno, []).append(node)
        return found

    @cached_property
    def compiled(self) -> dict[tuple[str, int], list[CodeType]]:
        """Code of all functions, by name and first line, as this interpreter makes it of the file now."""
        found: dict[tuple[str, int], list[CodeType]] = {}
        todo = [compile(self.tree, self.name, "exec", dont_inherit=True)]
        while todo:
            code = todo.pop()
            found.setdefault((code.co_name, code.co_firstlineno), []).append(code)
            todo += [each for each in code.co_consts if isinstance(each, CodeType)]
        return found

    @cached_property
    def is_old(self) -> bool:
        """Whether it was written before this process was started, so that it says what was imported."""
        try:
            written = os.stat(self.name).st_mtime
        except OSError:
            # No file, but a cell of a notebook or the like, whose lines are kept with it.
            return True
        return written < _started() - _MARGIN

    def definition_of(self, code: CodeType) -> Function | None:
        """The definition that a code was made of, if one of its name starts where it should."""
        start = code.co_firstlineno - 1
        for stop in _ends(self.lines, start):
            # Indented lines are those of a block.
            block = "if True:\n" if self.lines[start][:1].isspace() else ""
            try:
                node: ast.stmt = ast.parse(block + "".join(self.lines[start:stop])).body[0]
            except SyntaxError:
                # Lines that stand further to the left belong to it: an open bracket, or a text over several lines.
                continue
            node = node.body[0] if isinstance(node, ast.If) else node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
                return node
            break
        return None

    def lambda_of(self, code: CodeType) -> ast.Lambda | None:
        """The lambda that a code was made of: the innermost one around all that runs."""
        around = self.lambdas.get(code.co_firstlineno, [])
        if len(around) > 1:
            # What stands nowhere, like the start of a function, has no place, or the first column.
            places = [place for place in code.co_positions() if None not in place and place[2:] != (0, 0)]
            around = [node for node in around if places and all(_contains(node.body, place) for place in places)]
        return max(around, key=lambda node: node.col_offset, default=None)

    def says(self, code: CodeType, node: Function, loader: object) -> bool:
        """Whether it says what runs; looked up only if it was written since this process was started."""
        if self.is_old or not (type(loader) is SourceFileLoader or _rewrites_assertions(loader)):
            return True
        if _rewrites_assertions(loader) and any(isinstance(each, ast.Assert) for each in ast.walk(node)):
            return True
        return any(_alike(code, each) for each in self.compiled.get((code.co_name, code.co_firstlineno), []))


_FILES: Final[dict[str, _File]] = {}


def _ends(lines: list[str], start: int) -> Iterator[int]:
    """Where the definition that starts at a line may end: before lines that are indented no further than it."""
    indent, is_below = 0, False
    for place in range(start, len(lines)):
        text = lines[place].lstrip()
        if not text or text.startswith("#"):
            continue
        if place == start:
            indent = len(lines[place]) - len(text)
        elif is_below and len(lines[place]) - len(text) <= indent:
            yield place
        is_below = is_below or text.startswith(("def ", "async "))
    yield len(lines)


def _contains(node: ast.expr, place: tuple[int | None, int | None, int | None, int | None]) -> bool:
    first, last, start, stop = (number or 0 for number in place)
    end = (node.end_lineno or 0, node.end_col_offset or 0)
    return (node.lineno, node.col_offset) <= (first, start) and (last, stop) <= end


def _alike(one: CodeType, other: CodeType) -> bool:
    """Whether two codes do the same, wherever they stand."""
    if one.co_code != other.co_code or one.co_names != other.co_names or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _alike(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else repr(a) == repr(b) or _same_set(a, b)
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


def _same_set(one: object, other: object) -> bool:
    return isinstance(one, frozenset) and one == other


def _rewrites_assertions(loader: object) -> bool:
    return type(loader).__module__.partition(".")[0] == "_pytest"


@cache
def _started() -> float:
    """When this process was started, in seconds since 1970."""
    return float(psutil.Process().create_time())
