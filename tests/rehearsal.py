"""A directory in which the commands of a document run as a reader types them."""

import os
import subprocess
import sys

from tests.documents import ROOT, blocks, text_of
from tests.forked.python import forked_python

SHIMS = {
    "pytest": "-m pytest -p no:cacheprovider --assert=plain",
    "python": "",
    "theorychecks": '-c "from theorychecks.cli.main import main; main()"',
}
SHOWN_RED = {
    "pytest test_gate.py": 1,
    "pytest test_gate.py --theory-inconclusive=fail": 1,
    "theorychecks gate hf:gpt2": 1,
}
"""The README's gate fails, which is what it is there for, and so does what scales as it comes."""


class Rehearsal:
    """A reader's directory: the README's files, a small catalogue, and the programs that documents name."""

    def __init__(self, directory):
        self.directory = directory
        (programs := directory / "bin").mkdir()
        for name, words in SHIMS.items():
            python = forked_python() if words else sys.executable
            (programs / name).write_text(f'#!/bin/sh\nexec "{python}" {words} "$@"\n', encoding="utf-8")
            (programs / name).chmod(0o755)
        gate, mended, claim = [code for _, code in blocks(text_of(ROOT / "README.md"), "python")]
        self.write("test_gate.py", gate)
        self.write("tests/test_scaling.py", mended_gate(gate, mended))
        self.write("my_model.py", mended_gate(gate, mended))
        self.write("test_claim.py", claim)
        self.write("properties/test_drift.py", claim.replace('id="drift"', 'id="drift", evidence=True'))
        outer = ("PYTEST_", "GITHUB_", "HYPOTHESIS_", "COLUMNS", "CI")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self.environment = {
            **inherited,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": paths,
            "OMP_NUM_THREADS": "1",
            "SLURM_ARRAY_TASK_ID": "1",
        }

    def write(self, name, text):
        """Write a file of the reader's."""
        (self.directory / name).parent.mkdir(exist_ok=True)
        (self.directory / name).write_text(text, encoding="utf-8")

    def run(self, command):
        """Run a command as it is typed; return its exit code and what it printed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return done.returncode, done.stdout


def mended_gate(gate, mended):
    """The README's gate with the two functions that it says to write in the place of its own."""
    begins, ends = gate.index("def build"), gate.index("inputs =")
    return f"{gate[:begins]}{mended}\n{gate[ends:]}"
