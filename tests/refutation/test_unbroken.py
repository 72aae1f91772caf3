"""Claims that meet a mistake pass without one in the same setting; where that is made cheaper, nothing refutes them."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from claims_under_test import PROPERTIES, Claim

HERE = Path(__file__).parent


def claims_in(value):
    """All claims in containers, and in what tests are parametrized by."""
    if isinstance(value, Claim):
        yield value
    elif isinstance(value, dict):
        yield from claims_in(tuple(value.values()))
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from claims_in(each)
    else:
        for mark in getattr(value, "pytestmark", []):
            yield from claims_in(mark.args)


def cases():
    """Every claim of this folder, once in each setting; those that no run of `pytest properties` judges are slow."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        if path == Path(__file__):
            continue
        spec = importlib.util.spec_from_file_location(f"refutation_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for claim in claims_in(vars(module)):
            found.setdefault((claim.file, claim.test, claim.described(), claim.fewer), claim)
    return found


CASES = cases()


def parameters(wanted, *, slow):
    return [
        pytest.param(claim, id=f"{claim.test}-{setting[:100]}", marks=pytest.mark.slow if slow else [])
        for (_, _, setting, _), claim in CASES.items()
        if wanted(claim)
    ]


@pytest.fixture(scope="module")
def collected():
    """What `pytest properties` runs, test by test."""
    command = [sys.executable, "-m", "pytest", "properties", "--collect-only", "-q"]
    listed = subprocess.run(command, cwd=PROPERTIES.parent, capture_output=True, text=True, check=True).stdout
    return {line.partition("[")[0] for line in listed.splitlines() if line.startswith("properties/")}


@pytest.mark.parametrize("claim", parameters(Claim.is_an_example, slow=False))
def test_pytest_properties_judges_the_claim_in_this_setting(claim, collected):
    assert f"properties/{claim.file}.py::{claim.test}" in collected


@pytest.mark.parametrize(
    "claim", parameters(lambda claim: not (claim.is_an_example() or claim.is_cheaper()), slow=True)
)
def test_a_setting_of_its_own_passes_without_a_mistake(claim):
    assert claim.run().outcome == "pass"


@pytest.mark.parametrize("claim", parameters(Claim.is_cheaper, slow=True))
def test_nothing_refutes_a_claim_on_fewer_seeds_or_at_narrower_widths_without_a_mistake(claim):
    assert claim.run(fewer=claim.fewer, to_the_end=True).outcome != "fail"
