"""A dense run's methods give tensors of the shapes that the `Run` interface documents."""
# ruff: noqa: F722 - a shape like "seed point width" is a forward reference to ruff.

import pytest
import torch
from beartype import beartype
from jaxtyping import Float, TypeCheckError, jaxtyped
from torch import Tensor

from theorychecks.engines import dense
from theorychecks.networks import MLP, MSE, NTK, TANH, GaussianMixture, Training, scaled

checked = jaxtyped(typechecker=beartype)


@pytest.fixture(scope="module")
def run():
    # Seven numbers that differ: a transposed or a mistaken axis shows.
    data = GaussianMixture(dimension=5, classes=3, samples=6, test_samples=4)
    training = Training(MLP(2, TANH, NTK), learning_rate=scaled(0.1), data=data, loss=MSE, steps=7)
    return dense.train(training, 11, (0, 4))


@checked
def histories(
    losses: Float[Tensor, "time=8 seed=2"],
    peak_activations: Float[Tensor, "time=8 seed=2"],
    peak_outputs: Float[Tensor, "time=8 seed=2"],
) -> None: ...


@checked
def hidden(
    train_preactivations: Float[Tensor, "seed=2 train=6 width=11"],
    test_preactivations: Float[Tensor, "seed=2 test=4 width=11"],
    train_features: Float[Tensor, "seed=2 train=6 width=11"],
    test_features: Float[Tensor, "seed=2 test=4 width=11"],
) -> None: ...


@checked
def data_and_outputs(
    train_inputs: Float[Tensor, "seed=2 train=6 d=5"],
    test_inputs: Float[Tensor, "seed=2 test=4 d=5"],
    train_outputs: Float[Tensor, "seed=2 train=6 C=3"],
    test_outputs: Float[Tensor, "seed=2 test=4 C=3"],
) -> None: ...


@checked
def matrix(
    start: Float[Tensor, "seed=2 fan_out fan_in"],
    end: Float[Tensor, "seed=2 fan_out fan_in"],
    features: Float[Tensor, "seed=2 train=6 fan_in"],
    initial: Float[Tensor, "seed=2 train=6 fan_out"],
    change: Float[Tensor, "seed=2 train=6 fan_out"],
    train_gradients: Float[Tensor, "seed=2 train=6 C=3 fan_out"],
    test_gradients: Float[Tensor, "seed=2 test=4 C=3 fan_out"],
    frobenius: Float[Tensor, "seed=2"],
    spectral: Float[Tensor, "seed=2"],
    moved: Float[Tensor, "seed=2"],
) -> None: ...


@checked
def kernels(train: Float[Tensor, "seed=2 18 18"], cross: Float[Tensor, "seed=2 12 18"]) -> None: ...


def test_histories_are_time_by_seed(run):
    histories(run.losses, run.peak_activations, run.peak_outputs)
    with pytest.raises(TypeCheckError):
        histories(run.losses.T, run.peak_activations, run.peak_outputs)


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("time", [0, 7])
def test_hidden_layers_are_seed_by_point_by_width(run, layer, time):
    shown = [run.preactivations(layer, time, "train"), run.preactivations(layer, time, "test")]
    shown += [run.features(layer, time, "train"), run.features(layer, time, "test")]
    hidden(*shown)
    with pytest.raises(TypeCheckError):
        hidden(*shown[::-1])


@pytest.mark.parametrize("time", [0, 7])
def test_layer_zero_is_the_data_and_outputs_are_one_a_class(run, time):
    shown = [run.features(0, time, "train"), run.features(0, time, "test")]
    shown += [run.outputs(time, "train"), run.outputs(time, "test")]
    data_and_outputs(*shown)
    with pytest.raises(TypeCheckError):
        data_and_outputs(*shown[2:], *shown[:2])


@pytest.mark.parametrize("k", [0, 1, 2])
def test_matrices_map_layer_k_to_layer_k_plus_one(run, k):
    layer = run.layers[k]
    assert run.weights(k, 0).shape == (2, layer.fan_out, layer.fan_in)
    features = run.features(k, 7)
    shown = [run.weights(k, 0), run.weights(k, 7), features]
    shown += [run.apply_initial(k, features), run.apply_change(k, features, 7)]
    shown += [run.output_gradients(k, 7), run.output_gradients(k, 7, "test")]
    shown += [run.weight_norm(k, "frobenius"), run.weight_norm(k, "spectral", 7)]
    matrix(*shown, run.weight_change_norm(k, "spectral", 7))
    with pytest.raises(TypeCheckError):
        matrix(*shown, run.weight_change_norm(k, "spectral", 7).sum())


def test_a_tangent_kernel_is_point_and_output_by_point_and_output(run):
    kernels(run.tangent_kernel(7), run.tangent_kernel(0, rows="test"))
    with pytest.raises(TypeCheckError):
        kernels(run.tangent_kernel(7), run.tangent_kernel(0, columns="test"))


def test_one_precision_runs_through_all_numbers(run):
    assert {t.dtype for t in (run.losses, run.outputs(7), run.weights(1, 7), run.tangent_kernel(7))} == {torch.float32}
