"""Hugging Face: families over a width of models of its library transformers, from configs; nothing is downloaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from theorychecks.arguments import whole_number
from theorychecks.models import Model, ModelError
from theorychecks.networks import Parametrization
from theorychecks.presets.parametrized import parametrized

KNOWN: Final = {
    "gpt2": "CausalLM",
    "llama": "CausalLM",
    "mixtral": "CausalLM",
    "mamba": "CausalLM",
    "t5": "Seq2SeqLM",
    "bert": "MaskedLM",
    "vit": "ImageClassification",
}
"""Architectures by the `model_type` of their configs, and the task that each is built for."""
_SHARES_HEADS: Final = ("llama", "mixtral")
"""Architectures that may have fewer heads of keys and values than of queries."""
_ROLES: Final = {"mamba": {f"*.{name}": "input" for name in ("A_log", "conv1d.weight", "dt_proj.weight")}}
"""Of matrices that a module uses without calling the layers that they belong to, whose shapes do not tell."""
_GROWING: Final = ("intermediate_size", "d_ff", "n_inner", "pooler_output_size")
"""Sizes that grow with the hidden one, in the proportion of the config."""
_LEFT_OUT: Final = ("model_type", "id2label", "label2id", "dtype", "torch_dtype")
"""What a config says of itself, of classes, and of the precision: a model has torch's default one, float32."""
_SEQUENCES, _STEPS, _CLASSES, _EXPERTS, _PATCH = 4, 4, 10, 4, 4


def hf_model(
    config: Any,
    *,
    parametrization: Parametrization | None = None,
    base_width: int = 64,
    head_size: int = 16,
    key_value_heads: int | None = None,
    layers: int = 2,
    vocabulary: int = 32,
    length: int = 8,
    rate: float = 1e-3,
) -> Model:
    """A family over the hidden size of one of Hugging Face's architectures, small, on random tokens or images.

    The width is the hidden size; intermediate sizes grow in the config's proportion, and heads in number, at one size.
    Readouts have weights of their own, dropout is off, experts are four at most, and AdamW does not decay. Parameters
    are float32 whatever the config says.

    Args:
        config: of transformers, or the name of an architecture, "gpt2", of which the default config is taken.
        parametrization: of initial weights and learning rates by role, which at the base width are Hugging Face's with
            an `initializer_range` of base_width^-1/2, and one rate. None leaves them so at every width.
        base_width: from which they scale.
        head_size: entries of a head.
        key_value_heads: so many at every width; as the config has it in proportion to its heads unless given.
        layers: of encoder and decoder each.
        vocabulary: number of tokens.
        length: of sequences, four of which are one batch; of images at most so many patches, a square number.
        rate: AdamW's learning rate.

    Raises:
        ModelError: for an architecture that is not known here.
    """
    kind = config if isinstance(config, str) else getattr(config, "model_type", None)
    if kind not in KNOWN:
        raise ModelError(
            f"architectures known by their config's model_type are {', '.join(KNOWN)}; got {kind or config!r}. "
            "A config is not downloaded. Write tc.Model(build, ...) for another one, and tc.parametrized(model, "
            "tc.MAXIMAL_UPDATE, base_width=64) for its initial weights and learning rates by role."
        )
    sizes = {"base_width": base_width, "head_size": head_size, "layers": layers, "vocabulary": vocabulary}
    for name, value in (sizes | {"length": length}).items():
        whole_number(value, name)
    if key_value_heads is not None:
        whole_number(key_value_heads, "key_value_heads")
        if kind not in _SHARES_HEADS:
            raise ModelError(
                f"{kind} has no key and value heads of their own, so that key_value_heads={key_value_heads} says "
                f"nothing; architectures that have some are {', '.join(_SHARES_HEADS)}"
            )
    given = {} if isinstance(config, str) else config.to_dict()
    fixed: dict[str, Any] = {
        "num_hidden_layers": layers,
        "num_decoder_layers": layers,
        "vocab_size": vocabulary,
        "max_position_embeddings": length,
        "image_size": _PATCH * math.isqrt(length),
        "patch_size": _PATCH,
        "head_dim": head_size,
        "num_local_experts": _EXPERTS,
        "time_step_rank": _PATCH,
        "use_cache": False,
    }
    if parametrization is not None:
        fixed["initializer_range"] = base_width**-0.5
    # Gradients fall as the width grows; those of Mamba's decays are as small as Adam's own epsilon.
    epsilon = 1e-8 if parametrization is None else 1e-20
    family = _Family(kind, given, fixed, head_size, key_value_heads)
    model = Model(
        family.build,
        lambda module: torch.optim.AdamW(module.parameters(), lr=rate, eps=epsilon, weight_decay=0.0),
        [family.batch(length, vocabulary)] * _STEPS,
        roles=_ROLES.get(kind, {}),
        name=kind,
    )
    return model if parametrization is None else parametrized(model, parametrization, base_width=base_width)


