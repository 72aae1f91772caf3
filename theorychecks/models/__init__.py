"""Anybody's torch modules: a model described, its parts told apart, trained, and read off while it trains."""

from theorychecks.models.adjustment import Adjustment as Adjustment
from theorychecks.models.errors import ModelError as ModelError
from theorychecks.models.model import Model as Model
from theorychecks.models.part import ROLES as ROLES
from theorychecks.models.part import Part as Part
from theorychecks.models.roles import Anatomy as Anatomy
from theorychecks.models.roles import anatomy as anatomy
