"""A run whose numbers are all stored measures nothing: claims of every kind, in another process, with another hash seed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Sweeps by both engines, with SGD and Adam; quantities that train, of particles, kernels and flows; a gate on a model.
CLAIMS = [
    "test_alignment.py::test_initial_weights_see_hidden_updates_as_random_and_the_readout_does_not",
    "test_controlled_divergence.py::test_features_move_by_layer",
    "test_feature_learning_strength.py::test_the_angle_of_neurons_to_their_own_class_is_linear_in_the_scale",
    "test_layerwise_rates.py::test_adam_updates_of_hidden_and_output_layers_grow_in_proportion_to_the_width",
    "test_lazy_regime.py::test_kernel_and_linearisation_are_off_by_at_most_one_over_root_width",
    "test_lazy_regime.py::test_modes_of_the_residual_decay_exponentially_for_small_steps",
    "test_mean_field.py::test_empirical_measures_approach_their_law_slowly_in_many_dimensions",
    "test_output_scale.py::test_networks_become_lazy_with_their_output_scale",
    "test_precision.py::test_gradients_underflow_to_zero_at_the_predicted_width",
    "test_products_of_weights.py::test_loss_curves_of_large_strengths_coincide_after_rescaling_time",
    "test_random_features.py::test_one_hidden_layer_has_an_unbiased_kernel",
    "test_separation.py::test_estimated_samples_to_half_error_grow_like_a_power_of_the_dimension",
    "test_stable_rates.py::test_the_best_rate_transfers_under_maximal_update",
    "test_your_model.py::test_perceptron_is_in_maximal_update",
]
MEASURES_NOTHING = """
from theorychecks.experiment.cells import Cell


def block(self, seeds):
    raise AssertionError(f"measured again: {self.description}, seeds {list(seeds)}")


Cell.block = block
"""


def run(directory, hash_seed, *options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--theory-profile=quick", *options]
    command += [f"--theory-store={directory / 'store'}", f"--theory-report={directory / hash_seed}"]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}"}
    claims = [f"properties/{claim}" for claim in CLAIMS]
    ran = subprocess.run(
        [*command, *claims], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [
        int(number.replace(",", "")) for number in re.findall(r"store: ([\d,]+) .*?, ([\d,]+) taken", ran.stdout)[0]
    ]


@pytest.mark.slow
def test_a_warm_run_measures_nothing(tmp_path):
    (tmp_path / "measures_nothing.py").write_text(MEASURES_NOTHING)
    measured, taken = run(tmp_path, "1")
    assert taken == 0
    assert run(tmp_path, "2", "-p", "measures_nothing") == [0, measured]
