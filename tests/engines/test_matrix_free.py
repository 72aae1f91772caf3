"""The matrix-free engine: the algebra is that of dense training to rounding, the law is that of Gaussian weights."""

import dataclasses

import pytest
import torch

from theorychecks.engines import dense, matrix_free
from theorychecks.engines.descent import Limits, Task
from theorychecks.engines.matrix import Tally
from theorychecks.networks import (
    CROSS_ENTROPY,
    ERF,
    GELU,
    LINEAR,
    MAXIMAL_UPDATE,
    MEAN_FIELD,
    MLP,
    MSE,
    NTK,
    RELU,
    SGD,
    STANDARD,
    TANH,
    Adam,
    Data,
    GaussianMixture,
    Muon,
    Ridge,
    Training,
    scaled,
)
from theorychecks.networks.data import Draw

WIDTH, SEEDS, STEPS = 48, (0, 5), 4
DATA = GaussianMixture(dimension=5, classes=3, samples=6, test_samples=4)
EXACT = {"rtol": 1e-9, "atol": 1e-11}


class Given:
    """A start from the dense engine's matrices: products with given matrices take the place of fresh numbers."""

    def __init__(self, training, task, seeds):
        weights = dense.initial_weights(task.layers, seeds, dtype=task.inputs.dtype)
        self.weights = {layer.name: values / layer.init for layer, values in zip(task.layers, weights, strict=True)}

    def stored(self, layer):
        return self.weights[layer.name].clone()

    def source(self, layer):
        return GivenProducts(self.weights[layer.name])


class GivenProducts:
    def __init__(self, matrix):
        self.matrix = matrix

    def write(self, products, directions, taken, *, transposed):
        torch.bmm(directions, self.matrix if transposed else self.matrix.mT, out=products)

    def select(self, seeds):
        self.matrix = self.matrix[seeds]


def described(depth=3, activation=TANH, parametrization=STANDARD, *, loss=MSE, centred=False, rate=0.02, **options):
    options = {"data": DATA, "steps": STEPS, "dtype": "float64"} | options
    network = MLP(depth, activation, parametrization, centred=centred)
    return Training(network, loss=loss, learning_rate=scaled(rate), **options)


def both(training, *, times=None, width=WIDTH, rate_factors=None, limits=None):
    """The same networks by both engines."""
    task = Task.of(training, width, SEEDS, times, limits, "cpu")
    free = matrix_free.train_from(Given(training, task, SEEDS), training, task, width, SEEDS, rate_factors, 0, limits)
    stored = dense.train(training, width, SEEDS, times=times, rate_factors=rate_factors, limits=limits)
    return free, stored


def assert_same(free, stored, *, rescaled=False):
    """Everything a run offers, norms of the initial matrix aside: of that, the free engine knows the law alone."""
    for name in ("losses", "peak_activations", "peak_outputs"):
        torch.testing.assert_close(getattr(free, name), getattr(stored, name), **EXACT)
    assert free.times == stored.times
    end = stored.times[-1]
    vectors = torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for time in stored.times:
        for points in ("train", "test"):
            near(free.outputs(time, points), stored.outputs(time, points))
            for layer in range(1, 1 + stored.training.network.depth):
                near(free.preactivations(layer, time, points), stored.preactivations(layer, time, points))
                near(free.features(layer, time, points), stored.features(layer, time, points))
        for matrix in range(len(stored.layers)):
            near(free.output_gradients(matrix, time, "test"), stored.output_gradients(matrix, time, "test"))
            if matrix > 0:
                near(free.apply_change(matrix, vectors, time), stored.apply_change(matrix, vectors, time))
            if not rescaled:
                for norm in ("frobenius", "spectral"):
                    moved = stored.weight_change_norm(matrix, norm, time)
                    torch.testing.assert_close(
                        free.weight_change_norm(matrix, norm, time),
                        moved,
                        rtol=1e-4 if norm == "spectral" else 1e-9,
                        atol=1e-11,
                    )
    for matrix in range(1, len(stored.layers)):
        near(free.apply_initial(matrix, vectors), stored.apply_initial(matrix, vectors))
    near(free.tangent_kernel(end), stored.tangent_kernel(end))


def near(seen, expected):
    """In the Frobenius norm by seed: single entries may cancel."""
    assert seen.shape == expected.shape
    distance, size = (torch.linalg.vector_norm(t.flatten(1), dim=1) for t in (seen - expected, expected))
    assert (distance <= 1e-9 * size.clamp_min(1e-3)).all(), f"{distance} away, of size {size}"


@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY])
@pytest.mark.parametrize("activation", [RELU, TANH, ERF, GELU, LINEAR])
@pytest.mark.parametrize("parametrization", [STANDARD, NTK, MEAN_FIELD, MAXIMAL_UPDATE], ids=lambda p: p.name)
def test_it_is_dense_training_in_every_parametrization(parametrization, activation, loss):
    assert_same(*both(described(3, activation, parametrization, loss=loss), times=(2, STEPS)))


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [None, 2])
def test_it_is_dense_training_at_every_depth_by_batches_or_not(depth, centred, batch_size):
    assert_same(*both(described(depth, centred=centred, batch_size=batch_size), times=(1, STEPS)))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("towards", ["init", "zero"])
