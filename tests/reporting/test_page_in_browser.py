"""The page in a browser: it searches, filters, expands and prints, asks for nothing, and anybody can read it."""

import pytest

from theorychecks.reporting.html import render_html

HOSTILE = "<b onclick=x>*bold* _it_ [l](http://x) \\frac{1}{2} $x$ \x1b[31mred\x1b[0m \u202eabc\u202c " + "Wide" * 60


@pytest.fixture(scope="module")
def page(records):
    """Return a page with claims of all outcomes and kinds, and one whose every text means to do harm."""
    paper = records.Paper(title="A paper", arxiv="2505.22491", seen="abstract", undecided={"It holds": "too slow"})
    many = [records.finding(label=f"layer {k}") for k in range(20)]
    near = records.finding(exponent=-0.86, verdict="inconclusive", label="nearly")
    setting = {"model": "decoder", "steps": "4"}
    gate = [
        records.finding(label=f"decoder, blocks.{k}.attn, size, step {step}", setting=setting, verdict=verdict)
        for step in (0, 1)
        for k, verdict in enumerate(["supported", "refuted", "inconclusive", "supported"])
    ]
    hostile = records.finding(label=HOSTILE, setting={HOSTILE: HOSTILE}, axis=HOSTILE, reason=HOSTILE, engine=HOSTILE)
    claims = [
        records.claim(id="LZ-1/standard", findings=[*many, *(records.control(label=f.label) for f in many)]),
        records.claim(id="LZ-2", paper=paper, source="B 2020, arXiv:2011.14522"),
        records.failing_claim(id="H1", test="properties/test_rates.py::test_h1", paper=paper),
        records.claim(id="T1", trend=True, outcome="inconclusive", findings=[near, records.control(label="nearly")]),
        records.claim(id="G1", gate=True, findings=gate, outcome="fail", notes=["decoder: 2 of 8 coordinates"]),
        records.claim(id="E1", outcome="error", error="ValueError: no seeds", findings=[]),
        records.claim(id="S1", outcome="skipped", reason="later", findings=[]),
        records.claim(id="X1", statement=HOSTILE, source=HOSTILE, notes=[HOSTILE], findings=[hostile]),
        records.claim(id=HOSTILE, test=f"{HOSTILE}.py::x", outcome="error", error=HOSTILE, findings=[]),
    ]
    return render_html(records.report(*claims))


@pytest.fixture
def opened(browser, page):
    browser.open(page)
    return browser


def type_into(browser, identity, text):
    browser.driver.find_element("id", identity).send_keys(text)


def choose(browser, identity, value):
    from selenium.webdriver.support.select import Select

    Select(browser.driver.find_element("id", identity)).select_by_value(value)


def test_the_search_keeps_claims_that_have_all_words(opened):
    assert len(opened.shown(".claim")) == 9
    type_into(opened, "search", "B 2020 moved")
    assert opened.shown(".claim") == ["LZ-2"]
    assert opened.run("return document.getElementById('count').textContent") == "1 of 9 claims"
    rows = opened.run("return [...document.querySelectorAll('.row.follows')].filter(e => e.checkVisibility()).length")
    assert rows == 1
    opened.driver.find_element("id", "clear").click()
    assert len(opened.shown(".claim")) == 9


def test_findings_that_are_folded_are_found_too(opened):
    type_into(opened, "search", "layer 17")
    assert opened.shown(".claim") == ["LZ-1/standard"]


@pytest.mark.parametrize(
    ("identity", "value", "shown"),
    [
        ("outcome", "fail", {"H1", "G1"}),
        ("outcome", "skipped", {"S1"}),
        ("source", "2011.14522", {"LZ-2"}),
        ("source", "2505.22491", {"H1", "LZ-2"}),
        ("kind", "trend", {"T1"}),
        ("kind", "gate", {"G1"}),
    ],
)
def test_a_filter_keeps_what_it_names(opened, identity, value, shown):
    choose(opened, identity, value)
    assert set(opened.shown(".claim")) == shown


