"""The page of a whole catalogue is quickly made, small, and short when it is printed."""

import re
import time

import pytest

from theorychecks.reporting.html import render_html

CLAIMS, GATES = 162, 8
LARGEST_PAGE = 5_000_000
MOST_ELEMENTS = 10_000
MOST_SHEETS = 40
CATALOGUE_SECONDS = 15
GATE_SECONDS = 5
STATEMENT = (
    "Under cross-entropy at rate n^-alpha, activations stay of order one over fifty steps on fresh batches, and the "
    "largest outputs are Omega(n^(1-alpha)); at a constant rate two steps unbound the activations."
)
SOURCE = (
    "Yang and Hu 2021, arXiv:2011.14522, Theorem 4.1 (public notes on it); the exponents of every layer derived here, "
    "as in the claim before"
)


def gate(records, identity, coordinates, steps=(0, 1, 4)):
    setting = {"parametrization": "maximal update", "model": "decoder", "steps": "4"}
    labels = [
        f"decoder, blocks.{k}.attn.qkv, {('size', 'change')[k % 2]}, step {step}"
        for step in steps
        for k in range(coordinates // len(steps) + 1)
    ]
    findings = [records.finding(label=label, setting=setting) for label in labels[:coordinates]]
    return records.claim(
        id=identity,
        gate=True,
        findings=findings,
        test=f"properties/test_your_model.py::{identity}",
        notes=["not judged: 26 coordinates that are zero or depend on nothing"],
    )


def claim(records, number):
    """Return a claim of 13 findings, as long as most are; every sixth one fits no exponent."""
    setting = {"activation": "tanh", "depth": "2", "data": "GaussianMixture 0", "loss": "cross-entropy"}
    predictions = [
        records.finding(label=f"through training, layer {k}", exponent=-1 + 0.01 * k, setting=setting) for k in range(7)
    ]
    controls = [
        records.control(label=f"through training, layer {k}", setting={**setting, "loss": "MSE"}) for k in range(6)
    ]
    if number % 6 == 0:
        predictions = [records.ordering(label=found.label, setting=setting) for found in predictions]
    return records.claim(
        id=f"C{number}/standard",
        statement=STATEMENT,
        source=SOURCE,
        findings=[*predictions, *controls],
        test=f"properties/test_subject_{number // 4}.py::test_activations_stay_bounded_through_fifty_steps_{number}",
    )


@pytest.fixture(scope="module")
def catalogue(records):
    claims = [claim(records, number) for number in range(CLAIMS)]
    report = records.report(*claims, *(gate(records, f"G{number}", 100) for number in range(GATES)))
    start = time.process_time()
    return render_html(report), time.process_time() - start, report.suite.findings


def test_it_is_made_in_seconds_and_is_small(catalogue):
    text, seconds, findings = catalogue
    assert findings > 2900
    assert seconds < CATALOGUE_SECONDS
    assert len(text.encode()) < LARGEST_PAGE
    elements = len(re.findall(r"<[a-z]", text[: text.index("<script>")]))
    assert elements < MOST_ELEMENTS


def test_every_claim_has_its_figure(catalogue):
    text, _, _ = catalogue
    sections = text.split('<section class="claim"')[1:]
    assert len(sections) == CLAIMS + GATES
    assert all('class="plot"' in section for section in sections)


def test_a_gate_of_many_coordinates_is_made_in_seconds(records):
    report = records.report(gate(records, "G1", 400))
    start = time.process_time()
    text = render_html(report)
    assert time.process_time() - start < GATE_SECONDS
    assert [said.partition(":")[0] for said in re.findall(r"<figcaption>(.*?)</figcaption>", text)] == [
        "Before training",
        "After step 1",
        "After step 4",
    ]


def test_a_browser_opens_and_prints_it(browser, catalogue):
    text, _, _ = catalogue
    for width in (390, 1280):
        browser.open(text, width=width)
        assert browser.run("return document.querySelectorAll('*').length") < MOST_ELEMENTS
        assert browser.overflow() <= 0
        assert browser.complaints() == []
        assert browser.requests() == []
    assert browser.pages_printed() <= MOST_SHEETS


@pytest.mark.slow
def test_axe_finds_nothing_in_all_of_it(browser, catalogue):
    browser.open(catalogue[0])
    assert browser.violations() == []
