"""The workflow of this repository does what .ci/run does, on each Python that is named."""

import re
import tomllib

import pytest

from tests.documents import ROOT, blocks, page

yaml = pytest.importorskip("yaml")
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text(encoding="utf-8"))
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
RUN = {step["run"] for step in STEPS if "run" in step}


def test_each_python_that_is_named_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["python"] == named


def test_it_runs_what_the_readme_and_the_local_check_run():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    own = [line for line in readme.splitlines() if line.startswith("python3 -m venv ")]
    for line in own:
        *_, install, command = line.split(" && ")
        assert {install, command} <= RUN
    check = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "pytest tests -n auto -m slow" in check
    assert {"pytest tests -n auto -m slow", "python -m pytest tests/calibration"} <= RUN
    assert "CALIBRATION_REPLICATIONS=200" in check
    (counted,) = [step for step in STEPS if step.get("run") == "python -m pytest tests/calibration"]
    assert counted["env"] == {"CALIBRATION_REPLICATIONS": "200"}


def test_it_may_read_and_nothing_else():
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_its_store_is_cached_as_the_guide_has_it():
    ((_, code),) = blocks(page("ci"), "yaml")
    shown = [step for step in yaml.safe_load(code) if step.get("uses", "").startswith("actions/cache")]
    own = [step for step in STEPS if step.get("uses", "").startswith("actions/cache")]
    assert len(shown) == 2
    assert own == shown
