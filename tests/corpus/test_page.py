"""The page counts what gates said of the corpus, and the guide says what the kept page counts."""

import re
from pathlib import Path

from tests.corpus.__main__ import ENTRIES
from tests.corpus.page import page

ROOT = Path(__file__).parents[2]
KEPT = (ROOT / "reports" / "models.md").read_text(encoding="utf-8")


def line(name, outcome="pass", *, seed=0, kind="correct", named=(), right=False, astray=0):
    said = {"outcome": outcome, "coordinates": 30, "runs": 30 + seed, "seconds": 2.4}
    return {"name": name, "seed": seed, "kind": kind, "named": named, "right": right, "astray": astray, **said}


def test_correct_models_are_counted_by_seed():
    text = page([line("a"), line("a", "undecided", seed=1), line("b"), line("b", "fail", seed=1)])
    assert "2 of 2 pass on seed 0, 0 of 2 pass on seed 1; 1 fail." in text
    assert "| a | pass | undecided | 30 | 30 to 31 | 2 |" in text
    assert "1 of 1 pass on seed 0" in page([line("a"), line("a")])


def test_an_entry_that_could_not_be_judged_is_shown():
    error = {"name": "a", "seed": 0, "kind": "correct", "outcome": "error", "text": "ModelError: no", "seconds": 1.0}
    assert "0 of 1 pass on seed 0; 0 fail." in page([error])
    assert "| a | error |  |  | 1 |" in page([error])


def test_broken_models_are_counted_and_a_wrong_diagnosis_stands_out():
    init, rate = ["init", "enter", 0.5, True], ["learning rate", "leave.weight", -1.0, False]
    told = line("a", "fail", kind="broken", named=[init], right=True)
    wrong, missed = line("b", "fail", kind="broken", named=[rate], astray=1), line("c", kind="broken")
    text = page([told, wrong, missed])
    assert "2 of 3 fail, 1 with their mistake named first; 1 pass." in text
    assert "1 other culprits are called sure" in text
    assert "| a | fail | init of enter, n^+0.5 | 0 | 30 | 2 |" in text
    assert "| b | fail | **perhaps learning rate of leave.weight, n^-1** | 1 | 30 | 2 |" in text
    assert "| c | pass | nothing | 0 | 30 | 2 |" in text


def test_many_seeds_have_a_table_of_their_own():
    text = page([line("a", "undecided" if seed == 3 else "pass", seed=seed) for seed in range(20)])
    assert "| a | 20 | 19 | 1 | 0 | 30 to 49 |" in text


def test_the_kept_page_has_every_entry():
    for entries in ENTRIES.values():
        for entry in entries:
            assert f"| {entry.name} |" in KEPT


def test_the_guide_says_what_the_kept_page_counts():
    guide = (ROOT / "theorychecks" / "guide" / "gates.md").read_text(encoding="utf-8")
    counts = re.findall(r"\d+ of \d+ pass on seed \d|\d+ of \d+ fail, \d+ with their mistake named first", KEPT)
    assert counts
    assert all(count in guide for count in counts)


def test_the_readme_says_no_more_than_the_kept_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (models,) = re.findall(
        r"of \[(\d+) real models\].* no correct one failed its gate and no broken one passed", readme
    )
    assert int(models) == sum(map(len, ENTRIES.values()))
    assert re.findall(r"; (\d+) (fail|pass)\.", KEPT) == [("0", "fail"), ("0", "fail"), ("0", "fail"), ("0", "pass")]
    assert not re.findall(r"\| error \|", KEPT)
