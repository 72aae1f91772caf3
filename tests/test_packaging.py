"""What is installed is what was tested: pins that PyPI has, for each Python that the metadata name."""

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = [Requirement(line) for line in LINES if line.strip() and not line.startswith("#")]
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements():
    extras = PROJECT["project"]["optional-dependencies"].values()
    given = [Requirement(text) for texts in (PROJECT["project"]["dependencies"], *extras) for text in texts]
    return [requirement for requirement in given if requirement.name != "theorychecks"]


@pytest.mark.parametrize("pin", PINS, ids=str)
def test_a_pin_is_one_version_that_any_index_may_have(pin):
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    # A local version, 2.13.0+cpu, is on no public index; a public one is satisfied by any local build of it.
    assert "+" not in specifier.version
    assert pin.url is None


@pytest.mark.parametrize("build", ["2.13.0", "2.13.0+cpu", "2.13.0+cu130"])
def test_any_build_of_the_pinned_torch_will_do(build):
    (torch,) = [pin for pin in PINS if pin.name == "torch"]
    assert torch.specifier.contains(build)


def environment(python):
    return {"python_version": python, "python_full_version": f"{python}.0"}


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_once_for_each_python_and_within_its_bounds(python):
    valid = [pin for pin in PINS if pin.marker is None or pin.marker.evaluate(environment(python))]
    names = [plain(pin.name) for pin in valid]
    assert len(set(names)) == len(names)
    for requirement in requirements():
        (pin,) = [pin for pin in valid if plain(pin.name) == plain(requirement.name)]
        (specifier,) = pin.specifier
        assert requirement.specifier.contains(specifier.version)


def test_the_installed_set_supports_every_python_that_is_named():
    for pin in PINS:
        try:
            installed = metadata.metadata(pin.name)
        except metadata.PackageNotFoundError:
            continue
        supported = SpecifierSet(installed.get("Requires-Python") or "")
        (specifier,) = pin.specifier
        if metadata.version(pin.name).partition("+")[0] == specifier.version:
            wanted = [python for python in PYTHONS if pin.marker is None or pin.marker.evaluate(environment(python))]
            assert [python for python in wanted if not supported.contains(f"{python}.99")] == [], pin.name


def test_the_pythons_that_are_named_are_those_that_are_allowed():
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    assert PYTHONS == ["3.11", "3.12", "3.13"]
    assert all(allowed.contains(f"{python}.0") for python in PYTHONS)
    assert not allowed.contains("3.10.99")
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in PYTHONS


def test_the_license_is_an_expression_and_no_table():
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert not any(text.startswith("License ::") for text in PROJECT["project"]["classifiers"])
    (setuptools,) = map(Requirement, PROJECT["build-system"]["requires"])
    # Expressions are known to setuptools from 77 on.
    assert not setuptools.specifier.contains("76.0")
