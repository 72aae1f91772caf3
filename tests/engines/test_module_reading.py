"""What a run of a model of one's own shows is what plain torch shows: a loop, hooks and autograd."""

import pytest
import torch
from torch.func import functional_call

from tests.engines.models_under_test import (
    BATCH_NORMED,
    DECODER,
    MODELS,
    RESIDUAL,
    SEEDS,
    STEPS,
    WIDTH,
    Decoder,
    Plain,
    adam,
    apart,
    model,
    next_token,
    plainly,
    run,
    seen_by_hooks,
    sgd,
)
from theorychecks.engines import Limits
from theorychecks.models import Adjustment
from theorychecks.models.adjusted import adjusted_model
from theorychecks.networks.randomness import integer

EXACT = {"rtol": 1e-9, "atol": 1e-12}


@pytest.fixture(params=[*MODELS, "batch normed", "looped"])
def described(request):
    looped = model(Decoder, apart(adam), DECODER.batches, loss=next_token)
    return (MODELS | {"batch normed": BATCH_NORMED, "looped": looped})[request.param]


def test_trainings_are_those_of_a_plain_loop(described):
    made = run(described, times=range(STEPS + 1))
    for k, seed in enumerate(SEEDS):
        modules, losses = plainly(described, seed)
        assert made.losses[:-1, k].tolist() == pytest.approx(losses, rel=1e-9)
        for time, module in enumerate(modules):
            for number, layer in enumerate(made.layers):
                torch.testing.assert_close(
                    made._weights(layer, time)[k], module.get_parameter(layer.parameter).detach(), **EXACT
                )
                assert made.weight_norm(number, "frobenius", time)[k].item() == pytest.approx(
                    module.get_parameter(layer.parameter).norm().item(), rel=1e-9
                )


@pytest.mark.parametrize("adjustment", [Adjustment(outputs={"head": 2.0}), Adjustment(attention=3.0)])
def test_an_adjusted_model_is_read_as_it_was_trained(described, adjustment):
    made = run(adjusted_model(described, lambda _: adjustment))
    _, targets = described.batches[0]
    for k in range(len(SEEDS)):
        loss = described.loss(made.outputs(STEPS)[k], targets)
        assert made.losses[-1, k].item() == pytest.approx(loss.item(), rel=1e-9)
    attends = any("attention" in name for name in made.left_out)
    if adjustment.outputs or attends:
        assert not torch.allclose(made.losses[-1], run(described).losses[-1])
    # What is done to the whole model is none of a layer's product.
    last = len(made.layers) - 1
    vectors = made.features(last, STEPS)
    expected = torch.einsum("soi,s...i->s...o", made.weights(last, 0), vectors)
    torch.testing.assert_close(made.apply_initial(last, vectors), expected, rtol=1e-6, atol=1e-9)


def test_layers_are_given_and_return_what_hooks_see(described):
    made = run(described)
    inputs, targets = described.batches[0]
    for k, seed in enumerate(SEEDS):
        modules, _ = plainly(described, seed)
        for time in (0, STEPS):
            module = modules[time]
            torch.testing.assert_close(made.outputs(time)[k], module(inputs).detach(), **EXACT)
            sizes = []
            for number, layer in enumerate(made.layers):
                given, returned = seen_by_hooks(module, layer, inputs)
                if not given.is_floating_point():
                    given = torch.nn.functional.one_hot(given, layer.fan_in).double()
                torch.testing.assert_close(made.features(number, time)[k], given.detach(), **EXACT)
                torch.testing.assert_close(made.preactivations(number + 1, time)[k], returned.detach(), **EXACT)
                if layer.role != "output":
                    sizes.append(returned.square().mean().sqrt().item())
            # The last loss is of the first batch, as the first one is.
            assert made.peak_activations[time, k].item() == pytest.approx(max(sizes), rel=1e-9)
            assert made.peak_outputs[time, k].item() == pytest.approx(
                module(inputs).square().mean().sqrt().item(), rel=1e-9
            )
            assert made.losses[time, k].item() == pytest.approx(
                described.loss(module(inputs), targets).item(), rel=1e-9
            )


@pytest.mark.parametrize("described", [DECODER, RESIDUAL, BATCH_NORMED], ids=lambda m: m.title)
def test_the_change_of_a_layer_is_its_effective_and_its_propagating_update_and_its_biass(described):
    made = run(described)
    for k, layer in enumerate(made.layers):
        before, after = made.features(k, 0), made.features(k, STEPS)
        change = made.preactivations(k + 1, STEPS) - made.preactivations(k + 1, 0)
        parts = made.apply_change(k, after, STEPS) + made.apply_initial(k, after - before)
        name = f"{layer.module}.bias"
        states = [made.state(time).parameters for time in (0, STEPS)]
        bias = states[1][name] - states[0][name] if name in states[0] else torch.zeros(len(SEEDS), 1)
        places = (1,) * (change.ndim - 2)
        shaped = bias[:, None, :, None, None] if change.ndim == 5 else bias.reshape(len(SEEDS), *places, -1)
        torch.testing.assert_close(parts + shaped, change, rtol=1e-9, atol=1e-11)
        # Neither of them alone is all of it, but where the inputs are the data.
        for alone in (made.apply_change(k, after, STEPS), made.apply_initial(k, after - before)):
            assert k == 0 or not torch.allclose(alone + shaped, change, rtol=1e-3)


