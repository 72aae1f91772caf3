"""Forward passes of an ensemble: what each layer is given and returns, and what the models say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from theorychecks.engines import Unanswerable
from theorychecks.engines.module.ensemble import Ensemble
from theorychecks.engines.module.layers import ModuleLayer
from theorychecks.engines.module.operators import power_of_two
from theorychecks.models import Model
from theorychecks.models.hooks import Call, Watched, plain
from theorychecks.models.model import Batch, tensors_in
from theorychecks.models.recording import State


class Pass(NamedTuple):
    """What each layer is given and returns."""

    given: list[Tensor]
    returned: list[Tensor]


def follow(model: Model, layers: Sequence[ModuleLayer]) -> Callable[[nn.Module, Batch], Pass]:
    """An action of an `Ensemble`: one forward pass, and what was given and returned in it."""
    places = {(layer.module, layer.call): k for k, layer in enumerate(layers)}

    def action(module: nn.Module, batch: Batch) -> Pass:
        counts, given, returned = dict[str, int](), list[Any]([None] * len(layers)), list[Any]([None] * len(layers))

        def visit(call: Call) -> None:
            name = plain(call.name)
            counts[name] = counts.get(name, 0) + 1
            place = places.get((name, counts[name]))
            if place is not None:
                leaves = tree_leaves((call.arguments, call.keywords))
                given[place] = next(leaf for leaf in leaves if isinstance(leaf, Tensor))
                # A later operation may change it in place.
                returned[place] = _first(call.output).clone()

        with Watched(module).calls(visit):
            model.outputs_and_loss(module, batch)
        if missing := [layer.name for layer, tensor in zip(layers, given, strict=True) if tensor is None]:
            raise Unanswerable(
                f"what each layer is given is asked for, and {model.title} does not call `{missing[0]}` for each seed "
                "at each time. Read its weights, outputs or losses, or call all modules for all weights."
            )
        return Pass(given, returned)

    return action


def outputs_of(model: Model) -> Callable[[nn.Module, Batch], Tensor]:
    """An action of an `Ensemble`: the outputs of a model that has some."""
    return lambda module, batch: _first(model.outputs_and_loss(module, batch)[0])


def loss_of(model: Model) -> Callable[[nn.Module, Batch], Tensor]:
    """An action of an `Ensemble`: the loss."""
    return lambda module, batch: model.outputs_and_loss(module, batch)[1]


def moved_output(model: Model, layer: ModuleLayer) -> Callable[[nn.Module, Batch, Tensor], Tensor]:
    """An action of an `Ensemble`: the model's outputs, once something is added to what a layer returns."""

    def action(module: nn.Module, batch: Batch, shift: Tensor) -> Tensor:
        count = 0

        def add(_part: nn.Module, _given: Any, output: Any) -> Any:
            nonlocal count
            count += 1
            return _added(output, shift) if count == layer.call else output

        handle = module.get_submodule(layer.module).register_forward_hook(add)
        try:
            return _first(model.outputs_and_loss(module, batch)[0])
        finally:
            handle.remove()

    return action


def moved_loss(model: Model) -> Callable[[nn.Module, Batch, Tensor], Tensor]:
    """An action of an `Ensemble`: the loss, once something is added to what the model returns."""

    def action(module: nn.Module, batch: Batch, shift: Tensor) -> Tensor:
        called = False

        def add(_part: nn.Module, _given: Any, output: Any) -> Any:
            nonlocal called
            called = True
            return _added(output, shift)

        handle = module.register_forward_hook(add)
        try:
            loss = model.outputs_and_loss(module, batch)[1]
        finally:
            handle.remove()
        if not called:
            raise Unanswerable(
                f"gradients in a model's outputs are asked for, and the forward of {model.title} does not call the "
                "module itself, but its parts. Let it return module(...)."
            )
        return loss

    return action


def product(ensemble: Ensemble, state: State, layer: ModuleLayer, weights: Tensor, vectors: Tensor) -> Tensor:
    """Weights [seed, ...] times vectors [seed, ...], by the module's own forward, without what it adds.

    Raises:
        ValueError: for vectors of another number of seeds.
    """
    if vectors.shape[:1] != (ensemble.seeds,):
        raise ValueError(
            f"vectors are [seed, ...] for {ensemble.seeds} seeds; got shape {tuple(vectors.shape)}. Take those of "
            "run.features(k, time), or some of that shape."
        )
    # What a module adds is taken off again, and would leave its rounding on products far smaller than itself. What is
    # done to the whole model is none of the module's product.
    scale = power_of_two(weights)
    made: Tensor = ensemble.each(
        state,
        lambda module, _batch, weight, given: layer.product(module, weight, given),
        weights / scale.reshape(-1, *[1] * (weights.ndim - 1)),
        vectors,
        adjusted=False,
    )
    return made * scale.reshape(-1, *[1] * (made.ndim - 1))


def _added(output: Any, shift: Tensor) -> Any:
    """Something returned, with a shift added to its first tensor."""
    first = _first(output)
    return tree_map(lambda leaf: leaf + shift if leaf is first else leaf, output)


def _first(found: Any) -> Tensor:
    return next(iter(tensors_in(found).values()))
