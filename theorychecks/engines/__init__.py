"""How a training is carried out: by stored matrices, by products alone, or by anybody's module; one interface."""

from theorychecks.engines.run import Histories as Histories
from theorychecks.engines.run import Limits as Limits
from theorychecks.engines.run import Norm as Norm
from theorychecks.engines.run import Points as Points
from theorychecks.engines.run import Retrainable as Retrainable
from theorychecks.engines.run import Run as Run
from theorychecks.engines.run import Unanswerable as Unanswerable
