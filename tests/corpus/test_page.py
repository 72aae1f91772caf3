"""The page counts what gates said of the corpus, and the guide says what the kept page counts."""

import re
from pathlib import Path

from tests.corpus import broken, correct
from tests.corpus.page import page

ROOT = Path(__file__).parents[2]
KEPT = (ROOT / "reports" / "models.md").read_text(encoding="utf-8")


def line(name, outcome="pass", *, seed=0, named=(), right=False, is_broken=False):
    said = {"outcome": outcome, "coordinates": 30, "runs": 30 + seed, "seconds": 2.4, "right": right, "named": named}
    return {"name": name, "seed": seed, "broken": is_broken, **said}


def test_correct_models_are_counted_by_seed():
    text = page([line("a"), line("a", "undecided", seed=1), line("b"), line("b", "fail", seed=1)])
    assert "2 of 2 pass on seed 0, 0 of 2 pass on seed 1; 1 fail." in text
    assert "| a | pass | undecided | 30 | 30 to 31 | 2 |" in text


def test_an_entry_that_could_not_be_judged_is_shown():
    error = {"name": "a", "seed": 0, "broken": False, "outcome": "error", "text": "ModelError: no", "seconds": 1.0}
    assert "0 of 1 pass on seed 0; 0 fail." in page([error])
    assert "| a | error |  |  | 1 |" in page([error])


def test_broken_models_are_counted_and_a_wrong_diagnosis_stands_out():
    init, rate = ["init", "enter", 0.5, True], ["learning rate", "leave.weight", -1.0, False]
    told = line("a", "fail", named=[init], right=True, is_broken=True)
    wrong, missed = line("b", "fail", named=[rate], is_broken=True), line("c", is_broken=True)
    text = page([told, wrong, missed])
    assert "2 of 3 fail, 1 with their mistake named first; 1 pass." in text
    assert "| a | fail | init of enter, n^+0.5 | 30 | 2 |" in text
    assert "| b | fail | **perhaps learning rate of leave.weight, n^-1** | 30 | 2 |" in text
    assert "| c | pass | nothing | 30 | 2 |" in text


def test_many_seeds_have_a_table_of_their_own():
    text = page([line("a", "undecided" if seed == 3 else "pass", seed=seed) for seed in range(20)])
    assert "| a | 20 | 19 | 1 | 0 | 30 to 49 |" in text


def test_the_kept_page_has_every_entry():
    for entry in (*correct.ENTRIES, *broken.ENTRIES):
        assert f"| {entry.name} |" in KEPT


def test_the_guide_says_what_the_kept_page_counts():
    guide = (ROOT / "theorychecks" / "guide" / "gates.md").read_text(encoding="utf-8")
    counts = re.findall(r"\d+ of \d+ pass on seed \d|\d+ of \d+ fail, \d+ with their mistake named first", KEPT)
    assert counts
    assert all(count in guide for count in counts)
