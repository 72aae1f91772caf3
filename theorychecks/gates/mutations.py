"""Mutations: named breakages of a model's own set-up, and whether its gate catches them; its power certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from textwrap import shorten
from typing import Final

import torch
from torch import Tensor

from theorychecks.claims import ClaimFailure, ClaimUndecided
from theorychecks.claims.recording import now_recording
from theorychecks.experiment import Sweep
from theorychecks.experiment.subjects import trainer_of
from theorychecks.finding import Finding
from theorychecks.gates.controls import controls
from theorychecks.gates.coordinate_check import STEPS, CoordinateCheck, checked, swept
from theorychecks.gates.values import chosen_values
from theorychecks.judging import Conditions, relabelled
from theorychecks.models import Adjustment, Anatomy, Model
from theorychecks.models.adjusted import adjusted_model
from theorychecks.models.checks import groups_of, optimizer_of
from theorychecks.models.model import copied, tensors_in
from theorychecks.models.state import as_it_was, weights_as_they_were
from theorychecks.models.training import drawn
from theorychecks.networks import Parametrization

BUDGET = 8
_READOUTS = 16
"""Drawn to see how large outputs are."""
_LARGE_EPSILON = 10.0
"""In root mean squares of the hidden gradient at the narrowest width, so that it sets the size of every update."""


@dataclass(frozen=True)
class Mutation:
    """A breakage of a set-up.

    Attributes:
        name: of what it breaks: "readout init".
        change: what it does, r being the width over the narrowest one.
        exponent: by how much it changes a width exponent.
        adjust: what is done at a ratio of widths r.
    """

    name: str
    change: str
    exponent: float
    adjust: Callable[[float], Adjustment]


@dataclass(frozen=True)
class Mutated:
    """A mutation, and what the gate said of it."""

    mutation: Mutation
    check: CoordinateCheck

    @property
    def caught(self) -> bool:
        """Whether the gate failed."""
        return self.check.failed


@dataclass(frozen=True)
class Certificate:
    """Which breakages of a set-up its gate catches.

    Attributes:
        title: of the model.
        mutated: one for each mutation.
        skipped: names of mutations for which the set-up has nothing to break, and why.
    """

    title: str
    mutated: tuple[Mutated, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def missed(self) -> list[str]:
        """Names of mutations that the gate did not catch, where it passed or was undecided."""
        return [one.mutation.name for one in self.mutated if not one.caught]

    def __str__(self) -> str:
        caught = len(self.mutated) - len(self.missed)
        rows = [("mutation", "what is done", "nominally", "caught", "diagnosis")]
        for one in self.mutated:
            diagnosis = one.check.diagnosis
            said = str(diagnosis.culprits[0]).partition(" (")[0] if diagnosis.culprits else f"at {diagnosis.first}"
            told = shorten(said, _LONGEST, placeholder=" ...") if one.caught else "-"
            mutation = one.mutation
            rows.append((mutation.name, mutation.change, f"n^{mutation.exponent:+g}", _YES[one.caught], told))
        rows += [(name, why, "-", "-", "nothing to break") for name, why in self.skipped]
        lengths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(length) for cell, length in zip(row, lengths, strict=True)) for row in rows]
        heading = f"{self.title}: {caught} of {len(self.mutated)} mutations are caught"
        return "\n".join([heading, *(line.rstrip() for line in lines)])


_YES = {True: "yes", False: "NO"}
_LONGEST: Final = 100
"""Characters of a diagnosis in a table; the findings of the check have the rest."""


def mutations(
    model: Model,
    parametrization: Parametrization,
    *,
    widths: Sequence[int],
    steps: int = STEPS,
    names: Sequence[str] | None = None,
    budget: int = BUDGET,
) -> Certificate:
    """Break a set-up in named ways, run its coordinate check on each, and report which ones it catches.

    Each is recorded as a control: the coordinate that shows it first must be REFUTED, and a gate fails that passes a
    mutation, and on fresh seeds again. Powers of the width are nominal: a large weight decay saturates over some steps,
    and a large epsilon adds what gradients do.

    Args:
        model: that passes its own coordinate check.
        parametrization: that it is meant to have.
        widths: five or more.
        steps: of training.
        names: of mutations; all that there is something to break for unless given.
        budget: of each check, see `Sweep`.

    Raises:
        ClaimFailure: outside of a claim run by pytest, if the gate passes one.
        ClaimUndecided: likewise, if the gate passes none and is undecided about one.
        ModelError: if the model cannot be gated.
        ValueError: for names that are none.
    """
    sweep = swept(model, parametrization, chosen_values(model, widths=widths), steps=steps, budget=budget)
    assert isinstance(sweep.training, Model)
    model = sweep.training
    known, skipped = mutations_of(model, trainer_of(model, sweep.widths).anatomy, sweep.widths)
    if names is not None:
        known, skipped = _chosen(names, known, skipped), {}
    if not known:
        raise ValueError(f"{model.title}: no mutation is asked for, or there is nothing to break; names=None takes all")
    recorder = now_recording.get()
    conditions = replace(recorder.conditions if recorder else Conditions(), announces=False)
    found = []
    for mutation in known:
        mutated = replace(sweep, training=adjusted_model(model, _at_width(mutation, sweep.widths[0])))
        check = checked(mutated, parametrization, conditions)
        found.append(Mutated(mutation, check))
        if recorder is not None:
            again = partial(_findings, mutated.redrawn(1), parametrization, conditions)
            # The coordinate that shows a mutation first stands for all that do.
            shown = controls(check.findings, again)[0]
            label = f"mutation {mutation.name}: {shown.label}"
            recorder.add(relabelled(shown, label, {**shown.setting, "mutation": mutation.name}))
    certificate = Certificate(model.title, tuple(found), tuple(skipped.items()))
    if recorder is not None:
        recorder.notes.append(str(certificate))
    elif any(one.check.passed for one in found):
        raise ClaimFailure(str(certificate))
    elif certificate.missed:
        raise ClaimUndecided(str(certificate))
    return certificate


def mutations_of(model: Model, parts: Anatomy, widths: Sequence[int]) -> tuple[list[Mutation], dict[str, str]]:
    """Mutations that break something in this set-up, and those that do not, with the reason."""
    by_role = {
        role: [part.name for part in parts.parameters if part.role == role] for role in ("input", "hidden", "output")
    }
    readouts = list(dict.fromkeys(part.module for part in parts.parameters if part.role == "output"))
    attends = any(part.role == "attention logits" and part.grows for part in parts.modules.values())
    epsilon = _large_epsilon(model, parts, widths[0])
    tied = set(by_role["output"]) & set(by_role["input"])
    every: list[tuple[Mutation, str]] = [
        (
            _readout_init(model, by_role["output"], widths),
            "" if by_role["output"] and not tied else "no readout of its own",
        ),
        (
            Mutation(
                "hidden learning rate",
                "r times as large",
                1.0,
                lambda r: Adjustment(updates=dict.fromkeys(by_role["hidden"], r)),
            ),
            "" if by_role["hidden"] else "no hidden matrix",
        ),
        (
            Mutation(
                "input learning rate",
                "r times as small",
                -1.0,
                lambda r: Adjustment(updates=dict.fromkeys(by_role["input"], 1 / r)),
            ),
            "" if by_role["input"] else "no input matrix",
        ),
        (
            Mutation("attention scale", "r^1/2 times as large", 0.5, lambda r: Adjustment(attention=r**0.5)),
            "" if attends else "no attention whose heads grow",
        ),
        (
            Mutation(
                "missing multiplier",
                "readout r times as large",
                1.0,
                lambda r: Adjustment(outputs=dict.fromkeys(readouts, r)),
            ),
            "" if readouts and "" not in readouts else "no readout that is a module of its own",
        ),
        (
            Mutation("optimizer epsilon", f"{epsilon:.2g} throughout", -1.0, lambda _: Adjustment(epsilon=epsilon)),
            "" if epsilon else "no epsilon in the optimizer, or no hidden matrix",
        ),
        (
            Mutation(
                "weight decay",
                "r parts in 32 a step",
                1.0,
                lambda r: Adjustment(decay=dict.fromkeys(by_role["hidden"], min(r / 32, 1.0))),
            ),
            "" if by_role["hidden"] else "no hidden matrix",
        ),
    ]
    return [m for m, why in every if not why], {m.name: why for m, why in every if why}


def _readout_init(model: Model, readouts: Sequence[str], widths: Sequence[int]) -> Mutation:
    """Readouts r^1/2 times as large at the start; those that are zero are drawn so that outputs stay Theta(1)."""
    sizes = {width: _output_size(model, readouts, width) for width in widths[:2]} if readouts else {}
    if not sizes or not all(sizes.values()):
        scaled = "drawn r^1/2 times as large"
        return Mutation("readout init", scaled, 0.5, lambda r: Adjustment(initial=dict.fromkeys(readouts, r**0.5)))
    first, second = sizes.values()
    power = round(2 * math.log(second / first) / math.log(widths[1] / widths[0])) / 2
    return Mutation(
        "readout init",
        "drawn instead of zero, outputs of order one",
        0.5,
        lambda r: Adjustment(redrawn=dict.fromkeys(readouts, 1 / first / r**power)),
    )


def _output_size(model: Model, readouts: Sequence[str], width: int) -> float:
    """Root mean square of the outputs with readouts of order one; zero where readouts are drawn anyway."""
    with as_it_was():
        start = drawn(model, width, (0,), 0, 1)
        with weights_as_they_were(start.module), torch.no_grad():
            if any(start.module.get_parameter(name).any() for name in readouts):
                return 0.0
            squares = []
            for _ in range(_READOUTS):
                for name in readouts:
                    start.module.get_parameter(name).normal_()
                outputs = tensors_in(model.outputs_and_loss(start.module, copied(start.batches[0]))[0])
                squares += [float(max(outputs.values(), key=Tensor.numel).square().mean())] if outputs else [0.0]
            return math.sqrt(sum(squares) / len(squares))


def _chosen(names: Sequence[str], known: Sequence[Mutation], skipped: dict[str, str]) -> list[Mutation]:
    by_name = {mutation.name: mutation for mutation in known}
    for name in names:
        if name not in by_name:
            why = f": {skipped[name]}" if name in skipped else ""
            raise ValueError(f"there is no mutation {name!r} of this model{why}; there are {', '.join(by_name)}")
    return [by_name[name] for name in names]


def _findings(sweep: Sweep, parametrization: Parametrization, conditions: Conditions) -> tuple[Finding, ...]:
    return checked(sweep, parametrization, conditions).findings


def _at_width(mutation: Mutation, narrow: int) -> Callable[[int], Adjustment]:
    return lambda width: mutation.adjust(width / narrow)


def _large_epsilon(model: Model, parts: Anatomy, narrow: int) -> float:
    """An epsilon that sets the size of updates after the first one; zero where the optimizer has none."""
    hidden = [part.name for part in parts.parameters if part.role == "hidden"]
    with as_it_was():
        start = drawn(model, narrow, (0,), 0, 1)
        with weights_as_they_were(start.module):
            optimizers = optimizer_of(model, start.module, narrow)
            if not isinstance(optimizers, list) or not any("eps" in group for group in groups_of(optimizers)):
                return 0.0
            # Behind a readout that is zero there is no gradient before the first step.
            for _ in range(2):
                start.module.zero_grad()
                loss = model.outputs_and_loss(start.module, copied(start.batches[0]))[1]
                loss.backward()  # type: ignore[no-untyped-call]
                gradients = [start.module.get_parameter(name).grad for name in hidden]
                squares = [float(gradient.square().mean()) for gradient in gradients if gradient is not None]
                for optimizer in optimizers:
                    optimizer.step()
        return float(f"{_LARGE_EPSILON * math.sqrt(sum(squares) / len(squares)):.1e}") if squares else 0.0
