"""The evidence that is committed is sound, small, and of claims that are marked so."""

import ast
from pathlib import Path
from urllib.parse import unquote

import pytest

from theorychecks.plugin.evidence import DIRECTORY, MOST_BYTES
from theorychecks.store.archive import read_archive

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / DIRECTORY).glob("*"))


def marked(tree):
    """Ids of claims and gates that are marked as having evidence."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func)[:3] == "tc."]
    options = [
        {each.arg: each.value.value for each in call.keywords if isinstance(each.value, ast.Constant)} for call in calls
    ]
    return {each["id"] for each in options if each.get("evidence") is True}


def test_there_is_some_and_it_is_small():
    assert FILES
    assert sum(path.stat().st_size for path in FILES) <= MOST_BYTES


def test_it_is_of_claims_that_are_marked():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "properties").glob("test_*.py")]
    ids = set().union(*map(marked, trees))
    assert ids
    for path in FILES:
        name = unquote(path.name.removesuffix(".jsonl.gz").replace("_", "/"))
        assert any(name == each or name.startswith(f"{each}/") for each in ids), path.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_sound_and_says_where_it_comes_from(path):
    for block in read_archive(path):
        assert {"date", "commit", "torch"} <= set(block.provenance)
        assert not block.provenance["commit"].endswith("+"), "measured by code that is no commit's"
