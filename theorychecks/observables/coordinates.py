"""The coordinate check: the typical size of single coordinates, layer by layer (Yang et al. 2022, arXiv:2203.03466)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

from torch import Tensor

from theorychecks.arguments import whole_number
from theorychecks.engines import Run, Unanswerable
from theorychecks.engines.module import ModuleRun
from theorychecks.models.coordinates import Coordinate, Quantity
from theorychecks.observables.observable import Observable, Reading, Readings, hidden_layers, of_hidden_layer, readings
from theorychecks.statistics.parts import Parts

_ROOT = "the model"


@dataclass(frozen=True)
class CoordinateSize(Observable):
    """Mean absolute coordinate after the last step, on training inputs: of each layer's preactivations and of outputs.

    Absolute values are what the authors' package averages. Outputs of a centred network are changes.
    """

    title = "coordinates"
    parts = ("layer", "role")

    def read(self, run: Run) -> Readings:
        """A size by hidden layer, and that of the outputs."""
        sizes = {
            of_hidden_layer(run, layer): _mean_size(run.preactivations(layer, run.steps))
            for layer in hidden_layers(run)
        }
        outputs = Parts(layer="output", role="output")
        return readings(run, sizes | {outputs: _mean_size(run.outputs(run.steps))})


class Moment(NamedTuple):
    """A coordinate of a model after so many steps."""

    coordinate: Coordinate
    step: int

    def __str__(self) -> str:
        return f"{self.coordinate}, step {self.step}"

    @property
    def parts(self) -> Parts:
        """What tells its reading from others; a module goes without saying where its own parameter is named."""
        module, quantity, parameter = self.coordinate
        where = {"module": module or _ROOT} if not parameter or module != _owner(parameter) else {}
        return Parts({"parameter": parameter} if parameter else {}, **where, quantity=quantity, step=self.step)

    @classmethod
    def of(cls, parts: Parts) -> Moment:
        """The one that has these parts."""
        parameter = str(parts.get("parameter", ""))
        module = str(parts.get("module", _owner(parameter)))
        quantity = cast(Quantity, parts["quantity"])
        return cls(Coordinate("" if module == _ROOT else module, quantity, parameter), int(parts["step"]))


def _owner(parameter: str) -> str:
    return parameter.rpartition(".")[0]


@dataclass(frozen=True)
class Coordinates(Observable):
    """Coordinates of anybody's model: of every module and every parameter, before training and after some steps.

    Of a module: the root mean square of what it returns ("size"), of its change since the start ("change"), of the part
    of it that propagates from before ("propagating update"), and of what it is given ("input"). Of a block along the
    depth: of what it adds to the residual stream, as the next block sees it ("added"). Of a parameter in a
    module that uses it: of its own part of the change ("effective update"). Attention logits are read as modules are.
    A run has no coordinates of an expert that no row of its batch reaches, and others say what they are; it has updates
    of those that each step has reached, on the rows that they had at the start.

    Attributes:
        at: numbers of steps after which they are read, besides the start; after the first unless given.
    """

    at: tuple[int, ...] = (1,)
    title = "coordinates of modules"
    conditional = True
    parts = ("parameter", "module", "quantity", "step")

    def __post_init__(self) -> None:
        given = self.at
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise TypeError(f"coordinates are read at several times, at=(1, 4) say; got at={given!r}")
        times = sorted({whole_number(time, "a number of steps in at=") for time in given})
        if not times:
            raise ValueError(f"coordinates are read after one step or more, at=(1, 4) say; got at={given!r}")
        object.__setattr__(self, "at", tuple(times))

    def read(self, run: Run) -> Readings:
        """A size by parameter, module, quantity and step."""
        if not isinstance(run, ModuleRun):
            raise Unanswerable(
                "coordinates of modules are asked for, and a tc.Training has none. Read "
                "theorychecks.observables.CoordinateSize(), or sweep a tc.Model."
            )
        found = run.coordinates(self.at)
        return {
            Moment(coordinate, step).parts: Reading(values)
            for step, read in found.items()
            for coordinate, values in read.items()
        }


def _mean_size(values: Tensor) -> Tensor:
    """Over everything but the seeds, [seed]."""
    return values.abs().mean(dim=tuple(range(1, values.ndim)))
