"""How a training is carried out. There is one engine so far; the interface leaves room for others."""

from theorychecks.engines.run import Norm as Norm
from theorychecks.engines.run import Points as Points
from theorychecks.engines.run import Run as Run
