"""Reports: what a run found, as JSON, Markdown, and one HTML page; pure functions of a `Report`, without torch."""

from theorychecks.reporting.codec import ReportError as ReportError
from theorychecks.reporting.markdown import render_markdown as render_markdown
from theorychecks.reporting.report import SCHEMA as SCHEMA
from theorychecks.reporting.report import ClaimRecord as ClaimRecord
from theorychecks.reporting.report import Report as Report
from theorychecks.reporting.report import Suite as Suite