def test_a_change_is_precise_however_small():
    still = model(Plain, lambda module: sgd(module, rate=1e-9))
    made = run(still)
    vectors = made.features(1, 0)
    direct = torch.einsum("sij,spj->spi", made.weights(1, STEPS) - made.weights(1, 0), vectors)
    torch.testing.assert_close(made.apply_change(1, vectors, STEPS), direct, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", MODELS)
def test_stacked_and_looped_give_the_same_numbers(name):
    as_one = MODELS[name]
    optimizer = adam if name == "decoder" else sgd
    one_by_one = model(as_one.build, apart(optimizer), as_one.batches, loss=as_one.loss)
    first, second = run(as_one), run(one_by_one)
    assert first.together > 1 == second.together
    assert "hooks" in second.trainer.because
    factors = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    for number in range(len(first.layers)):
        vectors = first.features(number, STEPS)
        for read in (
            lambda made, k: made.features(k, STEPS),
            lambda made, k: made.preactivations(k + 1, STEPS),
            lambda made, k, v=vectors: made.apply_change(k, v, STEPS),
            lambda made, k, v=vectors: made.apply_initial(k, v),
            lambda made, k: made.weight_change_norm(k, "spectral", STEPS),
            lambda made, k: made.gradient_size(k, STEPS),
            lambda made, k: made.output_gradients(k, STEPS) if k in (0, 2) else torch.zeros(()),
        ):
            torch.testing.assert_close(read(first, number), read(second, number), rtol=1e-8, atol=1e-10)
    for read in (
        lambda made: made.losses,
        lambda made: made.loss_gradients(STEPS),
        lambda made: made.tangent_kernel(STEPS, entries=4),
        lambda made: torch.cat(made.histories(SEEDS, factors, Limits())),
    ):
        torch.testing.assert_close(read(first), read(second), rtol=1e-8, atol=1e-10)


def test_batches_that_are_drawn_are_each_seeds_own():
    def batches(draw):
        return [(torch.randn(6, 5, generator=draw, dtype=torch.float64), torch.zeros(6, 3))] * STEPS

    as_one = run(model(batches=batches))
    one_by_one = run(model(optimizer=apart(sgd), batches=batches))
    assert as_one.together > 1 == one_by_one.together
    assert not torch.equal(as_one.features(0, 0)[0], as_one.features(0, 0)[1])
    for read in (
        lambda made: made.features(0, 0),
        lambda made: made.outputs(STEPS),
        lambda made: made.tangent_kernel(0),
        lambda made: made.gradient_size(1, 0),
    ):
        torch.testing.assert_close(read(as_one), read(one_by_one), **EXACT)


def test_other_seeds_and_root_seeds_are_other_models_and_the_same_ones_are_the_same():
    first, second = run(DECODER, seeds=(0, 3)), run(DECODER, seeds=(3, 7))
    torch.testing.assert_close(first.outputs(STEPS)[1], second.outputs(STEPS)[0], **EXACT)
    other = run(DECODER, seeds=(0, 3), root_seed=1)
    assert not torch.allclose(other.outputs(0), first.outputs(0), rtol=1e-2)


def by_autograd(module, inputs, layer):
    """Jacobian of all outputs in all that a layer returns, [...outputs, ...returned]."""
    _, returned = seen_by_hooks(module, layer, inputs)

    def moved(shift):
        part = module.get_submodule(layer.module)
        handle = part.register_forward_hook(lambda _part, _given, output: output + shift)
        try:
            return module(inputs)
        finally:
            handle.remove()

    return torch.autograd.functional.jacobian(moved, torch.zeros_like(returned))


@pytest.mark.parametrize("described", [RESIDUAL, DECODER], ids=lambda m: m.title)
def test_output_gradients_are_autograds(described):
    made, seed = run(described), 1
    inputs, _ = described.batches[0]
    module = plainly(described, SEEDS[seed])[0][STEPS]
    for k, layer in enumerate(made.layers):
        whole = by_autograd(module, inputs, layer)
        outputs = made.outputs(0).ndim - 1
        found = made.output_gradients(k, STEPS)[seed]
        for sample in range(len(inputs)):
            own = whole[sample].select(outputs - 1, sample)
            torch.testing.assert_close(found[sample], own, rtol=1e-8, atol=1e-11)
        assert found.shape == (len(inputs), *whole.shape[1:outputs], *whole.shape[outputs + 1 :])


def kernel_by_autograd(module, inputs, weights):
    """Inner products of gradients of all outputs in parameters, each with a weight."""
    parameters = {name: parameter.detach() for name, parameter in module.named_parameters() if name in weights}
    rows = torch.autograd.functional.jacobian(
        lambda *given: functional_call(module, dict(zip(parameters, given, strict=True)), (inputs,)).flatten(),
        tuple(parameters.values()),
    )
    return sum(weights[name] * row.flatten(1) @ row.flatten(1).T for name, row in zip(parameters, rows, strict=True))


def rated(module):
    """Two learning rates, and parameters that are not trained."""
    module.head.weight.requires_grad_(False)
    named = dict(module.named_parameters())
    slow = [parameter for name, parameter in named.items() if "bias" in name]
    fast = [parameter for name, parameter in named.items() if "bias" not in name and parameter.requires_grad]
    return torch.optim.SGD([{"params": slow, "lr": 0.01}, {"params": fast}], lr=0.03)


@pytest.mark.parametrize("weighting", ["rates", "none"])
@pytest.mark.parametrize("name", ["residual", "decoder", "batch normed"])
def test_the_tangent_kernel_is_autograds(name, weighting):
    given = BATCH_NORMED if name == "batch normed" else MODELS[name]
    described = model(given.build, rated, given.batches, loss=given.loss)
    made, seed = run(described), 2
    inputs, _ = described.batches[0]
    for time in (0, STEPS):
        module = plainly(described, SEEDS[seed])[0][time]
        trained = [key for key, parameter in module.named_parameters() if parameter.requires_grad]
        weights = {key: (0.01 if "bias" in key else 0.03) if weighting == "rates" else 1.0 for key in trained}
        expected = kernel_by_autograd(module, inputs, weights)
        found = made.tangent_kernel(time, weighting=weighting, entries=10**6)[seed]
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)
        # A part of it is a part of it: the same outputs of each sample.
        part = made.tangent_kernel(time, weighting=weighting, entries=2)[seed]
        places = [place for place in range(len(expected)) if (expected[place, place] == 0).logical_not()]
        assert len(part) == 2 * len(inputs)
        assert all(any(torch.isclose(value, expected[p, p], rtol=1e-8) for p in places) for value in part.diagonal())


