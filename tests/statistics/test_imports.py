"""The statistics need numpy and scipy only."""

import subprocess
import sys


def test_statistics_import_neither_torch_nor_a_test_runner():
    program = (
        "import sys, theorychecks.statistics; "
        "print(*sorted({'torch', 'hypothesis', 'pytest', 'scipy.stats', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    # Half a second of scipy.stats is for those who compare whole laws.
    assert done.stdout.split() == ["numpy"]
