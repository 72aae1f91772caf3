"""Declaration: a test is marked as a claim, with its statement, its source and the paper it comes from."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from theorychecks.claims.recording import given, now_recording
from theorychecks.drawing import table
from theorychecks.planning import NotMeasured

Test = TypeVar("Test", bound=Callable[..., Any])
_ATTRIBUTE: Final = "__theorychecks_claim__"


class ClaimError(ValueError):
    """A claim is not well formed: it lacks an id, a statement or a source."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper whose statements have a section of their own in the report, claim by claim.

    Attributes:
        title: of the paper.
        arxiv: its number, "2605.18180"; none for a text that is not there.
        seen: how much of it was read: "abstract", or "in full".
        undecided: statements that no small experiment decides, and why.
        doubtful: statements that look false as stated, and what is true instead; where the paper was not read in full,
            statements that are false or ambiguous when read literally, and what would make them true.
    """

    title: str
    arxiv: str = ""
    seen: str
    undecided: Mapping[str, str] = field(default_factory=dict)
    doubtful: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a test claims.

    Attributes:
        id: short and unique, "LZ-1".
        statement: the test's docstring.
        source: where the claim comes from, with what was derived or measured here marked so.
        trend: whether it is an empirical regularity and no theorem; then it fails a run under `--theory-trends=gate`
            only.
        paper: whose statement it is, where the report has a section for it.
        gate: whether it is a gate on somebody's model, which needs no control besides its predictions' rivals.
        evidence: whether its numbers are committed, under `reports/evidence`, so that a clone need not measure them.
    """

    id: str
    statement: str
    source: str
    trend: bool = False
    paper: Paper | None = None
    gate: bool = False
    evidence: bool = False

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        kind = "gate" if self.gate else "trend" if self.trend else "claim"
        return table((), [(kind, self.id), ("statement", self.statement), ("source", self.source)])


def claim(
    _bare: object = None,
    /,
    *,
    id: str = "",
    source: str = "",
    trend: bool = False,
    paper: Paper | None = None,
    evidence: bool = False,
) -> Callable[[Test], Test]:
    """Mark a test as a claim; put it above `@given`.

    The test's docstring is the statement. The test must call `check` and `check_refuted`: one that has run, and has
    judged no prediction or no control, is an error.

    Args:
        id: short and unique in a run.
        source: author, year, arXiv id, equation; "derived here" for what was.
        trend: an empirical regularity, which fails a run under `--theory-trends=gate` only.
        paper: gives the claim a place in that paper's section of the report.
        evidence: for a claim whose default budget takes more than half a minute: `--theory-evidence=write` writes its
            numbers to a file to be committed, from which others judge it at once, as long as the code that makes them
            is unchanged.

    Raises:
        ClaimError: without an id, a source or a docstring, or as `@claim` without parentheses.
    """
    _check_parentheses(_bare, "claim")

    return lambda test: _marked(test, id=id, source=source, trend=trend, paper=paper, evidence=evidence)


def gate(
    _bare: object = None,
    /,
    *,
    id: str = "",
    source: str = "a gate of this repository's own model",
    evidence: bool = False,
) -> Callable[[Test], Test]:
    """Mark a test as a gate on a model of one's own: a claim that `coordinate_check` and its like may judge alone.

    Its predictions name the rivals that would fail it, and `mutations` measures whether they do.

    Args:
        id: short and unique in a run.
        source: what reports say it is about.
        evidence: as of a claim.

    Raises:
        ClaimError: without an id or a docstring, or as `@gate` without parentheses.
    """
    _check_parentheses(_bare, "gate")
    return lambda test: _marked(test, id=id, source=source, gate=True, evidence=evidence)


def _check_parentheses(bare: object, what_it_is: str) -> None:
    if bare is not None:
        raise ClaimError(
            f"{_name(bare)}: a {what_it_is} is named; got @tc.{what_it_is} without its arguments. Write "
            f"@tc.{what_it_is}(id='...', source='...')."
        )


def _marked(
    test: Test,
    *,
    id: str,
    source: str,
    evidence: bool,
    trend: bool = False,
    paper: Paper | None = None,
    gate: bool = False,
) -> Test:
    name, what_it_is = _name(test), "gate" if gate else "claim"
    statement = inspect.cleandoc(test.__doc__ or "").strip()
    for what, text in (("an id", id), ("a source", source)):
        if not isinstance(text, str) or not text.strip():
            raise ClaimError(
                f"{name}: a {what_it_is} needs {what}; got {text!r}. Write @{what_it_is}(id='...', source='...')."
            )
    if not statement:
        raise ClaimError(
            f"{name}: a {what_it_is} states itself in its docstring, and there is none. Write one sentence."
        )
    inner = _inner(test)
    if inner is not test:
        cast(Any, test).hypothesis.inner_test = _noting_setting(inner)
        _let_run(cast(Any, test))
    if not isinstance(evidence, bool):
        raise ClaimError(f"{name}: evidence is True or False; got {evidence!r}. Write evidence=True.")
    about = Claim(id=id, statement=statement, source=source, trend=trend, paper=paper, gate=gate, evidence=evidence)
    setattr(test, _ATTRIBUTE, about)
    return test


def _let_run(test: Any) -> None:
    """Let a claim that is called directly take its time; in a run the profile says how it is carried out.

    A claim that brings `@settings` keeps them, and is refused in a run.
    """
    from hypothesis import HealthCheck, settings

    if hasattr(test, "_hypothesis_internal_settings_applied"):
        return
    active = test._hypothesis_internal_use_settings
    test._hypothesis_internal_use_settings = settings(
        active, deadline=None, suppress_health_check=[*active.suppress_health_check, HealthCheck.too_slow]
    )


def _name(test: object) -> str:
    return str(getattr(test, "__name__", repr(test)))


def _inner(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test itself, below Hypothesis."""
    handle = getattr(test, "hypothesis", None)
    return cast("Callable[..., Any]", handle.inner_test) if handle else test


def claim_of(test: object) -> Claim | None:
    """The claim that a test function makes, if any."""
    found = getattr(test, _ATTRIBUTE, None)
    return found if isinstance(found, Claim) else None


def _noting_setting(inner: Callable[..., Any]) -> Callable[..., Any]:
    from hypothesis.errors import UnsatisfiedAssumption

    @functools.wraps(inner)
    def noted(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        now = {name: shown(value) for name, value in kwargs.items() if name != "self"}
        token, recorder = given.set({**given.get(), **now}), now_recording.get()
        judged = len(recorder.findings) if recorder else 0
        try:
            return inner(*args, **kwargs)
        except UnsatisfiedAssumption:
            # The claim says nothing of this setting, whatever was judged before assume() was reached.
            if recorder:
                del recorder.findings[judged:]
            raise
        except NotMeasured:
            # Hypothesis, which would pass it on and end, has further settings.
            return None
        finally:
            given.reset(token)

    return noted


def shown(value: object) -> str:
    """How a setting reads: by its name where it has one."""
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else repr(value)
