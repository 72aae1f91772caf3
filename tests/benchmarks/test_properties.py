"""The whole of `pytest properties`, and what of its time is not training."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_whole_of_properties(note, tmp_path):
    environment = os.environ | {
        "TIME_OUTSIDE_ENGINES": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [sys.executable, "-m", "pytest", "properties", "-n", "auto", "-p", "time_outside_engines"]
    started = time.perf_counter()
    done = subprocess.run([*command, f"--theory-report={tmp_path}"], cwd=ROOT, env=environment, capture_output=True)
    wall = time.perf_counter() - started
    assert done.returncode == 0, done.stdout.decode()[-3000:]
    spent = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("[0-9]*.json")]
    claims, engines = (sum(each[name] for each in spent) for name in ("claims", "engines"))
    outside = 1 - engines / claims
    note(
        "pytest properties -n auto",
        f"{wall:.0f} s, {outside:.0%} of the claims' time outside the engines",
        "15 minutes on 2 cores",
        seconds=wall,
        outside=outside,
    )
    assert wall < 900