def test_gradients_of_the_loss_are_autograds():
    for described in (RESIDUAL, DECODER, BATCH_NORMED):
        made = run(described)
        for k, seed in enumerate(SEEDS):
            module = plainly(described, seed)[0][STEPS]
            inputs, targets = described.batches[0]
            outputs = module(inputs)
            outputs.retain_grad()
            module.zero_grad()
            described.loss(outputs, targets).backward()
            torch.testing.assert_close(made.loss_gradients(STEPS)[k], outputs.grad, rtol=1e-8, atol=1e-12)
            for number, layer in enumerate(made.layers):
                assert made.gradient_size(number, STEPS)[k].item() == pytest.approx(
                    module.get_parameter(layer.parameter).grad.square().mean().sqrt().item(), rel=1e-8
                )


@pytest.mark.parametrize("looped", [False, True])
def test_a_diverging_seed_leaves_its_neighbours_alone(looped):
    class Loud(Plain):
        """Far too large for its learning rate where torch's seed is that of one of them."""

        def __init__(self, width):
            super().__init__(width)
            if torch.initial_seed() == integer(0, "width", float(WIDTH), "model", WIDTH, 3) % 2**63:
                with torch.no_grad():
                    self.head.weight.mul_(1e60)

        def forward(self, x):
            return self.head(self.second(torch.tanh(self.first(x))))

    optimizer = apart(sgd) if looped else sgd
    made, calm = run(model(Loud, optimizer)), run(model(Loud, optimizer), seeds=(0, 4))
    others = [0, 2]
    assert torch.isfinite(made.losses[0]).all()
    assert not torch.isfinite(made.losses[-1, 1])
    assert torch.isfinite(calm.losses).all()
    for read in (
        lambda one: one.losses.T,
        lambda one: one.peak_activations.T,
        lambda one: one.outputs(STEPS),
        lambda one: one.features(1, STEPS),
        lambda one: one.apply_change(1, one.features(1, STEPS), STEPS),
        lambda one: one.weight_change_norm(1, "spectral", STEPS),
        lambda one: one.weight_change_norm(1, "frobenius", STEPS),
        lambda one: one.output_gradients(0, STEPS),
        lambda one: one.gradient_size(1, STEPS),
        lambda one: one.tangent_kernel(STEPS),
    ):
        found = read(made)
        assert not torch.isfinite(found[1]).all()
        torch.testing.assert_close(found[others], read(calm), rtol=1e-9, atol=1e-12)
