"""Numbers read off trainings."""

from theorychecks.observables.alignment import alignment as alignment
from theorychecks.observables.alignment import update_size as update_size
from theorychecks.observables.balance import balance_drift as balance_drift
from theorychecks.observables.features import feature_change as feature_change
from theorychecks.observables.features import initial_output as initial_output
from theorychecks.observables.features import output_change as output_change
from theorychecks.observables.flips import switched_off as switched_off
from theorychecks.observables.kernel_gap import ensemble_kernel_gap as ensemble_kernel_gap
from theorychecks.observables.kernel_gap import kernel_gap as kernel_gap
from theorychecks.observables.kernel_gap import tangent_kernel_drift as tangent_kernel_drift
from theorychecks.observables.linearised import linearisation_error as linearisation_error
from theorychecks.observables.linearised import residual_mode_error as residual_mode_error
from theorychecks.observables.observable import Observable as Observable
from theorychecks.observables.observable import Reading as Reading
from theorychecks.observables.observable import Trial as Trial
from theorychecks.observables.observable import from_run as from_run
from theorychecks.observables.observable import observable as observable
from theorychecks.observables.observable import together as together
from theorychecks.observables.stability import max_stable_learning_rate as max_stable_learning_rate
from theorychecks.observables.weights import weight_change as weight_change
