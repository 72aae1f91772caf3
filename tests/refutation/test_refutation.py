"""A claim fails when its subject is broken by hand, and each mistake is caught by some claim or says why by none."""

import pytest
import torch
from breakages import BREAKAGES, untouched, updates
from claims_under_test import CLAIMS, refuted
from table import CELLS, EXPECTED

import theorychecks as tc
from theorychecks.engines import dense, matrix_free

CHEAP = {
    "refuted": {"A1", "A1/deep", "A2/rich", "H3", "KR-1", "KR-2", "LZ-1/bound"},
    "control": set(),
    "undecided": set(),
    "not measured": set(CLAIMS),
}
"""By outcome, claims that come to it in about a second."""
DEAR = {"gain missing in the layers", "gain missing in the activation", "readout learning rate too small"}
"""Mistakes that a claim needs its whole budget to refute."""


def cells(outcome):
    """Cells that are expected to come out so; dear ones are slow tests."""

    def case(breakage, claim):
        slow = claim not in CHEAP[outcome] or (outcome == "refuted" and breakage in DEAR)
        return pytest.param(breakage, claim, id=f"{claim} with {breakage}", marks=pytest.mark.slow if slow else [])

    chosen = [case(breakage, claim) for breakage, claim, expected in CELLS if expected == outcome]
    return pytest.mark.parametrize("breakage, claim", chosen)


@pytest.fixture
def broken(judged):
    """Makes a mistake, and judges a claim on networks that are all trained with it."""
    return lambda breakage, claim: judged(CLAIMS[claim], BREAKAGES[breakage].apply)


def last(recorder):
    """The finding that ended a claim, and how the table tells of it."""
    finding = recorder.findings[-1]
    return finding, f"{finding.label} is {finding.verdict.value}, a {finding.role} must be {finding.wanted.value}: " + (
        finding.reason
    )


@cells("refuted")
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(breakage, claim, broken, table):
    recorder = broken(breakage, claim)
    refuted(recorder)
    _, words = last(recorder)
    table.note(breakage, claim, "refuted", words)


@cells("control")
def test_a_control_no_longer_fails_where_the_prediction_holds_by_itself(breakage, claim, broken, table):
    recorder = broken(breakage, claim)
    finding, words = last(recorder)
    assert recorder.outcome == "fail", words
    assert finding.role == "control"
    assert finding.confirmation.verdict is tc.Verdict.SUPPORTED
    table.note(breakage, claim, "control", words)


@cells("undecided")
def test_a_subject_out_of_reach_is_not_supported(breakage, claim, broken, table):
    recorder = broken(breakage, claim)
    _, words = last(recorder)
    assert recorder.outcome == "inconclusive", words
    table.note(breakage, claim, "undecided", words)


@cells("not measured")
def test_a_subject_that_stands_still_is_not_measured(breakage, claim, broken, table):
    with pytest.raises(ValueError, match="has no number in any run") as failure:
        broken(breakage, claim)
    table.note(breakage, claim, "not measured", str(failure.value))


@pytest.mark.parametrize("name", BREAKAGES)
def test_every_mistake_is_refuted_by_some_claim_or_says_why_by_none(name):
    assert "refuted" in EXPECTED[name] or "would see" in BREAKAGES[name].unseen


def test_every_claim_refutes_some_mistake():
    assert {claim for _, claim, outcome in CELLS if outcome == "refuted"} == set(CLAIMS)


TRAINING = tc.Training(
    tc.MLP(3, tc.TANH, tc.NTK, centred=True),
    learning_rate=tc.scaled(0.3),
    data=tc.GaussianMixture(dimension=8),
    loss=tc.MSE,
    steps=4,
    dtype="float64",
)
ENGINES = pytest.mark.parametrize("engine", [dense, matrix_free], ids=["dense", "matrix_free"])


def changes(engine):
    run = engine.train(TRAINING, 256, range(2))
    norms = [run.weight_change_norm(k, norm, 4) for k in range(4) for norm in ("frobenius", "spectral")]
    return torch.stack([*norms, run.losses[-1].to(torch.float64)])


@ENGINES
def test_updates_that_are_handed_on_untouched_are_gradient_descent(engine, monkeypatch):
    expected = changes(engine)
    updates(untouched)(monkeypatch)
    torch.testing.assert_close(changes(engine), expected, rtol=1e-9, atol=0)


UNCAUGHT = [name for name, outcomes in EXPECTED.items() if not outcomes]


@ENGINES
@pytest.mark.parametrize("name", UNCAUGHT)
def test_a_mistake_that_no_claim_sees_is_made_all_the_same(name, engine, monkeypatch):
    expected = changes(engine)
    BREAKAGES[name].apply(monkeypatch)
    assert not torch.allclose(changes(engine), expected, rtol=1e-3)
