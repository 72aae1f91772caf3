"""The global state that a model of anybody's may touch, to be compared before and after."""

import random

import numpy as np
import torch


def state_of_the_world():
    """Generators, threads, the default dtype, determinism and autograd's mode, as plain values."""
    # Models draw from numpy's global generator, so that is the one to be looked at.
    numpy = np.random.get_state()  # noqa: NPY002 - the global one is meant
    return {
        "torch": torch.get_rng_state().tolist(),
        "python": random.getstate(),
        "numpy": [part.tolist() if isinstance(part, np.ndarray) else part for part in numpy],
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "gradients": torch.is_grad_enabled(),
    }
