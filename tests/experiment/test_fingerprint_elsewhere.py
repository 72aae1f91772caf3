"""What makes numbers has one fingerprint wherever the package lies, or evidence would be of no use in a clone."""

import shutil
import subprocess
import sys
from pathlib import Path

import theorychecks

PROGRAM = """
import theorychecks
from theorychecks.engines.deferred import code_of
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.experiment import Draw
from theorychecks.experiment.fingerprint import fingerprint
print(theorychecks.__file__)
for code in (*code_of("dense"), *code_of("matrix_free"), ModuleRun, Trainer, Draw):
    print(getattr(code, "__qualname__", type(code)), fingerprint(code))
"""


def printed(directory):
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(directory)!r}); {PROGRAM}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


def test_another_directory_changes_no_fingerprint(tmp_path):
    here = Path(theorychecks.__file__).parents[1]
    shutil.copytree(here / "theorychecks", tmp_path / "theorychecks", ignore=shutil.ignore_patterns("__pycache__"))
    (place, *one), (other_place, *other) = printed(here), printed(tmp_path)
    assert place != other_place
    assert one == other
    assert len(one) >= 5
