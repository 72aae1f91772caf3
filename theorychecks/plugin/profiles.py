"""Profiles: how many settings of a claim are judged, and how wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

PROFILES: Final = ("quick", "default", "full")
_EXAMPLES: Final = {"quick": 0, "default": 2, "full": 20}
"""Settings drawn by Hypothesis for each claim, besides the explicit ones."""
_SEED: Final = 0
"""Of the settings that are drawn."""
_OWN_SEED: Final = "_hypothesis_internal_use_seed"
"""Where Hypothesis keeps the seed that a test brings by its own @seed."""
OCTAVES: Final = {"quick": 0, "default": 0, "full": 1}
"""Octaves of width added to every sweep."""


def apply_profile(test: object, profile: str, *, seeded: bool) -> str | None:
    """Derive a claim's Hypothesis settings from the active ones, and say what is wrong if it brings its own.

    Failures are recorded, never raised, so Hypothesis has nothing to shrink or to keep. Every claim draws its settings
    from one seed, unless the user gave Hypothesis another: by their own text they would change with every margin and
    every sentence, and all that was measured would have to be measured again.
    """
    if not hasattr(test, "hypothesis") or hasattr(test, _APPLIED):
        return None
    from hypothesis import HealthCheck, Phase, seed, settings
    from hypothesis.errors import InvalidArgument

    examples = _EXAMPLES[profile]
    active = cast(settings, settings.default)
    phases: Sequence[Phase] = (Phase.explicit, Phase.generate) if examples else (Phase.explicit,)
    derived = settings(
        active,
        max_examples=max(examples, 1),
        phases=phases,
        derandomize=False,
        database=None,
        deadline=None,
        suppress_health_check=[*active.suppress_health_check, HealthCheck.too_slow],
    )
    try:
        derived(cast(Any, test))
    except InvalidArgument:
        # Hypothesis refuses settings on top of settings.
        return "a claim takes its Hypothesis settings from --theory-profile. Remove its own @settings."
    if not seeded and getattr(test, _OWN_SEED, None) is None:
        seed(_SEED)(cast(Any, test))
    setattr(test, _APPLIED, profile)
    return None


def no_setting(test: object, profile: str) -> str | None:
    """Why a claim that Hypothesis did not run has no setting under a profile, if that is why."""
    if _EXAMPLES[profile] or not hasattr(test, "hypothesis"):
        return None
    return (
        f"the {profile} profile runs explicit @example settings only, and this claim has none. "
        "Add the canonical setting as @example(...)."
    )


_APPLIED: Final = "__theorychecks_profile__"
