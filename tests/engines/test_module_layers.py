"""Which of a model's modules are layers, of what size, and why others are none."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.engines.models_under_test import (
    DECODER,
    RESIDUAL,
    SEEDS,
    STEPS,
    TEXT,
    WIDTH,
    Plain,
    adam,
    model,
    next_token,
    plainly,
    run,
)

EXACT = {"rtol": 1e-9, "atol": 1e-12}


def sizes(made):
    return {layer.name: (layer.role, layer.fan_in, layer.fan_out) for layer in made.layers}


def test_layers_of_a_convolutional_network():
    made = run(RESIDUAL)
    assert sizes(made) == {
        "stem": ("input", 18, 16),
        "first": ("hidden", 144, 16),
        "second": ("hidden", 36, 16),
        "skip": ("hidden", 16, 16),
        "down": ("hidden", 144, 16),
        "head": ("output", 16, 3),
    }
    assert set(made.left_out) == {f"{name}.bias" for name in sizes(made)}
    for k, layer in enumerate(made.layers):
        # An entry's root mean square is the Frobenius norm over the root of this.
        assert made.weights(k, 0)[0].numel() == layer.fan_in * layer.fan_out


def test_layers_of_a_decoder():
    made = run(DECODER)
    block = {
        "query": ("hidden", 16, 16),
        "key": ("hidden", 16, 16),
        "value": ("hidden", 16, 16),
        "out": ("hidden", 16, 16),
        "up": ("hidden", 16, 32),
        "down": ("hidden", 32, 16),
    }
    expected = {"tokens": ("input", 7, 16)}
    expected |= {f"blocks.{b}.{name}": found for b in range(2) for name, found in block.items()}
    assert sizes(made) == expected | {"head": ("output", 16, 7)}
    assert list(sizes(made)) == [*expected, "head"]
    assert made.left_out["places"] == "`the model` uses it beside the layers inside of it"
    assert made.left_out["blocks.0.norms.0.weight"] == "it is a vector"
    assert made.left_out["blocks.1 attention logits"] == "no weight makes attention logits"
    parameters = {name for name, _ in DECODER.build(WIDTH).named_parameters()}
    assert {layer.parameter for layer in made.layers} | {n for n in made.left_out if "logits" not in n} == parameters


def test_nothing_is_trained_before_something_trained_is_read():
    trained = []

    def counting(module):
        made = adam(module)
        made.register_step_pre_hook(lambda *_: trained.append(1))
        return made

    made = run(model(optimizer=counting))
    assert (len(made.layers), made.steps, made.times, made.rate, made.width) == (3, STEPS, (0, STEPS), 1.0, WIDTH)
    assert not trained
    _ = made.losses
    # One seed after the other, as hooks cannot be stacked.
    assert len(trained) == STEPS * len(SEEDS)
    _ = made.outputs(0), made.features(1, STEPS)
    assert len(trained) == STEPS * len(SEEDS)
    assert made.tally.trainings == len(SEEDS)


class Variant(Plain):
    """A perceptron whose hidden layer is another module."""

    def __init__(self, width, change):
        super().__init__(width)
        self.second = change(self.second).double()


def with_hidden(change, **options):
    return run(model(lambda width: Variant(width, change)), **options)


class Multiplied(nn.Linear):
    """A linear layer behind a multiplier that falls with the width."""

    def forward(self, x):
        return 3 / self.in_features * F.linear(x, self.weight) + self.bias


class Transposed(nn.Module):
    """A linear layer whose weight is [fan_in, fan_out], as Hugging Face has them."""

    def __init__(self, fan_in, fan_out):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(fan_in, fan_out)), nn.Parameter(torch.randn(fan_out))

    def forward(self, x):
        return x @ self.weight + self.bias


def test_a_modules_own_multiplier_belongs_to_its_matrix():
    made = with_hidden(lambda old: Multiplied(old.in_features, old.out_features))
    assert [layer.multiplier for layer in made.layers] == [1.0, pytest.approx(3 / WIDTH, rel=1e-12), 1.0]
    weight = made.state(0).parameters["second.weight"]
    torch.testing.assert_close(made.weight_norm(1, "frobenius"), 3 / WIDTH * weight.flatten(1).norm(dim=1), **EXACT)
    vectors = torch.randn(len(SEEDS), 4, WIDTH, dtype=torch.float64)
    torch.testing.assert_close(made.apply_initial(1, vectors), vectors @ made.weights(1, 0).mT, **EXACT)


@pytest.mark.parametrize("fan_out", [WIDTH, 2 * WIDTH])
def test_weights_may_lie_the_other_way_round(fan_out):
    class Wide(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first, self.head = nn.Linear(5, width), nn.Linear(fan_out * width // WIDTH, 3)
            self.second = Transposed(width, fan_out * width // WIDTH)
            self.double()

        def forward(self, x):
            return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))

    made = run(model(Wide))
    assert sizes(made)["second"] == ("hidden", WIDTH, fan_out)
    vectors = torch.randn(len(SEEDS), 4, WIDTH, dtype=torch.float64)
    torch.testing.assert_close(
        made.apply_initial(1, vectors), vectors @ made.state(0).parameters["second.weight"], **EXACT
    )


class Standardised(nn.Linear):
    """Not linear in its weight."""

    def forward(self, x):
        return F.linear(x, self.weight / self.weight.std(), self.bias)


class Squared(nn.Linear):
    """Not linear in what it is given."""

    def forward(self, x):
        return F.linear(x * x, self.weight, self.bias)


class Beside(nn.Linear):
    """Holds a matrix beside a layer inside."""

    def __init__(self, fan_in, fan_out):
        super().__init__(fan_in, fan_out)
        self.inner = nn.Linear(fan_in, fan_out)

    def forward(self, x):
        return super().forward(x) + self.inner(x)


class TwoTensors(nn.Linear):
    """Is given two tensors."""

    def forward(self, x, scale=None):
        return super().forward(x)

    def __call__(self, x):
        return super().__call__(x, torch.ones(()))


class Three(nn.Module):
    """A matrix for each of two heads."""

    def __init__(self, fan_in, fan_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, fan_in, fan_out // 2))

    def forward(self, x):
        return torch.einsum("pi,hio->pho", x, self.weight).flatten(1)


class Low(nn.Module):
    """A product of two matrices."""

    def __init__(self, fan_in, fan_out):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.randn(fan_in, fan_in)), nn.Parameter(torch.randn(fan_in, fan_out))

    def forward(self, x):
        return x @ self.a @ self.b


@pytest.mark.parametrize(
    "change, parameter, why",
    [
        (Standardised, "second.weight", "what its module returns is not its product with what the module is given"),
        (Squared, "second.weight", "what its module returns is not its product with what the module is given"),
        (Beside, "second.weight", "`second` uses it beside the layers inside of it"),
        (TwoTensors, "second.weight", "`second` makes 1 tensors of 2, and not one of one"),
        (Three, "second.weight", "its weight has 3 dimensions, and it is no convolution of torch's"),
        (Low, "second.a", "`second` uses 2 matrices, whose products are hidden"),
    ],
)
def test_what_is_no_layer_is_left_out_with_the_reason(change, parameter, why):
    made = with_hidden(lambda old: change(old.in_features, old.out_features))
    assert why in made.left_out[parameter]
    assert {"first", "head"} <= set(sizes(made))
    assert parameter not in {layer.parameter for layer in made.layers}
    # Whatever else there is can be read.
    assert torch.isfinite(made.features(0, STEPS)).all()
    assert torch.isfinite(made.tangent_kernel(STEPS)).all()


def test_a_weight_that_is_computed_from_others_is_left_out():
    made = with_hidden(nn.utils.parametrizations.weight_norm)
    assert "not its product" in made.left_out["second.parametrizations.weight.original1"]
    assert torch.isfinite(made.losses).all()


def test_attention_and_recurrence_of_torch_hide_their_products():
    class Attentive(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.tokens, self.head = nn.Embedding(7, width), nn.Linear(width, 7)
            self.attention, self.cell = (
                nn.MultiheadAttention(width, 2, batch_first=True),
                nn.LSTM(width, width, batch_first=True),
            )

        def forward(self, x):
            x = self.tokens(x)
            return self.head(self.cell(self.attention(x, x, x)[0])[0])

    made = run(model(Attentive, adam, TEXT, loss=next_token))
    assert list(sizes(made)) == ["tokens", "head"]
    assert "2 matrices" in made.left_out["attention.in_proj_weight"]
    assert "2 matrices" in made.left_out["cell.weight_hh_l0"]


def test_a_role_may_be_declared():
    given = {"second.weight": "unchecked"}
    made = run(model(roles=given))
    assert list(sizes(made)) == ["first", "head"]
    assert "declared unchecked" in made.left_out["second.weight"]
    assert sizes(run(model(roles={"second.weight": "output"})))["second"][0] == "output"


def test_a_model_may_be_one_layer():
    made = run(model(lambda width: nn.Linear(5, 3 * width).double(), loss=lambda y, _: y.square().mean()))
    assert sizes(made) == {"the model": ("input", 5, 3 * WIDTH)}
    assert made.features(0, 0).shape == (len(SEEDS), 6, 5)


class Tied(nn.Module):
    """An embedding that is the readout as well, and a layer that is called twice."""

    def __init__(self, width):
        super().__init__()
        self.tokens, self.hidden = nn.Embedding(7, width), nn.Linear(width, width)
        self.head = nn.Linear(width, 7, bias=False)
        self.head.weight = self.tokens.weight
        self.double()

    def forward(self, x):
        return self.head(torch.tanh(self.hidden(torch.tanh(self.hidden(self.tokens(x))))))


def test_a_shared_matrix_is_a_layer_in_each_of_its_uses():
    described = model(Tied, adam, TEXT, loss=next_token)
    made = run(described)
    assert sizes(made) == {
        "tokens": ("input", 7, 16),
        "hidden": ("hidden", 16, 16),
        "hidden (call 2)": ("hidden", 16, 16),
        "head": ("output", 16, 7),
    }
    assert made.layers[3].parameter == made.layers[0].parameter == "tokens.weight"
    assert torch.equal(made.weights(0, STEPS).mT, made.weights(3, STEPS))
    inputs, targets = described.batches[0]
    for k, seed in enumerate(SEEDS):
        module = plainly(described, seed)[0][STEPS]
        described.loss(module(inputs), targets).backward()
        # Of all uses together.
        for number, name in ((0, "tokens"), (3, "tokens"), (1, "hidden"), (2, "hidden")):
            expected = module.get_submodule(name).weight.grad.square().mean().sqrt().item()
            assert made.gradient_size(number, STEPS)[k].item() == pytest.approx(expected, rel=1e-8)
        hidden = module.tokens(inputs)
        for number in (1, 2):
            torch.testing.assert_close(made.features(number, STEPS)[k], hidden.detach(), **EXACT)
            hidden = torch.tanh(module.hidden(hidden))
        moved = copy.deepcopy(module)
        rows = torch.autograd.functional.jacobian(
            lambda embedding, hidden, bias, moved=moved: torch.func.functional_call(
                moved, {"tokens.weight": embedding, "hidden.weight": hidden, "hidden.bias": bias}, (inputs,)
            ).flatten(),
            tuple(parameter.detach() for parameter in module.parameters()),
        )
        expected = sum(row.flatten(1) @ row.flatten(1).T for row in rows)
        found = made.tangent_kernel(STEPS, weighting="none", entries=1000)[k]
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_an_embedding_multiplies_vectors_with_a_single_one():
    made = run(DECODER)
    tokens = DECODER.batches[0][0].expand(len(SEEDS), -1, -1)
    assert torch.equal(made.features(0, STEPS).argmax(dim=-1), tokens)
    by_number, by_vector = (made.apply_change(0, given, STEPS) for given in (tokens, made.features(0, STEPS)))
    torch.testing.assert_close(by_number, by_vector, **EXACT)
    torch.testing.assert_close(by_vector, made.preactivations(1, STEPS) - made.preactivations(1, 0), **EXACT)
    random = torch.randn(len(SEEDS), 2, 7, dtype=torch.float64)
    torch.testing.assert_close(made.apply_initial(0, random), random @ made.weights(0, 0).mT, **EXACT)


class Grouped(nn.Module):
    """A convolution and a transposed one, both in two groups."""

    def __init__(self, width):
        super().__init__()
        self.stem, self.head = nn.Conv1d(1, width, 3), nn.Linear(width, 3)
        self.plain = nn.Conv1d(width, 2 * width, 3, padding=1, groups=2, padding_mode="circular")
        self.back = nn.ConvTranspose1d(2 * width, width, 3, padding=1, groups=2)
        self.double()

    def forward(self, x):
        return self.head(self.back(torch.relu(self.plain(self.stem(x[:, None])))).mean(dim=-1))


def test_matrices_of_convolutions_multiply_their_patches():
    made = run(model(Grouped))
    assert sizes(made)["plain"] == ("hidden", 3 * WIDTH // 2, 2 * WIDTH)
    assert sizes(made)["back"] == ("hidden", 3 * WIDTH, WIDTH)
    images = made.features(1, 0)
    padded = F.pad(images.flatten(0, 1), (1, 1), mode="circular").unfold(-1, 3, 1)
    # [seed, sample, group, fan_in, place]: channels of a group, then places of the kernel.
    patches = padded.unflatten(1, (2, -1)).permute(0, 1, 2, 4, 3).flatten(2, 3).unflatten(0, (len(SEEDS), -1))
    matrices = made.weights(1, 0).unflatten(1, (2, -1))
    product = torch.einsum("sgoi,spgit->spgot", matrices, patches).flatten(2, 3)
    torch.testing.assert_close(made.apply_initial(1, images), product, **EXACT)
    images = made.features(2, 0)
    # A transposed convolution of stride one is a convolution with reversed kernels.
    patches = F.pad(images.flatten(0, 1), (1, 1)).unfold(-1, 3, 1).flip(-1)
    patches = patches.unflatten(1, (2, -1)).permute(0, 1, 2, 4, 3).flatten(2, 3).unflatten(0, (len(SEEDS), -1))
    matrices = made.weights(2, 0).unflatten(1, (2, -1))
    product = torch.einsum("sgoi,spgit->spgot", matrices, patches).flatten(2, 3)
    torch.testing.assert_close(made.apply_initial(2, images), product, **EXACT)


def test_norms_of_groups_are_those_of_the_matrix_that_they_make_up():
    made = run(model(Grouped))
    for k in (1, 2):
        for number, weights in enumerate(made.weights(k, STEPS) - made.weights(k, 0)):
            whole = torch.block_diag(*weights.chunk(2))
            for norm, order in (("spectral", 2), ("frobenius", "fro")):
                expected = torch.linalg.matrix_norm(whole, ord=order).item()
                assert made.weight_change_norm(k, norm, STEPS)[number].item() == pytest.approx(expected, rel=1e-4)