@dataclass(frozen=True)
class _Family:
    """A model of transformers at any width.

    Attributes:
        kind: the config's `model_type`.
        given: settings of the config; the default ones of its kind where there are none.
        fixed: settings that are the same at every width, by the names that most configs have, where a config has them.
        head_size: of all heads.
        key_value_heads: their number, or none where it grows with the heads.
    """

    kind: str
    given: Mapping[str, Any]
    fixed: Mapping[str, Any]
    head_size: int
    key_value_heads: int | None

    def build(self, width: int) -> nn.Module:
        """The model of this hidden size.

        Raises:
            ImportError: without transformers.
            ModelError: for a width that heads do not divide.
        """
        transformers = _library()
        default = transformers.AutoConfig.for_model(self.kind)
        settings = self._settings(width, self.given or default.to_dict(), default.attribute_map)
        special = 0 if default.is_encoder_decoder else None
        settings |= {"bos_token_id": None, "eos_token_id": None, "pad_token_id": special, "num_labels": _CLASSES}
        # In BERT what is not tied is not used, so that readouts are untied below.
        settings["tie_word_embeddings"] = True
        config = transformers.AutoConfig.for_model(self.kind, **settings, decoder_start_token_id=special)
        if hasattr(config, "scale_decoder_outputs"):
            # By n^-1/2, in a T5 whose readout is tied.
            config.scale_decoder_outputs = False
        module: nn.Module = getattr(transformers, f"AutoModelFor{KNOWN[self.kind]}").from_config(config)
        if (readout := module.get_output_embeddings()) is not None:  # type: ignore[operator]
            readout.weight = nn.Parameter(readout.weight.detach().clone())
            if "initializer_range" in self.fixed:
                nn.init.normal_(readout.weight, std=self.fixed["initializer_range"])
        return module

    def _settings(self, width: int, given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        """Those of a config at a width; `names` are its own ones of those that most configs have."""
        settings = {name: value for name, value in given.items() if value is not None and name not in _LEFT_OUT}

        def old(name: str) -> Any:
            return settings.get(names.get(name, name))

        group = self.key_value_heads or 1
        if (shared := old("num_key_value_heads")) and not self.key_value_heads:
            group = old("num_attention_heads") // shared
        if width % (self.head_size * group):
            raise ModelError(
                f"{self.kind} has heads of size {self.head_size} in groups of {group}, so widths are multiples of "
                f"{self.head_size * group}; got {width}"
            )
        heads = width // self.head_size
        changes = {name: old(name) * width // old("hidden_size") for name in _GROWING if old(name)}
        changes |= {"hidden_size": width, "num_attention_heads": heads, **self.fixed}
        changes["num_key_value_heads"] = self.key_value_heads or heads // group
        changes |= {name: 0.0 for name, value in settings.items() if "drop" in name and isinstance(value, float)}
        changes = {names.get(name, name): value for name, value in changes.items()}
        return settings | {name: value for name, value in changes.items() if name in settings}

    def batch(self, length: int, vocabulary: int) -> dict[str, Tensor]:
        """Random inputs and labels, as keywords of the model."""
        draw = torch.Generator().manual_seed(0)
        if KNOWN[self.kind] == "ImageClassification":
            size, channels = self.fixed["image_size"], self.given.get("num_channels", 3)
            images = torch.randn(_SEQUENCES, channels, size, size, generator=draw)
            return {"pixel_values": images, "labels": torch.arange(_SEQUENCES)}
        tokens = torch.randint(1, vocabulary, (_SEQUENCES, length), generator=draw)
        return {"input_ids": tokens, "labels": tokens.roll(1, dims=0)}


def _library() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ImportError("hf_model builds models of transformers: pip install 'theorychecks[hf]'") from error
    return transformers
