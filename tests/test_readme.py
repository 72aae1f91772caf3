"""What the README shows is true: its gate and its claim do as it says, its commands are two, its figures are measured."""

import functools
import re
import runpy
import sys
import types
from pathlib import Path

import pytest

import theorychecks as tc
from tests.documents import DOCUMENTS, ROOT, blocks, page
from tests.picture import PICTURE, drawn, measured
from tests.rehearsal import mended_gate
from theorychecks.reporting import Report, wording
from theorychecks.reporting.summary import Summary
from theorychecks.reporting.terminal import closing_lines

README = (ROOT / "README.md").read_text(encoding="utf-8")
GATE, MENDED, CLAIM = [code for _, code in blocks(README, "python")]
NUMBER = re.compile(r"[+-]?\d[\d,]*\.?\d*")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


def test_there_are_exactly_two_commands_and_each_sets_itself_up():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert [command.rpartition(" && ")[2] for command in commands] == [
        "pytest properties -n auto",
        "pytest tests -n auto",
    ]
    # On the first screen.
    assert README.splitlines().index(commands[1]) < 30


def numbers(text):
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


@pytest.fixture(scope="module")
def run_of_the_claim(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("claim"))


def test_the_verdict_of_the_readme_is_that_of_its_claim(run_of_the_claim):
    (claim,) = Summary.of(run_of_the_claim).claims
    (line,) = re.findall(r"^    pass +drift.*$", README, flags=re.MULTILINE)
    assert re.split(r" {2,}", line.strip())[:5] == row(claim)[:5]


def test_the_picture_of_the_readme_is_drawn_by_its_command(run_of_the_claim):
    kept, made = PICTURE.read_text(encoding="utf-8"), drawn(run_of_the_claim)
    assert NUMBER.sub("", kept) == NUMBER.sub("", made)
    # Another processor rounds sums another way.
    assert numbers(kept) == pytest.approx(numbers(made), abs=0.11)
    assert f"]({PICTURE.relative_to(ROOT)})" in README


def test_the_lines_of_a_finding_are_those_that_the_guide_explains(run_of_the_claim):
    (claim,) = run_of_the_claim.claims
    table = page("outcomes").partition("## How to read a finding")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `(.+?)` \|", table, flags=re.MULTILINE)
    assert explained == [name for name, _ in wording.explanation(claim, claim.findings[0])]


@pytest.mark.slow
def test_the_gate_of_the_readme_fails_as_it_says_and_passes_once_mended():
    names = {}
    exec(compile(GATE, "README.md", "exec"), names)
    with pytest.raises(tc.ClaimFailure) as failed:
        names["test_my_model_is_in_maximal_update"]()
    shown = [line.strip() for line in README.splitlines() if line.startswith(("    build: ", "    - "))]
    said = [line for line in str(failed.value).splitlines() if line.startswith(("build: ", "- "))]
    assert len(shown) == 3
    assert [NUMBER.sub("", line) for line in shown] == [NUMBER.sub("", line) for line in said[:3]]
    assert numbers("\n".join(shown)) == pytest.approx(numbers("\n".join(said[:3])), abs=0.011)
    names = {}
    exec(compile(mended_gate(GATE, MENDED), "README.md", "exec"), names)
    names["test_my_model_is_in_maximal_update"]()


@pytest.mark.slow
def test_a_readout_with_a_bias_hides_its_init_as_the_readme_says():
    assert "A readout with a bias hides its init from the gate, and needs `std=1 / width` all the same" in README
    biased = mended_gate(GATE, MENDED).replace("bias=False", "bias=True")
    biased = biased.replace("model[2].bias]", "model[2].bias, model[4].bias]")
    drawn_large = re.sub(r" *nn\.init\.normal_.*\n", "", biased)
    assert drawn_large != biased
    names = {}
    exec(compile(drawn_large, "README.md", "exec"), names)
    with pytest.raises(tc.ClaimFailure, match="the init of a readout that has a bias or is tied, which is not judged"):
        names["test_my_model_is_in_maximal_update"]()
    names = {}
    exec(compile(biased, "README.md", "exec"), names)
    names["test_my_model_is_in_maximal_update"]()


@pytest.mark.parametrize("code", [GATE, CLAIM], ids=["gate", "claim"])
def test_an_entrance_has_fifteen_lines(code):
    # As people count them.
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


def test_the_claim_of_the_readme_fails_where_it_says_so():
    assert "Write `tc.PowerLaw(-1 / 2, rival=-1)` to see it fail" in README
    wrong = CLAIM.replace(
        "check(moved, tc.PowerLaw(-1, rival=-1 / 2))", "check(moved, tc.PowerLaw(-1 / 2, rival=-1))", 1
    )
    assert wrong != CLAIM
    names = {}
    exec(compile(wrong, "README.md", "exec"), names)
    with pytest.raises(tc.ClaimFailure):
        names["test_hidden_weights_move_by_one_over_width"]()