def test_filters_and_search_hold_together(opened):
    choose(opened, "outcome", "fail")
    type_into(opened, "search", "decoder")
    assert opened.shown(".claim") == ["G1"]
    headings = opened.run("return [...document.querySelectorAll('#claims h2')].filter(e => e.checkVisibility()).length")
    assert headings == 1


def test_an_anchor_leads_to_its_claim(browser, page):
    browser.open(page, anchor="#LZ-1")
    top = "return document.getElementById('LZ-1/standard').getBoundingClientRect().top"
    browser.wait("return scrollY > 0")
    assert 0 <= browser.run(top) < 200


def test_a_link_to_a_claim_that_is_filtered_out_shows_it(opened):
    type_into(opened, "search", "decoder")
    opened.run("location.hash = '#LZ-2'")
    opened.wait("return document.getElementById('LZ-2').checkVisibility()")
    assert opened.run("return document.getElementById('search').value") == ""


def test_further_figures_come_when_asked_for_a_dozen_at_a_time(opened):
    cards = "return document.getElementById('LZ-1/standard').querySelectorAll('.card').length"
    assert opened.run(cards) == 0
    opened.run("document.getElementById('LZ-1/standard').querySelector('details.more summary').click()")
    opened.wait(f"{cards} === 12")
    plots = "return document.querySelectorAll('[id=\"LZ-1/standard\"] .card .plot').length"
    assert opened.run(plots) == 12
    for expected in (24, 36, 40):
        opened.run("document.getElementById('LZ-1/standard').querySelector('details.more button').click()")
        assert opened.run(cards) == expected
    button = "return document.getElementById('LZ-1/standard').querySelector('details.more button').checkVisibility()"
    assert not opened.run(button)
    assert opened.run("return document.getElementById('LZ-1/standard').querySelector('pre').hidden")
    assert opened.complaints() == []


def test_the_keyboard_reaches_the_search_and_opens_findings(opened):
    from selenium.webdriver.common.keys import Keys

    body = opened.driver.find_element("tag name", "body")
    body.send_keys("/")
    assert opened.run("return document.activeElement.id") == "search"
    assert opened.run("return document.getElementById('search').value") == ""
    summary = opened.driver.find_element("css selector", "[id='LZ-2'] details.more summary")
    summary.send_keys(Keys.ENTER)
    opened.wait("return document.querySelector('[id=\"LZ-2\"] .card')")


def test_without_scripts_every_finding_can_be_read(browser, page):
    browser.open(page, scripts=False)
    found = browser.command("DOM.getOuterHTML", nodeId=browser.command("DOM.getDocument", depth=0)["root"]["nodeId"])[
        "outerHTML"
    ]
    assert 'id="tools" role="search" hidden=""' in found
    assert "✓ supported · prediction · layer 17" in found
    browser.command("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wrong_at_any_width_and_in_the_dark(browser, page, width, dark):
    browser.open(page, width=width, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    browser.wait("return document.querySelectorAll('.card').length > 12")
    assert browser.overflow() <= 0
    assert browser.violations() == []
    assert browser.complaints() == []
    assert browser.requests() == []
    shade = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(shade) < 80) == dark


def test_hostile_text_is_shown_as_it_is(browser, page):
    browser.open(page)
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    browser.wait("return document.querySelectorAll('.card').length > 12")
    # A page cannot show control characters, and folds what it does not show as it stands.
    assert browser.run("return document.querySelector('[id=\"X1\"] .statement').textContent") == HOSTILE
    assert browser.run("return document.querySelector('[id=\"X1\"] pre').textContent") == HOSTILE
    assert browser.run("return document.querySelectorAll('[onclick], b[onclick]').length") == 0
    title = browser.run("return document.querySelector('[id=\"X1\"] .card h4').textContent")
    assert f"prediction: {HOSTILE}" in title


def test_it_prints_on_white_without_what_only_a_screen_can_do(browser, page):
    browser.open(page, dark=True)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.command("Emulation.setEmulatedMedia", media="print", features=dark)
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert max(browser.run("return getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")) < 80
    assert browser.shown("#tools") == []
    browser.command("Emulation.setEmulatedMedia", media="")
    assert 1 <= browser.pages_printed() <= 8
