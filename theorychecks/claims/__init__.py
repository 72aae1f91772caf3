"""Claims: statements of theory as tests, with predictions that must hold and controls that must not."""

from theorychecks.claims.checking import ClaimFailure as ClaimFailure
from theorychecks.claims.checking import ClaimUndecided as ClaimUndecided
from theorychecks.claims.checking import check as check
from theorychecks.claims.checking import check_refuted as check_refuted
from theorychecks.claims.declaration import Claim as Claim
from theorychecks.claims.declaration import ClaimError as ClaimError
from theorychecks.claims.declaration import Paper as Paper
from theorychecks.claims.declaration import claim as claim
from theorychecks.claims.declaration import claim_of as claim_of
from theorychecks.claims.declaration import gate as gate
from theorychecks.claims.declaration import shown as shown
from theorychecks.claims.recording import Recorder as Recorder
from theorychecks.claims.recording import recording as recording