def test_the_gate_of_the_guide_passes_a_model_that_is_as_it_says(monkeypatch):
    block = blocks(page("gates"), "python")[0][1]
    suite = runpy.run_path(str(ROOT / "tests" / "plugin" / "suites" / "gates.py"))
    mine = types.ModuleType("my_model")
    mine.Transformer, mine.optimizer, mine.batches = suite["Perceptron"], suite["adam"], suite["batches"]()
    monkeypatch.setitem(sys.modules, "my_model", mine)
    names = {}
    exec(compile(block, "gates.md", "exec"), names)
    names["test_transformer_is_in_maximal_update"]()
    mine.optimizer = functools.partial(suite["adam"], hidden=0.0)
    exec(compile(block, "gates.md", "exec"), names)
    with pytest.raises(tc.ClaimFailure, match=r"learning rate of `second\.weight` too large by n"):
        names["test_transformer_is_in_maximal_update"]()


def test_the_quantity_of_the_guide_is_as_predicted():
    (block,) = [code for _, code in blocks(page("claims"), "python") if code.startswith("@tc.quantity")]
    names = {"tc": tc}
    exec(compile(block, "claims.md", "exec"), names)
    over = names["weight_change"](activation=tc.TANH).over((0.005, 0.01, 0.02, 0.04, 0.08))
    assert over.title == "weight change with tanh"
    with pytest.raises(tc.ClaimFailure):
        tc.check(over, tc.PowerLaw(2, corrections=names["proportional"].corrections))


@pytest.fixture(scope="module")
def kept():
    return Summary.from_json((ROOT / "reports/reference/summary.json").read_text(encoding="utf-8"))


def row(claim):
    """What a terminal shows of a claim, without the test's name."""
    worst = claim.findings[claim.worst]
    measured = "-" if worst.exponent is None else f"{worst.exponent:+.2f}"
    if worst.interval:
        measured += f" [{worst.interval.low:+.2f}, {worst.interval.high:+.2f}]"
    first, last = (wording.axis_number(worst.axis_values[place]) for place in (0, -1))
    runs = f"{first}..{last} x {wording.seed_range(worst.seeds)} {worst.engine}"
    return [claim.outcome, claim.id, worst.predicted, measured, runs, wording.duration(claim.seconds)]


def test_the_table_of_the_catalogue_has_the_first_claim_of_each_file_in_the_kept_run(kept):
    first = {}
    for claim in kept.claims:
        first.setdefault(claim.test.partition("::")[0], claim)
    (table,) = re.findall(r"((?:^    .*\n)+)^    (\d+ passed, .*)$", page("catalogue"), flags=re.MULTILINE)
    shown, counts = table
    header, *lines = [re.split(r" {2,}", line.strip()) for line in shown.splitlines()]
    assert header[:6] == ["outcome", "claim", "predicted", "measured", "range", "time"]
    assert [line[:6] for line in lines] == [row(claim) for claim in first.values()]
    bare = Report(claims=(), suite=kept.suite, provenance=kept.provenance)
    assert counts == closing_lines(bare)[0]
    assert "@@" not in README


def test_counts_are_those_of_the_kept_run(kept):
    bare = Report(claims=(), suite=kept.suite, provenance=kept.provenance)
    counts, expected = re.fullmatch(r"(.*?); .* at most ([\d.]+),.*", closing_lines(bare)[0]).groups()
    assert f"{counts} in the [kept run]" in README
    assert f'"Wrong verdicts expected: at most {expected}"' in page("reports")


def test_what_gates_say_in_the_guide_is_from_the_kept_run(kept):
    said = (ROOT / "reports/reference/report.md").read_text(encoding="utf-8")
    shown = [line.strip() for line in page("gates").splitlines() if line.startswith(("    - ", "    decoder: "))]
    assert len(shown) == 9
    assert [line for line in shown if line not in said] == []
    (seconds,) = [claim.seconds for claim in kept.claims if claim.id == "YM-2"]
    assert f"{seconds:.0f} s in the kept run" in page("gates")


def test_every_file_of_claims_stands_in_the_catalogue():
    files = sorted(path.name for path in (ROOT / "properties").glob("test_*.py"))
    assert [name for name in files if f"`{name}`" not in page("catalogue")] == []


def test_blind_spots_of_the_readme_are_those_of_the_guide():
    (rate,) = re.findall(r"changes at the largest width is SUPPORTED in (\d+%)", README)
    assert f"| **a crossover at the largest width** | REFUTED | **SUPPORTED, {rate}** |" in page("blind-spots")


def test_no_document_names_a_directory_of_this_machine():
    assert [each.name for each in DOCUMENTS if str(Path.home()) + "/" in each.read_text(encoding="utf-8")] == []
