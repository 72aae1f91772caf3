"""Presets: families of models over a width that somebody else has written, in a parametrization."""

from theorychecks.presets.base_shapes import mup_model as mup_model
from theorychecks.presets.hugging_face import hf_model as hf_model
from theorychecks.presets.lightning import lightning_model as lightning_model
from theorychecks.presets.parametrized import parametrized as parametrized
