"""`theorychecks list` as a user types it: which claims there are, and which are left out."""

import json

import pytest

from tests.cli.commands import interpreted, theorychecks

CLAIMS = '''
import pytest
import theorychecks as tc

@tc.claim(id="A-1", source="[red]Lee[/] 2019\\x1b[2J, Fig. 1")
def test_falls():
    """The size falls, as in Fig. 1 of the paper.

    A second sentence is not in the list. Nor a third."""
    raise AssertionError("nothing is run")

@tc.claim(id="A-2", source="made up", trend=True, evidence=True)
@pytest.mark.parametrize("of", ["one", "two"])
def test_grows(of):
    """The size grows. And so on."""

@tc.gate(id="G-1")
def test_gate():
    """A model is as it should be."""

def test_plain():
    raise AssertionError("nothing is run")
'''


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    here = tmp_path_factory.mktemp("claims")
    (here / "test_it.py").write_text(CLAIMS, encoding="utf-8")
    (here / "plain").mkdir()
    (here / "plain" / "test_plain.py").write_text("def test_it():\n    pass\n", encoding="utf-8")
    (here / "broken").mkdir()
    (here / "broken" / "test_broken.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    return here


def test_every_claim_is_listed_once_with_its_first_sentence(here):
    done = theorychecks("list", "test_it.py", at=here)
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[1:] == [
        "A-1 claim The size falls, as in Fig. 1 of the paper. [red]Lee[/] 2019?[2J, Fig. 1",
        "A-2 trend, evidence The size grows. made up",
        "G-1 gate A model is as it should be. a gate of this repository's own model",
        "1 claim, 1 trend, 1 gate in 4 tests; 1 with evidence",
    ]


def test_claims_are_chosen_as_pytest_chooses_tests(here):
    done = theorychecks("list", "test_it.py", "-k", "grows or gate", at=here)
    assert [line.split()[0] for line in done.out.splitlines()[1:3]] == ["A-2", "G-1"]
    assert "A-1" not in done.out
    done = theorychecks("list", "test_it.py::test_falls", at=here)
    assert "1 claim in 1 test; 0 with evidence" in done.out


def test_json_has_whole_statements_and_all_tests(here):
    done = theorychecks("list", "test_it.py", "--json", at=here)
    first, second, gate = json.loads(done.out)
    assert "Nor a third." in first["statement"]
    assert (second["kind"], second["evidence"], gate["kind"]) == ("trend", True, "gate")
    assert second["tests"] == ["test_it.py::test_grows[one]", "test_it.py::test_grows[two]"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plain"], 2, "there is no claim in plain. Claims are tests under @tc.claim or @tc.gate."),
        (["test_it.py", "-k", "nothing_like_it"], 2, "there is no claim in test_it.py -k nothing_like_it"),
        (["missing.py"], 2, "file or directory not found: missing.py"),
        (["broken"], 1, "No module named 'nothing_of_this_name'"),
    ],
)
def test_what_cannot_be_listed_is_told(here, words, code, said):
    done = theorychecks("list", *words, at=here)
    assert done.code == code
    assert said in done.said
    assert done.out == ""


def test_help_has_examples_and_exit_codes(here):
    done = theorychecks("list", "--help", at=here, COLUMNS="300")
    assert "Examples: theorychecks list properties; " in done.said
    assert "Exit codes: 0; 1 where " in done.said


def test_hypothesis_finds_the_generators_of_others_where_no_claim_imports_it(tmp_path):
    """It looks for what refers to trio's, which selenium brings, when pytest ends; warnings are errors."""
    pytest.importorskip("trio")
    (tmp_path / "test_it.py").write_text(CLAIMS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    done = interpreted("list", "test_it.py", at=tmp_path, HYPOTHESIS_NO_PLUGINS="")
    assert (done.code, done.err) == (0, "")
