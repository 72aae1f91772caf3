"""Claims: statements of theory as tests, with predictions that must hold and controls that must not."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from theorychecks.looks import Conditions, findings_of
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.prediction import Prediction
from theorychecks.statistics.verdict import Finding, Role

if TYPE_CHECKING:
    from theorychecks.experiment import Design

Test = TypeVar("Test", bound=Callable[..., Any])
Outcome = Literal["pass", "fail", "inconclusive"]
_ATTRIBUTE: Final = "__theorychecks_claim__"


class ClaimError(ValueError):
    """A claim is not well formed: it lacks a statement, a source or a control."""


class ClaimFailure(AssertionError):  # noqa: N818 - it is an assertion that failed, not an error in the test
    """A prediction is not supported, or a control not refuted."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper whose statements have a section of their own in the report, claim by claim.

    Attributes:
        title: of the paper.
        arxiv: its number, "2605.18180".
        seen: how much of it was read: "abstract".
        undecided: statements that no small experiment decides, and why.
        doubtful: statements that look false as stated, and what is true instead.
    """

    title: str
    arxiv: str
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
    """

    id: str
    statement: str
    source: str
    trend: bool = False
    paper: Paper | None = None


@dataclass
class Recorder:
    """Findings of one claim as they are judged.

    Attributes:
        findings: in order.
        conditions: what the run imposes on the claim.
        ranges: widths at which a sweep has been held against a prediction.
    """

    findings: list[Finding] = field(default_factory=list)
    conditions: Conditions = field(default_factory=Conditions)
    ranges: dict[object, tuple[float, ...]] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Record a finding, in the place of the same one of an earlier run of the same setting."""
        for position, known in enumerate(self.findings):
            if _identity(known) == _identity(finding):
                self.findings[position] = finding
                return
        self.findings.append(finding)

    def note_range(self, design: Design, prediction: Prediction, role: Role) -> None:
        """Refuse a second range for one prediction: the better of two is chosen after seeing the data.

        Raises:
            ValueError: if the same networks were held against the same kind of prediction at other widths.
        """
        kind = prediction.expectation.kind
        key = *design.subject, design.drawn_from, design.words, kind, role, tuple(_setting.get().items())
        before = self.ranges.setdefault(key, design.axis_values)
        now = design.axis_values
        if before != now:
            raise ValueError(
                f"the same runs were held against a {kind} at {design.axis}s {before[0]:g}..{before[-1]:g}, and now at "
                f"{now[0]:g}..{now[-1]:g}: a range chosen after seeing the data has no error rate. "
                "Judge one range, or draw other runs for the second: root_seed=1."
            )

    @property
    def outcome(self) -> Outcome:
        """What the findings say of the claim: every prediction supported and every control refuted, or not."""
        outcomes = {finding.outcome for finding in self.findings}
        if "fail" in outcomes:
            return "fail"
        return "inconclusive" if "inconclusive" in outcomes else "pass"

    def missing(self) -> str | None:
        """What a claim that has run still lacks."""
        if not any(finding.role == "prediction" for finding in self.findings):
            return (
                "no prediction was judged: the test never reached check(). "
                "Under the quick profile only explicit @example settings run; add the canonical one."
            )
        if not any(finding.role == "control" for finding in self.findings):
            return "no control was judged: add check_refuted(...) of a set-up in which the prediction is false"
        return None


def _identity(finding: Finding) -> tuple[object, ...]:
    return finding.role, finding.label, finding.expectation, finding.measurement, tuple(sorted(finding.setting.items()))


_recorder: ContextVar[Recorder | None] = ContextVar("theorychecks_recorder", default=None)
_setting: ContextVar[Mapping[str, str]] = ContextVar("theorychecks_setting", default=MappingProxyType({}))


def claim(*, id: str, source: str, trend: bool = False, paper: Paper | None = None) -> Callable[[Test], Test]:
    """Mark a test as a claim; put it above `@given`.

    The test's docstring is the statement. The test must call `check` and `check_refuted`.

    Args:
        id: short and unique in a run.
        source: author, year, arXiv id, equation; "derived here" for what was.
        trend: an empirical regularity, which fails a run under `--theory-trends=gate` only.
        paper: gives the claim a place in that paper's section of the report.

    Raises:
        ClaimError: without an id, a source, a docstring or a control.
    """

    def mark(test: Test) -> Test:
        name = getattr(test, "__name__", repr(test))
        statement = inspect.cleandoc(test.__doc__ or "").strip()
        for what, text in (("an id", id), ("a source", source)):
            if not isinstance(text, str) or not text.strip():
                raise ClaimError(f"{name}: a claim needs {what}; got {text!r}. Write @claim(id='...', source='...').")
        if not statement:
            raise ClaimError(f"{name}: a claim states itself in its docstring, and there is none. Write one sentence.")
        hypothesis_handle = getattr(test, "hypothesis", None)
        inner = hypothesis_handle.inner_test if hypothesis_handle else test
        if not _reaches(inner, check_refuted):
            raise ClaimError(
                f"{name}: a claim says where it stops holding, and there is no control. "
                "Add check_refuted(...) of a set-up in which the prediction is false."
            )
        if hypothesis_handle:
            hypothesis_handle.inner_test = _noting_setting(inner)
        setattr(test, _ATTRIBUTE, Claim(id=id, statement=statement, source=source, trend=trend, paper=paper))
        return test

    return mark


def claim_of(test: object) -> Claim | None:
    """The claim that a test function makes, if any."""
    found = getattr(test, _ATTRIBUTE, None)
    return found if isinstance(found, Claim) else None


def check(
    source: Design | Measurement,
    prediction: Prediction,
    *,
    against: Design | Measurement | None = None,
    label: str = "",
) -> list[Finding]:
    """Measure, and hold every reading against a prediction, which must be SUPPORTED.

    Inside a claim run by pytest the findings are recorded and judged together at the end, so that one failure does not
    hide the others; elsewhere the first failure raises.

    Args:
        source: a sweep, a scan, or a measurement made elsewhere.
        prediction: what theory says of it.
        against: divides the source, seed by seed, before it is judged; for `SameLaw`, the other ensemble.
        label: what reports call it; the observable's title by default.

    Returns:
        One finding a reading.

    Raises:
        ClaimFailure: outside of a recorded claim, if a reading does not support the prediction.
        ValueError: if the design could never decide, or what it is held against does not fit, before anything is
            trained; or if no run gives a number.
        TypeError: if the source, the prediction or what it is held against is none.
    """
    return _record("prediction", source, prediction, against, label)


def check_refuted(
    source: Design | Measurement,
    prediction: Prediction,
    *,
    against: Design | Measurement | None = None,
    label: str = "",
) -> list[Finding]:
    """Like `check`, for a control: every reading must REFUTE the prediction."""
    return _record("control", source, prediction, against, label)


@contextmanager
def recording(recorder: Recorder, setting: Mapping[str, str] | None = None) -> Iterator[Recorder]:
    """Record findings instead of raising, until the end of the block."""
    recorder_token, setting_token = _recorder.set(recorder), _setting.set(setting or {})
    try:
        yield recorder
    finally:
        _recorder.reset(recorder_token)
        _setting.reset(setting_token)


def _record(
    role: Role,
    source: Design | Measurement,
    prediction: Prediction,
    against: Design | Measurement | None,
    label: str,
) -> list[Finding]:
    if not isinstance(prediction, Prediction):
        raise TypeError(f"a prediction is a PowerLaw, Plateau, Ordering or another of the README's; got {prediction!r}")
    recorder = _recorder.get()
    conditions = recorder.conditions if recorder else Conditions()
    context = _context(source)
    if recorder is not None and not isinstance(source, Measurement):
        recorder.note_range(source, prediction, role)
    found = findings_of(source, prediction, against=against, role=role, conditions=conditions)
    title = label or context.pop("title")
    context.pop("title", None)
    findings = []
    for name, finding in found.items():
        finding = replace(
            finding,
            label=", ".join(part for part in (title, name) if part),
            role=role,
            setting={**_setting.get(), **context},
            engine=finding.engine or "given",
        )
        findings.append(finding)
        if recorder is not None:
            recorder.add(finding)
    if recorder is None:
        _raise_unless_passed(findings)
    return findings


def _context(source: Design | Measurement) -> dict[str, str]:
    """What reports say of how a source comes about, and its title."""
    if isinstance(source, Measurement):
        return {"title": source.name}
    # Plain pytest runs load this module too, and must not wait for torch.
    from theorychecks.experiment import Design

    if not isinstance(source, Design):
        raise TypeError(f"a Sweep, a Scan or a Measurement is checked; got {source!r}")
    return {"title": source.title, **source.setting}


def _raise_unless_passed(findings: list[Finding]) -> None:
    for finding in findings:
        if not finding.passed:
            raise ClaimFailure(
                f"{finding.label} is {finding.verdict.value}, a {finding.role} must be {finding.wanted.value}: "
                f"{finding.reason}"
            )


def _noting_setting(inner: Callable[..., Any]) -> Callable[..., Any]:
    from hypothesis.errors import UnsatisfiedAssumption

    @functools.wraps(inner)
    def noted(*args: Any, **kwargs: Any) -> Any:
        given = {name: shown(value) for name, value in kwargs.items() if name != "self"}
        token, recorder = _setting.set({**_setting.get(), **given}), _recorder.get()
        judged = len(recorder.findings) if recorder else 0
        try:
            return inner(*args, **kwargs)
        except UnsatisfiedAssumption:
            # The claim says nothing of this setting, whatever was judged before assume() was reached.
            if recorder:
                del recorder.findings[judged:]
            raise
        finally:
            _setting.reset(token)

    return noted


def shown(value: object) -> str:
    """How a setting reads: by its name where it has one."""
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else repr(value)


def _reaches(function: Callable[..., Any], target: Callable[..., Any]) -> bool:
    """Whether a function calls another: by name, or through functions of modules and classes within its sight."""
    seen: set[object] = set()
    stack = [inspect.unwrap(function)]
    while stack:
        current = stack.pop()
        code = getattr(current, "__code__", None)
        if code is None or current in seen:
            continue
        seen.add(current)
        names = set(_names(code))
        if target.__name__ in names:
            return True
        cells = inspect.getclosurevars(current).nonlocals if isinstance(current, FunctionType) else {}
        names |= set(cells)
        for found in _within_sight({**getattr(current, "__globals__", {}), **cells}, names):
            if found is target:
                return True
            if isinstance(found, FunctionType) and not found.__module__.startswith("theorychecks."):
                stack.append(inspect.unwrap(found))
    return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _within_sight(scope: Mapping[str, object], names: set[str]) -> Iterator[object]:
    """Objects that these names may stand for: globals, and attributes of modules among them and of any class."""
    for key, value in scope.items():
        if key in names:
            yield value
        if isinstance(value, type) or (isinstance(value, ModuleType) and key in names):
            yield from (vars(value)[name] for name in names & vars(value).keys())
