"""The report of one run: every claim, every finding with its numbers, and where they come from."""

import json
from dataclasses import dataclass
from typing import Literal, NoReturn, TypedDict, cast

from theorychecks.reporting.schema import ReportError, check_shape

# The number of the schema that this version reads and writes; reports/README.md describes it.
SCHEMA = 1


class PredictionDocument(TypedDict):
    """What theory says of a quantity; `exponent` is None where it is not about an exponent."""

    kind: Literal[
        "power_law",
        "upper_bound",
        "lower_bound",
        "plateau",
        "ordering",
        "interior_optimum",
        "collapse",
        "same_law",
        "identity",
        "logarithmic_growth",
        "crossing",
    ]
    exponent: float | None
    margin: float | None
    rival: float | None
    average: Literal["mean of logs", "log of mean"]


class FiniteSizeClassDocument(TypedDict):
    """The corrections to a power law that the interval allows for: 1 + c (m / unit)^-omega with |c| <= constant.

    Where rho is not None it takes the constant's place: the largest correction at the first point.
    """

    constant: float
    omegas: list[float]
    rho: float | None
    unit: float
    towards: Literal["infinity", "zero"]


class PowerDocument(TypedDict):
    """What the whole budget could have detected; `detectable` is None where nothing could be."""

    detectable: float | None
    support: float


class LooksDocument(TypedDict):
    """How a sequential design came to its verdict."""

    taken: int
    planned: int
    budget: int


class ConfirmationDocument(TypedDict):
    """The same prediction on fresh seeds, after a verdict that fails the claim."""

    verdict: Literal["supported", "refuted", "inconclusive"]
    p_value: float | None
    interval: list[float] | None


class FlagDocument(TypedDict):
    """A check of the fit against its own assumptions, and whether it fired."""

    fired: bool
    statistic: float
    bound: float
    meaning: str


class FindingDocument(TypedDict):
    """One judged prediction or control, with all its numbers; `values` has one row an axis value, one entry a seed."""

    label: str
    role: Literal["prediction", "control"]
    setting: dict[str, str]
    axis: str
    axis_values: list[float]
    seeds: list[int]
    values: list[list[float | None]]
    not_finite: list[int]
    prediction: PredictionDocument
    exponent: float | None
    prefactor: float | None
    interval: list[float] | None
    bias_bound: float | None
    standard_error: float | None
    degrees_of_freedom: float | None
    confidence: float
    finite_size_class: FiniteSizeClassDocument | None
    breakdown_c: float | None
    local_exponents: list[float]
    flags: dict[str, FlagDocument]
    trimmed: bool
    shared_seeds: bool
    verdict: Literal["supported", "refuted", "inconclusive"]
    reason: str
    limited_by: Literal["bias", "noise", "flags", "boundary", "missing runs"] | None
    p_value: float | None
    power: PowerDocument | None
    looks: LooksDocument | None
    confirmation: ConfirmationDocument | None
    repeatable: bool
    engine: str
    seconds: float
    flops: float
    trainings: int


class PaperDocument(TypedDict):
    """A paper that a claim belongs to; `undecided` and `doubtful` are its other statements, and why."""

    title: str
    arxiv: str
    seen: str
    undecided: dict[str, str]
    doubtful: dict[str, str]


Outcome = Literal["pass", "fail", "inconclusive", "error", "skipped", "not run"]
"""How a claim ends: three verdicts; an error, which says nothing of the theory; and two ways of not being judged."""


class ClaimDocument(TypedDict):
    """One claim: its sentence, its source, its outcome and its findings.

    `error` says what went wrong, if something did, and `reason` why the claim was skipped or not run.

    `notes` are what a reader is told besides: the diagnosis of a model that fails its gate, a table of mutations.
    """

    id: str
    test: str
    statement: str
    source: str
    trend: bool
    gate: bool
    paper: PaperDocument | None
    outcome: Outcome
    error: str | None
    reason: str | None
    seed: int
    seconds: float
    findings: list[FindingDocument]
    notes: list[str]


class BudgetDocument(TypedDict):
    """How many wrong verdicts a run of this size may give, and how many false alarms a year of nights."""

    confidence: float
    tail_error: float
    findings: int
    expected_wrong_verdicts_at_most: float
    failing_level: float
    false_alarms_a_year_at_most: float
    false_alarms_a_year_expected: float
    undecided_a_night_expected: float
    note: str


