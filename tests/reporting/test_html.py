"""The page is one small self-contained file that shows every finding, each prediction beside its control."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from theorychecks.reporting.html import render_html
from theorychecks.statistics.curvature import Check

VOID = {"meta", "br", "link", "img", "input", "hr"}


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
    assert "commit 0123456789abcdef" in words
    assert "at most 0.1 wrong verdicts are expected" in words


def test_outcomes_are_words_and_symbols_as_well_as_colours(records):
    _, parsed = page(records.claim(), records.failing_claim(), records=records)
    assert {"✓ pass", "✗ fail", "✗ refuted", "✓ supported", "✓ refuted, as a control must be"} <= set(parsed.words)


def test_the_table_links_to_every_claim(records):
    _, parsed = page(records.claim(), records.failing_claim(), records=records)
    targets = [attributes["href"] for tag, attributes, _ in parsed.elements if tag == "a"]
    ids = {attributes["id"] for _, attributes, _ in parsed.elements if "id" in attributes}
    assert targets == ["#claim-1", "#claim-2"]
    assert {target.removeprefix("#") for target in targets} <= ids


def test_every_finding_has_a_card_with_a_plot(records):
    findings = [records.finding(), records.control(), records.ordering(), records.control(label="alone")]
    _, parsed = page(records.claim(findings=findings), records=records)
    assert len(parsed.classed("card")) == 4
    assert len(parsed.classed("plot")) == 4


def pair_of(element):
    return [place for _, name, place in element[2] if name == "pair"]


def test_a_control_stands_beside_its_prediction(records):
    first, second = records.finding(label="one"), records.finding(label="two")
    findings = [first, second, records.control(label="two"), records.control(label="one")]
    text, parsed = page(records.claim(findings=findings), records=records)
    assert re.findall(r"<h3>(.*?)</h3>", text) == ["one", "one", "two", "two"]
    cards = parsed.classed("card")
    assert [element[1]["class"] for element in cards] == ["card prediction", "card control"] * 2
    assert pair_of(cards[0]) == pair_of(cards[1])
    assert pair_of(cards[2]) == pair_of(cards[3])
    assert pair_of(cards[0]) != pair_of(cards[2])


def test_among_equal_labels_the_setting_decides(records):
    predictions = [records.finding(setting={"depth": d, "p": "S"}) for d in "234"]
    controls = [
        records.control(setting={"depth": d, "p": "M"}, exponent=e) for d, e in zip("432", (0.4, 0.3, 0.2), strict=True)
    ]
    text, _ = page(records.claim(findings=predictions + controls), records=records)
    depths = re.findall(r"<dt>setting</dt><dd>depth=(\d)", text)
    assert depths == ["2", "2", "3", "3", "4", "4"]


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
    assert not [element for element in Page(text).elements if element[0] == "script"]
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_page_loads_nothing(records):
    text, parsed = page(records.claim(), records=records)
    assert not re.search(r"https?://|url\((?!#)|@import", text)
    assert {tag for tag, _, _ in parsed.elements}.isdisjoint({"script", "link", "img", "iframe", "object"})
    for _, attributes, _ in parsed.elements:
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")


def test_it_is_readable_in_the_dark_and_on_a_telephone(records):
    text, _ = page(records.claim(), records=records)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_two_hundred_findings_fit_below_five_megabytes(large):
    text = render_html(large)
    parsed = Page(text)
    assert len(text.encode()) < 5_000_000
    assert len(parsed.classed("plot")) == 200
    ids = [attributes["id"] for _, attributes, _ in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_beyond_the_cap_what_failed_keeps_its_card(records, monkeypatch):
    from theorychecks.reporting import html

    monkeypatch.setattr(html, "_CARDS", 2)
    refuted = records.finding(label="late", verdict="refuted", exponent=-0.5)
    claim = records.failing_claim(findings=[records.finding(label=f"early {i}") for i in range(4)] + [refuted])
    text, parsed = page(claim, records=records)
    assert len(parsed.classed("card")) == 2
    assert "<h3>late</h3>" in text
    assert "3 more findings, without plots" in text


def test_lost_claims_are_an_alarm(records):
    document = records.report(records.claim())
    assert "The run is incomplete" not in render_html(document)
    document = records.report(records.claim(), collected=2, lost=("properties/test_x.py::test_lost",))
    text = render_html(document)
    assert "The run is incomplete.</b> 2 claims collected, 1 judged, 1 lost." in text
    assert "properties/test_x.py::test_lost" in text


def test_a_claim_that_broke_shows_its_error(records):
    text, _ = page(records.failing_claim(findings=[], error="ValueError: no seeds"), records=records)
    assert "<pre>ValueError: no seeds</pre>" in text


def test_exponents_hold_on_a_range_under_a_class(records):
    text, _ = page(records.claim(), records=records)
    assert "on [128, 4,096], extrapolated under the finite-size class" in text
    assert "asymptotic" not in text.lower()


def test_the_same_report_gives_the_same_page(records):
    claims = (records.claim(), records.failing_claim())
    assert page(*claims, records=records)[0] == page(*claims, records=records)[0]


def test_a_run_without_claims_says_so(records):
    assert "No claim was run." in page(records=records)[0]
