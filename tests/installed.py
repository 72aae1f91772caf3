"""Packages that some tests install for themselves, since they are no dependencies."""

import subprocess
import sys

import pytest


def installed(factory, package):
    """A directory to import a package from, without what it depends on; the test is skipped where there is none."""
    target = factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["?"])[-1]
        pytest.skip(f"the package {package} cannot be installed here: {said}")
    return str(target)