class SuiteDocument(TypedDict):
    """The counts of a run; what was collected was judged or skipped, unless claims broke, were lost or not reached.

    `stopped` says why the run ended before its end. Trends that fail are `failed` where they decide whether the run
    passes, and `trends_failed` where they do not.
    """

    claims: int
    collected: int
    judged: int
    reported: int
    passed: int
    failed: int
    inconclusive: int
    errors: int
    skipped: int
    not_run: int
    trends_failed: int
    lost: list[str]
    stopped: str | None
    findings: int
    seed: int
    error_budget: BudgetDocument
    wall_seconds: float
    profile: Literal["quick", "default", "full"]


class ProvenanceDocument(TypedDict):
    """Where the numbers come from: code, versions, machine and command."""

    created: str
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str]
    device: str
    threads: int
    command: str
    platform: str


class ReportDocument(TypedDict):
    """The whole document, plain JSON."""

    schema: Literal[1]
    claims: list[ClaimDocument]
    suite: SuiteDocument
    provenance: ProvenanceDocument


@dataclass(frozen=True, slots=True)
class Report:
    """What one run found: a document of schema 1 that has been checked, so that it can be written and rendered."""

    document: ReportDocument

    def __post_init__(self) -> None:
        _check_schema_number(self.document)
        check_shape(self.document, ReportDocument, "")
        for index, claim in enumerate(self.document["claims"]):
            _check_findings(claim, f"claims[{index}]")

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Return the report that `text` holds; raise `ReportError` when it is not a report of schema 1."""
        try:
            document = json.loads(text, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            raise ReportError(
                f"the report is not JSON: {error}. "
                f"It may have been cut short while it was written; run the claims again."
            ) from error
        return cls(cast(ReportDocument, document))

    def to_json(self) -> str:
        """Return the document as JSON text; raise `ReportError` where a number is NaN or infinite."""
        # Checked again: a document is a dictionary, and somebody may have written into it since.
        check_shape(self.document, ReportDocument, "")
        return json.dumps(self.document, allow_nan=False, ensure_ascii=False, indent=1) + "\n"

    @property
    def claims(self) -> list[ClaimDocument]:
        """The claims, in the order in which the run reported them."""
        return self.document["claims"]

    @property
    def suite(self) -> SuiteDocument:
        """The counts of the run and its error budget."""
        return self.document["suite"]

    @property
    def provenance(self) -> ProvenanceDocument:
        """Where the numbers come from."""
        return self.document["provenance"]


def check_claim(claim: ClaimDocument) -> None:
    """Raise `ReportError` unless a report can hold this claim."""
    check_shape(claim, ClaimDocument, "the claim")
    _check_findings(claim, "the claim")


def _check_findings(claim: ClaimDocument, path: str) -> None:
    for index, finding in enumerate(claim["findings"]):
        _check_finding(finding, f"{path}.findings[{index}]")


def _check_schema_number(document: object) -> None:
    if not isinstance(document, dict):
        raise ReportError(
            f"the report is a {type(document).__name__}; it must be a JSON object. Is this file a report.json?"
        )
    number = cast(dict[str, object], document).get("schema")
    if type(number) is not int or number != SCHEMA:
        raise ReportError(
            f"the report has schema {number!r}; this version of theorychecks reads schema {SCHEMA}. "
            f"Read it with the version that wrote it (see provenance.versions in the file), or run the claims again."
        )


def _check_finding(finding: FindingDocument, path: str) -> None:
    rows = len(finding["axis_values"])
    for name, length in (
        ("seeds", len(finding["seeds"])),
        ("values", len(finding["values"])),
        ("not_finite", len(finding["not_finite"])),
    ):
        if length != rows:
            raise ReportError(
                f"{path}.{name} has {length} entries and axis_values has {rows}; write one entry for each axis value."
            )
    interval = finding["interval"]
    if interval is not None and not (len(interval) == 2 and interval[0] <= interval[1]):
        raise ReportError(f"{path}.interval is {interval}; it must be [low, high] with low <= high, or null.")


def _refuse_constant(constant: str) -> NoReturn:
    raise ReportError(
        f"the report contains {constant}, which is not JSON; a report holds finite numbers only. "
        f"Write null, and count a run that is not finite in not_finite."
    )
