"""Draws the README's picture: `python tests/picture.py` runs the README's claim and writes the figure of its verdict.

The claim runs on one engine, whose networks are the same on every machine.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from theorychecks.reporting import Report
from theorychecks.reporting.plots import plot_finding

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "theorychecks" / "guide" / "verdict.svg"
STYLE = """
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
:root { --plot-ink: #40464f; --plot-grid: #dfe3e8; --plot-runs: #7d8794; --plot-fit: #1b66c9;
  --plot-predicted: #16803c; --plot-rival: #b4490e; --plot-control: #8b3fb0; }
@media (prefers-color-scheme: dark) {
  :root { --plot-ink: #c3cad3; --plot-grid: #2c333d; --plot-runs: #8f9bab; --plot-fit: #6aaeff;
    --plot-predicted: #5fcf8b; --plot-rival: #ff9d5c; --plot-control: #d394f5; }
}
"""


def claim_of_the_readme():
    """The text of the README's claim, as a user pastes it into a file."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```python\n([^`]*@tc\.claim.*?)```", readme, flags=re.DOTALL)
    return text


def measured(directory):
    """The report of a run of the claim in a directory that has nothing else."""
    (directory / "test_claim.py").write_text(claim_of_the_readme(), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--theory-engine=dense", "test_claim.py"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return Report.from_json((directory / "reports/latest/report.json").read_text(encoding="utf-8"))


def drawn(report):
    """The figure of the claim's first prediction beside its control, in colours for light and dark pages."""
    (claim,) = report.claims
    prediction = next(finding for finding in claim.findings if finding.role == "prediction")
    control = next(f for f in claim.findings if f.role == "control" and f.label == prediction.label)
    plot = plot_finding(prediction, control)
    _, _, width, height = re.search(r'viewBox="([^"]*)"', plot)[1].split()
    size = f'viewBox="0 0 {width} {height}" width="{1.4 * float(width):.0f}" height="{1.4 * float(height):.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{plot.strip()}\n</svg>\n'


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        PICTURE.write_text(drawn(measured(Path(directory))), encoding="utf-8")
