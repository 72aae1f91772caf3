"""Evidence of claims that take long: which run takes it, which one writes it, and what is said of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest

from theorychecks.plugin.items import claim_of

if TYPE_CHECKING:
    from theorychecks.claims import Claim
    from theorychecks.experiment import Resources
    from theorychecks.reporting.report import ClaimRecord

DIRECTORY: Final = Path("reports", "evidence")
"""Where it is, a file for each claim, under the root directory."""
CHOICES: Final = ("use", "none", "write")
MOST_BYTES: Final = 20_000_000
"""Of all files: they are committed, and come with every clone."""
_USUAL: Final = {
    "--theory-seed": 0,
    "--theory-engine": "auto",
    "--theory-device": "cpu",
    "--theory-budget": None,
    "--hypothesis-seed": None,
}
"""Options that say which numbers are asked for, as they are where nobody sets them."""


def writes(config: pytest.Config) -> bool:
    """Whether the run writes evidence."""
    return bool(config.getoption("--theory-evidence") == "write")


def check_evidence(config: pytest.Config) -> None:
    """Refuse to write evidence that no ordinary run would ask for, or that cannot be written, before it is measured.

    Raises:
        pytest.UsageError: naming the option, or the directory.
    """
    if not writes(config):
        return
    other = "" if config.getoption("--theory-profile") == "default" else "--theory-profile"
    if other := other or _asking_for_others(config):
        raise pytest.UsageError(
            "--theory-evidence=write keeps what ordinary runs of the default profile ask for, so that they find it. "
            f"Leave {other} out."
        )
    place = config.rootpath / DIRECTORY
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise pytest.UsageError(
            f"no evidence can be written to {place}: {error.strerror}. Make room for this directory."
        ) from error


def _asking_for_others(config: pytest.Config) -> str:
    """The option by which a run asks for other numbers than evidence has; none where it does not."""
    return next((name for name, usual in _USUAL.items() if config.getoption(name, default=usual) != usual), "")


def resources_of(config: pytest.Config, resources: Resources, claim: Claim, parameters: str) -> Resources:
    """What one claim may use of what its process may: its evidence, where it has some.

    A claim with evidence has the same engines on every machine, chosen by rates of one of them: each engine draws
    networks of its own.

    Args:
        config: of the run.
        resources: of this process.
        claim: which.
        parameters: of its test, as pytest names them; each has a file of its own.
    """
    if not claim.evidence:
        return resources
    resources = replace(resources, calibration=None)
    taken = config.getoption("--theory-evidence") != "none" and config.getoption("--theory-profile") != "full"
    if not taken or _asking_for_others(config) or resources.stored is None:
        return resources
    from theorychecks.experiment import Cells
    from theorychecks.store import Evidence

    found = Evidence(_path(config, claim, parameters), claim.id)
    if not writes(config):
        return replace(resources, stored=replace(resources.stored, evidence=found))
    # What this process remembers does not say where it comes from.
    return replace(resources, cells=Cells(), stored=replace(resources.stored, evidence=found, used={}))


def leave_out_others(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out all tests but claims with evidence, where that is going to be written."""
    if not writes(config):
        return
    marked = [item for item in items if (claim := claim_of(item)) is not None and claim.evidence]
    config.hook.pytest_deselected(items=[item for item in items if item not in marked])
    items[:] = marked


def written(
    config: pytest.Config, resources: Resources | None, claim: ClaimRecord, parameters: str
) -> dict[str, list[str]]:
    """Write the evidence of a claim that has come to a verdict, if that is wanted; what `StoreUse` is to know of it."""
    if not writes(config) or not claim.evidence or claim.outcome not in ("pass", "fail", "inconclusive"):
        return {}
    from theorychecks.store import StoreError, write_archive

    assert resources is not None
    assert resources.stored is not None
    path, used = _path(config, claim, parameters), resources.stored.used
    if not used:
        return {"problems": [f"{claim.id} has no evidence: it measures nothing that a store could keep"]}
    try:
        write_archive(path, used.values())
    except StoreError as error:
        return {"problems": [f"{claim.id} has no evidence of this run: {error}"]}
    return {"written": [path.name]}


def _path(config: pytest.Config, claim: Claim, parameters: str) -> Path:
    """Of a claim's evidence. Different claims have different names, and most can be read."""
    name = "/".join(filter(None, (claim.id, parameters)))
    safe = quote(name, safe=",=").replace("_", "%5F").replace("%2F", "_")
    return config.rootpath / DIRECTORY / f"{safe}.jsonl.gz"


def lines(config: pytest.Config, files: Collection[str]) -> list[str]:
    """What is said at the end of a run that writes evidence."""
    if not writes(config):
        return []
    place = config.rootpath / DIRECTORY
    size = sum(path.stat().st_size for path in place.glob("*.jsonl.gz"))
    shown = os.path.relpath(place, config.invocation_params.dir)
    has = f"{size / 1e6:.3g} of {MOST_BYTES / 1e6:g} MB"
    found = [f"evidence: {len(files)} files were written to {shown}, which has {has}"]
    if size > MOST_BYTES:
        found.append(
            f"WARNING: {shown} is larger than what comes with every clone should be. Mark fewer claims by "
            "evidence=True, and delete the files of the others."
        )
    return found
