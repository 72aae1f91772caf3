"""Sweep: an observable of a training over widths and seeds; a description, so that it can be varied and extended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, fields, replace
from typing import Any, Final

from theorychecks.engines.matrix import Tally
from theorychecks.engines.module.trainer import check_roles_show
from theorychecks.experiment.cells import Cell
from theorychecks.experiment.design import Design
from theorychecks.experiment.ends import ends_of
from theorychecks.experiment.resources import Resources
from theorychecks.experiment.subjects import Subject, Trial, check_subject, costs_of, rehearse, setting_of, trials
from theorychecks.models import Model
from theorychecks.models.model import OF_TRAINING, plural_of
from theorychecks.networks import LearningRate, Parametrization, Training
from theorychecks.observables.coordinates import Coordinates
from theorychecks.observables.decay_time import DecayTime
from theorychecks.observables.observable import Observable, Readings, check_observable
from theorychecks.observables.optimal_rate import OptimalLearningRate
from theorychecks.statistics.axis import check_order
from theorychecks.statistics.design import check_widths
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.parts import check_names

_NONE: Final = ()


@dataclass(frozen=True)
class Sweep(Design):
    """What to measure, on what, at which widths and over how many networks.

    Attributes:
        observable: what to read.
        training: what to train: a `Training` of an MLP, or a `Model` of anybody's.
        widths: increasing; an exponent needs a factor of 8 or more, see `widths`.
        depths, heads, experts, batch_sizes, training_lengths: in the place of widths, of a model along that axis.
        budget: the most that a verdict may cost, as so many networks at every width; 16 unless given. Looks at a 64th,
            a 16th, a quarter and all of it are planned from the noise, and the first that decides is the last.
        seeds: takes the place of a budget: so many independent networks a width, or one number for each width, and
            one look.
        root_seed: another one draws other networks everywhere; below 2^32.
        block: of root seeds. Claims are drawn from block 0; a run's seed and a confirmation on fresh seeds take others.
        selection: only readings with these parts are judged; see `of`.
    """

    observable: Observable
    training: Subject
    widths: tuple[int, ...] = field(default=_NONE, kw_only=True)
    depths: InitVar[Sequence[int] | None] = field(default=None, kw_only=True)
    heads: InitVar[Sequence[int] | None] = field(default=None, kw_only=True)
    experts: InitVar[Sequence[int] | None] = field(default=None, kw_only=True)
    batch_sizes: InitVar[Sequence[int] | None] = field(default=None, kw_only=True)
    training_lengths: InitVar[Sequence[int] | None] = field(default=None, kw_only=True)

    def __post_init__(
        self,
        depths: Sequence[int] | None,
        heads: Sequence[int] | None,
        experts: Sequence[int] | None,
        batch_sizes: Sequence[int] | None,
        training_lengths: Sequence[int] | None,
    ) -> None:
        check_observable(self.observable)
        check_subject(self.training)
        given = {
            "depths": depths,
            "heads": heads,
            "experts": experts,
            "batch_sizes": batch_sizes,
            "training_lengths": training_lengths,
        }
        self._settle_values({name: values for name, values in given.items() if values is not None})
        object.__setattr__(self, "widths", check_widths(self.widths, self.axis))
        check_order(self.widths, axis=self.axis)
        if isinstance(self.training, Model):
            check_roles_show(self.widths)
            if self.axis not in ("width", *OF_TRAINING) and not isinstance(self.observable, (Coordinates, DecayTime)):
                raise TypeError(
                    f"{self.training.title} is a model along the {self.axis}, of which coordinates and times of decay "
                    f"are read alone; got {self.observable!r}. Use tc.coordinate_check(..., "
                    f"{plural_of(self.axis)}=...), or a model along the width."
                )
            if self.axis == "batch size" and isinstance(self.observable, OptimalLearningRate):
                raise TypeError(
                    f"{self.training.title} is a model along the batch size, and the best rate is read off the loss of "
                    "its first batch, which it has trained on: the smaller that is the more of it is learned by heart. "
                    'Read the loss of other samples in a tc.quantity(along="batch size"), as '
                    "properties/test_batch_size.py does."
                )
        if self.observable.parts is not None:
            check_names(self.selection, self.observable.parts, self.title)
        super().__post_init__()

    def __repr__(self) -> str:
        """As it is written, values by the name of their axis."""
        names = {each.name: each.name for each in fields(self)} | {"widths": plural_of(self.axis)}
        return f"Sweep({', '.join(f'{shown}={getattr(self, name)!r}' for name, shown in names.items())})"

    def _settle_values(self, given: Mapping[str, Sequence[int]]) -> None:
        """Take values of another axis than the width for what varies.

        Raises:
            TypeError: for values of an axis that the model is not built along, or for none.
        """
        wanted = plural_of(self.axis)
        names = [*([] if self.widths is _NONE else ["widths"]), *given]
        missing = not names and self.axis != "width"
        if missing or (given and names != [wanted]):
            raise TypeError(
                f"what is swept here varies along the {self.axis}, and takes {wanted}=(...) alone; got "
                f"{' and '.join(names) or 'no values'}. A model whose training varies, say, is tc.Model(build, "
                'optimizer, batches, axis="batch size").'
            )
        if given:
            object.__setattr__(self, "widths", given[wanted])

    @property
    def axis(self) -> str:
        """The width; of a model, what its build takes."""
        return self.training.axis if isinstance(self.training, Model) else "width"

    @property
    def axis_values(self) -> tuple[float, ...]:
        """The widths."""
        return self.widths

    @property
    def title(self) -> str:
        """What reports call the observable; observables that are read together have titles of their own."""
        return self.observable.title

    @property
    def subject(self) -> tuple[object, ...]:
        """The observable and the training."""
        return self.observable, self.training

    @property
    def conditional(self) -> bool:
        """As the observable is."""
        return self.observable.conditional

    @property
    def setting(self) -> Mapping[str, str]:
        """Parametrization, loss, optimizer and data; a model's name."""
        return setting_of(self.training)

    @property
    def costs(self) -> tuple[float, ...]:
        """Of one value at each width, the same on every machine."""
        return costs_of(self.training, self.widths, self.observable)

    def cells(self, resources: Resources) -> list[Cell]:
        """A width each."""
        found = trials(self.training, self.widths, self.observable, resources)
        made_of = {trial.engine: self._made_of(trial, resources.device) for trial in found}
        return [
            self._cell(width, count, trial, resources.device, made_of[trial.engine])
            for width, count, trial in zip(self.widths, self.counts, found, strict=True)
        ]

    def rehearse(self) -> None:
        """Of a model: build it and call it at all widths."""
        rehearse(self.training, self.widths)

    def ends(self, measurement: Measurement) -> str:
        """Of a search for learning rates."""
        return ends_of(self.observable, self.training, measurement)

    def _made_of(self, trial: Trial, device: str) -> Callable[[], tuple[object, ...]]:
        return lambda: ("sweep", *self.subject, self.drawn_from, device, trial.engine, *trial.code)

    def _cell(
        self, width: int, count: int, trial: Trial, device: str, made_of: Callable[[], tuple[object, ...]]
    ) -> Cell:
        observable = self.observable
        networks = observable.networks

        def observe(seeds: Sequence[int], tally: Tally) -> tuple[Readings, int]:
            return observable.read(trial.run(seeds, self.drawn_from, tally)), len(seeds) // networks

        def chunks(first: int, last: int) -> list[list[int]]:
            start, stop = first * networks, last * networks
            # An observable that trains again asks for chunks itself, of networks that change from one round to the
            # next.
            together = max(stop - start, 1) if observable.retrains else trial.together()
            return [list(range(at, min(at + together, stop))) for at in range(start, stop, together)]

        key = *self.subject, width, self.drawn_from, device, trial.engine
        description = {"title": self.title, **self.setting, self.axis: str(width), "engine": trial.engine}
        return Cell(
            float(width),
            count,
            key,
            made_of,
            description,
            chunks,
            observe,
            trial.engine,
            trial.because,
            networks * trial.flops,
        )

    def under(self, parametrization: Parametrization, *, learning_rate: LearningRate | None = None) -> Sweep:
        """The same sweep in another parametrization; see `Training.under` for what becomes of the learning rate.

        Raises:
            TypeError: for a model, which has its own.
        """
        if not isinstance(self.training, Training):
            raise TypeError(f"{self.training.title} is a model, whose parametrization is its own; give another model")
        return replace(self, training=self.training.under(parametrization, learning_rate=learning_rate))

    def with_training(self, **changes: Any) -> Sweep:
        """The same sweep with some of its training's attributes replaced."""
        return replace(self, training=replace(self.training, **changes))

    def with_observable(self, observable: Observable) -> Sweep:
        """The same sweep of another observable."""
        return replace(self, observable=observable, selection=())

    def on(self, counts: Sequence[int]) -> Sweep:
        """The same sweep on its first widths, with these numbers of seeds."""
        return replace(self, widths=self.widths[: len(counts)], seeds=tuple(counts), budget=None)

    def wider(self, octaves: int) -> Sweep:
        """The same sweep reaching so many octaves further, with as many seeds at each new width as at the last.

        New widths are as far apart as the last ones, and four an octave at the most; a single width has none.
        """
        if len(self.widths) < 2 or self.axis != "width":
            return self
        ratio = max(self.widths[-1] / self.widths[-2], 2**0.25)
        count = math.ceil(octaves / math.log2(ratio))
        more = tuple(round(self.widths[-1] * ratio**k) for k in range(1, count + 1))
        seeds = None if self.seeds is None else self.counts + (self.counts[-1],) * count
        return replace(self, widths=self.widths + more, seeds=seeds)
