"""The store: measured cells as files, by what made them. Needs numpy only, so that whoever judges can read it."""

from theorychecks.store.archive import export_to as export_to
from theorychecks.store.archive import import_from as import_from
from theorychecks.store.archive import write_archive as write_archive
from theorychecks.store.blocks import StoredBlock as StoredBlock
from theorychecks.store.blocks import StoredReading as StoredReading
from theorychecks.store.directory import Store as Store
from theorychecks.store.errors import NewerFormatError as NewerFormatError
from theorychecks.store.errors import StoreError as StoreError
from theorychecks.store.evidence import Evidence as Evidence
from theorychecks.store.upkeep import prune as prune
from theorychecks.store.upkeep import survey as survey
from theorychecks.store.upkeep import verify as verify
