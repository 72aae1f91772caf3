"""Presets have what their parametrization says: initial weights and learning rates by role, whoever wrote the model."""

import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.models import zoo

KINDS = ("gpt2", "llama", "mixtral", "mamba", "t5", "bert", "vit")


class Net(nn.Module):
    """An input matrix, a hidden one and a readout, with biases, as torch draws them."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(5, width), nn.Linear(width, width), nn.Linear(width, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


def net(optimizer=zoo.adam, build=Net):
    return tc.Model(build, optimizer, zoo.pairs(), loss=F.mse_loss, name="net")


def built(model, width):
    torch.manual_seed(0)
    return model.build(width)


def growth(model, widths=(64, 256)):
    """By how much matrices grow from one width to the other, in root mean square."""

    def sizes_at(width):
        parameters = built(model, width).named_parameters()
        return {name: float(p.detach().square().mean().sqrt()) for name, p in parameters}

    sizes = [sizes_at(width) for width in widths]
    return {name: sizes[1][name] / size for name, size in sizes[0].items() if "weight" in name}


def rates(model, width):
    module = built(model, width)
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = model.optimizer(module).param_groups
    return {names[id(parameter)]: group["lr"] for group in groups for parameter in group["params"]}


@pytest.mark.parametrize(
    ("parametrization", "drawn"),
    [
        # Yang et al. 2022 (arXiv:2203.03466), Table 3: standard deviations 1, n^-1/2 and n^-1; n grows by four.
        (tc.MAXIMAL_UPDATE, (1, 1 / 2, 1 / 4)),
        (tc.STANDARD, (1, 1 / 2, 1 / 2)),
        # A multiplier of n^-1 of a weight of order one.
        (tc.MEAN_FIELD, (1, 1 / 2, 1 / 4)),
    ],
)
def test_weights_are_drawn_by_role(parametrization, drawn):
    found = growth(tc.parametrized(net(), parametrization, base_width=16))
    assert list(found.values()) == pytest.approx(drawn, rel=1e-3)


@pytest.mark.parametrize(
    ("parametrization", "optimizer", "expected"),
    [
        # The same table: rates of Adam are 1, 1/n and 1/n, of SGD n, 1 and 1/n.
        (tc.MAXIMAL_UPDATE, zoo.adam, (1, 1 / 4, 1 / 4)),
        (tc.MAXIMAL_UPDATE, zoo.sgd, (4, 1, 1 / 4)),
        (tc.STANDARD, zoo.adam, (1, 1, 1)),
        # Everett et al. 2024 (arXiv:2407.05872), Table 1: of weights behind multipliers 1, n^-1/2 and n^-1.
        (tc.MEAN_FIELD, zoo.adam, (1, 1 / 4, 1 / 4)),
        (tc.NTK, zoo.adam, (1, 1 / 2, 1 / 2)),
        (tc.NTK, zoo.sgd, (1, 1 / 4, 1 / 4)),
    ],
)
def test_learning_rates_are_scaled_by_role(parametrization, optimizer, expected):
    found = rates(tc.parametrized(net(optimizer), parametrization, base_width=16), 64)
    own = rates(net(optimizer), 64)
    assert [found[f"{name}.weight"] / own["head.weight"] for name in ("first", "second", "head")] == pytest.approx(
        expected
    )
    # Biases are input-like where they grow, and stay as they are where they do not.
    assert found["first.bias"] == pytest.approx(found["first.weight"])
    assert found["head.bias"] == own["head.bias"]


def test_a_model_is_its_owners_at_the_base_width_and_draws_as_it_does():
    scaled = tc.parametrized(net(), tc.MAXIMAL_UPDATE, base_width=16)
    for _ in range(2):  # roles are found at the first call, which draws nothing from its owner's generator
        own, found = built(net(), 16), built(scaled, 16)
        for name, parameter in own.named_parameters():
            ratio = (found.get_parameter(name) / parameter).detach()
            assert float(ratio.std()) < 1e-6 * float(ratio.mean())
            assert float(ratio.mean()) == pytest.approx(1, rel=0.2)
    assert rates(scaled, 16) == rates(net(), 16)
    assert [name for name, p in built(scaled, 64).named_parameters() if not p.requires_grad] == []


def test_groups_keep_their_options():
    def optimizer(module):
        decayed = {"params": [module.first.weight, module.second.weight], "weight_decay": 0.3}
        return torch.optim.AdamW([decayed, {"params": module.head.parameters(), "lr": 0.5}], lr=0.1, weight_decay=0)

    scaled = tc.parametrized(net(optimizer), tc.MAXIMAL_UPDATE, base_width=16)
    groups = scaled.optimizer(built(scaled, 64)).param_groups
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [
        (0.1, 0.3),
        (0.025, 0.3),
        (0.125, 0),
        (0.5, 0),
    ]


def test_roles_of_the_owner_take_the_place_of_what_is_inferred():
    model = tc.Model(Net, zoo.adam, zoo.pairs(), loss=F.mse_loss, roles={"second.weight": "output"})
    assert growth(tc.parametrized(model, tc.MAXIMAL_UPDATE, base_width=16))["second.weight"] == pytest.approx(1 / 4)


def test_tied_weights_and_other_optimizers_are_refused():
    tied = tc.parametrized(zoo.MODELS["tied"], tc.MAXIMAL_UPDATE, base_width=16)
    with pytest.raises(tc.ModelError, match=r"`tokens\.weight` is both an embedding and a readout.*Untie"):
        tied.build(16)
    other = tc.parametrized(
        net(lambda module: torch.optim.Adagrad(module.parameters())), tc.MAXIMAL_UPDATE, base_width=16
    )
    with pytest.raises(tc.ModelError, match=r"Adam.* and SGD; got Adagrad\. Give it groups by role yourself"):
        other.optimizer(built(other, 16))


@pytest.fixture(scope="module")
def transformers():
    found = pytest.importorskip("transformers", reason="pip install 'theorychecks[hf]'")
    found.logging.set_verbosity_error()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("transformers")
def test_matrices_of_every_architecture_have_a_role(kind):
    """As its owners name them: `ones` are embeddings, convolutions of a channel each and what steps and decays take."""
    ones = ("embed", "wte", "wpe", "shared", "relative_attention_bias", "conv1d", "A_log", "dt_proj")
    outputs = ("lm_head", "mlp.gate.", "x_proj", "predictions.decoder", "classifier")
    model = tc.hf_model(kind, parametrization=tc.MAXIMAL_UPDATE, base_width=64, layers=1)
    sizes, scaled = growth(model), rates(model, 256)
    shapes = {name: p.shape for name, p in built(model, 64).named_parameters()}
    for name, factor in sizes.items():
        vector = sum(length > 1 for length in shapes[name]) < 2
        expected, rate = (1 / 4 if any(word in name for word in outputs) else 1 / 2), 1 / 4
        if vector or any(word in name for word in ones):
            expected, rate = 1, 1
        assert factor == pytest.approx(expected, rel=0.02), name
        assert scaled[name] == pytest.approx(1e-3 * rate), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("transformers")
def test_every_architecture_is_small_and_learns(kind):
    model = tc.hf_model(kind, parametrization=tc.MAXIMAL_UPDATE, layers=1)
    module, (batch, *_) = built(model, 64), model.batches
    assert sum(parameter.numel() for parameter in module.parameters()) < 200_000
    optimizer, losses = model.optimizer(module), []
    for _ in range(8):
        optimizer.zero_grad()
        losses.append(model.outputs_and_loss(module, batch)[1])
        losses[-1].backward()
        assert all(parameter.grad is not None for parameter in module.parameters())
        optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.usefixtures("transformers")
def test_without_a_parametrization_a_model_is_as_it_comes():
    model = tc.hf_model("gpt2")
    # GPT2Config.initializer_range, and one learning rate for all.
    assert float(built(model, 128).transformer.h[0].mlp.c_fc.weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert set(rates(model, 128).values()) == {1e-3}


def test_a_config_keeps_its_proportions(transformers):
    given = transformers.LlamaConfig(
        hidden_size=96, intermediate_size=240, num_attention_heads=6, num_key_value_heads=2, attention_dropout=0.1
    )
    config = tc.hf_model(given, layers=3, vocabulary=40, length=8).build(192).config
    assert (config.hidden_size, config.intermediate_size, config.num_attention_heads) == (192, 480, 12)
    assert (config.num_key_value_heads, config.head_dim, config.num_hidden_layers) == (4, 16, 3)
    assert (config.vocab_size, config.attention_dropout) == (40, 0.0)
    assert given.hidden_size == 96
    with pytest.raises(tc.ModelError, match="heads of size 16 in groups of 3, so widths are multiples of 48; got 64"):
        tc.hf_model(given).build(64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", [torch.bfloat16, "float16"])
def test_a_config_says_nothing_of_the_precision(transformers, kind, precision):
    given = transformers.AutoConfig.for_model(kind, dtype=precision)
    assert {p.dtype for p in tc.hf_model(given, layers=1).build(64).parameters()} == {torch.float32}
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.usefixtures("transformers")
def test_key_value_heads_may_stay():
    model = tc.hf_model("llama", parametrization=tc.MAXIMAL_UPDATE, key_value_heads=2)
    assert [model.build(width).config.num_key_value_heads for width in (64, 128)] == [2, 2]
    sizes = growth(model)
    assert sizes["model.layers.0.self_attn.k_proj.weight"] == pytest.approx(1 / 4, rel=0.02)
    assert sizes["model.layers.0.self_attn.q_proj.weight"] == pytest.approx(1 / 2, rel=0.02)


@pytest.mark.parametrize("given", ["gpt3", "meta-llama/Llama-3.1-8B", 7])
def test_what_is_not_known_is_refused_with_the_way_out(given):
    with pytest.raises(
        tc.ModelError, match=r"known .* are gpt2, llama.*; got .*Write tc\.Model\(build.*tc\.parametrized"
    ):
        tc.hf_model(given)


def test_a_config_of_another_architecture_is_refused(transformers):
    with pytest.raises(tc.ModelError, match="got 'opt'"):
        tc.hf_model(transformers.OPTConfig())


def test_without_transformers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"pip install 'theorychecks\[hf\]'"):
        tc.hf_model("gpt2").build(64)


def test_key_value_heads_of_what_has_none_are_refused():
    with pytest.raises(tc.ModelError, match=r"gpt2 has no key and value heads of their own.*llama, mixtral"):
        tc.hf_model("gpt2", key_value_heads=2)
    with pytest.raises(ValueError, match="key_value_heads is a positive integer"):
        tc.hf_model("llama", key_value_heads=0.5)
