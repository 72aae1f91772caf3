"""Reports: what a run found, as JSON, Markdown, and one HTML page; pure functions of a `Report`, without torch."""

from theorychecks.reporting.html import render_html as render_html
from theorychecks.reporting.markdown import render_markdown as render_markdown
from theorychecks.reporting.plots import plot_finding as plot_finding
from theorychecks.reporting.report import (
    SCHEMA as SCHEMA,
)
from theorychecks.reporting.report import (
    BudgetDocument as BudgetDocument,
)
from theorychecks.reporting.report import (
    ClaimDocument as ClaimDocument,
)
from theorychecks.reporting.report import (
    FindingDocument as FindingDocument,
)
from theorychecks.reporting.report import (
    FiniteSizeClassDocument as FiniteSizeClassDocument,
)
from theorychecks.reporting.report import (
    FlagDocument as FlagDocument,
)
from theorychecks.reporting.report import (
    PredictionDocument as PredictionDocument,
)
from theorychecks.reporting.report import (
    ProvenanceDocument as ProvenanceDocument,
)
from theorychecks.reporting.report import (
    Report as Report,
)
from theorychecks.reporting.report import (
    ReportDocument as ReportDocument,
)
from theorychecks.reporting.report import (
    SuiteDocument as SuiteDocument,
)
from theorychecks.reporting.schema import ReportError as ReportError