def test_it_is_dense_training_with_momentum_and_decay(momentum, towards):
    training = described(optimizer=SGD(momentum=momentum), ridge=Ridge(strength=0.3, towards=towards), rate=0.1)
    assert_same(*both(training, times=(2, STEPS)), rescaled=towards == "zero")
    assert_same(*both(dataclasses.replace(training, ridge=Ridge(strength=0.0))))


def test_it_is_dense_training_when_each_seed_has_its_own_rate():
    ridge = Ridge(strength=0.3, towards="zero")
    assert_same(*both(described(ridge=ridge), rate_factors=torch.tensor([0.5, 3.0])), rescaled=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repeated(Data):
    """Two of three inputs come twice, or almost: then by a relative 1e-9."""

    almost: bool = False
    samples: int = 6
    test_samples: int = 4
    dimension: int = 5

    @property
    def outputs(self):
        return 3

    @property
    def classes_are_targets(self):
        return True

    def draw(self):
        draw = DATA.draw()
        inputs = draw.inputs.copy()
        inputs[3:5] = inputs[:2] * (1 + 1e-9 * self.almost)
        inputs[5] = inputs[0] + inputs[1] * 1e-6
        return Draw(inputs, draw.targets, draw.test_inputs)


@pytest.mark.parametrize("activation", [RELU, TANH, LINEAR])
@pytest.mark.parametrize("almost", [False, True])
def test_repeated_inputs_are_asked_once(activation, almost):
    free, stored = both(described(3, activation, data=Repeated(almost=almost)))
    basis = free.matrices[1].products.right
    asked = 6 if almost else 4
    assert (basis.used <= asked * (STEPS + 1)).all()
    if activation is TANH:
        assert (basis.used == asked * (STEPS + 1)).all()
    assert_same(free, stored)
    products = basis.rows @ basis.rows.mT
    torch.testing.assert_close(
        products, torch.diag_embed(products.diagonal(dim1=1, dim2=2).round()), rtol=0, atol=1e-12
    )


def test_dead_layers_ask_nothing(monkeypatch):
    data = GaussianMixture(dimension=1, classes=2, samples=4, test_samples=3, spread=0.01)
    training = described(3, RELU, data=data)
    task = Task.of(training, WIDTH, SEEDS, None, None, "cpu")
    sign = task.inputs[0, 0].sign()
    # With one input dimension and weights of one sign every input of the other sign leaves the layer dead.
    weights = dense.initial_weights(task.layers, SEEDS, dtype=torch.float64)
    weights[0] = -sign * weights[0].abs()
    monkeypatch.setattr(dense, "initial_weights", lambda *_, **__: [w.clone() for w in weights])
    free, stored = both(training)
    basis = free.matrices[1].products.right
    # Inputs of the one sign are dead, those of the other sign are all alike: one direction a step.
    assert (basis.used == STEPS + 1).all()
    assert torch.isfinite(basis.rows).all()
    assert (stored.features(1, 0) == 0).all(dim=-1).any(), "the set-up has dead layers"
    torch.testing.assert_close(free.losses, stored.losses, **EXACT)
    near(free.outputs(STEPS), stored.outputs(STEPS))
    near(free.outputs(STEPS, "test"), stored.outputs(STEPS, "test"))


def test_a_saturated_softmax_sends_nothing_back():
    # Outputs in the thousands: the gradients of samples that are classified well are exactly zero, others are not.
    loud = STANDARD.altered("output", multiplier=-2.0)
    free, stored = both(described(3, RELU, loud, loss=CROSS_ENTROPY, rate=1e-8))
    outputs, targets = stored.outputs(0), torch.as_tensor(DATA.draw().targets)
    silent = (CROSS_ENTROPY.gradient(outputs, targets) == 0).all(dim=-1)
    assert silent.any(dim=1).all()
    assert not silent.all(dim=1).any()
    assert_same(free, stored)


def test_single_precision_differs_by_its_rounding():
    free, stored = both(described(dtype="float32"))
    torch.testing.assert_close(free.losses, stored.losses, rtol=1e-5, atol=1e-6)
    for matrix in range(4):
        moved = stored.weight_change_norm(matrix, "frobenius", STEPS)
        torch.testing.assert_close(free.weight_change_norm(matrix, "frobenius", STEPS), moved, rtol=1e-4, atol=0)


def test_more_queries_than_the_width_are_still_exact():
    training = described(steps=12)
    free, stored = both(training, width=20)
    torch.testing.assert_close(free.losses, stored.losses, **EXACT)
    assert (free.matrices[1].products.right.used <= 20).all()


def test_a_diverging_seed_leaves_its_neighbours_alone():
    factors = torch.tensor([1e200, 1.0], dtype=torch.float64)
    free, stored = both(described(2, RELU), rate_factors=factors)
    assert not torch.isfinite(free.losses[-1, 0])
    torch.testing.assert_close(free.losses[:, 1], stored.losses[:, 1], **EXACT)
    for norm in ("frobenius", "spectral"):
        moved = free.weight_change_norm(1, norm, STEPS)
        assert not torch.isfinite(moved[0])
        assert torch.isfinite(moved[1])
        # What is known of the diverged seed's matrix is no number any more.
        assert torch.isfinite(free.weight_norm(1, norm)).tolist() == [False, True]


def test_seeds_beyond_their_limits_are_trained_no_further():
    training = described(2, RELU, rate=0.1)
    factors = torch.tensor([1e6, 1.0], dtype=torch.float64)
    free, stored = both(training, times=(), rate_factors=factors, limits=Limits(activations=1e3))
    whole = dense.train(training, WIDTH, SEEDS, rate_factors=factors)
    for run in (free, stored):
        torch.testing.assert_close(run.losses[:, 1], whole.losses[:, 1], **EXACT)
        assert torch.isnan(run.losses[-1, 0])
    assert torch.isfinite(whole.losses[1, 0])


@pytest.mark.parametrize("engine", [dense, matrix_free])
def test_training_ends_when_all_seeds_are_beyond_their_limits(engine):
    run = engine.train(described(2), WIDTH, SEEDS, times=(), limits=Limits(activations=1e-9))
    assert torch.isfinite(run.losses[0]).all()
    assert torch.isnan(run.losses[1:]).all()


def test_the_same_norm_is_the_same_number_and_norms_at_two_times_belong_together():
    training = described(3, parametrization=MAXIMAL_UPDATE, rate=0.1)
    for width in (WIDTH, 400):
        free = matrix_free.train(training, width, range(4))
        stored = dense.train(training, width, range(4))
        for norm in ("frobenius", "spectral"):
            assert torch.equal(free.weight_norm(1, norm), free.weight_norm(1, norm))
            growth, expected = ((run.weight_norm(1, norm, STEPS) - run.weight_norm(1, norm)) for run in (free, stored))
            # Two draws of the unseen part would differ by a thousand times as much.
            assert growth.abs().max() < 10 * expected.abs().max() + 1e-3


def test_work_is_counted():
    tally = Tally()
    training = described(3)
    matrix_free.train(training, WIDTH, SEEDS, tally=tally)
    assert tally.trainings == 2
    by_dense = Tally()
    dense.train(training, WIDTH, SEEDS, tally=by_dense)
    # Narrow matrices are multiplied as they were and as they have changed; gradients take one product each.
    forward = 2 * 2 * 6 * (2 * 5 * WIDTH + 2 * WIDTH**2 + 2 * 3 * WIDTH)
    backward = 2 * 2 * 6 * (2 * WIDTH**2 + 2 * 3 * WIDTH)
    gradients = 2 * 2 * 6 * (5 * WIDTH + 2 * WIDTH**2 + 3 * WIDTH)
    assert by_dense.flops == (STEPS + 1) * forward + STEPS * (gradients + backward)
    assert tally.flops > 0


def test_training_seeds_in_two_groups_changes_rounding_at_most():
    training = described(dtype="float64")
    whole = matrix_free.train(training, WIDTH, range(5))
    parts = [matrix_free.train(training, WIDTH, range(2)), matrix_free.train(training, WIDTH, range(2, 5))]
    torch.testing.assert_close(whole.losses, torch.cat([part.losses for part in parts], dim=1), rtol=1e-10, atol=0)
    for norm in ("frobenius", "spectral"):
        norms = torch.cat([part.weight_norm(1, norm) for part in parts])
        torch.testing.assert_close(whole.weight_norm(1, norm), norms, rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"optimizer": Adam()}, "updates by adam are no sums of gradients"),
        ({"optimizer": Muon()}, "updates by muon are no sums of gradients"),
        ({"network": MLP(2, TANH, STANDARD, entries="rademacher")}, "rademacher entries"),
    ],
)
def test_what_cannot_be_represented_is_refused_with_the_way_out(options, message):
    training = dataclasses.replace(described(), **options)
    with pytest.raises(ValueError, match=f"{message}.*Use the dense engine"):
        matrix_free.train(training, WIDTH, SEEDS)


def test_a_change_is_precise_however_small_it_is():
    # At a rate this low, changes are below the rounding of the weights themselves.
    training = described(3, rate=1e-8)
    exact = dense.train(training, WIDTH, SEEDS)
    task = Task.of(training, WIDTH, SEEDS, None, None, "cpu")
    start = Given(training, task, SEEDS)
    start.weights = {name: values.float() for name, values in start.weights.items()}
    single = dataclasses.replace(training, dtype="float32")
    free = matrix_free.train_from(start, single, Task.of(single, WIDTH, SEEDS, None, None, "cpu"), WIDTH, SEEDS)
    for matrix in range(4):
        moved = exact.weight_change_norm(matrix, "frobenius", STEPS)
        assert (moved < 1e-6 * exact.weight_norm(matrix, "frobenius")).all()
        seen = free.weight_change_norm(matrix, "frobenius", STEPS).double()
        torch.testing.assert_close(seen, moved, rtol=1e-4, atol=0)
