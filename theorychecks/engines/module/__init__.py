"""The module engine: anybody's model, trained by its own optimizer, and read as the package's networks are."""

from theorychecks.engines.module.layers import ModuleLayer as ModuleLayer
from theorychecks.engines.module.run import ModuleRun as ModuleRun
from theorychecks.engines.module.trainer import Trainer as Trainer
