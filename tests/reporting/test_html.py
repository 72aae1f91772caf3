"""The page is one small self-contained file: what fails comes first, and every claim has its figure and its place."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from theorychecks.reporting.html import render_html
from theorychecks.reporting.packing import unpacked
from theorychecks.statistics.curvature import Check

VOID = {"meta", "br", "link", "img", "input", "hr"}
LARGEST = 5_000_000


class Page(HTMLParser):
    """The elements of a page, each with the attributes it has and the classes of what encloses it."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), list(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("class", ""), len(self.elements)))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), list(self.open)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.words.append(data)

    def classed(self, name):
        return [element for element in self.elements if name in element[1].get("class", "").split()]

    @property
    def ids(self):
        return [attributes["id"] for _, attributes, _ in self.elements if "id" in attributes]

    @property
    def links(self):
        return [attributes["href"] for tag, attributes, _ in self.elements if tag == "a"]

    @property
    def cards(self):
        """What the page's script shows of every claim, as it unpacks it."""
        return [
            unpacked(attributes["data-packed"]) for _, attributes, _ in self.elements if "data-packed" in attributes
        ]


def page(*claims, records):
    text = render_html(records.report(*claims))
    return text, Page(text)


@pytest.fixture
def large(records):
    """Return a report of 200 findings with 30 seeds at each of 6 widths."""
    claims = [
        records.claim(
            id=f"LZ-{i}",
            findings=[
                f
                for k in range(5)
                for f in (
                    records.finding(runs=30, setting={"depth": str(k)}),
                    records.control(runs=30, setting={"depth": str(k), "parametrization": "MAXIMAL_UPDATE"}),
                )
            ],
        )
        for i in range(20)
    ]
    return records.report(*claims)


def test_the_page_is_well_formed(records):
    _, parsed = page(records.claim(), records.failing_claim(), records=records)
    assert parsed.open == []


def test_the_header_has_counts_and_provenance(records):
    _, parsed = page(records.claim(), records.failing_claim(), records=records)
    words = " ".join(parsed.words)
    assert "Theory checks: 1 of 2 claims pass" in words
    assert "1 is refuted." in words
    assert "commit 0123456789abcdef" in words
    assert "makes at most 0.1 wrong verdicts: the worst case, and no estimate" in words


def test_outcomes_are_words_and_symbols_as_well_as_colours(records):
    _, parsed = page(records.claim(), records.failing_claim(), records=records)
    assert {"✓ pass", "✗ fail"} <= set(parsed.words)
    cards = "".join(card for cards in parsed.cards for card in cards)
    assert all(said in cards for said in ("✗ refuted", "✓ supported", "✓ refuted, as a control must be"))


def test_what_fails_comes_first(records):
    open_one = records.claim(id="M-5", outcome="inconclusive", findings=[records.finding(verdict="inconclusive")])
    text, _ = page(records.claim(id="A-1"), open_one, records.failing_claim(id="Z-9"), records=records)
    assert re.findall(r'<section class="claim" id="(.*?)"', text) == ["Z-9", "M-5", "A-1"]
    assert re.findall(r'<li class="row follows"><a href="(.*?)">', text) == ["#Z-9", "#M-5", "#A-1"]
    assert "Look here first: 2 claims do not pass" in text


def test_every_link_leads_somewhere(records):
    claims = [records.claim(id=name) for name in ("LZ-1/standard", "LZ-1/two words", "H5+H6", 'a"<b>', "LZ-1/standard")]
    _, parsed = page(*claims, records.failing_claim(), records=records)
    targets = {unquote(link.removeprefix("#")) for link in parsed.links if link.startswith("#")}
    assert targets <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))


def test_anchors_are_the_ids_of_claims(records):
    test = "properties/test_x.py::test_y[{}]"
    claims = [records.claim(id="A1/models", test=test.format(name)) for name in ("decoder, SGD", "residual")]
    _, parsed = page(records.claim(id="LZ-1"), records.claim(id="H5/four steps"), *claims, records=records)
    assert {"LZ-1", "H5/four-steps", "H5", "A1/models", "A1", "A1/models[residual]"} <= set(parsed.ids)


