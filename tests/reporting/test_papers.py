"""Papers have sections: what holds, what is open, what no small experiment decides, and what is doubtful."""

from dataclasses import replace

from theorychecks.claims import Paper
from theorychecks.reporting import render_markdown
from theorychecks.reporting.html import render_html
from theorychecks.reporting.papers import paper_sections

PAPER = Paper(
    title="On wide | networks",
    arxiv="2605.18180",
    seen="abstract",
    undecided={"images <b>": "no room on a CPU"},
    doubtful={"rate 1/N": "-2/d was measured"},
)


def claims(records):
    claim = records.claim
    other = replace(PAPER, title="Another", arxiv="2602.00827", undecided={}, doubtful={})
    return [
        claim(id="CR-1", paper=PAPER),
        claim(id="FL-1", paper=other),
        records.failing_claim(id="CR-2", paper=PAPER),
        claim(id="A1", trend=True),
    ]


def test_claims_stand_under_their_paper_by_outcome(records):
    first, second = paper_sections(claims(records))
    assert [c.id for c in first.supported] == ["CR-1"]
    assert [c.id for c in first.open] == ["CR-2"]
    assert [c.id for c in second.supported] == ["FL-1"]
    assert second.open == ()


def test_both_pages_have_the_sections(records):
    run = records.report(*claims(records))
    markdown, page = render_markdown(run), render_html(run)
    assert "## On wide \\| networks (arXiv:2605.18180)" in markdown
    section = markdown.partition("arXiv:2605.18180")[2].partition("## ")[0]
    assert section.index("Supported by this run") < section.index("`CR-1`") < section.index("Not supported by this run")
    assert section.index("Not supported by this run") < section.index("`CR-2`") < section.index("Not decided by")
    assert "images &lt;b&gt;: no room on a CPU" in section
    assert "rate 1/N: -2/d was measured" in section
    for words in (
        "On wide | networks",
        "arXiv:2605.18180",
        "no room on a CPU",
        "-2/d was measured",
        "images &lt;b&gt;",
    ):
        assert words in page
    assert "`A1` (trend)" in markdown


def test_only_what_was_read_in_full_is_called_false(records):
    literally, false = "Doubtful when read literally, and what would make it true", "Looks false as stated"
    for seen, said, unsaid in (("abstract", literally, false), ("in full", false, literally)):
        run = records.report(records.claim(paper=replace(PAPER, seen=seen)))
        for page in (render_markdown(run), render_html(run)):
            assert said in page
            assert unsaid not in page


def test_a_run_without_papers_has_no_sections(records):
    run = records.report(records.claim())
    assert paper_sections(run.claims) == []
    assert "arXiv:2605" not in render_markdown(run)


def test_texts_without_a_number_go_by_their_title(records):
    tutorial, book = (replace(PAPER, title=title, arxiv="") for title in ("A tutorial", "A book"))
    run = records.report(records.claim(id="LZ-1", paper=tutorial), records.claim(id="LZ-2", paper=book))
    assert [section.paper.title for section in paper_sections(run.claims)] == ["A tutorial", "A book"]
    assert "## A tutorial\n" in render_markdown(run)
    assert "arXiv:" not in render_markdown(run)
    assert "arXiv:" not in render_html(run).partition("A tutorial")[2].partition("</h2>")[0]
