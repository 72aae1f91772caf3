"""Anybody's torch modules: a model described, its parts told apart, trained, and read off while it trains."""

from theorychecks.modules.adjustment import Adjustment as Adjustment
from theorychecks.modules.errors import ModelError as ModelError
from theorychecks.modules.model import Model as Model
from theorychecks.modules.roles import ROLES as ROLES
from theorychecks.modules.roles import Anatomy as Anatomy
from theorychecks.modules.roles import Part as Part
from theorychecks.modules.roles import anatomy as anatomy