def test_a_figure_shows_the_worst_finding_with_its_control(records):
    near, far = records.finding(label="near", exponent=-0.92), records.finding(label="far")
    control = records.control(label="near", setting={"activation": "tanh", "depth": "3", "rate": "1"})
    text, parsed = page(records.claim(findings=[far, near, control]), records=records)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text)
    assert captions == ["near (activation tanh, depth 3, parametrization STANDARD)"]
    assert len(parsed.classed("plot")) == 2  # with the one that says how to read them
    assert "control fitted n^+0.00" in text
    assert "the exponent lies in [-0.97, -0.87] with 95% confidence, inside what is allowed" in text
    assert "Its control (rate 1) is refuted: the exponent lies in [-0.05, +0.05]" in text


def test_an_open_claim_says_what_would_decide_it(records):
    found = records.finding(exponent=-0.86, verdict="inconclusive", reason="about 12 seeds instead of 6")
    claim = records.claim(outcome="inconclusive", findings=[found, records.control()])
    assert "To decide it: about 12 seeds instead of 6" in page(claim, records=records)[0]


def test_a_claim_names_its_cost_and_the_command_that_runs_it_again(records):
    text, _ = page(records.failing_claim(), records=records)
    assert "3 s in this run; the numbers shown: 24 trainings, 2.5 GFLOP, 1.5 s" in text
    assert "<code>pytest &#39;properties/test_lazy.py::test_failing[tanh 3]&#39;</code>" in text


def test_every_finding_has_a_line_and_a_card_with_a_plot_on_demand(records):
    findings = [records.finding(), records.control(), records.ordering(), records.control(label="alone")]
    text, parsed = page(records.claim(findings=findings), records=records)
    (cards,) = parsed.cards
    assert len(cards) == 4
    assert all('class="plot"' in card and "<dt>p value</dt>" in card for card in cards)
    lines = re.search(r'<details class="more".*?<pre tabindex="0">(.*?)</pre>', text, re.S).group(1).splitlines()
    assert [line.split(" · ")[1] for line in lines] == ["prediction", "control", "prediction", "control"]


def test_a_control_follows_its_prediction_on_demand(records):
    findings = [records.finding(label=name) for name in ("one", "two")]
    findings += [records.control(label=name) for name in ("two", "one")]
    _, parsed = page(records.claim(findings=findings), records=records)
    titles = [re.search(r"</span> (\w+): (\w+) ", card).groups() for card in parsed.cards[0]]
    assert titles == [("prediction", "one"), ("control", "one"), ("prediction", "two"), ("control", "two")]


def test_sources_link_to_their_papers_and_papers_to_their_claims(records):
    paper = records.Paper(title="A paper", arxiv="2505.22491", seen="abstract")
    claim = records.claim(source="A 2025, arXiv:2505.22491, and B, arXiv:1902.06720v2; arXiv:19", paper=paper)
    text, parsed = page(claim, records=records)
    assert {"https://arxiv.org/abs/2505.22491", "https://arxiv.org/abs/1902.06720", "#paper-2505.22491"} <= set(
        parsed.links
    )
    section = text[text.index('<section class="part" id="paper-2505.22491">') :]
    assert '<a href="#LZ-1/hidden-frobenius">' in section


def test_a_paper_without_a_number_has_no_link(records):
    paper = records.Paper(title="A talk", arxiv="javascript:alert(1)", seen="abstract")
    _, parsed = page(records.claim(paper=paper), records=records)
    assert not [link for link in parsed.links if link.startswith("javascript")]


def test_names_statements_and_settings_are_escaped(records):
    hostile = "<script>alert(1)</script>\"'&"
    finding = records.finding(
        label=hostile,
        setting={hostile: hostile},
        axis=hostile,
        reason=hostile,
        engine=hostile,
        verdict="refuted",
        checks={hostile: Check(fired=True, statistic=1.0, bound=0.5, meaning=hostile)},
    )
    claim = records.failing_claim(
        id=hostile, test=hostile, statement=hostile, source=hostile, error=hostile, findings=[finding]
    )
    run = records.report(claim)
    suite = replace(run.suite, lost=(hostile,), error_budget=replace(run.suite.error_budget, note=hostile))
    provenance = replace(run.provenance, command=hostile, versions={hostile: hostile})
    text = render_html(replace(run, suite=suite, provenance=provenance))
    (script,) = [element for element in Page(text).elements if element[0] == "script"]
    assert script[1] == {}
    assert text.count("<script") == 1
    assert "&lt;script&gt;" in text
    cards = "".join(card for cards in Page(text).cards for card in cards)
    assert "<script" not in cards
    assert "&lt;script&gt;" in cards


