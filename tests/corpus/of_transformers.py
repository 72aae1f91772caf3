"""Correct models of Hugging Face's transformers: nine architectures, from configs."""

import functools

import torch
from torch import nn

import theorychecks as tc
from tests.corpus.entry import Entry

BASE, TOKENS, LENGTH = 64, 48, 12
WIDTHS, EVEN = (64, 112, 192, 320, 512), (64, 128, 192, 320, 512)
DRAW = torch.Generator().manual_seed(5)


# The next token is a function of the last one.
TEXT = (torch.randint(TOKENS, (4, 1), generator=DRAW) + 7 * torch.arange(LENGTH)) % TOKENS
SENTENCES = [{"input_ids": TEXT, "labels": TEXT}] * 4
IMAGES = [{"pixel_values": torch.randn(4, 3, 16, 16, generator=DRAW), "labels": torch.arange(4)}] * 4


def adamw(module, rate=1e-3):
    return torch.optim.AdamW(module.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.0)


def settings(width, **more):
    """What configs of language models have in common: heads of sixteen, two layers, a readout of its own."""
    common = {
        "vocab_size": TOKENS,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": width // 16,
        "max_position_embeddings": LENGTH,
        "initializer_range": BASE**-0.5,
        "tie_word_embeddings": False,
        "use_cache": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    return common | more


def qwen2(width):
    """Queries in groups: two heads of keys and values at every width; biases of queries, keys and values."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(Qwen2Config(**settings(width, num_key_value_heads=2)))


def gpt_neox(width):
    """Attention and perceptron side by side, a quarter of each head rotated, and weights of 0.02 at the base width."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    small = settings(width, intermediate_size=4 * width, initializer_range=0.02)
    return GPTNeoXForCausalLM(GPTNeoXConfig(**small, use_parallel_residual=True, hidden_dropout=0.0))


def convnext(width):
    """Two stages of one block each, of which the second one is twice as wide; branches are scaled by a tenth."""
    from transformers import ConvNextConfig, ConvNextForImageClassification

    return ConvNextForImageClassification(
        ConvNextConfig(
            hidden_sizes=[width, 2 * width],
            depths=[1, 1],
            num_stages=2,
            image_size=16,
            num_labels=10,
            layer_scale_init_value=0.1,
            initializer_range=32**-0.5,
            drop_path_rate=0.0,
        )
    )


def gemma(width):
    """Embeddings are multiplied by the root of the width, and are so much smaller, as is their learning rate."""
    from transformers import GemmaConfig, GemmaForCausalLM

    module = GemmaForCausalLM(GemmaConfig(**settings(width, num_key_value_heads=width // 16, head_dim=16)))
    for name, parameter in module.named_parameters():
        if "lm_head" in name:
            nn.init.normal_(parameter, std=BASE**0.5 / width)
        elif "embed" in name:
            nn.init.normal_(parameter, std=width**-0.5)
        elif parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    return module


def gemma_adam(module, rate=1e-3):
    ratio = BASE / module.config.hidden_size
    named = dict(module.named_parameters())
    embedding = named.pop("model.embed_tokens.weight")
    groups = [
        {"params": [embedding], "lr": rate / 8 * ratio**0.5},
        {"params": [p for p in named.values() if p.ndim > 1], "lr": rate * ratio},
        {"params": [p for p in named.values() if p.ndim == 1], "lr": rate},
    ]
    return torch.optim.Adam(groups)


def granite(width):
    """Four heads that grow, and multipliers of embeddings, logits of attention, branches and outputs."""
    from transformers import GraniteConfig, GraniteForCausalLM

    ratio = width / BASE
    config = settings(width, num_attention_heads=4, num_key_value_heads=2, initializer_range=0.1)
    module = GraniteForCausalLM(
        GraniteConfig(
            **config,
            embedding_multiplier=12.0,
            attention_multiplier=4 / (width // 4),
            residual_multiplier=0.22,
            logits_scaling=8 * ratio,
        )
    )
    for name, parameter in module.named_parameters():
        if "layers" in name and parameter.ndim > 1:
            parameter.data.mul_(ratio**-0.5)
    return module


def granite_adamw(module, rate=2e-3):
    named = dict(module.named_parameters())
    hidden = {name for name, parameter in named.items() if "layers" in name and parameter.ndim > 1}
    scaled = {"params": [named[name] for name in hidden], "lr": rate * BASE / module.config.hidden_size}
    others = {"params": [parameter for name, parameter in named.items() if name not in hidden]}
    return torch.optim.AdamW([others, scaled], lr=rate, weight_decay=0.0)


def in_maximal_update(build, batches, base_width=BASE):
    model = tc.Model(build, adamw, batches, name=build.__name__)
    return tc.parametrized(model, tc.MAXIMAL_UPDATE, base_width=base_width)


def preset(kind, **settings_of_config):
    """A preset of a config: an owner's one that is not the default."""
    import transformers

    config = transformers.AutoConfig.for_model(kind, **settings_of_config)
    return tc.hf_model(config, parametrization=tc.MAXIMAL_UPDATE, length=LENGTH, vocabulary=TOKENS)


ENTRIES = (
    Entry(
        "llama",
        functools.partial(preset, "llama", num_attention_heads=4, num_key_value_heads=2),
        (64, 128, 192, 320, 512),
    ),
    Entry("qwen2", lambda: in_maximal_update(qwen2, SENTENCES), EVEN),
    Entry("t5", functools.partial(preset, "t5", d_ff=1024, feed_forward_proj="gated-gelu"), WIDTHS),
    Entry("mamba", functools.partial(preset, "mamba", state_size=8), WIDTHS),
    Entry(
        "mixtral",
        functools.partial(
            preset,
            "mixtral",
            intermediate_size=4096,
            num_attention_heads=4,
            num_key_value_heads=2,
            num_experts_per_tok=2,
        ),
        EVEN,
    ),
    Entry("gpt_neox", lambda: in_maximal_update(gpt_neox, SENTENCES), WIDTHS),
    Entry("convnext", lambda: in_maximal_update(convnext, IMAGES, base_width=32), (32, 56, 96, 160, 256)),
    Entry("gemma", lambda: tc.Model(gemma, gemma_adam, SENTENCES, name="gemma"), WIDTHS),
    Entry("granite", lambda: tc.Model(granite, granite_adamw, SENTENCES, name="granite"), WIDTHS),
)
