"""Subjects: what a sweep trains, an MLP as a `Training` describes it or anybody's `Model`, and which engine does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Final, NamedTuple

from theorychecks.engines import Run
from theorychecks.engines.choice import ENGINES, REFERENCE_RATES, Choice, choose
from theorychecks.engines.cost import batch_size
from theorychecks.engines.deferred import DeferredRun, code_of
from theorychecks.engines.matrix import Tally
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.experiment.resources import Resources
from theorychecks.models import Model
from theorychecks.models.examination import check_room
from theorychecks.models.model import OF_TRAINING
from theorychecks.networks import Training
from theorychecks.observables.observable import Observable
from theorychecks.planning import end_of_plan, planner

Subject = Training | Model

_NO_LIMIT: Final = 2**62
_COST: Final = 1.5
"""The power of the width at which a model's training time grows, for planning; its matrices alone would grow as its
square."""


class Trial(NamedTuple):
    """How a subject is trained at one width.

    Attributes:
        engine: that trains it.
        because: why, where another one was asked for.
        together: says how many networks it trains at once.
        run: of some seeds, from a root seed, counted by a tally; nothing is trained before something trained is read.
        code: for fingerprints, functions and classes that do it, and what else tells one trial from others.
        flops: floating-point operations of one training; 0 where no cost model knows them.
    """

    engine: str
    because: str
    together: Callable[[], int]
    run: Callable[[Sequence[int], int, Tally], Run]
    code: tuple[object, ...]
    flops: float = 0.0


def check_subject(given: object) -> None:
    """Refuse what cannot be trained.

    Raises:
        TypeError: with what can.
    """
    if not isinstance(given, Training | Model):
        raise TypeError(
            f"a sweep trains a Training or a Model; got {given!r}. Write tc.Training(network, learning_rate=..., "
            "data=..., loss=..., steps=...), or tc.Model(build, optimizer, batches, loss=...) for one of your own."
        )


def setting_of(subject: Subject) -> Mapping[str, str]:
    """What reports say of how the numbers come about."""
    if isinstance(subject, Model):
        steps = {} if subject.axis == "training length" else {"steps": str(subject.steps)}
        return {"model": subject.title, **steps}
    return {
        "parametrization": subject.network.parametrization.name,
        "loss": subject.loss.name,
        "optimizer": subject.optimizer.name,
        "data": f"{type(subject.data).__name__} {getattr(subject.data, 'seed', '')}".strip(),
    }


def costs_of(subject: Subject, widths: Sequence[int], observable: Observable) -> tuple[float, ...]:
    """What one value costs at each width: seconds on the machine of reference, or a power of the width for a model.

    Plans must not depend on the machine that carries them out, since pinned seeds are to give the same numbers.
    """
    networks = observable.networks
    if isinstance(subject, Model):
        power = 1.0 if subject.axis in OF_TRAINING else _COST
        return tuple(networks * width**power for width in widths)
    batch, found = batch_size(subject), []
    for width in widths:
        engine = choose(subject, width, retrains=observable.retrains, memory_budget=_NO_LIMIT, group=1).engine
        found.append(networks * REFERENCE_RATES[engine].seconds(ENGINES[engine].cost(subject, width), width, batch))
    return tuple(found)


def trials(subject: Subject, widths: Sequence[int], observable: Observable, resources: Resources) -> list[Trial]:
    """How the subject is trained at each width.

    Raises:
        ValueError: if the engine asked for cannot represent the training, or if a model is given another device
            than the CPU.
        ModelError: if a model cannot be trained as it is.
        MemoryError: if a width does not fit into the memory budget.
    """
    if isinstance(subject, Model):
        if not resources.on_cpu:
            raise ValueError(
                f"a device is for the package's own networks, and {subject.title} is a model, which stays where its "
                f"build puts it; got {resources.device!r}. Use Resources(device='cpu'), or run pytest on claims of "
                "models without --theory-device."
            )
        because = "" if resources.engine == "auto" else f"{resources.engine} trains no models of one's own"
        trainer, told_by = partial(trainer_of, subject, widths), tuple(widths[:2])
        return [_of_model(trainer, told_by, width, observable, because) for width in widths]
    found, budget = list[Choice](), resources.budget()
    for width in widths:
        ask = partial(
            choose,
            subject,
            width,
            retrains=observable.retrains,
            group=observable.networks,
            memory_budget=budget,
            rates=resources.rates,
            on_cpu=resources.on_cpu,
        )
        choice = ask(wanted=resources.engine)
        # Once the matrix-free engine is faster it is taken for all wider networks.
        if choice.engine == "dense" and found and found[-1].engine == "matrix_free":
            choice = ask(wanted="matrix_free")
        found.append(choice)
    return [_of_mlp(subject, width, observable, c, resources.device) for width, c in zip(widths, found, strict=True)]


def _of_mlp(training: Training, width: int, observable: Observable, choice: Choice, device: str) -> Trial:
    def run(seeds: Sequence[int], root_seed: int, tally: Tally) -> Run:
        return DeferredRun(training, width, seeds, root_seed, choice, device, tally, observable.times)

    code, flops = code_of(choice.engine), ENGINES[choice.engine].cost(training, width).flops
    return Trial(choice.engine, choice.because, lambda: choice.together, run, code, flops)


def _of_model(
    trainer: Callable[[], Trainer], told_by: tuple[int, ...], width: int, observable: Observable, because: str
) -> Trial:
    def run(seeds: Sequence[int], root_seed: int, tally: Tally) -> Run:
        times = range(trainer().steps_at(width) + 1) if observable.times == "all" else None
        return ModuleRun(trainer(), width, seeds, root_seed=root_seed, times=times, tally=tally)

    return Trial("module", because, lambda: trainer().together(width), run, (ModuleRun, Trainer, told_by))


def rehearse(subject: Subject, widths: Sequence[int]) -> None:
    """Build and call a model at all widths, before minutes are spent on training it at some.

    Raises:
        ModelError: if one of that fails, is another architecture, or is too large.
    """
    if isinstance(subject, Model):
        trainer = trainer_of(subject, widths)
        check_room(subject, trainer.anatomy, widths[-1])
        for width in widths:
            trainer.blueprint(width)


def trainer_of(model: Model, widths: Sequence[int]) -> Trainer:
    """What trains a model at these widths.

    Raises:
        ModelError: if the model cannot be trained as it is.
    """
    if planner.get() is not None:
        end_of_plan("a model says what it has to be asked once it is trained")
    return _trainer(model, tuple(widths[:2]))


@lru_cache(maxsize=8)
def _trainer(model: Model, narrowest: tuple[int, ...]) -> Trainer:
    """A model examined at its two narrowest widths, where it is built and trained a few times; one for all looks."""
    return Trainer(model, narrowest, steps=model.steps or 1)