def test_only_the_script_of_the_page_may_run(records):
    text, _ = page(records.claim(), records=records)
    script = re.search(r"<script>(.*?)</script>", text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text).group(1)
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_the_page_loads_nothing(records):
    text, parsed = page(records.claim(), records=records)
    assert not re.search(r"url\((?!#)|@import", text)
    assert {tag for tag, _, _ in parsed.elements}.isdisjoint({"img", "iframe", "object", "embed", "audio", "video"})
    for tag, attributes, _ in parsed.elements:
        assert "src" not in attributes
        # Links to papers are followed only by a reader, and the icon is empty.
        assert tag == "a" or attributes.get("href", "data:,") == "data:,"


def test_it_is_readable_without_scripts(records):
    text, parsed = page(records.claim(), records.failing_claim(), records=records)
    hidden = [element for element in parsed.elements if "hidden" in element[1]]
    assert [element[1].get("id") for element in hidden] == ["tools"]
    assert "hidden 2, frobenius" in re.sub(r'data-packed="[^"]*"', "", text)


def test_it_is_readable_in_the_dark_and_on_a_telephone(records):
    text, _ = page(records.claim(), records=records)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_two_hundred_findings_fit(large):
    text = render_html(large)
    parsed = Page(text)
    assert len(text.encode()) < LARGEST
    assert len(parsed.elements) < 2500
    assert len(parsed.ids) == len(set(parsed.ids))


def test_figures_without_room_are_drawn_on_demand_the_passing_ones_first(records, monkeypatch):
    from theorychecks.reporting import page_sections

    monkeypatch.setattr(page_sections, "_ELEMENTS", 70)
    monkeypatch.setattr(page_sections, "_ELEMENTS_A_CLAIM", 0)
    claims = [records.claim(id=f"LZ-{k}") for k in range(6)] + [records.failing_claim(id="late")]
    text, parsed = page(*claims, records=records)
    drawn = [name for name in parsed.ids if f'id="{name}"' in text and "<figure>" in section_of(text, name)]
    assert "late" in drawn
    assert len([name for name in drawn if name.startswith("LZ-")]) == 1
    assert all('class="plot"' in cards[0] for cards in parsed.cards)


def section_of(text, name):
    found = re.search(rf'<section class="claim" id="{re.escape(name)}".*?</section>', text, re.S)
    return found.group() if found else ""


def test_beyond_the_cap_what_failed_keeps_its_card(records, monkeypatch):
    from theorychecks.reporting import page_sections

    monkeypatch.setattr(page_sections, "_ON_DEMAND", 2)
    monkeypatch.setattr(page_sections, "_LINES", 1)
    monkeypatch.setattr(page_sections, "_FEWEST_LINES", 3)
    refuted = records.finding(label="late", verdict="refuted", exponent=-0.5)
    claim = records.failing_claim(findings=[records.finding(label=f"early {i}") for i in range(4)] + [refuted])
    text, parsed = page(claim, records=records)
    (cards,) = parsed.cards
    assert len(cards) == 2
    assert "late" in cards[0]
    assert "and 2 more, all in report.json" in text


def test_lost_claims_are_an_alarm(records):
    document = records.report(records.claim())
    assert "The run is incomplete" not in render_html(document)
    document = records.report(records.claim(), collected=2, lost=("properties/test_x.py::test_lost",))
    text = render_html(document)
    assert "The run is incomplete.</b> 2 claims collected, 1 judged, 1 lost." in text
    assert "properties/test_x.py::test_lost" in text


def test_a_claim_that_broke_shows_its_error(records):
    text, _ = page(records.failing_claim(findings=[], error="ValueError: no seeds"), records=records)
    assert '<pre tabindex="0" class="wrong">ValueError: no seeds</pre>' in text


def test_exponents_hold_on_a_range_under_a_class(records):
    text, parsed = page(records.claim(), records=records)
    assert "on [128, 4,096], extrapolated under the finite-size class" in parsed.cards[0][0]
    assert "asymptotic" not in text.lower()


def test_the_same_report_gives_the_same_page(records):
    claims = (records.claim(), records.failing_claim())
    assert page(*claims, records=records)[0] == page(*claims, records=records)[0]


def test_a_run_without_claims_says_so(records):
    assert "No claim was run." in page(records=records)[0]
