"""Threads that claims run on, in every process of a run."""

from __future__ import annotations

from typing import Final

THREADS: Final = 1
"""Threads a process runs a claim on: workers share the cores among them, and numbers must not depend on how many."""


class capped_threads:  # noqa: N801 - reads as the statement it is in `with`
    """Cap torch's threads inside a block, and restore them after it."""

    def __enter__(self) -> None:
        import torch

        self._before = torch.get_num_threads()
        torch.set_num_threads(THREADS)

    def __exit__(self, *_: object) -> None:
        import torch

        torch.set_num_threads(self._before)
