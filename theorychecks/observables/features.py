"""How far features and outputs move."""

from __future__ import annotations

from dataclasses import dataclass

from theorychecks.engines import Run
from theorychecks.observables.observable import (
    Observable,
    Readings,
    hidden_layers,
    of_hidden_layer,
    readings,
    root_mean_square,
)


@dataclass(frozen=True)
class FeatureChange(Observable):
    """Relative change of a hidden layer's preactivations, RMS(h_T - h_0) / RMS(h_0), by layer, on training inputs."""

    title = "relative feature change"
    parts = ("layer", "role")

    def read(self, run: Run) -> Readings:
        """A ratio by hidden layer."""
        changes = {}
        for layer in hidden_layers(run):
            start = run.preactivations(layer, 0)
            moved = root_mean_square(run.preactivations(layer, run.steps) - start)
            changes[of_hidden_layer(run, layer)] = moved / root_mean_square(start)
        return readings(run, changes)


@dataclass(frozen=True)
class OutputChange(Observable):
    """Change of the outputs, RMS(f_T - f_0), on training inputs."""

    title = "output change"
    parts = ()

    def read(self, run: Run) -> Readings:
        """One size."""
        return readings(run, root_mean_square(run.outputs(run.steps) - run.outputs(0)))


@dataclass(frozen=True)
class InitialOutput(Observable):
    """Size of the outputs before training, RMS(f_0), on training inputs; zero where the network is centred."""

    title = "initial output"
    parts = ()

    def read(self, run: Run) -> Readings:
        """One size."""
        return readings(run, root_mean_square(run.outputs(0)))
