"""LaTeX, CSV, Markdown, badges and comparisons show anybody's text as it is, and stay within their sizes."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from tests.reporting import records
from theorychecks.reporting.badge import outcome_text, render_badge
from theorychecks.reporting.comparison import Side, as_html, as_markdown, compare, on_terminal
from theorychecks.reporting.csv_table import COLUMNS, render_csv
from theorychecks.reporting.latex import latex, render_latex
from theorychecks.reporting.literal import visible
from theorychecks.reporting.markdown import render_comment, render_markdown

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; &#60; ]]> -->",
    "**bold** _em_ ~~gone~~ `code` ``two`` [link](http://evil) ![image](x) # head",
    "a | b || c \\| d",
    "$x^2$ $$y$$ \\[z\\] https://evil.example www.evil.example @someone #12",
    "\\input{/etc/passwd} \\write18{rm} {x} 50% & a_b ^ ~ # \"q\" 'r' `s` -- --- ,, << >>",
    "\x1b[31mred\x1b[0m \x07 \x9b2J \x00 \r over",
    "\u202eright to left\u202c \u2066isolated\u2069 \u200f",
    "שלום عربي 统计 ω Θ",
    "verylongword" * 60,
    "=cmd|' /C calc'!A0",
    "[2em] * list",
    "\ud800 half a letter",
]


def hostile_report(text):
    """A report that has a text everywhere."""
    settings = {text: text}
    finding = records.finding(label=text, setting=settings, reason=text, engine=text, axis=text, predicted=-1.0)
    refuted = replace(
        records.finding(label=text, verdict="refuted", exponent=-0.5, reason=text), setting=settings, predicted=text
    )
    return records.report(
        records.claim(id="one " + text, statement=text, source=text, findings=[finding], notes=[text], test=text),
        records.failing_claim(id="two " + text, statement=text, findings=[refuted]),
        records.claim(id="three", outcome="error", error=text, findings=[], statement=text),
    )


def one_line(text):
    return visible(" ".join(text.split()))


def hostile_comparison(text):
    report = hostile_report(text)
    first = report.claims[0]
    broken = replace(first, outcome="error", error=text)
    gone = records.claim(id="gone", statement=text)
    return compare(Side.of(records.report(first, gone)), Side.of(records.report(broken, *report.claims[1:])))


class Page(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.words, self.tags = "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


def of_markdown(text):
    return Page(MarkdownIt("commonmark").enable("table").render(text))


OURS = {"table", "thead", "tbody", "tr", "th", "td", "code", "pre", "p", "h1", "h2", "h3", "strong", "ul", "li"}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("render", [render_markdown, render_comment])
def test_markdown_shows_text_as_it_is(text, render):
    rendered = render(hostile_report(text))
    page = of_markdown(rendered)
    words = " ".join(page.words.split())
    # Long texts are cut, so their beginnings are looked for.
    assert words.count(" ".join(one_line(text)[:110].split())) >= 3
    assert {tag for tag, _ in page.tags} <= OURS | {"details", "summary"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rendered)
    rendered.encode()
    rows = [line for line in rendered.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {10}


@pytest.mark.parametrize("text", HOSTILE)
def test_comparisons_show_text_as_it_is(text):
    found = hostile_comparison(text)
    told = " ".join(one_line(text)[:110].split())
    markdown = of_markdown(as_markdown.render_markdown(found))
    assert told in " ".join(markdown.words.split())
    assert {tag for tag, _ in markdown.tags} <= OURS
    html = as_html.render_html(found)
    page = Page(html)
    assert told in " ".join(page.words.split())
    ours = {"html", "head", "meta", "title", "style", "body", "main", "span", "dl", "dt", "dd", "bdi"}
    assert {tag for tag, _ in page.tags} <= OURS | ours
    assert not any(
        name in ("src", "href") or name.startswith("on") for _, attributes in page.tags for name in attributes
    )
    terminal = on_terminal.render_terminal(found, width=2000)
    assert told in " ".join(terminal.split())
    for rendered in (html, terminal):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rendered)
        rendered.encode()


TYPESET = {
    r"\textbackslash{}": "\\",
    r"\{": "{",
    r"\}": "}",
    r"\$": "$",
    r"\&": "&",
    r"\#": "#",
    r"\%": "%",
    r"\_": "_",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    r"\texttt{\char34}": '"',
    r"\textasciigrave{}": "`",
    r"\textquotesingle{}": "'",
    r"\-": "",
    "{[}": "[",
    "{*}": "*",
    "{}": "",
}
"""What LaTeX sets for each of these commands, as its manual has it ("The LaTeX companion", symbols in text)."""


def typeset(text):
    """What LaTeX sets; nothing that it would obey may be left."""
    parts = re.split("(" + "|".join(map(re.escape, TYPESET)) + ")", text)
    assert not any(re.search(r"[\\{}$&#%_~^<>|\"`']|--|,,", plain) for plain in parts[::2])
    return "".join(TYPESET[part] if place % 2 else part for place, part in enumerate(parts))


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_shows_text_as_it_is(text):
    assert typeset(latex(text)) == one_line(text)
    rendered = render_latex(hostile_report(text))
    rendered.encode()
    rows = [line for line in rendered.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 4
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == 7
    assert latex("one " + text[:100]) in rows[1]


@pytest.mark.parametrize("text", ["[2em] x", "* x", "*[x]"])
def test_no_row_of_latex_begins_with_what_the_one_before_would_take_for_its_options(text):
    rendered = render_latex(records.report(records.claim(), records.claim(id=text)))
    assert not re.search(r"\\\\\s*[\[*]", rendered)


def test_a_very_long_word_may_be_broken_in_latex():
    assert r"\-" in latex("verylongword" * 5)
    assert r"\-" not in latex("hidden-frobenius")


def test_latex_has_a_line_a_claim_with_exponent_interval_widths_and_seeds():
    rendered = render_latex(records.report(records.claim(), records.claim(id="broke", outcome="error", error="x\ny")))
    lines = rendered.splitlines()
    assert (
        r"LZ-1/hidden-frobenius & hidden 2, frobenius & $n^{-1}$ & $-1.00$ & $[-1.05,\,-0.95]$ & width 128--4\,096 & 6 "
        r"& supported \\"
    ) in lines
    assert r"broke & x &  &  &  &  &  & error \\" in lines
    assert [lines.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("predicted", "axis", "set_as"),
    [
        ("at most n^-0.5", "width", "at most $n^{-0.5}$"),
        ("n^0", "width", "$n^{0}$"),
        ("learning rate^+1", "learning rate", "learning rate$^{+1}$"),
        ("an ordering", "width", "an ordering"),
        ("x^y", "width", r"x\textasciicircum{}y"),
    ],
)
def test_latex_raises_exponents(predicted, axis, set_as):
    rendered = render_latex(records.report(records.claim(findings=[records.finding(predicted=-1.0, axis=axis)])))
    assert "n^{-1}" in rendered or "$^{-1}$" in rendered
    found = replace(records.finding(), predicted=predicted)
    assert f"& {set_as} &" in render_latex(records.report(records.claim(findings=[found])))


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_csv_gives_text_back(text):
    rows = list(csv.DictReader(io.StringIO(render_csv(hostile_report(text)), newline="")))
    assert [row["claim"] for row in rows] == [f"one {text}", f"two {text}", "three"]
    assert rows[0]["label"] == rows[0]["reason"] == rows[0]["engine"] == rows[0]["axis"] == text
    assert rows[2]["reason"] == text


def test_csv_has_a_line_a_finding_and_stable_columns():
    # Whoever reads these files counts on the names, and on their order.
    assert ",".join(COLUMNS) == (
        "claim,outcome,trend,test,source,seed,label,role,setting,predicted,predicted_exponent,margin,rival,verdict,"
        "passed,exponent,interval_low,interval_high,confidence,standard_error,bias_bound,p_value,axis,axis_values,"
        "seeds,engine,flops,trainings,seconds,reason"
    )
    report = records.report(
        records.claim(), records.claim(id="none", outcome="skipped", reason="not here", findings=[])
    )
    first, second, third = csv.DictReader(io.StringIO(render_csv(report)))
    assert (float(first["exponent"]), float(first["interval_low"]), float(first["interval_high"])) == (-1, -1.05, -0.95)
    assert (first["verdict"], first["passed"], first["role"]) == ("supported", "yes", "prediction")
    assert first["axis_values"] == "128 256 512 1024 2048 4096"
    assert first["seeds"] == "6 6 6 6 6 6"
    assert (second["role"], second["verdict"], second["passed"]) == ("control", "refuted", "yes")
    assert (third["claim"], third["outcome"], third["label"], third["reason"]) == ("none", "skipped", "", "not here")


def test_csv_leaves_empty_what_does_not_exist():
    (row,) = csv.DictReader(io.StringIO(render_csv(records.report(records.claim(findings=[records.ordering()])))))
    assert [row[name] for name in ("exponent", "interval_low", "margin", "rival", "predicted_exponent")] == [""] * 5


def test_colour_says_nothing_that_words_do_not(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    found = hostile_comparison("\x1b[31m")
    coloured = on_terminal.render_terminal(found, colour=True)
    assert "\x1b[1;31m" in coloured
    plain = re.sub("\x1b\\[[0-9;]*m", "", coloured).splitlines()
    assert [line.rstrip() for line in plain] == on_terminal.render_terminal(found).splitlines()


# Sizes.


def many(count):
    return records.report(
        *(
            records.failing_claim(id=f"LZ-{i}", statement="ω" * 3000, error="é" * 9000, findings=[])
            for i in range(count)
        ),
        lost=tuple("ü" * 500 for _ in range(count)),
        stopped="x" * 100_000,
    )


def test_a_comment_fits_github_and_says_what_is_left_out():
    text = render_comment(many(500))
    # GitHub's limit for a comment is 65,536 characters.
    assert len(text.encode()) < 65_536
    assert "more claims that did not pass are left out here" in text
    assert "more claims are left out of this table" in text
    assert len(render_comment(many(500), most_bytes=20_000).encode()) < 20_000


def test_what_surrounds_the_claims_cannot_make_a_comment_too_long():
    long = "\N{GRINNING FACE}" * 1000
    provenance = replace(many(1).provenance, command=long, platform=long, device=long, versions={long: long})
    text = render_comment(replace(many(1), provenance=provenance), most_bytes=9000)
    assert len(text.encode()) < 9000
    assert "1 more parts are left out here; report.json has them all." in text


def test_what_did_not_pass_comes_before_what_did():
    for render in (render_markdown, render_comment):
        text = render(records.report(records.claim(id="good"), records.failing_claim(id="bad")))
        assert text.index("✗ fail: `bad`") < text.index("`good`")


def test_a_comparison_fits_github_with_changes_first():
    old = records.report(*(records.claim(id=f"c{i} " + "é" * 100, statement="é" * 900) for i in range(2000)))
    new = records.report(*(records.failing_claim(id=c.id, findings=c.findings) for c in old.claims))
    text = as_markdown.render_markdown(compare(Side.of(old), Side.of(new)))
    assert len(text.encode()) < 65_536
    assert "more are left out here" in text
    assert text.startswith("# ✗ Theory checks compared: 2000 verdicts for the worse")
    assert text.index("→ ✗ fail") < text.index("- old: ")
    calm = as_markdown.render_markdown(compare(Side.of(old), Side.of(old)))
    assert calm.startswith("# ✓ Theory checks compared: nothing changed for the worse")


# Badges.

NUMBERS = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("text", HOSTILE)
def test_badges_show_text_as_it_is(text):
    picture = ElementTree.fromstring(render_badge(records.report(records.claim()).suite, label=text))
    left, right = picture.iter(f"{NUMBERS}text")
    assert left.text[:40] == one_line(text)[:40]
    assert right.text == "1 of 1 claims pass"
    assert {element.tag.removeprefix(NUMBERS) for element in picture.iter()} == {
        "svg",
        "title",
        "rect",
        "path",
        "g",
        "text",
    }
    assert float(picture.get("width")) < 700


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ([{}], "1 of 1 claims pass"),
        ([{}, {"outcome": "inconclusive"}], "1 of 2 claims pass, 1 undecided"),
        ([{}, {"outcome": "fail"}, {"outcome": "error"}], "1 of 3 claims pass, 1 refuted, 1 broke, incomplete"),
        ([{"outcome": "skipped"}], "0 of 1 claims pass"),
    ],
)
def test_a_badge_says_how_a_run_ended(claims, words):
    run = records.report(*(records.claim(id=str(place), **about) for place, about in enumerate(claims)))
    assert outcome_text(run.suite) == words


def test_a_badge_has_the_colour_of_the_exit_code():
    colours = []
    for outcome in ("pass", "fail", "error", "inconclusive"):
        picture = ElementTree.fromstring(render_badge(records.report(records.claim(outcome=outcome)).suite))
        (path,) = picture.iter(f"{NUMBERS}path")
        colours.append(path.get("fill"))
        # White letters: the contrast that WCAG 2 asks of small text is 4.5.
        assert 1.05 / (luminance(path.get("fill")) + 0.05) > 4.5
    assert len(set(colours)) == 4


def luminance(colour):
    """As WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
