"""ModuleRun: all seeds of one model at one width, with everything that observables read off a `Run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from torch import Tensor

from theorychecks.arguments import whole_number
from theorychecks.engines import Histories, Limits, Norm, Points
from theorychecks.engines.descent import check_seeds
from theorychecks.engines.matrix import Tally
from theorychecks.engines.module.blueprint import Blueprint
from theorychecks.engines.module.derivatives import OutputDerivatives, gradients, gradients_in_outputs
from theorychecks.engines.module.ensemble import Ensemble
from theorychecks.engines.module.finished import Finished
from theorychecks.engines.module.forward import Pass, follow, outputs_of, product
from theorychecks.engines.module.layers import ModuleLayer
from theorychecks.engines.module.refusals import (
    check_hidden,
    check_limited,
    check_number,
    check_outputs,
    check_outside_loss,
    check_points,
    check_unrouted,
    counted,
    kept_times,
    not_described,
    reached_layers,
)
from theorychecks.engines.module.trainer import Trainer
from theorychecks.engines.run import Weighting
from theorychecks.models import Model
from theorychecks.models.coordinates import Coordinate
from theorychecks.models.recording import State
from theorychecks.networks import Training


class ModuleRun:
    """A `Run` of anybody's model.

    Layer k of `layers` is the k-th call of a matrix in a forward pass: `features(k, t)` is what it is given, and
    `preactivations(k + 1, t)` what it returns, both of the module's own shape behind the seeds. What a model is read on
    is its first batch. Nothing is trained before something trained is read.

    Weights W include a factor that a module puts on its own matrix, and not what the model puts behind the module. What
    a module adds to its product, a bias say, belongs to `preactivations` alone.
    """

    def __init__(
        self,
        trainer: Trainer,
        width: int,
        seeds: Sequence[int],
        *,
        root_seed: int = 0,
        times: Sequence[int] | None = None,
        tally: Tally | None = None,
    ) -> None:
        """Describe a run.

        Args:
            trainer: of the model.
            width: of the model.
            seeds: non-negative integers, one a model.
            root_seed: another one draws other models and batches everywhere.
            times: numbers of steps after which weights are kept, 0 in any case; the first and the last by default.
            tally: counts the trainings, and not their operations.

        Raises:
            ValueError: for no seeds, negative seeds, or times outside 0..steps.
        """
        check_seeds(seeds)
        self.times = kept_times(times, trainer.steps_at(width))
        self.trainer, self.width, self.seeds, self.root_seed = trainer, width, tuple(seeds), root_seed
        self.tally = Tally() if tally is None else tally
        self._passes: dict[int, Pass] = {}
        self._outputs: dict[int, Tensor] = {}
        self._gradients: dict[int, dict[str, Tensor]] = {}
        self._coordinates: dict[tuple[int, ...], Mapping[int, Mapping[Coordinate, Tensor]]] = {}

    @property
    def model(self) -> Model:
        """What was trained."""
        return self.trainer.model

    @property
    def training(self) -> Training:
        """None: a model says itself how it is trained, so this raises `Unanswerable`."""
        raise not_described(self.model)

    @property
    def steps(self) -> int:
        """How many updates there are; the last time."""
        return self.trainer.steps_at(self.width)

    @property
    def rate(self) -> float:
        """One: learning rates are factors on the model's own."""
        return 1.0

    @property
    def together(self) -> int:
        """How many models are trained as one, at most."""
        return self.trainer.together(self.width)

    @property
    def layers(self) -> Sequence[ModuleLayer]:
        """The model's matrices, in the order of a forward pass; `Unanswerable` if no row of the batch reaches some."""
        return reached_layers(self.model, self._blueprint, self.width)

    def hidden_name(self, layer: int) -> str:
        """The path of the module that makes it."""
        return self.layers[layer - 1].name

    @property
    def left_out(self) -> Mapping[str, str]:
        """Parameters and attention logits that are no layer, and why."""
        return self._blueprint.layers.left_out

    @property
    def losses(self) -> Tensor:
        """Loss of the batch that step t sees, and of the first batch after the last step, [t, seed], t = 0..steps."""
        return self._finished.losses

    @property
    def peak_activations(self) -> Tensor:
        """Largest root mean square of what any layer but readouts returns at each time, [t, seed].

        Raises:
            Unanswerable: if there is no such layer.
        """
        check_hidden(self.model, self._blueprint)
        return self._finished.activations

    @property
    def peak_outputs(self) -> Tensor:
        """Root mean square of the outputs on the batch that step t sees, [t, seed].

        Raises:
            Unanswerable: if the model has no outputs.
        """
        check_outputs(self.model, self._blueprint)
        return self._finished.outputs

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Train any number of models, each seed as often as it is named, and no further than the limits.

        Raises:
            Unanswerable: if learning rates cannot be scaled, or there is no limit on what the model does not have.
        """
        check_seeds(seeds)
        check_limited(self.model, self._blueprint, limits)
        self.tally.trainings += len(seeds)
        found = self.trainer.train(self.width, self.root_seed, seeds, times=(), rates=rate_factors, limits=limits)
        return Histories(found.losses, found.activations, found.outputs)

    def coordinates(self, times: Sequence[int]) -> Mapping[int, Mapping[Coordinate, Tensor]]:
        """Coordinates at the start and at these times, [seed] each: infinite where a training has diverged, NaN where a
        seed's weights have routed nothing there.
        """
        asked = kept_times(times, self.steps)[1:]
        if asked not in self._coordinates:
            self.tally.trainings += len(self.seeds)
            found = self.trainer.train(self.width, self.root_seed, self.seeds, times=self.times, coordinates=asked)
            # Whatever else is read off this run is read off the same training.
            vars(self).setdefault("_finished", found)
            self._coordinates[asked] = self.trainer.coordinates_of(found, asked, self.width)
        return self._coordinates[asked]

    def preactivations(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """What layer - 1 of `layers` returns, [seed, ...the module's own shape].

        Raises:
            Unanswerable: if the weights route what modules are called on.
        """
        check_number(self.model, "preactivations", layer, 1, len(self.layers))
        return self._pass(time, points).returned[layer - 1]

    def features(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """What a layer is given, [seed, ...the module's own shape]; lookups are given vectors with a single one.

        Raises:
            Unanswerable: if the weights route what modules are called on.
        """
        own = self._layer(layer)
        return own.vectors(self._pass(time, points).given[layer], self._weights(own, 0)[0])

    def outputs(self, time: int, points: Points = "train") -> Tensor:
        """The first tensor that the model returns besides its loss, [seed, ...its own shape].

        Raises:
            Unanswerable: if the model has no outputs.
        """
        check_outputs(self.model, self._blueprint)
        check_points(self.model, points)
        if time not in self._outputs:
            self._outputs[time] = self._ensemble.each(self.state(time), outputs_of(self.model))
        return self._outputs[time]

    def weights(self, matrix: int, time: int) -> Tensor:
        """W at a time, [seed, fan_out, fan_in]."""
        own = self._layer(matrix)
        return own.matrix(self._weights(own, time))

    def state(self, time: int) -> State:
        """Weights and buffers at a time, [seed, ...] each."""
        if time not in self.times:
            kept = f"weights at time {time} were not kept; kept are {list(self.times)}"
            raise ValueError(f"{kept}. Ask for times=({time},), or read time=0 or time=run.steps.")
        return self._finished.states[time]

    def weight_norm(self, matrix: int, norm: Norm, time: int = 0) -> Tensor:
        """Norm of W at a time, [seed]; of several blocks, the largest spectral norm of one."""
        own = self._layer(matrix)
        return own.norm(self._weights(own, time), norm, self.tally)

    def weight_change_norm(self, matrix: int, norm: Norm, time: int) -> Tensor:
        """Norm of W at a time minus W at time 0, [seed]."""
        own = self._layer(matrix)
        return own.norm(self._weights(own, time) - self._weights(own, 0), norm, self.tally)

    def apply_initial(self, matrix: int, vectors: Tensor) -> Tensor:
        """W at time 0 times vectors [seed, ...], by the module's own forward, without what it adds."""
        own = self._layer(matrix)
        return self._product(own, self._weights(own, 0), vectors)

    def apply_change(self, matrix: int, vectors: Tensor, time: int) -> Tensor:
        """(W at a time minus W at time 0) times vectors [seed, ...], by the module's own forward."""
        own = self._layer(matrix)
        return self._product(own, self._weights(own, time) - self._weights(own, 0), vectors)

    def output_gradients(self, matrix: int, time: int, points: Points = "train") -> Tensor:
        """Derivative of a sample's outputs in what a layer returns of it, [seed, sample, ...outputs, ...returned].

        Raises:
            Unanswerable: if the model has no outputs, or its samples act on each other.
        """
        own = self._layer(matrix)
        check_points(self.model, points)
        check_unrouted(self.model, routed=self.trainer.anatomy.routed)
        return self._derivatives.in_returned(own, self.state(time))

    def gradient_size(self, matrix: int, time: int) -> Tensor:
        """Root mean square entry of the first batch's loss's derivative in a layer's trainable weights, [seed].

        Where several layers share them, the derivative is in all of their uses.
        """
        own = self._layer(matrix)
        if time not in self._gradients:
            found = gradients(self.model, self._ensemble, self.state(time))
            self._gradients[time] = {
                name: tensor.reshape(len(tensor), -1).square().mean(dim=1).sqrt() for name, tensor in found.items()
            }
        return self._gradients[time][own.parameter]

    def loss_gradients(self, time: int) -> Tensor:
        """Derivative of the first batch's loss in the outputs, [seed, ...their own shape].

        Raises:
            Unanswerable: if the model has no outputs, or computes its loss itself.
        """
        check_outside_loss(self.model)
        return gradients_in_outputs(self.model, self._ensemble, self.state(time), self.outputs(time))

    def tangent_kernel(
        self,
        time: int,
        *,
        rows: Points = "train",
        columns: Points = "train",
        weighting: Weighting = "rates",
        entries: int = 16,
    ) -> Tensor:
        """Inner products of output gradients in all trained weights, [seed, row, row], on the first batch.

        Rows are samples, and for each of them its outputs, or so many of them, chosen once at random: a part of the
        kernel, as all of them take one backward pass each.

        Args:
            time: at which weights.
            rows: there are no inputs but those of the first batch.
            columns: likewise.
            weighting: "rates" counts gradients by their learning rates, so that one small step of gradient descent
                changes the outputs by -kernel @ d loss / d outputs; "none" counts those of all trained weights once.
            entries: of each sample's outputs, at most.

        Raises:
            Unanswerable: if the model has no outputs, its learning rates are not known, or memory is too small.
        """
        for points in (rows, columns):
            check_points(self.model, points)
        counts = counted(self.model, self._blueprint, weighting)
        return self._derivatives.tangent_kernel(self.state(time), counts, whole_number(entries, "entries, of outputs,"))

    @cached_property
    def _blueprint(self) -> Blueprint:
        return self.trainer.blueprint(self.width)

    @cached_property
    def _finished(self) -> Finished:
        self.tally.trainings += len(self.seeds)
        return self.trainer.train(self.width, self.root_seed, self.seeds, times=self.times)

    @cached_property
    def _ensemble(self) -> Ensemble:
        return self.trainer.ensemble(self.width, self.root_seed, self.seeds)

    @cached_property
    def _derivatives(self) -> OutputDerivatives:
        return OutputDerivatives(self.model, self._ensemble, self.state(0), check_outputs(self.model, self._blueprint))

    def _weights(self, layer: ModuleLayer, time: int) -> Tensor:
        return self.state(time).parameters[layer.parameter]

    def _product(self, layer: ModuleLayer, weights: Tensor, vectors: Tensor) -> Tensor:
        return product(self._ensemble, self.state(0), layer, weights, vectors)

    def _pass(self, time: int, points: Points) -> Pass:
        check_points(self.model, points)
        check_unrouted(self.model, routed=self.trainer.anatomy.routed)
        if time not in self._passes:
            self._passes[time] = self._ensemble.each(self.state(time), follow(self.model, self.layers))
        return self._passes[time]

    def _layer(self, matrix: int) -> ModuleLayer:
        check_number(self.model, "matrix", matrix, 0, len(self.layers))
        return self.layers[matrix]
