"""What the package offers: every name resolves, says what it means, and stands in the guide."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import theorychecks

NAMES = Path(theorychecks.__file__).parent / "guide" / "names.md"
STUB = Path(theorychecks.__file__).with_suffix(".pyi")


@pytest.mark.parametrize("name", theorychecks.__all__)
def test_public_name_resolves(name):
    assert getattr(theorychecks, name) is not None


@pytest.mark.parametrize("name", theorychecks.__all__)
def test_classes_and_functions_say_what_they_mean(name):
    value = getattr(theorychecks, name)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        # A constant, NTK or SGD: an instance of a class that says it.
        value = type(value)
    # A dataclass without a docstring is given its signature, which says nothing.
    assert value.__doc__
    assert not value.__doc__.startswith(f"{value.__name__}(")


def test_type_checkers_see_the_names_that_load():
    lines = [line for line in STUB.read_text(encoding="utf-8").splitlines() if line and not line.startswith('"""')]
    imports = [node for node in ast.parse("\n".join(lines)).body if isinstance(node, ast.ImportFrom)]
    # Both read "from HOME import NAME as NAME", one a line; nothing of another form stands in the stub.
    assert lines == [f"from {node.module} import {name.name} as {name.name}" for node in imports for name in node.names]
    assert theorychecks.__all__ == sorted({name.name for node in imports for name in node.names})
    assert len(theorychecks.__all__) == len(lines)


def test_a_star_brings_the_public_names_and_no_others():
    names = {}
    exec("from theorychecks import *", names)
    assert sorted(names.keys() - {"__builtins__"}) == theorychecks.__all__
    assert names["PowerLaw"] is theorychecks.PowerLaw


def test_public_names_are_listed_by_dir():
    assert set(theorychecks.__all__) <= set(dir(theorychecks))


@pytest.mark.parametrize("name", ["PowerLow", "torch", "__wrapped__"])
def test_unknown_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=f"module 'theorychecks' has no attribute '{name}'"):
        getattr(theorychecks, name)


def test_every_public_name_stands_in_the_guide():
    rows = [line for line in NAMES.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    # In a table, within backticks: `PowerLaw`, `widths(64, 4096)`, `tc.check`.
    coded = re.findall(r"`([^`]*)`", "\n".join(rows))
    written = {word for code in coded for word in re.findall(r"\w+", code)}
    assert [name for name in theorychecks.__all__ if name not in written] == []
