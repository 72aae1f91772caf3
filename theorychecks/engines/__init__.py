"""How a training is carried out: by stored matrices, or by products alone; one interface for both."""

from theorychecks.engines.descent import Limits as Limits
from theorychecks.engines.run import Histories as Histories
from theorychecks.engines.run import Norm as Norm
from theorychecks.engines.run import Points as Points
from theorychecks.engines.run import Run as Run
from theorychecks.engines.run import Unanswerable as Unanswerable
