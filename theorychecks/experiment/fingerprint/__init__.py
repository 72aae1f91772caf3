"""Fingerprints: digests of values and of the code that makes numbers from them, under which measured cells are kept."""

from theorychecks.experiment.fingerprint.digest import changed as changed
from theorychecks.experiment.fingerprint.digest import fingerprint as fingerprint
from theorychecks.experiment.fingerprint.digest import names_in as names_in
from theorychecks.experiment.fingerprint.digest import parts as parts
from theorychecks.experiment.fingerprint.graph import Unfingerprintable as Unfingerprintable
