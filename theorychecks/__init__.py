"""A scientific test harness for theory predictions about wide neural networks.

A claim is a test: it fits a scaling exponent across widths and compares its interval with what theory allows.
Public names stand in `__init__.pyi`, line by line "from HOME import NAME as NAME". They load when first used, so that
importing the package does not import torch.
"""

import importlib

# Not by pkgutil, which takes longer to import than all of this.
_LINES = __spec__.loader.get_data(f"{__path__[0]}/__init__.pyi").decode().splitlines()
_HOME = {line.split()[3]: line.split()[1] for line in _LINES if line.startswith("from ")}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
