"""The guide is true: its code runs, its commands end well, its links lead somewhere, its figures are those of pages."""

import contextlib
import os
import re
import runpy
import subprocess
import sys
import tomllib
import types

import pytest
from packaging.requirements import Requirement

import theorychecks as tc
from tests.documents import DOCUMENTS, GUIDE, ROOT, blocks, commands, page, text_of
from tests.rehearsal import SHOWN_RED, Rehearsal

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BY_CI = "python3 -m venv "
"""How the README's two commands begin: .ci/run reads them off the README, and runs them in a fresh environment."""
LONG = ("python -m pytest tests/calibration", "python -m pytest tests/benchmarks")
"""Ten minutes and more, in the repository: that they find their tests is what is tried."""


def named(documents):
    return [pytest.param(document, id=document.stem) for document in documents]


def shown(language):
    return named(document for document in DOCUMENTS if blocks(text_of(document), language))


def typed(document):
    """Commands of a document that run in a reader's directory."""
    found = commands(text_of(document))
    return [each for each in found if not each.startswith((BY_CI, "pip ")) and each not in LONG]


@pytest.fixture
def surroundings(monkeypatch, tmp_path):
    """What code of the guide takes for granted: a model of the reader's, and a cluster."""
    suite = runpy.run_path(str(ROOT / "tests" / "plugin" / "suites" / "gates.py"))
    mine = types.ModuleType("my_model")
    mine.Transformer, mine.optimizer, mine.batches = suite["Perceptron"], suite["adam"], suite["batches"]()
    functional = suite["nn"].functional
    of_classes = functional.cross_entropy

    def loss(outputs, targets, **options):
        """The perceptron's targets are numbers, and no classes."""
        given = targets.is_floating_point()
        return functional.mse_loss(outputs, targets) if given else of_classes(outputs, targets, **options)

    monkeypatch.setattr("torch.nn.functional.cross_entropy", loss)
    monkeypatch.setitem(sys.modules, "my_model", mine)
    monkeypatch.chdir(tmp_path)


def ran(code, document, names):
    """Run a block as the ones before it have left the names, and the tests that it defines."""
    before = set(names)
    exec(compile(code, str(document), "exec"), names)
    for name in set(names) - before:
        if name.startswith("test_"):
            inner = getattr(names[name], "hypothesis", None)
            inner.inner_test(depth=3, activation=tc.TANH) if inner else names[name]()


@pytest.mark.slow
@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("document", [each for each in shown("python") if each.id not in ("README", "clusters")])
def test_code_of_the_guide_runs(document):
    names = {}
    for _, code in blocks(text_of(document), "python"):
        ran(code, document, names)


@pytest.mark.parametrize("document", shown("python"))
def test_code_of_the_guide_is_python_that_loads_names_which_there_are(document):
    for _, code in blocks(text_of(document), "python"):
        compile(code, str(document), "exec")
        assert [name for name in re.findall(r"\btc\.(\w+)", code) if not hasattr(tc, name)] == []


@pytest.mark.slow
def test_the_cluster_of_the_guide_measures(tmp_path):
    pytest.importorskip("distributed")
    ((_, code),) = blocks(page("clusters"), "python")
    rehearsal = Rehearsal(tmp_path)
    # Slurm's workers are this machine's, one of them, so that no scheduler but Dask's is needed.
    rehearsal.write(
        "dask_jobqueue.py",
        "from distributed import LocalCluster\n\n\nclass SLURMCluster(LocalCluster):\n"
        "    def __init__(self, cores, memory, walltime):\n"
        "        super().__init__(n_workers=1, threads_per_worker=cores, dashboard_address=None)\n\n"
        "    def scale(self, count):\n"
        "        return super().scale(min(count, 1))\n",
    )
    # Dask starts processes of this machine anew, which read the file again; on Slurm it starts none here.
    guarded = code.replace("\nwith ", "\nif __name__ == '__main__':\n  with ").replace("\n    ", "\n      ")
    rehearsal.write("on_slurm.py", guarded)
    code, said = rehearsal.run("python on_slurm.py")
    assert code == 0, said
    assert "1 passed" in said


@pytest.mark.slow
@pytest.mark.parametrize("document", named(document for document in DOCUMENTS if typed(document)))
def test_commands_run_as_a_reader_types_them(document, tmp_path):
    rehearsal = Rehearsal(tmp_path)
    if document.stem in ("store", "reports"):
        code, said = rehearsal.run("pytest properties")
        assert code == 0, said
    for command in typed(document):
        code, said = rehearsal.run(command)
        assert code == SHOWN_RED.get(command, 0), f"{command}\n{said}"


@pytest.mark.parametrize("command", LONG)
def test_commands_that_take_minutes_find_their_tests(command):
    assert any(command in commands(text_of(document)) for document in DOCUMENTS)
    program = [sys.executable, *command.split()[1:], "--collect-only", "-q", "-p", "no:cacheprovider"]
    # The outer run's workers must not show through.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(program, cwd=ROOT, env=outside, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ tests? collected|::test_", done.stdout)


def test_what_pip_is_to_install_is_this_package_with_extras_that_it_has():
    found = [command for document in DOCUMENTS for command in commands(text_of(document)) if command.startswith("pip ")]
    assert found
    for command in found:
        what = command.removeprefix("pip install ").strip("'")
        if what == "PATH_OF_THE_CLONE":
            continue
        assert Requirement(what).name == PROJECT["name"]
        assert Requirement(what).extras <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("document", named(DOCUMENTS))
def test_links_lead_to_files(document):
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text_of(document)) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []
    # A file of this checkout that git ignores is in no other one; it says so by 0.
    asked = subprocess.run(["git", "check-ignore", *links], cwd=document.parent, capture_output=True, text=True)
    assert asked.returncode != 0, asked.stdout


def test_every_page_is_linked_from_the_readme_and_says_whom_it_is_for():
    readme = text_of(ROOT / "README.md")
    for file in GUIDE.glob("*.md"):
        assert f"(theorychecks/guide/{file.name})" in readme
        title, whom = text_of(file).split("\n\n")[:2]
        assert title.startswith("# ")
        assert whom.startswith("This page is for ")


def test_the_options_of_the_guide_are_those_that_there_are(pytester):
    with contextlib.suppress(ModuleNotFoundError):
        help_text = pytester.runpytest_inprocess("--help").stdout.str()
    there = set(re.findall(r"--theory-[a-z]+", help_text))
    rows = [line for line in page("options").splitlines() if line.startswith("| `--theory-")]
    assert set(re.findall(r"^\| `(--theory-[a-z]+)", "\n".join(rows), flags=re.MULTILINE)) == there
    named_anywhere = {option for document in DOCUMENTS for option in re.findall(r"--theory-[a-z]+", text_of(document))}
    assert named_anywhere <= there


def test_nights_of_the_guide_are_those_of_the_calibration():
    counted = text_of(ROOT / "reports" / "calibration.md")
    (predictions,) = re.findall(r"### Red nights a year of this suite, (\d+) predictions of exponents", counted)
    section = counted.partition("### Red nights a year of this suite")[2].partition("###")[0]
    (nights,) = re.findall(r"^([\d,]+) nights", section, flags=re.MULTILINE)
    predicted, found, edge = [line.split("|")[-2].strip() for line in section.splitlines() if line.count("|") == 5][2:]
    said = page("outcomes")
    assert f"{nights} nights were simulated" in said
    assert f"the kept run's {int(predictions):,} predictions" in said
    assert (predicted, found) == ("0.00", "0.00")
    assert f"{float(edge):.1f} nights a year would be red" in said
