"""A Python that has torch imported, for tests that start many processes.

An import of torch and of what else the package needs takes 2.5 seconds of a processor. A server imports it once in each
process that runs tests, and forks. What a fork inherits is what any Python would have after these imports; a test of
what is imported, or of an installation, takes `sys.executable`.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTER = ("PYTEST_", "HYPOTHESIS_", "GITHUB_", "CI", "TF_BUILD")
"""Nothing of the outer run must show through."""


@cache
def forked_python():
    """The path of a program that is called as `python -m MODULE ...` and `python -c CODE ...` are."""
    directory = Path(tempfile.mkdtemp(prefix="forked-python-"))
    program = directory / "python"
    client = Path(__file__).with_name("client.py").read_text(encoding="utf-8")
    program.write_text(f"#!{sys.executable} -IS\n{client}", encoding="utf-8")
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forked.server", directory],
        cwd=ROOT,
        env={**kept, "OMP_NUM_THREADS": "1", "HYPOTHESIS_NO_PLUGINS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def end():
        server.stdin.close()
        server.wait(30)
        server.stdout.close()
        shutil.rmtree(directory)

    atexit.register(end)
    assert server.stdout.readline() == "ready\n"
    return str(program)
