"""How far features and outputs move."""

from __future__ import annotations

from torch import Tensor

from theorychecks.engines import Run
from theorychecks.observables.observable import Observable, from_run, root_mean_square


def feature_change() -> Observable:
    """Relative change of a hidden layer's preactivations, RMS(h_T - h_0) / RMS(h_0), by layer, on training inputs."""

    def read(run: Run) -> dict[str, Tensor]:
        steps = run.training.steps
        changes = {}
        for layer in range(1, run.training.network.depth + 1):
            start = run.preactivations(layer, 0)
            moved = root_mean_square(run.preactivations(layer, steps) - start)
            changes[f"layer {layer}"] = moved / root_mean_square(start)
        return changes

    return from_run("relative feature change", read)


def output_change() -> Observable:
    """Change of the outputs, RMS(f_T - f_0), on training inputs."""
    return from_run("output change", lambda run: root_mean_square(run.outputs(run.training.steps) - run.outputs(0)))


def initial_output() -> Observable:
    """Size of the outputs before training, RMS(f_0), on training inputs; zero where the network is centred."""
    return from_run("initial output", lambda run: root_mean_square(run.outputs(0)))
