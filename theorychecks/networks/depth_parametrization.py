"""Parametrizations along the depth: how blocks and their learning rates scale with how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class DepthParametrization:
    """Depth exponents of residual networks x + L^-a block(x), as powers of 1/L.

    Under Adam the rate in blocks is L^(a - 1) of what it is elsewhere, so that their updates move the stream by
    Theta(1).

    Attributes:
        name: what reports call it.
        multiplier: a, of the factor on what a block adds to the residual stream.
    """

    name: str
    multiplier: float


COMPLETE_P: Final = DepthParametrization(name="CompleteP", multiplier=1.0)
"""Every block learns features at every depth (Dey et al. 2025, arXiv:2505.01618)."""

DEPTH_MUP: Final = DepthParametrization(name="depth maximal update", multiplier=0.5)
"""The stream moves as much as it can, and blocks change by L^-1/2 (Yang et al. 2023, arXiv:2310.02244)."""
