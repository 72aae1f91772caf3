"""What is installed is what was tested: pins that PyPI has, for each Python that the metadata name, names and types."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
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


USER_CODE = """
import theorychecks as tc
from theorychecks import Sweep as Sweep

half: tc.PowerLaw = tc.PowerLaw(-1 / 2)
reveal_type(tc.widths(64, 1024))
tc.PowerLaw(exponent="n")
tc.PowerLow
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """What of the repository goes into a distribution, without what else lies about here."""
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "properties/test_your_model.py"):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "theorychecks", source / "theorychecks", ignore=shutil.ignore_patterns("__pycache__"))
    return source


@pytest.fixture(scope="module")
def installed(source, tmp_path_factory):
    """The Python of a virtual environment in which the package's wheel is installed."""
    home = tmp_path_factory.mktemp("home")
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(home)], cwd=source, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home / "venv")}))
    # torch and the others are borrowed; the .pth files among them, an editable install's too, are not read from there.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    (wheel,) = home.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return Path(sysconfig.get_path("scripts", "venv", {"base": str(home / "venv")})) / Path(sys.executable).name


@pytest.mark.slow
def test_build_makes_both_distributions_with_all_that_is_no_python(source, tmp_path):
    pytest.importorskip("build")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (wheel,), (sources,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    built = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    others = [path for path in (ROOT / "theorychecks").rglob("*") if path.suffix not in {".py", ".pyc"}]
    expected = {path.relative_to(ROOT).as_posix() for path in others if path.is_file()}
    assert {"theorychecks/guide/gates.md", "theorychecks/guide/verdict.svg", "theorychecks/py.typed"} <= expected
    assert expected <= built
    assert [name for name in built if name.endswith("share/theorychecks/test_your_model.py")] != []
    # The wheel was made of the source distribution, so this has all that it takes.
    with tarfile.open(sources) as archive:
        assert [name for name in archive.getnames() if name.endswith("/properties/test_your_model.py")] != []


@pytest.mark.slow
@pytest.mark.parametrize(("topic", "shown"), [("gates", "coordinate check"), ("example-gates", "class Decoder")])
def test_the_installed_package_has_its_guide_and_its_example_gates(topic, shown, installed, tmp_path):
    program = "import sys; from theorychecks.cli.main import main; sys.argv[0] = 'theorychecks'; main()"
    command = [installed, "-I", "-c", program, "guide", topic]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown in done.stdout


def test_it_is_cited_as_what_it_is():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = dict(re.findall(r"^([a-z-]+): (\S.*)$", text, flags=re.MULTILINE))
    assert cited["cff-version"] == "1.2.0"
    assert (cited["version"], cited["license"]) == (PROJECT["project"]["version"], PROJECT["project"]["license"])
    assert cited["title"].strip('"').startswith(PROJECT["project"]["name"])
    names = re.findall(r"^  - name: (.*)$", text, flags=re.MULTILINE)
    assert names == [author["name"] for author in PROJECT["project"]["authors"]]


@pytest.mark.slow
def test_the_installed_package_has_its_names(installed, tmp_path):
    program = "import theorychecks as tc; print(tc.__file__, *tc.__all__); tc.PowerLaw(-1)"
    done = subprocess.run([installed, "-I", "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    place, *names = done.stdout.split()
    assert Path(place).is_relative_to(installed.parents[1])
    assert {"PowerLaw", "Sweep", "claim"} <= set(names)


@pytest.mark.slow
def test_the_installed_package_has_all_that_reports_are_made_of(installed, tmp_path):
    program = (
        "from importlib.resources import files; "
        "print(*sorted(each.name for each in files('theorychecks.reporting').joinpath('templates').iterdir()))"
    )
    done = subprocess.run([installed, "-I", "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split() == sorted(each.name for each in (ROOT / "theorychecks/reporting/templates").iterdir())


@pytest.mark.slow
def test_a_type_checker_sees_the_types_of_the_installed_package(installed, tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER_CODE, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed, "user.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert 'Revealed type is "tuple[int, ...]"' in done.stdout
    # A wrong type in line 7 and an unknown name in line 8, and no other complaint.
    found = re.findall(r"^user\.py:(\d+): error: .*\[(.*)\]$", done.stdout, flags=re.MULTILINE)
    assert found == [("7", "arg-type"), ("8", "attr-defined")]
